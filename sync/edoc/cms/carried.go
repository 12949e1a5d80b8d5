package cms

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// How much a signature may carry.
const (
	MaxCertificates = 32
	MaxRevocation   = 16 // revocation lists and OCSP responses together
)

func (d *SignedData) readCertificates(sd *cryptobyte.String) error {
	var set cryptobyte.String
	var has bool
	if !sd.ReadOptionalASN1(&set, &has, tag0) || has && set.Empty() {
		return errors.New("the certificates are malformed")
	}
	for !set.Empty() {
		var e cryptobyte.String
		if !set.ReadASN1Element(&e, cbasn1.SEQUENCE) || len(d.certs) == MaxCertificates {
			return errors.New("the certificates are malformed or too many")
		}
		c, err := ParseCertificate(e)
		if err != nil {
			return fmt.Errorf("a certificate in it: %w", err)
		}
		d.certs, d.parsed = append(d.certs, raw(e)), append(d.parsed, c)
	}
	return nil
}

// readRevocation reads RevocationInfoChoices (RFC 5652 10.2.1): lists, and OCSP
// responses as RFC 5940 wraps them.
func (d *SignedData) readRevocation(sd *cryptobyte.String) error {
	var set cryptobyte.String
	var has bool
	if !sd.ReadOptionalASN1(&set, &has, tag1) || has && set.Empty() {
		return errors.New("the revocation information is malformed")
	}
	for !set.Empty() {
		if len(d.crls)+len(d.ocsps) == MaxRevocation {
			return fmt.Errorf("there are more than %d revocation lists and responses", MaxRevocation)
		}
		var e cryptobyte.String
		if set.PeekASN1Tag(cbasn1.SEQUENCE) {
			if !set.ReadASN1Element(&e, cbasn1.SEQUENCE) {
				return errors.New("a revocation list is malformed")
			}
			if _, err := x509.ParseRevocationList(e); err != nil {
				return fmt.Errorf("a revocation list in it: %w", err)
			}
			d.crls = append(d.crls, raw(e))
			continue
		}
		var other cryptobyte.String
		if !set.ReadASN1(&other, tag1) || !oidOCSPResponse.read(&other) ||
			!other.ReadASN1Element(&e, cbasn1.SEQUENCE) || !other.Empty() || !isOCSPResponse(e) {
			return errors.New("revocation information is neither a list nor a successful OCSP response")
		}
		d.ocsps = append(d.ocsps, raw(e))
	}
	return nil
}

// isOCSPResponse reports whether der looks like a successful OCSPResponse with a
// basic response inside (RFC 6960 4.2.1).
func isOCSPResponse(der cryptobyte.String) bool {
	var resp, status, explicit, body, octets, basic cryptobyte.String
	return der.ReadASN1(&resp, cbasn1.SEQUENCE) && der.Empty() &&
		resp.ReadASN1(&status, cbasn1.ENUM) && bytes.Equal(status, []byte{0}) &&
		resp.ReadASN1(&explicit, tag0) && resp.Empty() &&
		explicit.ReadASN1(&body, cbasn1.SEQUENCE) && explicit.Empty() &&
		oidOCSPBasic.read(&body) &&
		body.ReadASN1(&octets, cbasn1.OCTET_STRING) && body.Empty() &&
		octets.ReadASN1(&basic, cbasn1.SEQUENCE) && octets.Empty()
}

// revocationDER returns the revocation information as it is carried.
func (d *SignedData) revocationDER() []raw {
	list := slices.Clone(d.crls)
	for _, r := range d.ocsps {
		der, err := encode(func(b *cryptobyte.Builder) {
			b.AddASN1(tag1, func(b *cryptobyte.Builder) {
				oidOCSPResponse.add(b)
				b.AddBytes(r)
			})
		})
		if err == nil { // else it is longer than DER can say, and is left out
			list = append(list, der)
		}
	}
	return list
}

// CRLs returns the revocation lists it carries (DER CertificateList), believed
// or not.
func (d *SignedData) CRLs() [][]byte { return cloneAll(d.crls) }

// OCSPs returns the OCSP responses it carries (DER OCSPResponse, RFC 6960),
// believed or not.
func (d *SignedData) OCSPs() [][]byte { return cloneAll(d.ocsps) }

func cloneAll(list []raw) [][]byte {
	var out [][]byte
	for _, e := range list {
		out = append(out, bytes.Clone(e))
	}
	return out
}

// WithValidation returns the same signature with these certificates, revocation
// lists (CertificateList) and OCSP responses (OCSPResponse) besides those it
// carries already: what a reader needs to check it when nobody can be asked any
// more. It checks none of them; what is there already is not there twice, and
// what does not fit ([MaxCertificates], [MaxRevocation]) or is not of the kind
// is left out.
func (d *SignedData) WithValidation(certs []*x509.Certificate, crls, ocsps [][]byte) *SignedData {
	e := d.withCertificates(certs)
	if len(e.certs) > MaxCertificates {
		e.certs, e.parsed = e.certs[:MaxCertificates], e.parsed[:MaxCertificates]
	}
	room := func() bool { return len(e.crls)+len(e.ocsps) < MaxRevocation }
	e.crls, e.ocsps = slices.Clip(d.crls), slices.Clip(d.ocsps)
	for _, der := range crls {
		if _, err := x509.ParseRevocationList(der); err == nil && room() && !has(e.crls, der) {
			e.crls = append(e.crls, bytes.Clone(der))
		}
	}
	for _, der := range ocsps {
		if isOCSPResponse(der) && room() && !has(e.ocsps, der) {
			e.ocsps = append(e.ocsps, bytes.Clone(der))
		}
	}
	return e.rebound()
}

// withCertificates returns a copy with these certificates besides its own.
func (d *SignedData) withCertificates(certs []*x509.Certificate) *SignedData {
	e := d.edit()
	e.certs, e.parsed = slices.Clip(d.certs), slices.Clip(d.parsed)
	for _, c := range certs {
		if !has(e.certs, c.Raw) {
			e.certs, e.parsed = append(e.certs, c.Raw), append(e.parsed, c)
		}
	}
	return e
}

func has(list []raw, der []byte) bool {
	return slices.ContainsFunc(list, func(b raw) bool { return bytes.Equal(b, der) })
}

func withoutSelfSigned(chain []*x509.Certificate) []*x509.Certificate {
	return slices.DeleteFunc(slices.Clone(chain), func(c *x509.Certificate) bool {
		return bytes.Equal(c.RawIssuer, c.RawSubject)
	})
}
