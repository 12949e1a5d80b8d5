package enrol

import (
	"bytes"
	"crypto/x509"
	"os"
	"testing"

	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/firmware/signing"
	"github.com/penjire/penjire/firmware/signing/tpmtest"
	"github.com/penjire/penjire/sync/ledger"
)

// A board goes out of service and comes back under its name: its keys were erased from
// the chip, the portal revoked it. With a fresh card and a new code it makes new keys
// and is a kiosk again; everything of before stays revoked. A card that was only flashed
// anew finds its keys in the chip and needs a new code, too.
func TestEnrolledAgainInTPM(t *testing.T) {
	w, chip := newWorld(t), tpmtest.Start(t)
	at := func(o *Options) { o.TPM = chip.Socket }
	first := w.fresh(w.code(), nil)
	w.must(w.open(first, at).Run(t.Context()))
	s := w.enrolled(first, signing.InTPM)
	read := func(s settings.Settings) (out [2]*x509.Certificate) {
		for i, p := range []settings.Pair{s.Identity, s.Signing} {
			b, err := os.ReadFile(p.Cert)
			w.must(err)
			certs, err := certificates(b)
			w.must(err)
			out[i] = certs[0]
		}
		return out
	}
	old := read(s)

	flashed := w.fresh(w.code(), nil)
	w.must(w.open(flashed, at).Run(t.Context()))
	for i, c := range read(w.enrolled(flashed, signing.InTPM)) {
		if !bytes.Equal(c.RawSubjectPublicKeyInfo, old[i].RawSubjectPublicKeyInfo) {
			t.Errorf("key %d: a card that was flashed anew made another one in the chip", i)
		}
	}

	var ring signing.Keyring
	gone, err := ring.Erase(t.Context(), s.Identity, s.Signing)
	w.must(err)
	if gone != 2 {
		t.Fatalf("Erase = %d keys, want 2", gone)
	}
	w.must(ring.Close())
	_, err = w.s.RevokeKiosk(t.Context(), old[0].Subject.SerialNumber, "decommissioned", "operator")
	w.must(err)

	again := w.fresh(w.code(), nil)
	w.must(w.open(again, at).Run(t.Context()))
	for i, c := range read(w.enrolled(again, signing.InTPM)) {
		if bytes.Equal(c.RawSubjectPublicKeyInfo, old[i].RawSubjectPublicKeyInfo) {
			t.Errorf("key %d is the old one", i)
		}
		if c.Subject.SerialNumber != old[i].Subject.SerialNumber {
			t.Errorf("certificate %d is of %s", i, c.Subject.SerialNumber)
		}
		for c, want := range map[*x509.Certificate]bool{old[i]: true, c: false} {
			if got, err := w.Ledger().CertRevoked(t.Context(), ledger.Serial(c)); err != nil || got != want {
				t.Errorf("certificate %d of %v: revoked %v, %v; want %v", i, c.NotBefore, got, err, want)
			}
		}
	}
}
