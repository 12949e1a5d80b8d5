package piv_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/pivcard"
	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/drivers/piv"
)

const pin = "123456"

// inHand is a card without a reader.
type inHand struct{ *pivcard.Card }

func (c inHand) Transmit(_ context.Context, apdu []byte) ([]byte, error) {
	return c.Card.Transmit(apdu), nil
}

func slot(t testing.TB, key crypto.Signer) pivcard.Slot {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: strings.Repeat("SPECIMEN ", 60)},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pivcard.Slot{Key: key, Cert: der}
}

func newEC(t testing.TB, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// specimen makes a card with P-256 keys in all slots.
func specimen(t testing.TB) *pivcard.Card {
	t.Helper()
	p := pivcard.Profile{PIN: pin, PUK: "12345678", Slots: map[piv.Slot]pivcard.Slot{}}
	for _, s := range []piv.Slot{piv.Authentication, piv.Signature, piv.KeyManagement, piv.CardAuth} {
		p.Slots[s] = slot(t, newEC(t, elliptic.P256()))
	}
	return withProfile(t, p)
}

func withProfile(t testing.TB, p pivcard.Profile) *pivcard.Card {
	t.Helper()
	c, err := pivcard.New(p)
	if err != nil {
		t.Fatal(err)
	}
	c.Activate()
	return c
}

func selected(t testing.TB, c *pivcard.Card) *piv.Card {
	t.Helper()
	p, err := piv.Select(t.Context(), inHand{c})
	if err != nil {
		t.Fatalf("Select = %v, want nil", err)
	}
	return p
}

func public(t testing.TB, p *piv.Card, s piv.Slot) crypto.PublicKey {
	t.Helper()
	cert, err := p.ReadCert(t.Context(), s)
	if err != nil {
		t.Fatalf("ReadCert(%v) = %v, want nil", s, err)
	}
	return cert.PublicKey
}

func TestReadCert(t *testing.T) {
	c := specimen(t)
	p := selected(t, c)
	for _, s := range []piv.Slot{piv.Authentication, piv.Signature, piv.KeyManagement, piv.CardAuth} {
		cert, err := p.ReadCert(t.Context(), s)
		if err != nil || !bytes.Equal(cert.Raw, c.Certificate(s)) {
			t.Errorf("ReadCert(%v) = %v, want the certificate the card was made with", s, err)
		}
	}
	if _, err := p.ReadCert(t.Context(), 0x82); !errors.Is(err, device.ErrUnsupported) {
		t.Errorf("ReadCert(82) = %v, want ErrUnsupported", err)
	}
	bare := selected(t, withProfile(t, pivcard.Profile{PIN: pin, Slots: map[piv.Slot]pivcard.Slot{
		piv.CardAuth: {Key: newEC(t, elliptic.P256())},
	}}))
	if _, err := bare.ReadCert(t.Context(), piv.CardAuth); !errors.Is(err, piv.ErrNoCert) {
		t.Errorf("ReadCert of a slot without one = %v, want ErrNoCert", err)
	}
}

func TestSignNeedsPIN(t *testing.T) {
	p := selected(t, specimen(t))
	digest := sha256.Sum256([]byte("hello"))
	for _, s := range []piv.Slot{piv.Authentication, piv.Signature} {
		pub := public(t, p, s)
		if _, err := p.Sign(t.Context(), s, pub, digest[:], crypto.SHA256); !errors.Is(err, piv.ErrNeedsPIN) {
			t.Errorf("Sign(%v) without the PIN = %v, want ErrNeedsPIN", s, err)
		}
		if err := p.VerifyPIN(t.Context(), pin); err != nil {
			t.Fatalf("VerifyPIN = %v, want nil", err)
		}
		sig, err := p.Signer(t.Context(), s, pub).Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil || !ecdsa.VerifyASN1(pub.(*ecdsa.PublicKey), digest[:], sig) {
			t.Errorf("Sign(%v) = %x, %v, want a signature", s, sig, err)
		}
		_, again := p.Sign(t.Context(), s, pub, digest[:], crypto.SHA256)
		if wants := s == piv.Signature; errors.Is(again, piv.ErrNeedsPIN) != wants {
			t.Errorf("Sign(%v) a second time = %v, want the PIN asked again: %v", s, again, wants)
		}
	}
}

func TestSignEveryAlgorithm(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	d256, d384 := sha256.Sum256([]byte("x")), sha512.Sum384([]byte("x"))
	for name, v := range map[string]struct {
		key    crypto.Signer
		digest []byte
		hash   crypto.Hash
	}{
		"P-256, SHA-256": {newEC(t, elliptic.P256()), d256[:], crypto.SHA256},
		"P-256, SHA-384": {newEC(t, elliptic.P256()), d384[:], crypto.SHA384},
		"P-384, SHA-384": {newEC(t, elliptic.P384()), d384[:], crypto.SHA384},
		"P-384, SHA-256": {newEC(t, elliptic.P384()), d256[:], crypto.SHA256},
		"RSA, SHA-256":   {rsaKey, d256[:], crypto.SHA256},
		"RSA, SHA-384":   {rsaKey, d384[:], crypto.SHA384},
	} {
		t.Run(name, func(t *testing.T) {
			p := selected(t, withProfile(t, pivcard.Profile{PIN: pin, Slots: map[piv.Slot]pivcard.Slot{
				piv.Authentication: slot(t, v.key),
			}}))
			if err := p.VerifyPIN(t.Context(), pin); err != nil {
				t.Fatal(err)
			}
			pub := public(t, p, piv.Authentication)
			if _, err := p.Sign(t.Context(), piv.Authentication, pub, v.digest, v.hash); err != nil {
				t.Errorf("Sign = %v, want nil", err)
			}
			if _, err := p.Sign(t.Context(), piv.Authentication, pub, v.digest[1:], v.hash); err == nil {
				t.Error("Sign of a digest that is too short = nil, want an error")
			}
		})
	}
}

func TestECDH(t *testing.T) {
	p := selected(t, specimen(t))
	own, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.ECDH(t.Context(), piv.KeyManagement, own.PublicKey()); !errors.Is(err, piv.ErrNeedsPIN) {
		t.Errorf("ECDH without the PIN = %v, want ErrNeedsPIN", err)
	}
	if err := p.VerifyPIN(t.Context(), pin); err != nil {
		t.Fatal(err)
	}
	got, err := p.ECDH(t.Context(), piv.KeyManagement, own.PublicKey())
	if err != nil {
		t.Fatalf("ECDH = %v, want nil", err)
	}
	pub, err := public(t, p, piv.KeyManagement).(*ecdsa.PublicKey).ECDH()
	if err != nil {
		t.Fatal(err)
	}
	want, err := own.ECDH(pub)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("ECDH = %x, want %x (%v)", got, want, err)
	}
}

