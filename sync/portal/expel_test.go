package portal

import (
	"errors"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// A kiosk that was revoked here is turned away at once, whatever the bundle's list
// says.
func TestRevokedIsTurnedAway(t *testing.T) {
	w := newWorld(t)
	cert, at := w.Device.TLS.Cert, w.p.c.Now()
	if id, err := w.p.Admit(t.Context(), cert); err != nil || id != w.Device.ID {
		t.Fatalf("Admit before = %q, %v", id, err)
	}
	code := ledger.Code{ID: ledger.CodeID{1}, Kiosk: w.Device.ID, Proof: []byte{1}, Made: at, Until: at.Add(time.Hour), By: "operator"}
	if err := w.p.ledger.NewCode(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	_, err := w.p.ledger.Issue(t.Context(), ledger.Asking{At: at, Code: &code.ID, Want: []ledger.Wanted{{Use: ledger.CertIdentity}}},
		func(string, *ledger.Code, []ledger.Wanted) ([]ledger.Certificate, error) {
			return []ledger.Certificate{{Serial: ledger.Serial(cert), Use: ledger.CertIdentity, From: at, Until: at.Add(time.Hour), DER: cert.Raw}}, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.p.Admit(t.Context(), cert); err != nil {
		t.Errorf("Admit of one that is in the ledger = %v", err)
	}
	if _, err := w.p.ledger.RevokeKiosk(t.Context(), w.Device.ID, at, "lost", "operator"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.p.Admit(t.Context(), cert); !errors.Is(err, ledger.ErrCertRevoked) {
		t.Errorf("Admit of a revoked one = %v, want ErrCertRevoked", err)
	}
	w.p.Expel(w.Device.ID) // it has no session: nothing to end
}
