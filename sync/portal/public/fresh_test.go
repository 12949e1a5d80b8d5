package public

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/portal/est"
)

// A kiosk that was enrolled a moment ago is in no trust bundle yet: this portal, which
// issued its certificate, checks its seals all the same and says that only it can. When
// the bundle has it everybody can; when the portal revoked it nobody believes it.
func TestSealOfANewKiosk(t *testing.T) {
	h := openHall(t)
	pool := x509.NewCertPool()
	pool.AddCert(h.Infrastructure.Cert)
	s, err := est.New(est.Config{
		Ledger: h.Ledger(), Issuer: h.Infrastructure.Signer(), Roots: h.Roots(), Devices: pool, Codes: make([]byte, 32),
		Bundle: h.Trust, Now: func() time.Time { return h.Now },
	})
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	code, _, err := s.NewCode(t.Context(), "K-000777", false, 0, "operator")
	if err != nil {
		t.Fatal(err)
	}
	asked := &enrol.Asked{Kiosk: "K-000777"}
	for _, to := range []*[]byte{&asked.Identity, &asked.Signing} {
		if *to, err = enrol.NewRequest(key, "K-000777", true); err != nil {
			t.Fatal(err)
		}
	}
	asked.Prove(enrol.ProofKey(code))
	file, err := asked.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Take(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	doc, root, epoch := sha256.Sum256([]byte("doc")), sha256.Sum256([]byte("root")), make([]byte, 16)
	made, err := seal.Make(seal.Seal{
		Kind: seal.Receipt, Issuer: "K-000777", Service: "complaint", Doc: doc[:], Date: h.Now.UTC().Truncate(time.Second),
		Index: 1, Size: 2, Root: root[:8], Epoch: epoch,
	}, key, got.Signing)
	if err != nil {
		t.Fatal(err)
	}
	const only = "only this portal can check its seal"
	says(t, "before the bundle has it", h.send("GET", path(made), nil, 200), "verdict--yes", only)

	listed := *h.Trust()
	listed.Version++
	listed.SealSigners = append(listed.SealSigners[:len(listed.SealSigners):len(listed.SealSigners)], got.Signing)
	h.pages.bundle = func() *trust.Bundle { return &listed }
	page := h.send("GET", path(made), nil, 200)
	says(t, "when the bundle has it", page, "verdict--yes")
	saysNot(t, "when the bundle has it", page, only)

	if _, err := s.RevokeKiosk(t.Context(), "K-000777", "stolen", "operator"); err != nil {
		t.Fatal(err)
	}
	says(t, "revoked, and listed", h.send("GET", path(made), nil, 200), "verdict--no", trust.ReasonRevoked)
	h.pages.bundle = h.Trust
	says(t, "revoked, and not listed", h.send("GET", path(made), nil, 200), "verdict--no", trust.ReasonRevoked)
}
