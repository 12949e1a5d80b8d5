package cms_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"testing"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

func made(t *testing.T) (*specimen.World, *cms.SignedData, cms.Signer) {
	t.Helper()
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	id := w.Cards[0].Slots[specimen.SlotSign]
	s := cms.Signer{Key: id.Key, Cert: id.Cert}
	sd, err := cms.Make([]byte("x"), s, now)
	if err != nil {
		t.Fatal(err)
	}
	return w, sd, s
}

func TestCounterSignatures(t *testing.T) {
	w, sd, _ := made(t)
	before := sd.Bytes()
	many := sd
	for i := range cms.MaxCounterSignatures {
		id := w.Cards[i%4].Slots[specimen.SlotSign]
		e, err := many.WithCounterSignature(cms.Signer{Key: id.Key, Cert: id.Cert}, now)
		if err != nil {
			t.Fatal(err)
		}
		many = e
	}
	if !bytes.Equal(sd.Bytes(), before) || len(sd.CounterSignatures()) != 0 {
		t.Error("the signature that was counter-signed changed")
	}
	if _, err := many.WithCounterSignature(w.Device.Signing.Signer(), now); err == nil {
		t.Error("a ninth counter-signature: want an error")
	}
	read, err := cms.Parse(many.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for name, sd := range map[string]*cms.SignedData{"as made": many, "as read": read} {
		if _, err := sd.Verify([]byte("x")); err != nil {
			t.Errorf("%s: Verify = %v", name, err)
		}
		if n := len(sd.CounterSignatures()); n != cms.MaxCounterSignatures {
			t.Fatalf("%s: %d counter-signatures, want %d", name, n, cms.MaxCounterSignatures)
		}
		signers := map[string]int{}
		for _, c := range sd.CounterSignatures() {
			cert, err := c.Verify()
			if err != nil {
				t.Fatalf("%s: Verify of a counter-signature = %v", name, err)
			}
			signers[string(cert.Raw)]++
			if !c.SigningTime().Equal(now) {
				t.Errorf("%s: SigningTime = %v, want %v", name, c.SigningTime(), now)
			}
		}
		if len(signers) != 4 {
			t.Errorf("%s: counter-signers are %d, want the 4 who did", name, len(signers))
		}
		// The time stamp beside them, and taken off again.
		stamped := sd.WithTimeStamp([]byte{0x30, 0})
		if again, err := cms.Parse(stamped.Bytes()); err != nil || len(again.CounterSignatures()) != cms.MaxCounterSignatures || again.TimeStamp() == nil {
			t.Errorf("%s: with a time stamp: %v", name, err)
		}
		if !bytes.Equal(stamped.WithTimeStamp(nil).Bytes(), sd.Bytes()) {
			t.Errorf("%s: the time stamp does not come off without a trace", name)
		}
	}
}

// A counter-signer's certificate may be at hand elsewhere, and a card may fail.
func TestCounterSigner(t *testing.T) {
	w, sd, s := made(t)
	if e, err := sd.WithCounterSignature(cms.Signer{Key: faulty{s.Key, nil}, Cert: s.Cert}, now); err == nil || e != nil {
		t.Error("a card that lies: counter-signed all the same")
	}
	pulled := errors.New("card is gone")
	if _, err := sd.WithCounterSignature(cms.Signer{Key: faulty{s.Key, pulled}, Cert: s.Cert}, now); !errors.Is(err, pulled) {
		t.Errorf("a card that fails: %v, want its error", err)
	}
	e, err := sd.WithCounterSignature(w.Device.Signing.Signer(), now)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(e.Certificates()); n != 3 {
		t.Errorf("%d certificates, want the signer's, the counter-signer's and the centre's over that, without the root", n)
	}
	if _, err := e.CounterSignatures()[0].Verify(w.Device.Signing.Cert); err != nil {
		t.Errorf("Verify = %v", err)
	}
	if _, err := e.WithCounterSignature(w.Device.Signing.Signer(), now); err != nil {
		t.Errorf("the same once more = %v", err)
	}
}

func TestWithValidation(t *testing.T) {
	w, sd, s := made(t)
	response, err := w.OCSP(w.Citizens, s.Cert, now)
	if err != nil {
		t.Fatal(err)
	}
	lists := w.Trust().CRLs
	e := sd.WithValidation([]*x509.Certificate{w.Citizens.Cert, s.Cert}, lists, [][]byte{response})
	if len(sd.CRLs())+len(sd.OCSPs()) != 0 || len(sd.Certificates()) != 1 {
		t.Error("the signature itself changed")
	}
	read, err := cms.Parse(e.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for name, sd := range map[string]*cms.SignedData{"as made": e, "as read": read} {
		if a, b, c := len(sd.Certificates()), len(sd.CRLs()), len(sd.OCSPs()); a != 2 || b != len(lists) || c != 1 {
			t.Errorf("%s: %d certificates, %d lists, %d responses; want 2, %d, 1", name, a, b, c, len(lists))
		}
		if _, err := sd.Verify([]byte("x")); err != nil {
			t.Errorf("%s: Verify = %v", name, err)
		}
		again := sd.WithValidation([]*x509.Certificate{w.Citizens.Cert}, lists, [][]byte{response})
		if !bytes.Equal(again.Bytes(), e.Bytes()) {
			t.Errorf("%s: with the same once more it is another", name)
		}
		// A counter-signature finds its signer's certificate among what was
		// added before and after.
		c, err := sd.WithCounterSignature(w.Device.Signing.Signer(), now)
		if err != nil {
			t.Fatal(err)
		}
		c = c.WithValidation([]*x509.Certificate{w.Infrastructure.Cert}, nil, nil)
		if _, err := c.CounterSignatures()[0].Verify(); err != nil {
			t.Errorf("%s: Verify of a counter-signature = %v", name, err)
		}
	}
	for name, bad := range map[string]*cms.SignedData{
		"rubbish":       sd.WithValidation(nil, [][]byte{{0x30, 0}, nil}, [][]byte{{0x30, 0}, response[:9], nil}),
		"kinds swapped": sd.WithValidation(nil, [][]byte{response}, lists),
	} {
		if !bytes.Equal(bad.Bytes(), sd.Bytes()) {
			t.Errorf("%s: it was taken in", name)
		}
	}
	full := sd
	for i := range 40 {
		c, err := w.NewCentre("SPECIMEN", w.Root)
		if err != nil {
			t.Fatal(err)
		}
		r, err := w.OCSP(w.Citizens, w.Cards[i%4].Slots[specimen.SlotAuth].Cert, now)
		if err != nil {
			t.Fatal(err)
		}
		full = full.WithValidation([]*x509.Certificate{c.Cert}, nil, [][]byte{r})
	}
	if _, err := cms.Parse(full.Bytes()); err != nil {
		t.Errorf("with more than fits: %v", err)
	}
	if a, b := len(full.Certificates()), len(full.OCSPs()); a != cms.MaxCertificates || b != cms.MaxRevocation {
		t.Errorf("%d certificates and %d responses, want %d and %d", a, b, cms.MaxCertificates, cms.MaxRevocation)
	}
	if _, err := full.WithCounterSignature(w.Device.Signing.Signer(), now); err == nil {
		t.Error("counter-signed by one whose certificate does not fit: want an error")
	}
}
