package envelope_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/penjire/penjire/sync/edoc/bech32"
	"github.com/penjire/penjire/sync/edoc/envelope"
)

func cardKey(t testing.TB) *ecdh.PrivateKey {
	t.Helper()
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestCard(t *testing.T) {
	plain := bytes.Repeat([]byte("jogap "), 500)
	mine, other := cardKey(t), cardKey(t)
	r, err := envelope.PIVRecipient(mine.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(r, "agepiv1") || envelope.CheckRecipient(r) != nil {
		t.Errorf("recipient is %q", r)
	}
	sealed, err := envelope.Seal(plain, r)
	if err != nil {
		t.Fatal(err)
	}
	if len(sealed) > 400 {
		t.Errorf("sealed: got %d bytes of 3000 that repeat, want at most 400", len(sealed))
	}
	if got, err := envelope.Open(sealed, envelope.NewPIVIdentity(mine)); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("Open: %v", err)
	}
	if _, err := envelope.Open(sealed, envelope.NewPIVIdentity(other)); !errors.Is(err, envelope.ErrNotForThis) {
		t.Errorf("Open with another card: %v, want ErrNotForThis", err)
	}

	// The card is pulled while it multiplies.
	pulled := errors.New("card is gone")
	id := &envelope.PIVIdentity{Pub: mine.PublicKey(), ECDH: func([]byte) ([]byte, error) { return nil, pulled }}
	if _, err := envelope.Open(sealed, id); !errors.Is(err, pulled) {
		t.Errorf("Open with a card that fails: %v, want the card's error", err)
	}
	// A card that is not asked gives nothing away.
	asked := false
	id = &envelope.PIVIdentity{Pub: other.PublicKey(), ECDH: func([]byte) ([]byte, error) { asked = true; return nil, pulled }}
	if _, err := envelope.Open(sealed, id); !errors.Is(err, envelope.ErrNotForThis) || asked {
		t.Errorf("Open of another's: %v, card asked: %v", err, asked)
	}
}

func TestSealRefuses(t *testing.T) {
	if _, err := envelope.Seal([]byte("x")); err == nil {
		t.Error("Seal to no one: want an error")
	}
	if _, err := envelope.Seal([]byte("x"), "agecode"); err == nil {
		t.Error("Seal to agecode: want an error, since the code is not in it")
	}
	p384, err := ecdh.P384().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := envelope.PIVRecipient(p384.PublicKey()); err == nil {
		t.Error("PIVRecipient of P-384: want an error")
	}
	if _, err := envelope.Seal(make([]byte, envelope.MaxPlain+1), "age1"); err == nil {
		t.Error("Seal of too much: want an error")
	}
}

func TestCode(t *testing.T) {
	sealed, err := envelope.SealForCode([]byte("jogap"), "040G20R40Q")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := envelope.OpenWithCode(sealed, "040G20R40Q"); err != nil || string(got) != "jogap" {
		t.Errorf("OpenWithCode = %q, %v", got, err)
	}
	if _, err := envelope.OpenWithCode(sealed, "0000000000"); !errors.Is(err, envelope.ErrNotForThis) {
		t.Errorf("OpenWithCode of another: %v, want ErrNotForThis", err)
	}
}

func TestOpenNeedsIntegrity(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := envelope.Seal([]byte("jogap"), id.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		b := bytes.Clone(sealed)
		b[i] ^= 0x20
		if _, err := envelope.Open(b, id); err == nil {
			t.Errorf("byte %d changed: it opens all the same", i)
		}
	}
}

// TestNoPoint: what is no compressed point of P-256 is no recipient.
func TestNoPoint(t *testing.T) {
	x := func(first, rest byte) []byte { return append([]byte{first}, bytes.Repeat([]byte{rest}, 32)...) }
	one := append(x(2, 0)[:32], 1) // x = 1 is on no point; x = 5 is
	five := append(x(2, 0)[:32], 5)
	for name, tt := range map[string]struct {
		point []byte
		good  bool
	}{
		"a point":             {five, true},
		"x above the field":   {x(2, 0xff), false},
		"x of no point":       {one, false},
		"not compressed":      {append([]byte{4}, five[1:]...), false},
		"short":               {five[:32], false},
		"long":                {append(bytes.Clone(five), 0), false},
		"the point of nobody": {[]byte{0}, false},
	} {
		if err := envelope.CheckRecipient(bech32.Encode("agepiv", tt.point)); (err == nil) != tt.good {
			t.Errorf("%s: CheckRecipient = %v", name, err)
		}
	}
}
