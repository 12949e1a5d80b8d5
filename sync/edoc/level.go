package edoc

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

// Level is how much a signature carries for whoever checks it later (ETSI EN
// 319 122-1). It is about form: what is carried may be wrong.
type Level int

// The levels.
const (
	BB  Level = iota + 1 // the signature: only the signer's clock says when
	BT                   // and a time stamp
	BLT                  // and the certificates and revocation lists that it takes to check both
)

// String returns B-B, B-T or B-LT.
func (l Level) String() string {
	switch l {
	case BB:
		return "B-B"
	case BT:
		return "B-T"
	case BLT:
		return "B-LT"
	}
	return fmt.Sprintf("Level(%d)", int(l))
}

// Errors of raising a signature.
var (
	ErrNoStamp    = errors.New("edoc: the signature has no time stamp")
	ErrIncomplete = errors.New("edoc: what it takes to check the signature later is not at hand")
)

// MaxValidation is how many bytes of revocation lists Complete puts into a
// signature. A longer list is a matter for OCSP: answers travel to kiosks over
// thin lines.
const MaxValidation = 256 << 10

// Level returns the level of signature n, the first being 0; 0 if there is no
// such signature.
func (c *Container) Level(n int) Level {
	sd, err := c.signature(n)
	switch {
	case err != nil:
		return 0
	case sd.TimeStamp() == nil:
		return BB
	}
	cert, err := sd.Certificate()
	if err != nil {
		return BT
	}
	authority, err := stampSigner(sd, nil)
	if err != nil {
		return BT
	}
	carried := sd.Certificates()
	for _, cert := range []*x509.Certificate{cert, authority} {
		up := issuerIn(cert, carried)
		if up == nil || !revocationOf(cert, up, sd.CRLs(), sd.OCSPs()) {
			return BT
		}
	}
	return BLT
}

// stampSigner returns the certificate of the authority that made sd's time
// stamp, from the token, from sd, or from more.
func stampSigner(sd *cms.SignedData, more []*x509.Certificate) (*x509.Certificate, error) {
	token, err := cms.ParseAttached(sd.TimeStamp(), cms.OIDTSTInfo)
	if err != nil {
		return nil, err
	}
	return token.Certificate(append(sd.Certificates(), more...)...)
}

// issuerIn returns who issued cert, by name and by signature; nil if none of
// list did.
func issuerIn(cert *x509.Certificate, list []*x509.Certificate) *x509.Certificate {
	for _, c := range list {
		if bytes.Equal(cert.RawIssuer, c.RawSubject) && cms.CheckIssued(cert, c) == nil {
			return c
		}
	}
	return nil
}

// revocationOf reports whether there is a list of cert's issuer or a response
// about cert.
func revocationOf(cert, issuer *x509.Certificate, crls, ocsps [][]byte) bool {
	for _, der := range crls {
		if l, err := x509.ParseRevocationList(der); err == nil && bytes.Equal(l.RawIssuer, issuer.RawSubject) {
			return true
		}
	}
	for _, der := range ocsps {
		if trust.About(der, cert, issuer) {
			return true
		}
	}
	return false
}

// Complete raises every signature that has a time stamp from B-T to B-LT: the
// certificates of the centres over its signer, its counter-signers and its
// time-stamping authority go in, and the revocation lists of these centres, as
// far as b has them. The ID, the time stamps and the counter-signatures stay.
//
// Errors: ErrNoStamp if no signature has a time stamp; ErrIncomplete if b does
// not know the centre of a signer or of an authority, has no list of it, or the
// lists are longer than MaxValidation. It does not say whether the signatures
// are to be believed: that is Verify's question.
func (c *Container) Complete(b *trust.Bundle) (*Container, error) {
	e, stamped := c, false
	for n, sd := range c.signatures {
		if sd.TimeStamp() == nil {
			continue
		}
		stamped = true
		if c.Level(n) == BLT {
			continue
		}
		full, err := complete(sd, b)
		if err != nil {
			return nil, fmt.Errorf("edoc: complete signature %d: %w", n+1, err)
		}
		e = e.with(n, full)
	}
	if !stamped {
		return nil, fmt.Errorf("edoc: complete: %w", ErrNoStamp)
	}
	return e, nil
}