func TestPIN(t *testing.T) {
	c := specimen(t)
	p := selected(t, c)
	wrong := func(want piv.PINError) {
		t.Helper()
		err := p.VerifyPIN(t.Context(), "654321")
		if e, ok := errors.AsType[*piv.PINError](err); !ok || *e != want {
			t.Errorf("VerifyPIN with a wrong PIN = %v, want %+v", err, want)
		}
	}
	for _, bad := range []string{"", "12345", "123456789", "12345x", "１２３４５６"} {
		if err := p.VerifyPIN(t.Context(), bad); !errors.Is(err, piv.ErrPINForm) {
			t.Errorf("VerifyPIN(%q) = %v, want ErrPINForm", bad, err)
		}
	}
	if n, err := p.Tries(t.Context()); n != 3 || err != nil {
		t.Errorf("Tries = %d, %v, want 3: PINs of a wrong form use none up", n, err)
	}
	wrong(piv.PINError{Left: 2})
	if err := p.VerifyPIN(t.Context(), pin); err != nil {
		t.Errorf("VerifyPIN = %v, want nil", err)
	}
	if n, err := p.Tries(t.Context()); n != -1 || err != nil {
		t.Errorf("Tries when verified = %d, %v, want -1", n, err)
	}
	wrong(piv.PINError{Left: 2})
	// Taking the card out gives no tries back.
	c.Activate()
	p = selected(t, c)
	wrong(piv.PINError{Left: 1})
	wrong(piv.PINError{Left: 0, Blocked: true})
	err := p.VerifyPIN(t.Context(), pin)
	if e, ok := errors.AsType[*piv.PINError](err); !ok || !e.Blocked {
		t.Errorf("VerifyPIN of a blocked card = %v, want blocked", err)
	}
	if n, err := p.Tries(t.Context()); n != 0 || err != nil {
		t.Errorf("Tries of a blocked card = %d, %v, want 0", n, err)
	}
	if strings.Contains(err.Error(), pin) {
		t.Errorf("error %q holds the PIN", err)
	}
}

func TestChallenge(t *testing.T) {
	c := specimen(t)
	p := selected(t, c)
	pub := public(t, p, piv.CardAuth)
	if err := p.Challenge(t.Context(), piv.CardAuth, pub); err != nil {
		t.Errorf("Challenge = %v, want nil", err)
	}
	other := newEC(t, elliptic.P256()).Public()
	if err := p.Challenge(t.Context(), piv.CardAuth, other); !errors.Is(err, device.ErrProtocol) {
		t.Errorf("Challenge of a copied certificate = %v, want ErrProtocol", err)
	}
	c.Inject(pivcard.BadSignature)
	if err := p.Challenge(t.Context(), piv.CardAuth, pub); !errors.Is(err, device.ErrProtocol) {
		t.Errorf("Challenge of a card that lies = %v, want ErrProtocol", err)
	}
}

