package edoc_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

// again reads what is written.
func again(t *testing.T, c *edoc.Container) *edoc.Container {
	t.Helper()
	e, err := edoc.Parse(c.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(e.Bytes(), c.Bytes()) {
		t.Error("read and written again it is another file")
	}
	return e
}

func TestLevels(t *testing.T) {
	w := world(t)
	c1 := card(t, w, "citizen-1")
	bb := sign(t, request(c1), c1.Slots[specimen.SlotSign].Signer(), now)
	two, err := bb.Cosign(w.Device.Signing.Signer(), now)
	if err != nil {
		t.Fatal(err)
	}
	witnessed, err := two.CounterSign(0, card(t, w, "assistant").Slots[specimen.SlotSign].Signer(), now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := witnessed.Complete(w.Trust()); !errors.Is(err, edoc.ErrNoStamp) {
		t.Errorf("Complete without a time stamp = %v, want ErrNoStamp", err)
	}
	first, err := witnessed.Stamp(t.Context(), authority(t, w, now))
	if err != nil {
		t.Fatal(err)
	}
	both, err := first.StampAt(t.Context(), 1, authority(t, w, now))
	if err != nil {
		t.Fatal(err)
	}
	half, err := first.Complete(w.Trust())
	if err != nil {
		t.Fatal(err)
	}
	full, err := both.Complete(w.Trust())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name string
		c    *edoc.Container
		want [2]edoc.Level
	}{
		{"as made", two, [2]edoc.Level{edoc.BB, edoc.BB}},
		{"first stamped", first, [2]edoc.Level{edoc.BT, edoc.BB}},
		{"both stamped", both, [2]edoc.Level{edoc.BT, edoc.BT}},
		{"first complete", half, [2]edoc.Level{edoc.BLT, edoc.BB}},
		{"both complete", full, [2]edoc.Level{edoc.BLT, edoc.BLT}},
	} {
		for _, c := range []*edoc.Container{x.c, again(t, x.c)} {
			if got := [2]edoc.Level{c.Level(0), c.Level(1)}; got != x.want {
				t.Errorf("%s: levels %v, want %v", x.name, got, x.want)
			}
			if c.Level(2) != 0 || c.Level(-1) != 0 {
				t.Errorf("%s: a signature that is not there has a level", x.name)
			}
			if c.ID() != bb.ID() || c.SignatureDigest() != bb.SignatureDigest() {
				t.Errorf("%s: it is another document", x.name)
			}
			if r := c.Verify(w.Trust(), now); !r.Accepted() {
				t.Errorf("%s: not accepted: %v %v %v", x.name, r.Whole, r.Signer, r.Revocation)
			}
		}
		if x.c == two {
			continue
		}
		counters := again(t, x.c).Signatures()[0].CounterSignatures()
		if len(counters) != 1 {
			t.Fatalf("%s: %d counter-signatures, want 1", x.name, len(counters))
		}
		if _, err := counters[0].Verify(); err != nil {
			t.Errorf("%s: the counter-signature: %v", x.name, err)
		}
	}
	if same, err := full.Complete(w.Trust()); err != nil || !bytes.Equal(same.Bytes(), full.Bytes()) {
		t.Errorf("Complete of what is complete = %v, want the same bytes", err)
	}
	if late, err := full.CounterSign(1, w.Device.Signing.Signer(), now); err != nil || again(t, late).Level(1) != edoc.BLT {
		t.Errorf("counter-signed after: %v, want B-LT as before", err)
	}
	for _, n := range []int{-1, 2} {
		if _, err := full.CounterSign(n, w.Device.Signing.Signer(), now); err == nil {
			t.Errorf("CounterSign(%d): want an error", n)
		}
		if _, err := full.StampAt(t.Context(), n, authority(t, w, now)); err == nil {
			t.Errorf("StampAt(%d): want an error", n)
		}
	}
}

func TestCompleteLacks(t *testing.T) {
	w := world(t)
	c1 := card(t, w, "citizen-1")
	bt, err := sign(t, request(c1), c1.Slots[specimen.SlotSign].Signer(), now).Stamp(t.Context(), authority(t, w, now))
	if err != nil {
		t.Fatal(err)
	}
	var many []x509.RevocationListEntry
	for i := range edoc.MaxValidation / 16 {
		many = append(many, x509.RevocationListEntry{SerialNumber: big.NewInt(int64(i + 1)), RevocationTime: now})
	}
	long, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(99), ThisUpdate: now.Add(time.Second), NextUpdate: now.AddDate(0, 1, 0), RevokedCertificateEntries: many,
	}, w.Citizens.Cert, w.Citizens.Key)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(b *trust.Bundle){
		"no lists":                   func(b *trust.Bundle) { b.CRLs = nil },
		"no centres":                 func(b *trust.Bundle) { b.Centres = nil },
		"another's lists":            func(b *trust.Bundle) { b.CRLs = stranger(t).Trust().CRLs },
		"a list that is not one":     func(b *trust.Bundle) { b.CRLs = [][]byte{[]byte("x")} },
		"a list that is much longer": func(b *trust.Bundle) { b.CRLs = append([][]byte{long}, b.CRLs...) },
	} {
		b := *w.Trust()
		change(&b)
		if _, err := bt.Complete(&b); !errors.Is(err, edoc.ErrIncomplete) {
			t.Errorf("%s: Complete = %v, want ErrIncomplete", name, err)
		}
	}
	// Of an authority that the bundle does not know.
	a, err := tsp.NewAuthority(stranger(t).TSA.Signer(), nil)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := bt.WithoutStamp().Stamp(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := foreign.Complete(w.Trust()); !errors.Is(err, edoc.ErrIncomplete) {
		t.Errorf("stamped by a stranger: Complete = %v, want ErrIncomplete", err)
	}
}

