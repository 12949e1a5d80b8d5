package pa

import (
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Trust is the list of certificates of states' signing authorities (CSCA) that a
// kiosk was given. Whoever gives it decides whom to believe.
type Trust struct{ list []*Certificate }

// Len is how many certificates t has.
func (t Trust) Len() int { return len(t.list) }

// ParseTrust reads certificates: several in PEM, or one in DER. One that is no
// authority's is an error: it does not belong in the list.
func ParseTrust(b []byte) (Trust, error) {
	var t Trust
	if p, _ := pem.Decode(b); p == nil {
		return t, t.add(b)
	}
	for p, rest := pem.Decode(b); p != nil; p, rest = pem.Decode(rest) {
		if err := t.add(p.Bytes); err != nil {
			return Trust{}, err
		}
	}
	return t, nil
}

func (t *Trust) add(der []byte) error {
	c, err := ParseCertificate(der)
	if err != nil {
		return err
	}
	if !c.ca || c.hasUsage && !c.signsCert {
		return fmt.Errorf("pa: trust %v: it is not an authority's", c)
	}
	t.list = append(t.list, c)
	return nil
}

// oidMasterList is id-icao-cscaMasterList.
var oidMasterList = asn1.ObjectIdentifier{2, 23, 136, 1, 1, 2}

// ParseMasterList reads a state's list of the authorities that it believes
// (9303-12, 9). The list must be signed by a certificate that one of anchors
// issued: a list found somewhere proves nothing by itself. at is the day for
// which the signer's certificates must be in their time; zero: any.
func ParseMasterList(b []byte, anchors Trust, at time.Time) (Trust, error) {
	var t Trust
	m, err := parseSigned(b)
	if err != nil {
		return t, err
	}
	if !m.kind.Equal(oidMasterList) {
		return t, malformed("master list: it is something else")
	}
	if err := m.check(); err != nil {
		return t, fmt.Errorf("pa: master list: %w", err)
	}
	by, err := anchors.issuer(m.signer)
	if err != nil {
		return t, fmt.Errorf("pa: master list: %w", err)
	}
	if !at.IsZero() && (!by.inTime(at) || !m.signer.inTime(at)) {
		return t, fmt.Errorf("pa: master list: a certificate of its signer is not in its time")
	}
	in := cryptobyte.String(m.content)
	var seq, set cryptobyte.String
	var version int
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1Integer(&version) || version != 0 ||
		!seq.ReadASN1(&set, cbasn1.SET) || !seq.Empty() {
		return t, malformed("master list")
	}
	for !set.Empty() {
		var c cryptobyte.String
		if !set.ReadASN1Element(&c, cbasn1.SEQUENCE) {
			return t, malformed("master list")
		}
		if err := t.add(c); err != nil {
			return Trust{}, err
		}
	}
	return t, nil
}

// errNoIssuer is a signer of whose state there is nothing in the list.
var errNoIssuer = errors.New("no certificate of its issuer is in the list")

// issuer returns the certificate of t that issued c. The error is errNoIssuer
// where none could have, errSignature where one could and did not.
func (t Trust) issuer(c *Certificate) (*Certificate, error) {
	last := errNoIssuer
	for _, a := range t.list {
		if !a.mayIssue(c) {
			continue
		}
		err := a.issued(c)
		if err == nil {
			return a, nil
		}
		// Of two keys under one name only one fits: a wrong one says little, and
		// what was looked at in vain says more than what was not known.
		if !errors.Is(last, errSignature) {
			last = err
		}
	}
	return nil, last
}
