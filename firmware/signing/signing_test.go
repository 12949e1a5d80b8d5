package signing

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/piv"
	"github.com/penjire/penjire/firmware/identity/cardtest"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

var made = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

type bench struct {
	w    *specimen.World
	spec specimen.Card
	r    *cardtest.Reader
	gen  uint64
	want [32]byte
}

func setUp(t *testing.T) bench {
	t.Helper()
	w, err := specimen.New(made)
	if err != nil {
		t.Fatal(err)
	}
	spec, _ := w.Card("citizen-1")
	c, err := cardtest.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	b := bench{w: w, spec: spec, r: new(cardtest.Reader), want: sha256.Sum256(spec.Slots[specimen.SlotSign].Cert.Raw)}
	b.gen = b.r.Insert(c)
	return b
}

func TestCardSigns(t *testing.T) {
	b := setUp(t)
	c, err := Unlock(t.Context(), b.r, b.gen, b.want, citizen.NewText(b.spec.PIN))
	if err != nil {
		t.Fatal(err)
	}
	s := c.Signer(b.w.Trust())
	if len(s.Chain) != 1 {
		t.Errorf("issuers in the signature: got %d, want the citizens' centre", len(s.Chain))
	}
	der, err := cms.Sign([]byte("manifest"), s, made)
	if err != nil {
		t.Fatal(err)
	}
	sd, err := cms.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sd.Verify([]byte("manifest")); err != nil {
		t.Errorf("the card's signature: %v", err)
	}
}

func TestCardOpens(t *testing.T) {
	b := setUp(t)
	sealed, err := envelope.Seal([]byte("answer"), b.spec.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	c, err := Unlock(t.Context(), b.r, b.gen, b.want, citizen.NewText(b.spec.PIN))
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.Opener()
	if err != nil {
		t.Fatal(err)
	}
	got, err := envelope.Open(sealed, id)
	if string(got) != "answer" || err != nil {
		t.Errorf("Open = %q, %v, want answer, nil", got, err)
	}
}

// A wrong PIN costs one try, says how many are left, and the third blocks.
func TestWrongPIN(t *testing.T) {
	b := setUp(t)
	for _, left := range []int{2, 1, 0} {
		_, err := Unlock(t.Context(), b.r, b.gen, b.want, citizen.NewText("000000"))
		var e *piv.PINError
		if !errors.As(err, &e) || e.Left != left || e.Blocked != (left == 0) {
			t.Fatalf("Unlock = %v, want a wrong PIN with %d left", err, left)
		}
	}
	_, err := Unlock(t.Context(), b.r, b.gen, b.want, citizen.NewText(b.spec.PIN))
	var e *piv.PINError
	if !errors.As(err, &e) || !e.Blocked {
		t.Errorf("Unlock of a blocked card with the right PIN = %v, want blocked", err)
	}
}

// The PIN of one citizen is not given to the card of another.
func TestOtherCardGetsNoPIN(t *testing.T) {
	b := setUp(t)
	spec, _ := b.w.Card("citizen-2")
	c, err := cardtest.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Unlock(t.Context(), b.r, b.r.Insert(c), b.want, citizen.NewText("000000"))
	if !errors.Is(err, ErrOtherCard) {
		t.Fatalf("Unlock of another card = %v, want ErrOtherCard", err)
	}
	if got := c.TriesLeft(); got != 3 {
		t.Errorf("tries left on the other card: got %d, want 3", got)
	}
}

func TestCardPulledWhileSigning(t *testing.T) {
	b := setUp(t)
	c, err := Unlock(t.Context(), b.r, b.gen, b.want, citizen.NewText(b.spec.PIN))
	if err != nil {
		t.Fatal(err)
	}
	b.r.PullAfter(0)
	if _, err := cms.Sign([]byte("manifest"), c.Signer(b.w.Trust()), made); !errors.Is(err, device.ErrMediaGone) {
		t.Errorf("Sign = %v, want ErrMediaGone", err)
	}
}
