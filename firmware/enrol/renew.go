package enrol

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/penjire/penjire/sync/enrol"
)

// Renewal keeps the certificates of an enrolled kiosk valid: each is renewed when
// two thirds of its life are over, with the same key, over a connection that shows
// the certificate for connections. One that has expired renews for a while longer.
type Renewal struct {
	EST, ServerName string
	Kiosk           string
	Roots           []*x509.Certificate
	Known           func() []*x509.Certificate // the centres that the portal need not show; nil: none
	Times           func() []time.Time         // at which the portal's certificate may be good
}

// The waits after a renewal that failed, and the least between two that did not: a
// clock that runs ahead does not renew all day.
const (
	firstRenewal = time.Minute
	mostRenewal  = 6 * time.Hour
	Settled      = 24 * time.Hour
)

// Again is how long to wait after so many failures in a row, by chance.
func Again(failures int) time.Duration {
	return leastWait + rand.N(min(firstRenewal<<min(failures, 12), mostRenewal)) //nolint:gosec // it spreads, and hides nothing
}

// DueAt is when a certificate is to be renewed.
func DueAt(c *x509.Certificate) time.Time {
	return c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) * 2 / 3)
}

// Key is one of the kiosk's keys with its certificate's file.
type Key struct {
	Signing  bool // for documents; else for connections
	Key      crypto.Signer
	Software bool   // it lies in a file
	File     string // of the certificate
}

// Renew asks for a new certificate of k, showing the one of the connection. It is
// durable in k.File when Renew returns it. A refusal is *enrol.Refusal.
func (r *Renewal) Renew(ctx context.Context, k Key, shown tls.Certificate) ([]*x509.Certificate, error) {
	return r.fetch(ctx, k, "simplereenroll", "", &shown)
}

// ByCode is Renew for a kiosk whose certificate does not renew any more: with a new
// one-time code.
func (r *Renewal) ByCode(ctx context.Context, k Key, code enrol.Code) ([]*x509.Certificate, error) {
	return r.fetch(ctx, k, "simpleenroll", code.Reveal(), nil)
}

func (r *Renewal) fetch(ctx context.Context, k Key, operation, code string, shown *tls.Certificate) ([]*x509.Certificate, error) {
	if r.EST == "" {
		return nil, errors.New("enrol: renew a certificate: the settings name no portal.est")
	}
	pool := x509.NewCertPool()
	for _, c := range r.Roots {
		pool.AddCert(c)
	}
	var known []*x509.Certificate
	if r.Known != nil {
		known = r.Known()
	}
	c, err := newClient(r.EST, r.ServerName, pool, known, func(*x509.Certificate) []time.Time { return r.Times() }, shown)
	if err != nil {
		return nil, err
	}
	w := want{use: useIdentity, path: operation, key: k.Key}
	if k.Signing {
		w.use, w.path = useSigning, "signing/"+operation
	}
	if w.csr, err = enrol.NewRequest(k.Key, r.Kiosk, k.Software); err != nil {
		return nil, err
	}
	chain, err := c.certificate(ctx, w, r.Kiosk, code, pool)
	if err != nil {
		return nil, err
	}
	return chain, k.Keep(chain)
}
