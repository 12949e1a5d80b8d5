package tsp

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/penjire/penjire/sync/edoc/cms"
)

// Token is a time-stamp token, read but not checked: Verify does that.
type Token struct {
	Time    time.Time
	Imprint []byte   // SHA-256 of what it is over
	Serial  *big.Int // by its authority
	Nonce   *big.Int // nil if none
	Policy  x509.OID

	sd *cms.SignedData
}

// Parse reads a token strictly: a CMS signature in the profile of package cms,
// over a TSTInfo with an imprint in SHA-256 and without extensions.
func Parse(der []byte) (*Token, error) {
	sd, err := cms.ParseAttached(der, cms.OIDTSTInfo)
	if err != nil {
		return nil, fmt.Errorf("tsp: parse token: %w", err)
	}
	if sd.TimeStamp() != nil || len(sd.CounterSignatures()) > 0 {
		return nil, errors.New("tsp: parse token: it has unsigned attributes")
	}
	t := &Token{sd: sd}
	if err := t.readInfo(sd.Content()); err != nil {
		return nil, fmt.Errorf("tsp: parse token: %w", err)
	}
	return t, nil
}

func (t *Token) readInfo(der []byte) error {
	in := cryptobyte.String(der)
	var info, oid, imprint, at, skip cryptobyte.String
	var version int
	t.Serial = new(big.Int)
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) || !in.Empty() ||
		!info.ReadASN1Integer(&version) || version != 1 ||
		!info.ReadASN1(&oid, cbasn1.OBJECT_IDENTIFIER) || t.Policy.UnmarshalBinary(oid) != nil ||
		!info.ReadASN1(&imprint, cbasn1.SEQUENCE) || !readImprint(&imprint, &t.Imprint) ||
		!info.ReadASN1Integer(t.Serial) || !info.ReadASN1(&at, cbasn1.GeneralizedTime) {
		return errors.New("TSTInfo is malformed, or its imprint is not in SHA-256")
	}
	var err error
	if t.Time, err = readTime(string(at)); err != nil {
		return err
	}
	// accuracy, ordering and the authority's name are read and passed over.
	if !skipAccuracy(&info) || !skipOrdering(&info) {
		return errors.New("accuracy or ordering is malformed")
	}
	if info.PeekASN1Tag(cbasn1.INTEGER) {
		t.Nonce = new(big.Int)
		if !info.ReadASN1Integer(t.Nonce) {
			return errors.New("the nonce is malformed")
		}
	}
	var has bool
	if !info.ReadOptionalASN1(&skip, &has, cbasn1.Tag(0).ContextSpecific().Constructed()) || !info.Empty() {
		return errors.New("TSTInfo is malformed, or has extensions")
	}
	return nil
}

// skipAccuracy passes over an Accuracy: seconds from 0, milliseconds and
// microseconds from 1 to 999 (RFC 3161 2.4.2).
func skipAccuracy(info *cryptobyte.String) bool {
	var all, part cryptobyte.String
	var has bool
	if !info.ReadOptionalASN1(&all, &has, cbasn1.SEQUENCE) || !has {
		return !has
	}
	if all.PeekASN1Tag(cbasn1.INTEGER) {
		var seconds uint32
		if !all.ReadASN1Integer(&seconds) {
			return false
		}
	}
	for tag := range uint8(2) {
		if !all.ReadOptionalASN1(&part, &has, cbasn1.Tag(tag).ContextSpecific()) {
			return false
		}
		// DER: 1 to 999 in one byte below 128, else in two.
		small := len(part) == 1 && part[0] >= 1 && part[0] < 0x80
		if large := len(part) == 2 && (part[0] > 0 || part[1] >= 0x80) && int(part[0])<<8|int(part[1]) <= 999; has && !small && !large {
			return false
		}
	}
	return all.Empty()
}

// skipOrdering passes over an ordering, which DER leaves out if it is false.
func skipOrdering(info *cryptobyte.String) bool {
	if !info.PeekASN1Tag(cbasn1.BOOLEAN) {
		return true
	}
	var ordered bool
	return info.ReadASN1Boolean(&ordered) && ordered
}

// readImprint reads the inside of a MessageImprint in SHA-256.
func readImprint(in *cryptobyte.String, sum *[]byte) bool {
	var alg, octets cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&alg, cbasn1.SEQUENCE) || !alg.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(cms.OIDSHA256) ||
		!alg.Empty() && !bytes.Equal(alg, []byte{5, 0}) ||
		!in.ReadASN1(&octets, cbasn1.OCTET_STRING) || !in.Empty() || len(octets) != 32 {
		return false
	}
	*sum = bytes.Clone(octets)
	return true
}

// readTime reads a GeneralizedTime as DER has it: in UTC, a fraction without
// zeros at its end.
func readTime(s string) (time.Time, error) {
	const form = "20060102150405.999999999Z"
	t, err := time.Parse(form, s)
	if err != nil || t.Format(form) != s || strings.Contains(s, ",") {
		return time.Time{}, errors.New("the time is not a GeneralizedTime in DER")
	}
	return t.UTC(), nil
}

// Over says whether the token is over that imprint; if not, ErrImprint.
func (t *Token) Over(imprint [32]byte) error {
	if !bytes.Equal(t.Imprint, imprint[:]) {
		return ErrImprint
	}
	return nil
}

// Verify checks that one of the authorities trusted signed the token, over
// imprint, while its certificate was in force, and returns which. A certificate
// inside the token counts only if it is one of them.
func (t *Token) Verify(imprint [32]byte, trusted []*x509.Certificate) (*x509.Certificate, error) {
	if err := t.Over(imprint); err != nil {
		return nil, err
	}
	cert, err := t.sd.Certificate(trusted...)
	if err != nil {
		return nil, ErrSigner
	}
	known := false
	for _, c := range trusted {
		known = known || c.Equal(cert)
	}
	if !known || !IsTSA(cert) {
		return nil, ErrSigner
	}
	if _, err := t.sd.Verify(nil, cert); err != nil {
		return nil, fmt.Errorf("tsp: verify token: %w", err)
	}
	if t.Time.Before(cert.NotBefore) || t.Time.After(cert.NotAfter) {
		return nil, fmt.Errorf("tsp: verify token: %w: its certificate was not in force", ErrSigner)
	}
	return cert, nil
}
