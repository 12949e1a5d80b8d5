package kiosk

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/portal/est"
)

// aged makes a certificate of the key of old of which nine tenths are over, keeps it
// in the file, and returns it.
func (r *rig) aged(file string, old *x509.Certificate) *x509.Certificate {
	r.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(4242), Subject: old.Subject, KeyUsage: old.KeyUsage, ExtKeyUsage: old.ExtKeyUsage, Policies: old.Policies,
		NotBefore: time.Now().AddDate(0, 0, -90), NotAfter: time.Now().AddDate(0, 0, 10), BasicConstraintsValid: true,
	}, r.w.Infrastructure.Cert, old.PublicKey, r.w.Infrastructure.Key)
	r.must(err)
	c, err := x509.ParseCertificate(der)
	r.must(err)
	r.must(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return c
}

// issuing starts the portal's EST, for renewals. before is called with the path of each
// request; nil: nobody is.
func (r *rig) issuing(before func(path string)) (url string) {
	r.t.Helper()
	h := r.issues().Handler()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if before != nil {
			before(q.URL.Path)
		}
		h.ServeHTTP(w, q)
	}))
	srv.TLS = est.TLSConfig(r.w.PortalTLS.TLS())
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	srv.StartTLS()
	r.t.Cleanup(srv.Close)
	return srv.URL
}

// A running kiosk whose certificate has a third of its life left gets a new one,
// keeps it, and shows it at the next connection.
func TestCertificateRenewed(t *testing.T) {
	r := newRig(t)
	r.online(nil)
	url := r.issuing(nil)
	conf := r.settings()
	conf.Portal.EST = url
	conf.Identity.Cert = filepath.Join(r.dir, "identity-aged.crt")
	old := r.aged(conf.Identity.Cert, r.w.Device.TLS.Cert)
	r.startWith(conf)
	r.until("the certificate to be renewed", func() bool { return r.state().Keys[1].Until.After(old.NotAfter) })
	b, err := os.ReadFile(conf.Identity.Cert)
	r.must(err)
	block, _ := pem.Decode(b)
	kept, err := x509.ParseCertificate(block.Bytes)
	r.must(err)
	if kept.Equal(old) || !kept.PublicKey.(*ecdsa.PublicKey).Equal(old.PublicKey) {
		t.Error("the file has no new certificate of the same key")
	}
	if shown := r.k.ident.Load().Signer.Cert; !shown.Equal(kept) {
		t.Error("the kiosk does not show what it keeps")
	}
	all, err := r.l.Certificates(t.Context(), "K-000001")
	if err != nil || len(all) != 1 {
		t.Errorf("the portal has issued %d certificates, %v; want one", len(all), err)
	}
	if st := r.state().Keys[0]; st.Renewal != "" || !st.Until.After(time.Now().AddDate(1, 0, 0)) {
		t.Errorf("the key for signing: %+v, want one that is not due", st)
	}
}

