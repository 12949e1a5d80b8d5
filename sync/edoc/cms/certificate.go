package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// ParseCertificate is x509.ParseCertificate, and reads also certificates whose
// key a registered algorithm reads and crypto/x509 does not: PublicKey is then
// what its ParseKey returned, PublicKeyAlgorithm unknown.
func ParseCertificate(der []byte) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err == nil && cert.PublicKey != nil {
		return cert, nil
	}
	if err == nil {
		// Of a kind that crypto/x509 passes over. No registered algorithm may
		// read it either: then its signatures do not verify.
		cert.PublicKey, _ = registeredKey(cert.RawSubjectPublicKeyInfo)
		return cert, nil
	}
	// Of a kind that crypto/x509 knows by name and refuses (a curve).
	again, ok := parseForeign(der)
	if !ok {
		return nil, err
	}
	return again, nil
}

// parseForeign reads a certificate with a key that only a registered algorithm
// reads: crypto/x509 is shown it with the key's algorithm called by a name that
// it passes over, and everything else as it is.
func parseForeign(der []byte) (*x509.Certificate, bool) {
	p, ok := splitCertificate(der)
	if !ok {
		return nil, false
	}
	key, ok := registeredKey(p.spki)
	if !ok {
		return nil, false
	}
	// An arc that stands for nothing: 2.25.0, the UUID of all zeros.
	shown, err := encode(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(p.before)
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte{0x69, 0}) })
					})
					b.AddASN1BitString([]byte{0})
				})
				b.AddBytes(p.after)
			})
			b.AddBytes(p.signature)
		})
	})
	if err != nil {
		return nil, false
	}
	cert, err := x509.ParseCertificate(shown)
	if err != nil {
		return nil, false
	}
	cert.Raw, cert.RawTBSCertificate = bytes.Clone(der), bytes.Clone(p.tbs)
	cert.RawSubjectPublicKeyInfo, cert.PublicKey = bytes.Clone(p.spki), key
	return cert, true
}

// parts are those of a certificate in DER.
type parts struct {
	tbs       []byte // whole
	before    []byte // of tbs, what comes before the key
	spki      []byte
	after     []byte
	signature []byte // algorithm and value
}

func splitCertificate(der []byte) (p parts, ok bool) {
	in := cryptobyte.String(der)
	var cert, tbs, spki cryptobyte.String
	if !in.ReadASN1(&cert, cbasn1.SEQUENCE) || !in.Empty() || !cert.ReadASN1Element(&tbs, cbasn1.SEQUENCE) {
		return p, false
	}
	p.tbs, p.signature = tbs, cert
	var body cryptobyte.String
	if !tbs.ReadASN1(&body, cbasn1.SEQUENCE) {
		return p, false
	}
	whole := body
	// version, serialNumber, signature, issuer, validity, subject
	if !body.SkipOptionalASN1(tag0) || !body.SkipASN1(cbasn1.INTEGER) {
		return p, false
	}
	for range 4 {
		if !body.SkipASN1(cbasn1.SEQUENCE) {
			return p, false
		}
	}
	p.before = whole[:len(whole)-len(body)]
	ok = body.ReadASN1Element(&spki, cbasn1.SEQUENCE)
	p.spki, p.after = spki, body
	return p, ok
}

// CheckKey says whether cert's key is of a kind and size that is accepted:
// P-256, P-384, RSA of 2048 to 4096 bits, or what a registered algorithm reads.
func CheckKey(cert *x509.Certificate) error {
	switch key := cert.PublicKey.(type) {
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() || key.Curve == elliptic.P384() {
			return nil
		}
	case *rsa.PublicKey:
		_, err := rsaKey(key)
		return err
	}
	if _, ok := registeredKey(cert.RawSubjectPublicKeyInfo); ok {
		return nil
	}
	return errors.New("cms: the key is of a kind that is not accepted")
}

// CheckIssued says whether issuer signed cert, and may: what
// cert.CheckSignatureFrom says, for registered algorithms too. The names and
// times are the caller's to compare.
func CheckIssued(cert, issuer *x509.Certificate) error {
	// A stranger's key is work without bounds.
	if err := CheckKey(issuer); err != nil {
		return err
	}
	if known(issuer.PublicKey) {
		return cert.CheckSignatureFrom(issuer)
	}
	if err := mayIssue(issuer, x509.KeyUsageCertSign); err != nil {
		return err
	}
	return checkSigned(cert.Raw, issuer.PublicKey)
}

// CheckList is CheckIssued for a revocation list.
func CheckList(list *x509.RevocationList, issuer *x509.Certificate) error {
	if err := CheckKey(issuer); err != nil {
		return err
	}
	// Of lists crypto/x509 takes what it refuses of certificates.
	switch list.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1:
		return fmt.Errorf("cms: check who issued it: algorithm %v is not accepted", list.SignatureAlgorithm)
	}
	if known(issuer.PublicKey) {
		return list.CheckSignatureFrom(issuer)
	}
	if err := mayIssue(issuer, x509.KeyUsageCRLSign); err != nil {
		return err
	}
	return checkSigned(list.Raw, issuer.PublicKey)
}

// known reports whether crypto/x509 reads such keys.
func known(pub crypto.PublicKey) bool {
	switch pub.(type) {
	case *ecdsa.PublicKey, *rsa.PublicKey:
		return true
	}
	return false
}

func mayIssue(issuer *x509.Certificate, use x509.KeyUsage) error {
	if issuer.Version != 3 || !issuer.BasicConstraintsValid || !issuer.IsCA || issuer.KeyUsage&use == 0 {
		return errors.New("cms: the issuer's certificate is not one of a centre that may sign this")
	}
	return nil
}

// checkSigned checks the signature of a certificate or of a revocation list:
// SEQUENCE { what is signed, AlgorithmIdentifier, BIT STRING }.
func checkSigned(der []byte, pub crypto.PublicKey) error {
	in := cryptobyte.String(der)
	var seq, tbs, alg cryptobyte.String
	var sig []byte
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1Element(&tbs, cbasn1.SEQUENCE) ||
		!seq.ReadASN1Element(&alg, cbasn1.SEQUENCE) || !seq.ReadASN1BitStringAsBytes(&sig) || !seq.Empty() {
		return errors.New("cms: what is to be checked is not a certificate or a list")
	}
	id, params, err := readSignatureAlgorithm(alg)
	if err != nil {
		return fmt.Errorf("cms: check who issued it: %w", err)
	}
	list := slices.DeleteFunc(Algorithms(), func(a Algorithm) bool { return !a.Signature.Equal(id) || a.ParseKey == nil })
	if len(list) == 0 {
		return fmt.Errorf("cms: check who issued it: algorithm %v is not accepted", id)
	}
	if err := verifyWith(list, pub, params, tbs, sig); err != nil {
		return fmt.Errorf("cms: check who issued it: %w", err)
	}
	return nil
}
