package trust

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
)

// maxResponse is the longest OCSP response that is looked at. One with a chain
// of certificates has a few KiB.
const maxResponse = 32 << 10

// Carried is what a signature carries of revocations, as DER, believed or not.
// It is read when first asked about, and once however many certificates it is
// asked about: a stranger fills it. It is not for several goroutines.
type Carried struct {
	crls      []*carriedList
	responses []*response
}

type carriedList struct {
	der []byte
	l   *x509.RevocationList // nil: not read yet, or not to be read
	crl *crl
	by  map[*x509.Certificate]bool // whose signature it was found to bear, or not
}

type response struct {
	der   []byte
	basic *ocspBasic // nil: not read yet, or not to be read
}

// NewCarried returns what these revocation lists and OCSP responses say.
func NewCarried(crls, ocsps [][]byte) *Carried {
	c := &Carried{}
	for _, der := range crls {
		c.crls = append(c.crls, &carriedList{der: der})
	}
	for _, der := range ocsps {
		if len(der) <= maxResponse {
			c.responses = append(c.responses, &response{der: der})
		}
	}
	return c
}

// read reports whether the list is one that can be read as a whole one.
func (c *carriedList) read() bool {
	if der := c.der; der != nil {
		c.der = nil // once
		if l, err := x509.ParseRevocationList(der); err == nil && isWhole(l) == nil {
			c.l, c.crl, c.by = l, newCRL(l), map[*x509.Certificate]bool{}
		}
	}
	return c.l != nil
}

func (c *carriedList) signedBy(centre *x509.Certificate) bool {
	ok, asked := c.by[centre]
	if !asked {
		ok = cms.CheckList(c.l, centre) == nil
		c.by[centre] = ok
	}
	return ok
}

// list returns a list that a signature carries; nil if it is not one of centre
// c, which may have changed its key, or of one whose key counted no more when
// the list says it was made.
func (b *Bundle) list(x *carriedList, c *Centre, now time.Time) *crl {
	if !x.read() || !bytes.Equal(x.l.RawIssuer, c.Cert.RawSubject) {
		return nil
	}
	for i := range b.Centres {
		if by := &b.Centres[i]; bytes.Equal(x.l.RawIssuer, by.Cert.RawSubject) && b.mayState(by, x.l.ThisUpdate, now) && x.signedBy(by.Cert) {
			return x.crl
		}
	}
	return nil
}

// mayState says whether a centre's word of that time counts where a stranger
// hands it on: it worked then, and by the bundle its certificate was not
// cancelled by then. Whoever has the key of a centre whose time is over would
// else say what he likes of those that the centre certified (ED-VER-11). What
// the bundle itself holds the register has looked at.
func (b *Bundle) mayState(c *Centre, at, now time.Time) bool {
	q := At("", at, true, now)
	if c.working(q).Verdict == No {
		return false
	}
	up := b.centreOf(c.Cert, q)
	if up == nil || up.Cert.Equal(c.Cert) {
		return true
	}
	for _, s := range b.statements(c.Cert, up, q) {
		if s.status == cancelled && (s.lost || !s.since.After(at)) {
			return false
		}
	}
	return true
}

// read returns the parts of the response, nil if it has not the form of one, or
// a certificate in it has a key or a signature that is not accepted: package
// ocsp checks the signature with whatever key is inside.
func (x *response) read() *ocspBasic {
	der := x.der
	if x.basic != nil || der == nil {
		return x.basic
	}
	var outer ocspResponse
	var basic ocspBasic
	x.der = nil // until it is found to be one
	if rest, err := asn1.Unmarshal(der, &outer); err != nil || len(rest) > 0 {
		return nil
	}
	if rest, err := asn1.Unmarshal(outer.Bytes.Response, &basic); err != nil || len(rest) > 0 {
		return nil
	}
	for _, raw := range basic.Certificates {
		d, err := x509.ParseCertificate(raw.FullBytes)
		if err != nil || cms.CheckKey(d) != nil || weakDigest(d.SignatureAlgorithm) {
			return nil
		}
	}
	x.der, x.basic = der, &basic
	return x.basic
}
