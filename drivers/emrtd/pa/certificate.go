package pa

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"math/big"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/penjire/penjire/drivers/device"
)

// Certificate is an X.509 certificate of a state's signer. It is read here and
// not by crypto/x509, which refuses what states' certificates have: brainpool
// curves, parameters written out, RSASSA-PSS keys, negative serial numbers.
type Certificate struct {
	Raw                 []byte
	Country             string // C of the subject, in capitals; "" if it has none
	NotBefore, NotAfter time.Time

	serial               *big.Int
	issuer, subject      []byte // DER
	spki                 []byte // DER
	tbs, signature       []byte
	algorithm            algorithm
	keyID, authority     []byte
	ca, hasUsage         bool
	signsData, signsCert bool
	unknownCritical      bool
}

// String tells whose certificate it is.
func (c *Certificate) String() string {
	return fmt.Sprintf("certificate of %q, serial %x", c.Country, c.serial)
}

// Extensions that are looked at or known to do no harm (9303-12, 7.1.1).
var (
	oidKeyUsage    = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidKeyID       = asn1.ObjectIdentifier{2, 5, 29, 14}
	oidAuthority   = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidExtUsage    = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidUsagePeriod = asn1.ObjectIdentifier{2, 5, 29, 16}
	oidDocTypes    = asn1.ObjectIdentifier{2, 23, 136, 1, 1, 6, 2}
	oidCountry     = asn1.ObjectIdentifier{2, 5, 4, 6}
)

// ParseCertificate parses one certificate in DER. It judges nothing.
func ParseCertificate(der []byte) (*Certificate, error) {
	c := &Certificate{Raw: bytes.Clone(der), serial: new(big.Int)}
	in := cryptobyte.String(c.Raw)
	var cert, tbs, body, sig cryptobyte.String
	var outer algorithm
	if !in.ReadASN1(&cert, cbasn1.SEQUENCE) || !in.Empty() ||
		!cert.ReadASN1Element(&tbs, cbasn1.SEQUENCE) || !readAlgorithm(&cert, &outer) ||
		!cert.ReadASN1(&sig, cbasn1.BIT_STRING) || !cert.Empty() || len(sig) == 0 || sig[0] != 0 {
		return nil, malformed("certificate")
	}
	c.tbs, c.signature = tbs, sig[1:]
	if !tbs.ReadASN1(&body, cbasn1.SEQUENCE) {
		return nil, malformed("certificate")
	}
	var issuer, subject, spki, validity, extensions cryptobyte.String
	var has bool
	version := cbasn1.Tag(0).ContextSpecific().Constructed()
	if !body.SkipOptionalASN1(version) || !body.ReadASN1Integer(c.serial) || !readAlgorithm(&body, &c.algorithm) ||
		!body.ReadASN1Element(&issuer, cbasn1.SEQUENCE) || !body.ReadASN1(&validity, cbasn1.SEQUENCE) ||
		!body.ReadASN1Element(&subject, cbasn1.SEQUENCE) || !body.ReadASN1Element(&spki, cbasn1.SEQUENCE) ||
		!body.SkipOptionalASN1(cbasn1.Tag(1).ContextSpecific()) || !body.SkipOptionalASN1(cbasn1.Tag(2).ContextSpecific()) ||
		!body.ReadOptionalASN1(&extensions, &has, cbasn1.Tag(3).ContextSpecific().Constructed()) || !body.Empty() {
		return nil, malformed("certificate")
	}
	// The algorithm outside is not signed and must be the one inside.
	if !c.algorithm.oid.Equal(outer.oid) || !bytes.Equal(c.algorithm.params, outer.params) {
		return nil, malformed("certificate: two algorithms")
	}
	c.issuer, c.subject, c.spki = issuer, subject, spki
	if !readTime(&validity, &c.NotBefore) || !readTime(&validity, &c.NotAfter) || !validity.Empty() {
		return nil, malformed("certificate: validity")
	}
	c.Country = country(c.subject)
	if has && !c.extensions(extensions) {
		return nil, malformed("certificate: extensions")
	}
	return c, nil
}

func malformed(what string) error { return fmt.Errorf("pa: parse %s: %w", what, device.ErrProtocol) }

func readTime(s *cryptobyte.String, t *time.Time) bool {
	if s.PeekASN1Tag(cbasn1.UTCTime) {
		return s.ReadASN1UTCTime(t)
	}
	return s.ReadASN1GeneralizedTime(t)
}