func TestFaultyCard(t *testing.T) {
	for name, v := range map[string]struct {
		f    pivcard.Fault
		want error
	}{
		"endless":   {pivcard.Endless, device.ErrProtocol},
		"truncated": {pivcard.Truncated, device.ErrProtocol},
	} {
		c := specimen(t)
		p := selected(t, c)
		c.Inject(v.f)
		if _, err := p.ReadCert(t.Context(), piv.Signature); !errors.Is(err, v.want) {
			t.Errorf("%s: ReadCert = %v, want %v", name, err, v.want)
		}
	}
	c := specimen(t)
	p := selected(t, c)
	c.Inject(pivcard.BadStatus)
	if _, err := p.ReadCert(t.Context(), piv.Signature); iso7816.StatusOf(err) != iso7816.Failure {
		t.Errorf("bad status: ReadCert = %v, want 6F00", err)
	}
}

func TestNoPIV(t *testing.T) {
	_, err := piv.Select(t.Context(), plain{})
	if !errors.Is(err, piv.ErrNotPIV) || iso7816.StatusOf(err) != iso7816.NotFound {
		t.Errorf("Select of another card = %v, want ErrNotPIV with 6A82", err)
	}
}

// plain is a card with nothing on it.
type plain struct{}

func (plain) Transmit(context.Context, []byte) ([]byte, error) { return []byte{0x6A, 0x82}, nil }

// TestFirstCommands are what OpenSC 0.23 sends to find out whether a card is a
// PIV card, and what it wants to see.
func TestFirstCommands(t *testing.T) {
	c := specimen(t)
	for _, v := range [][2]string{
		{"00a4040009a0000003080000100000", "61"},
		{"00cb3fff035c017e08", "7e"},
		{"00cb3fff055c035fc10200", "53"},
		{"00cb3fff055c035fc1ff00", "6a82"},
		{"00200080", "63c3"},
		{"00fe000000", "6d00"},
		{"80200080", "6e00"},
	} {
		apdu, err := hex.DecodeString(v[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(c.Transmit(apdu)); !strings.HasPrefix(got, v[1]) {
			t.Errorf("%s: got %s, want %s…", v[0], got, v[1])
		}
	}
}

func TestParseCertObject(t *testing.T) {
	der := slot(t, newEC(t, elliptic.P256())).Cert
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(der); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	object := func(cert []byte, info byte) []byte {
		return iso7816.AppendTLV(iso7816.AppendTLV(nil, 0x70, cert), 0x71, []byte{info})
	}
	for name, obj := range map[string][]byte{
		"plain": object(der, 0), "gzip": object(z.Bytes(), 1), "no info": iso7816.AppendTLV(nil, 0x70, der),
	} {
		if c, err := piv.ParseCertObject(obj); err != nil || !bytes.Equal(c.Raw, der) {
			t.Errorf("%s: ParseCertObject = %v, want the certificate", name, err)
		}
	}
	for name, obj := range map[string][]byte{
		"empty": {}, "cut": object(der, 0)[:100], "no gzip": object(der, 1), "half gzip": object(z.Bytes()[:z.Len()/2], 1),
		"no certificate": object([]byte{1, 2, 3}, 0), "bomb": object(bomb(t), 1),
	} {
		if _, err := piv.ParseCertObject(obj); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("%s: ParseCertObject = %v, want ErrProtocol", name, err)
		}
	}
}

// bomb is much in little.
func bomb(t testing.TB) []byte {
	t.Helper()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return z.Bytes()
}

func FuzzParseCertObject(f *testing.F) {
	// The same seeds in every process: an Ed25519 signature has no randomness.
	der := slot(f, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))).Cert
	f.Add(iso7816.AppendTLV(iso7816.AppendTLV(nil, 0x70, der), 0x71, []byte{0}))
	f.Add(iso7816.AppendTLV(iso7816.AppendTLV(nil, 0x70, bomb(f)), 0x71, []byte{1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := piv.ParseCertObject(b)
		if err == nil && len(c.Raw) == 0 {
			t.Error("ParseCertObject = an empty certificate, want an error")
		}
	})
}

// FuzzCard gives the card anything: it answers everything with a status.
func FuzzCard(f *testing.F) {
	c := specimen(f)
	f.Add([]byte{0, 0xA4, 4, 0, 9, 0xA0, 0, 0, 3, 8, 0, 0, 0x10, 0, 0})
	f.Add([]byte{0, 0x87, 0x11, 0x9E, 4, 0x7C, 2, 0x82, 0, 0})
	f.Add([]byte{0x10, 0x87, 0x11, 0x9E, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, _, err := iso7816.ParseResponse(c.Transmit(b)); err != nil {
			t.Errorf("Transmit(%x): %v", b, err)
		}
	})
}