func complete(sd *cms.SignedData, b *trust.Bundle) (*cms.SignedData, error) {
	cert, err := sd.Certificate(b.Agencies...)
	if err != nil {
		return nil, fmt.Errorf("the signer's certificate: %w", ErrIncomplete)
	}
	authority, err := stampSigner(sd, b.TSA)
	if err != nil {
		return nil, fmt.Errorf("the certificate of the time-stamping authority: %w", ErrIncomplete)
	}
	g := gathering{b: b}
	for _, cert := range []*x509.Certificate{cert, authority} {
		if !g.add(cert) {
			return nil, fmt.Errorf("the centre over a certificate, or its revocation list: %w", ErrIncomplete)
		}
	}
	for _, counter := range sd.CounterSignatures() {
		if cert, err := counter.Certificate(b.Agencies...); err == nil {
			g.add(cert) // a counter-signature adds: it keeps nothing from being complete
		}
	}
	if g.size > MaxValidation {
		return nil, fmt.Errorf("the revocation lists are of %d bytes, %d at most: %w", g.size, MaxValidation, ErrIncomplete)
	}
	full := sd.WithValidation(g.certs, g.crls, nil)
	if len(full.Certificates()) < len(g.certs) || len(full.CRLs()) < len(g.crls) {
		return nil, fmt.Errorf("there is more to carry than a signature holds: %w", ErrIncomplete)
	}
	return full, nil
}

// gathering is what a signature is to carry, out of a bundle.
type gathering struct {
	b     *trust.Bundle
	certs []*x509.Certificate
	crls  [][]byte
	size  int // of crls
}

// add takes cert, the centres above it, and the newest list of each. It reports
// whether the centre that issued cert and its list were there.
func (g *gathering) add(cert *x509.Certificate) bool {
	var centres []*x509.Certificate
	for i := range g.b.Centres {
		centres = append(centres, g.b.Centres[i].Cert)
	}
	found := false
	g.take(cert)
	for i := 0; i < len(centres); i++ { // no path is longer than the list of centres
		up := issuerIn(cert, centres)
		if up == nil || up.Equal(cert) {
			break
		}
		g.take(up)
		list := g.newest(up)
		found = found || i == 0 && list
		cert = up
	}
	return found
}

func (g *gathering) take(cert *x509.Certificate) {
	if !trust.Listed(g.certs, cert) {
		g.certs = append(g.certs, cert)
	}
}

// newest takes the newest list of a centre, and reports whether there is one.
func (g *gathering) newest(centre *x509.Certificate) bool {
	var best *x509.RevocationList
	for _, der := range g.b.CRLs {
		l, err := x509.ParseRevocationList(der)
		if err != nil || !bytes.Equal(l.RawIssuer, centre.RawSubject) || cms.CheckList(l, centre) != nil {
			continue
		}
		if best == nil || l.ThisUpdate.After(best.ThisUpdate) {
			best = l
		}
	}
	if best == nil {
		return false
	}
	for _, der := range g.crls {
		if bytes.Equal(der, best.Raw) {
			return true
		}
	}
	g.crls, g.size = append(g.crls, best.Raw), g.size+len(best.Raw)
	return true
}

// Stamp raises the first signature from B-B to B-T with a time stamp from t. The
// ID stays. A token that is over something else is refused; whether to believe
// its authority is Verify's question. A container that has a stamp keeps it:
// where Verify says no to that stamp, first take it off (WithoutStamp).
func (c *Container) Stamp(ctx context.Context, t tsp.Stamper) (*Container, error) {
	return c.StampAt(ctx, 0, t)
}

// StampAt is Stamp for signature n, the first being 0.
func (c *Container) StampAt(ctx context.Context, n int, t tsp.Stamper) (*Container, error) {
	sd, err := c.signature(n)
	if err != nil {
		return nil, fmt.Errorf("edoc: stamp: %w", err)
	}
	if sd.TimeStamp() != nil {
		return c, nil
	}
	token, _, err := t.Stamp(ctx, sd.Imprint())
	if err != nil {
		return nil, fmt.Errorf("edoc: stamp: %w", err)
	}
	parsed, err := tsp.Parse(token)
	if err != nil {
		return nil, fmt.Errorf("edoc: stamp: %w", err)
	}
	if err := parsed.Over(sd.Imprint()); err != nil {
		return nil, fmt.Errorf("edoc: stamp: %w", err)
	}
	return c.with(n, sd.WithTimeStamp(token)), nil
}

// WithoutStamp returns the container without the first signature's time stamp,
// which anyone could have put there. The ID stays.
func (c *Container) WithoutStamp() *Container {
	return c.with(0, c.signatures[0].WithTimeStamp(nil))
}