// A certificate for signing is renewed while a request is being accepted: that one
// keeps the certificate that it was signed with, the next one has the new one, and so
// has the journal, without a start in between. What is sealed can be checked by
// everybody all the while: by the certificate that the bundle lists.
func TestSigningRenewedInService(t *testing.T) {
	r := newRig(t)
	file := filepath.Join(r.dir, "signing-aged.crt")
	old := r.aged(file, r.w.Device.Signing.Cert)
	b := *r.w.Trust()
	b.Version++
	b.SealSigners = []*x509.Certificate{old}
	r.must(r.w.Publish(&b))
	r.online(nil)
	gate := make(chan struct{})
	conf := r.settings()
	conf.Portal.EST = r.issuing(func(path string) {
		if strings.HasSuffix(path, "/signing/simplereenroll") {
			select {
			case <-gate:
			case <-t.Context().Done():
			}
		}
	})
	conf.Signing.Cert = file
	r.must(os.WriteFile(conf.Trust, r.w.Bundle(), 0o600))
	r.startWith(conf)

	accept := r.k.accept
	r.k.accept = func(ctx context.Context, d outbox.Draft) (outbox.Request, error) {
		r.k.accept = accept
		close(gate)
		for r.k.signer().Cert.Equal(old) && ctx.Err() == nil {
			runtime.Gosched()
		}
		return accept(ctx, d)
	}
	first := r.complain()
	r.leave()
	second := r.complain()
	r.leave()
	renewed := r.k.signer().Cert
	if renewed.Equal(old) || r.state().Keys[0].Until != renewed.NotAfter.UTC() {
		t.Fatalf("the certificate was not renewed: %+v", r.state().Keys[0])
	}
	var all []ledger.Request
	r.until("both at the portal", func() bool {
		var err error
		all, err = r.l.List(t.Context(), ledger.Filter{State: ledger.Registered})
		r.must(err)
		return len(all) == 2
	})
	for code, want := range map[string]*x509.Certificate{first: old, second: renewed} {
		found, err := r.l.ByCode(t.Context(), code)
		r.must(err)
		q, err := r.l.Get(t.Context(), found[0].Doc)
		r.must(err)
		c, err := edoc.Parse(q.Container)
		r.must(err)
		if !slices.ContainsFunc(c.Signatures()[0].Certificates(), want.Equal) {
			t.Errorf("request %s is not signed with the certificate until %v", code, want.NotAfter)
		}
		if v := c.Verify(r.w.Trust(), time.Now()); !v.Accepted() {
			t.Errorf("request %s is not accepted: %+v", code, v)
		}
		s, err := r.k.receiptSeal(r.found(code))
		r.must(err)
		if v := s.Verify(r.w.Trust(), time.Now()); v.Verdict != trust.Yes || !v.SignerCert.Equal(old) {
			t.Errorf("the seal of %s: %v, want one that the bundle knows", code, v.Finding)
		}
	}
	h, err := r.k.signHead(r.k.box.Checkpoint())
	r.must(err)
	if c, err := h.Verify("K-000001", old); err != nil || !c.Equal(renewed) {
		t.Errorf("the journal's head is signed with %v, %v; want the new certificate", c, err)
	}
	if al, err := r.l.Alarms(t.Context(), 5); err != nil || len(al) != 0 {
		t.Errorf("alarms: %v, %v", al, err)
	}
}

// Which certificate seals a receipt: the newest that the bundle has of the key, and
// that was in force when the request was made.
func TestSealCertificate(t *testing.T) {
	w, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	own, now := w.Device.Signing.Cert, time.Now()
	at := func(from, until int) *x509.Certificate {
		c := *own
		c.NotBefore, c.NotAfter = now.AddDate(0, 0, from), now.AddDate(0, 0, until)
		return &c
	}
	old, next, over, other := at(-90, 10), at(-1, 700), at(-900, -1), w.PortalReceipt.Cert
	for name, tt := range map[string]struct {
		listed []*x509.Certificate
		made   int
		want   *x509.Certificate
	}{
		"none":                          {nil, 0, nil},
		"another's":                     {[]*x509.Certificate{other}, 0, nil},
		"the one before":                {[]*x509.Certificate{over, old}, 0, old},
		"both":                          {[]*x509.Certificate{next, old}, 0, next},
		"a request from before it":      {[]*x509.Certificate{next, old}, -5, old},
		"one that is not in force":      {[]*x509.Certificate{over}, -5, nil},
		"a request from before both":    {[]*x509.Certificate{next, old}, -100, nil},
		"the order makes no difference": {[]*x509.Certificate{old, other, next}, 0, next},
	} {
		if got := sealCert(&trust.Bundle{SealSigners: tt.listed}, own, now.AddDate(0, 0, tt.made), now); got != tt.want {
			t.Errorf("%s: got the one until %v", name, got.NotAfter)
		}
	}
}

// A kiosk that the trust bundle does not list says so, in its state and on its receipts;
// the next bundle ends it.
func TestSealNotListedYet(t *testing.T) {
	r := newRig(t)
	b := *r.w.Trust()
	b.Version++
	b.SealSigners = nil
	r.must(r.w.Publish(&b))
	conf := r.settings()
	r.must(os.WriteFile(conf.Trust, r.w.Bundle(), 0o600))
	r.startWith(conf)
	r.condition(health.SealNew, true)
	code := r.complain()
	r.leave()
	if paper := r.k.receipt(r.found(code), false); !paper.SealNew || paper.Seal == "" {
		t.Error("the receipt does not say that only the portal can check it")
	}
	r.must(r.w.Reissue())
	r.online(nil)
	r.condition(health.SealNew, false)
	if paper := r.k.receipt(r.found(code), false); paper.SealNew {
		t.Error("the receipt says still that only the portal can check it")
	}
}