func (c *Certificate) extensions(s cryptobyte.String) bool {
	var list cryptobyte.String
	if !s.ReadASN1(&list, cbasn1.SEQUENCE) || !s.Empty() {
		return false
	}
	seen := map[string]bool{}
	for !list.Empty() {
		var ext, value cryptobyte.String
		var oid asn1.ObjectIdentifier
		critical := false
		if !list.ReadASN1(&ext, cbasn1.SEQUENCE) || !ext.ReadASN1ObjectIdentifier(&oid) ||
			ext.PeekASN1Tag(cbasn1.BOOLEAN) && !ext.ReadASN1Boolean(&critical) ||
			!ext.ReadASN1(&value, cbasn1.OCTET_STRING) || !ext.Empty() || seen[oid.String()] {
			return false
		}
		seen[oid.String()] = true
		if !c.extension(oid, value, critical) {
			return false
		}
	}
	return true
}

func (c *Certificate) extension(oid asn1.ObjectIdentifier, v cryptobyte.String, critical bool) bool {
	var in cryptobyte.String
	switch {
	case oid.Equal(oidKeyUsage):
		var bits asn1.BitString
		if !v.ReadASN1BitString(&bits) {
			return false
		}
		c.hasUsage, c.signsData, c.signsCert = true, bits.At(0) == 1, bits.At(5) == 1
	case oid.Equal(oidConstraints):
		if !v.ReadASN1(&in, cbasn1.SEQUENCE) || in.PeekASN1Tag(cbasn1.BOOLEAN) && !in.ReadASN1Boolean(&c.ca) {
			return false
		}
	case oid.Equal(oidKeyID):
		if !v.ReadASN1(&in, cbasn1.OCTET_STRING) {
			return false
		}
		c.keyID = in
	case oid.Equal(oidAuthority):
		var id cryptobyte.String
		var has bool
		if !v.ReadASN1(&in, cbasn1.SEQUENCE) || !in.ReadOptionalASN1(&id, &has, cbasn1.Tag(0).ContextSpecific()) {
			return false
		}
		if has {
			c.authority = id
		}
	case oid.Equal(oidExtUsage), oid.Equal(oidUsagePeriod), oid.Equal(oidDocTypes):
	default:
		c.unknownCritical = c.unknownCritical || critical
	}
	return true
}

// attributes returns a name's attributes as "oid=value", values in small letters
// without spaces around: issuers write the same name with another kind of string
// or other capitals.
func attributes(name []byte) []string {
	in := cryptobyte.String(name)
	var list cryptobyte.String
	if !in.ReadASN1(&list, cbasn1.SEQUENCE) {
		return nil
	}
	var out []string
	for !list.Empty() {
		var set cryptobyte.String
		if !list.ReadASN1(&set, cbasn1.SET) {
			return nil
		}
		for !set.Empty() {
			var av, value cryptobyte.String
			var oid asn1.ObjectIdentifier
			var tag cbasn1.Tag
			if !set.ReadASN1(&av, cbasn1.SEQUENCE) || !av.ReadASN1ObjectIdentifier(&oid) || !av.ReadAnyASN1(&value, &tag) {
				return nil
			}
			out = append(out, oid.String()+"="+strings.ToLower(strings.TrimSpace(string(value))))
		}
	}
	return out
}

func country(name []byte) string {
	for _, a := range attributes(name) {
		if v, ok := strings.CutPrefix(a, oidCountry.String()+"="); ok {
			return strings.ToUpper(v)
		}
	}
	return ""
}

// sameName reports whether two names in DER are the same.
func sameName(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, y := attributes(a), attributes(b)
	if len(x) == 0 || len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return true
}

// mayIssue reports whether c could have issued d, going by names and key
// identifiers. Whether it did, the signature tells.
func (c *Certificate) mayIssue(d *Certificate) bool {
	if len(c.keyID) > 0 && bytes.Equal(c.keyID, d.authority) {
		return true
	}
	return sameName(c.subject, d.issuer)
}

// issued checks c's signature on d.
func (c *Certificate) issued(d *Certificate) error {
	return verify(d.algorithm, 0, c.spki, d.tbs, d.signature)
}

// inTime reports whether at is within c's validity.
func (c *Certificate) inTime(at time.Time) bool {
	return !at.Before(c.NotBefore) && !at.After(c.NotAfter)
}
