package journal_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/journal"
)

// witnessed is a head that kiosk and portal signed.
func witnessed(t testing.TB, w *specimen.World, size int64) *journal.Head {
	t.Helper()
	c := journal.Checkpoint{Origin: "K-000001/e0", Size: size, Root: journal.Hash{byte(size)}, Counter: 7}
	h, err := c.Sign("K-000001", w.Device.Signing.Signer(), at, false)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := h.Signature(w.PortalReceipt.Signer(), at, false)
	if err != nil {
		t.Fatal(err)
	}
	if h, err = h.With("portal.specimen", w.PortalReceipt.Cert, sig); err != nil {
		t.Fatal(err)
	}
	return h
}

// TestPack packs a head in every way and unpacks it.
func TestPack(t *testing.T) {
	w := world(t)
	old, head := witnessed(t, w, 3), witnessed(t, w, 5)
	up, down := head.Only("K-000001"), head.Only("portal.specimen")
	for _, tt := range []struct {
		what             string
		head, base, same *journal.Head
		most             int
	}{
		{"by itself", up, nil, nil, 450},
		{"to the one before", up, old, nil, 200},
		{"the answer", down, nil, up, 330},
		{"the answer, to the one before", down, old, up, 150},
	} {
		b, err := tt.head.Pack(tt.base, tt.same)
		if err != nil {
			t.Fatal(err)
		}
		got, err := journal.Unpack(b, "K-000001/e0", tt.base, tt.same)
		if err != nil || !bytes.Equal(got.Marshal(), tt.head.Marshal()) {
			t.Errorf("%s: Unpack = %v, %v, want the head", tt.what, got, err)
		}
		if len(b) > tt.most {
			t.Errorf("%s: %d bytes, want at most %d of %d", tt.what, len(b), tt.most, len(tt.head.Marshal()))
		}
		if packed, based := journal.Packed(b); !packed || based != (tt.base != nil) {
			t.Errorf("%s: Packed = %v, %v", tt.what, packed, based)
		}
		if tt.base == nil && tt.same == nil {
			continue
		}
		if _, err := journal.Unpack(b, "K-000001/e0", nil, nil); !errors.Is(err, journal.ErrBase) || !errors.Is(err, journal.ErrHead) {
			t.Errorf("%s: without what it is packed against: %v, want ErrBase", tt.what, err)
		}
	}
	if packed, _ := journal.Packed(head.Marshal()); packed {
		t.Error("a note counts as packed")
	}
	if old.Digest() == head.Digest() || head.Digest() == up.Digest() {
		t.Error("two heads have one digest")
	}
	turned, err := down.Join(up)
	if err != nil || turned.Digest() != head.Digest() {
		t.Errorf("the order of signatures counts: %v", err)
	}
}

// TestUnpackChanged: whatever bit changes, no other head is made of it that its
// signers did not sign.
func TestUnpackChanged(t *testing.T) {
	w := world(t)
	old, head := witnessed(t, w, 3), witnessed(t, w, 5).Only("K-000001")
	good, err := head.Pack(old, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		for bit := range 8 {
			b := bytes.Clone(good)
			b[i] ^= 1 << bit
			h, err := journal.Unpack(b, "K-000001/e0", old, head)
			if err != nil {
				continue
			}
			if _, err := h.Verify("K-000001", w.Device.Signing.Cert); err == nil && !bytes.Equal(h.Marshal(), head.Marshal()) {
				t.Errorf("byte %d, bit %d: another head that verifies", i, bit)
			}
		}
		if _, err := journal.Unpack(good[:i], "K-000001/e0", old, nil); err == nil {
			t.Errorf("the first %d bytes are a head", i)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	w := world(f)
	old, head := witnessed(f, w, 3), witnessed(f, w, 5)
	for _, base := range []*journal.Head{nil, old} {
		for _, same := range []*journal.Head{nil, head} {
			b, err := head.Pack(base, same)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := journal.Unpack(b, "K-000001/e0", old, head)
		if err != nil {
			return
		}
		again, err := journal.ParseHead(h.Marshal())
		if err != nil || len(h.Marshal()) > journal.MaxHead || again.Origin != "K-000001/e0" {
			t.Errorf("unpack then parse: %v", err)
		}
	})
}