func stranger(t *testing.T) *specimen.World {
	t.Helper()
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// OCSP responses serve as well as lists; one about somebody else does not.
func TestLevelByResponses(t *testing.T) {
	w := world(t)
	c1 := card(t, w, "citizen-1").Slots[specimen.SlotSign]
	bt, err := sign(t, request(card(t, w, "citizen-1")), c1.Signer(), now).Stamp(t.Context(), authority(t, w, now))
	if err != nil {
		t.Fatal(err)
	}
	response := func(centre specimen.Identity, cert *x509.Certificate) []byte {
		r, err := w.OCSP(centre, cert, now)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	signer, tsa := response(w.Citizens, c1.Cert), response(w.Infrastructure, w.TSA.Cert)
	other := response(w.Citizens, card(t, w, "citizen-2").Slots[specimen.SlotSign].Cert)
	centres := []*x509.Certificate{w.Citizens.Cert, w.Infrastructure.Cert}
	for _, x := range []struct {
		name  string
		certs []*x509.Certificate
		ocsps [][]byte
		want  edoc.Level
	}{
		{"both", centres, [][]byte{signer, tsa}, edoc.BLT},
		{"of the signer alone", centres, [][]byte{signer}, edoc.BT},
		{"about another", centres, [][]byte{other, tsa}, edoc.BT},
		{"without the centres", nil, [][]byte{signer, tsa}, edoc.BT},
	} {
		p7s := bt.Signatures()[0].WithValidation(x.certs, nil, x.ocsps).Bytes()
		files, err := asic.Read(bt.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		c, err := edoc.Parse(zipOf(nil, with(files, asic.SignatureName(1), func([]byte) []byte { return p7s })...))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Level(0); got != x.want {
			t.Errorf("%s: %v, want %v", x.name, got, x.want)
		}
		if r := c.Verify(w.Trust(), now); !r.Accepted() {
			t.Errorf("%s: not accepted: %v %v %v", x.name, r.Whole, r.Signer, r.Revocation)
		}
	}
}
