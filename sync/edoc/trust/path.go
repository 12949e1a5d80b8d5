package trust

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"sync"

	"github.com/penjire/penjire/sync/edoc/cms"
)

// maxCentres is how many centres may stand above a certificate: the state's,
// that of a branch, that of a region (34.4 of the law), and one to spare.
const maxCentres = 4

// path returns the centres above cert, the one that issued it first: each is in
// the bundle, and each issued the one before it (ED-39.5: a centre's certificate
// is confirmed by whoever keeps the state list, so one that is not in the list
// is none). It is empty if no centre issued cert; more than maxCentres are cut
// off one too late, for inOrder to see.
func (b *Bundle) path(cert *x509.Certificate, q Query) []*Centre {
	var up []*Centre
	for len(up) <= maxCentres {
		c := b.centreOf(cert, q)
		if c == nil || c.Cert.Equal(cert) {
			break // of the register's own roots, or a root itself
		}
		up = append(up, c)
		cert = c.Cert
	}
	return up
}

// centreOf returns the centre that issued cert: by name and by signature. Where
// one centre has several certificates of one key, one that was in force is taken.
func (b *Bundle) centreOf(cert *x509.Certificate, q Query) *Centre {
	var found *Centre
	for i := range b.Centres {
		c := &b.Centres[i]
		if !bytes.Equal(cert.RawIssuer, c.Cert.RawSubject) || !b.issued(cert, c.Cert) {
			continue
		}
		if c.working(q).Verdict == Yes {
			return c
		}
		if found == nil {
			found = c
		}
	}
	return found
}

// inOrder says whether each centre might issue what it issued: RFC 5280 6.1.4,
// with every critical extension that is not listed here taken for one that
// forbids.
func inOrder(up []*Centre) bool {
	if len(up) > maxCentres {
		return false
	}
	for i, c := range up {
		cert := c.Cert
		if !cert.BasicConstraintsValid || !cert.IsCA || cert.KeyUsage&x509.KeyUsageCertSign == 0 || cms.CheckKey(cert) != nil {
			return false
		}
		// i centres stand between this one and the signer.
		if (cert.MaxPathLen > 0 || cert.MaxPathLenZero) && i > cert.MaxPathLen {
			return false
		}
		for _, e := range cert.Extensions {
			if e.Critical && !slices.Contains([]string{"2.5.29.19", "2.5.29.15"}, e.Id.String()) {
				return false
			}
		}
		if c.Kind != up[0].Kind {
			return false // what certifies agencies does not certify citizens by way of another
		}
	}
	return true
}

// working says whether the centre worked and its certificate was in force
// (ED-39.6, ED-48: what is proven to be signed before keeps its force).
func (c *Centre) working(q Query) Finding {
	if q.To.Before(c.Cert.NotBefore) {
		if q.Proven {
			return Finding{No, ReasonNotYet}
		}
		return Finding{Unknown, ReasonNotYet}
	}
	ended := c.Cert.NotAfter.Add(1)
	if c.State == Ended && c.Since.Before(ended) {
		ended = c.Since
	}
	switch p := q.of(ended); {
	case p == before:
		return Finding{No, ReasonCentreEnded}
	case p == within, p == unasked && !q.Now.Before(ended):
		return Finding{Unknown, ReasonCentreSince}
	}
	if c.State == Suspended && q.of(c.Since) != after {
		return Finding{Unknown, ReasonCentreSuspended}
	}
	return Finding{Yes, ReasonOK}
}

// signatures remembers which certificates were seen to be signed by which
// centre, so that a centre's signature is checked once. Only what is in order is
// remembered: nobody fills it with rubbish.
type signatures struct {
	mu   sync.Mutex
	seen map[[32]byte]struct{}
}

// maxSeen bounds what is remembered: 32 bytes each. When it is full it is
// emptied.
const maxSeen = 1024

// issued says whether issuer's key signed cert, and might.
func (b *Bundle) issued(cert, issuer *x509.Certificate) bool {
	if b.seen == nil { // a bundle put together in memory
		return cms.CheckIssued(cert, issuer) == nil
	}
	// The two certificates are DER: one after the other they say where each ends.
	key := sha256.Sum256(slices.Concat(cert.Raw, issuer.Raw))
	b.seen.mu.Lock()
	_, ok := b.seen.seen[key]
	b.seen.mu.Unlock()
	if ok {
		return true
	}
	if cms.CheckIssued(cert, issuer) != nil {
		return false
	}
	b.seen.mu.Lock()
	defer b.seen.mu.Unlock()
	if len(b.seen.seen) >= maxSeen {
		clear(b.seen.seen)
	}
	b.seen.seen[key] = struct{}{}
	return true
}
