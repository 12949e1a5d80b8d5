package cms_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

var now = time.Date(2026, 6, 15, 9, 30, 0, 0, time.UTC)

// faulty is a card that gives a wrong signature, or none.
type faulty struct {
	crypto.Signer
	err error
}

func (f faulty) Sign(_ io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	return f.Signer.Sign(rand.Reader, bytes.Repeat([]byte{1}, len(digest)), o)
}

func TestSignRefuses(t *testing.T) {
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	good := w.Cards[0].Slots[specimen.SlotSign].Signer()
	pulled := errors.New("card is gone")
	for name, s := range map[string]cms.Signer{
		"nothing":           {},
		"another's card":    {Key: w.Cards[1].Slots[specimen.SlotSign].Key, Cert: good.Cert},
		"a card that lies":  {Key: faulty{good.Key, nil}, Cert: good.Cert},
		"a card that fails": {Key: faulty{good.Key, pulled}, Cert: good.Cert},
	} {
		der, err := cms.Sign([]byte("x"), s, now)
		if err == nil || der != nil {
			t.Errorf("%s: signed all the same", name)
		}
		if name == "a card that fails" && !errors.Is(err, pulled) {
			t.Errorf("%s: %v, want the card's error", name, err)
		}
	}
}

func TestSignedAttributes(t *testing.T) {
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	s := w.Cards[0].Slots[specimen.SlotSign].Signer()
	// Either side of the change from UTCTime to GeneralizedTime, and a clock
	// that has lost its battery.
	for _, at := range []time.Time{now, time.Unix(1, 0), time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC)} {
		der, err := cms.Sign([]byte("x"), s, at.Add(500*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		sd, err := cms.Parse(der)
		if err != nil {
			t.Fatalf("%v: %v", at, err)
		}
		if !sd.SigningTime().Equal(at) {
			t.Errorf("SigningTime = %v, want %v", sd.SigningTime(), at)
		}
		if cert, err := sd.Verify([]byte("x")); err != nil || !cert.Equal(s.Cert) {
			t.Errorf("Verify = %v", err)
		}
		if n := len(sd.Certificates()); n != 2 {
			t.Errorf("%d certificates, want the signer's and the centre's, without the root", n)
		}
	}
}

// TestEveryBit changes each bit of a signature: none may still verify, but where
// the certificate of a centre, which does not count, was changed.
func TestEveryBit(t *testing.T) {
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	id := w.Cards[0].Slots[specimen.SlotSign]
	der, err := cms.Sign([]byte("x"), cms.Signer{Key: id.Key, Cert: id.Cert}, now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(der) * 8 {
		b := bytes.Clone(der)
		b[i/8] ^= 1 << (i % 8)
		sd, err := cms.Parse(b)
		if err != nil {
			continue
		}
		if _, err := sd.Verify([]byte("x")); err == nil {
			t.Errorf("bit %d of byte %d changed: it verifies all the same", i%8, i/8)
		}
	}
}

func TestRegister(t *testing.T) {
	all := cms.Algorithms()
	if err := cms.Register(all[0]); err == nil || !strings.Contains(err.Error(), "taken") {
		t.Errorf("Register of a pair that is taken: %v", err)
	}
	if err := cms.Register(cms.Algorithm{Name: "half", Digest: cms.OIDSHA256, Signature: asn1.ObjectIdentifier{1, 2, 3}}); err == nil {
		t.Error("Register of half an algorithm: want an error")
	}
	if n := len(cms.Algorithms()); n != len(all) {
		t.Errorf("%d algorithms, want %d as before", n, len(all))
	}
}

// A stranger's certificate of a centre is work for whoever asks what it signed.
func TestCheckIssuedByHugeKey(t *testing.T) {
	huge := new(big.Int).Lsh(big.NewInt(1), 1<<16)
	centre := &x509.Certificate{
		Version: 3, BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		PublicKeyAlgorithm: x509.RSA, PublicKey: &rsa.PublicKey{N: huge.SetBit(huge, 0, 1), E: 1<<31 - 1},
	}
	const want = "too short or too long"
	err := cms.CheckIssued(&x509.Certificate{SignatureAlgorithm: x509.SHA256WithRSA}, centre)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("certificate: got %v, want an error with %q", err, want)
	}
	err = cms.CheckList(&x509.RevocationList{SignatureAlgorithm: x509.SHA256WithRSA}, centre)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("list: got %v, want an error with %q", err, want)
	}
}

// TestRemembered: a signature that was found good is good for its content alone, in
// every copy; a bad one stays bad however often it is asked.
func TestRemembered(t *testing.T) {
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	id := w.Cards[0].Slots[specimen.SlotSign]
	der, err := cms.Sign([]byte("x"), cms.Signer{Key: id.Key, Cert: id.Cert}, now)
	if err != nil {
		t.Fatal(err)
	}
	good, err := cms.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	der[len(der)-1] ^= 1 // the signature is at the end; Parse has made a copy
	bad, err := cms.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, sd := range []*cms.SignedData{good, good.WithTimeStamp(nil)} {
			if _, err := sd.Verify([]byte("x")); err != nil {
				t.Errorf("Verify = %v", err)
			}
			if _, err := sd.Verify([]byte("y")); err == nil {
				t.Error("Verify over something else = nil, want an error")
			}
		}
		if _, err := bad.Verify([]byte("x")); err == nil {
			t.Error("Verify of another signature = nil, want an error")
		}
	}
}
