package pa

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	_ "crypto/sha1" // older passports are signed with it
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/penjire/penjire/drivers/emrtd/curve"
)

// Errors of a check that was carried out and went wrong, or could not be.
var (
	errSignature = errors.New("signature is wrong")
	errAlgorithm = errors.New("algorithm is not known here")
)

// algorithm is an AlgorithmIdentifier.
type algorithm struct {
	oid    asn1.ObjectIdentifier
	params []byte // DER; empty if there are none
}

func readAlgorithm(s *cryptobyte.String, a *algorithm) bool {
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&a.oid) {
		return false
	}
	a.params = bytes.Clone(seq)
	return true
}

var hashes = []struct {
	oid  asn1.ObjectIdentifier
	hash crypto.Hash
}{
	{asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}, crypto.SHA1},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 4}, crypto.SHA224},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, crypto.SHA256},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}, crypto.SHA384},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}, crypto.SHA512},
}

// hash returns the hash that a names, or 0.
func (a algorithm) hash() crypto.Hash {
	for _, h := range hashes {
		if h.oid.Equal(a.oid) {
			return h.hash
		}
	}
	return 0
}

func digest(h crypto.Hash, b []byte) []byte {
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}

// The signature algorithms of Doc 9303-12, 4.4, and those that name their hash.
var (
	oidRSA  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidPSS  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidMGF1 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}

	signatures = []struct {
		oid  asn1.ObjectIdentifier
		hash crypto.Hash
		ec   bool
	}{
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 5}, crypto.SHA1, false},
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 14}, crypto.SHA224, false},
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, crypto.SHA256, false},
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}, crypto.SHA384, false},
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}, crypto.SHA512, false},
		{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 1}, crypto.SHA1, true},
		{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 1}, crypto.SHA224, true},
		{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, crypto.SHA256, true},
		{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}, crypto.SHA384, true},
		{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}, crypto.SHA512, true},
	}
)

// verify checks sig over signed by the key spki. hint is the hash where the
// algorithm does not name it, as rsaEncryption in CMS; 0: there is none.
func verify(a algorithm, hint crypto.Hash, spki, signed, sig []byte) error {
	switch {
	case a.oid.Equal(oidPSS):
		o, h, err := pss(a.params)
		if err != nil {
			return err
		}
		pub, err := rsaKey(spki)
		if err != nil {
			return err
		}
		return wrong(rsa.VerifyPSS(pub, h, digest(h, signed), sig, o))
	case a.oid.Equal(oidRSA) && hint != 0:
		return verifyRSA(hint, spki, signed, sig)
	}
	for _, s := range signatures {
		switch {
		case !s.oid.Equal(a.oid):
		case s.ec:
			return verifyEC(s.hash, spki, signed, sig)
		default:
			return verifyRSA(s.hash, spki, signed, sig)
		}
	}
	return fmt.Errorf("%w: signature %v", errAlgorithm, a.oid)
}

func wrong(err error) error {
	if err != nil {
		return errSignature
	}
	return nil
}

func verifyRSA(h crypto.Hash, spki, signed, sig []byte) error {
	pub, err := rsaKey(spki)
	if err != nil {
		return err
	}
	return wrong(rsa.VerifyPKCS1v15(pub, h, digest(h, signed), sig))
}

func verifyEC(h crypto.Hash, spki, signed, sig []byte) error {
	k, err := curve.ParseKey(spki)
	if err != nil {
		return fmt.Errorf("%w: %w", errAlgorithm, err)
	}
	var r, s big.Int
	in := cryptobyte.String(sig)
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() ||
		!seq.ReadASN1Integer(&r) || !seq.ReadASN1Integer(&s) || !seq.Empty() ||
		!k.Curve.Verify(k.Point, digest(h, signed), &r, &s) {
		return errSignature
	}
	return nil
}

// rsaKey reads a SubjectPublicKeyInfo of RSA, also one marked for PSS alone.
func rsaKey(spki []byte) (*rsa.PublicKey, error) {
	var seq, bits cryptobyte.String
	var a algorithm
	in := cryptobyte.String(spki)
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !readAlgorithm(&seq, &a) || !a.oid.Equal(oidRSA) && !a.oid.Equal(oidPSS) ||
		!seq.ReadASN1(&bits, cbasn1.BIT_STRING) || len(bits) == 0 || bits[0] != 0 {
		return nil, fmt.Errorf("%w: not a key of RSA", errAlgorithm)
	}
	k, err := x509.ParsePKCS1PublicKey(bits[1:])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAlgorithm, err)
	}
	return k, nil
}

// maxSalt is more than the longest key has room for. Some issuers fill theirs.
const maxSalt = 2048

// pss reads RSASSA-PSS-params (RFC 4055, 3.1).
func pss(der []byte) (*rsa.PSSOptions, crypto.Hash, error) {
	fail := func(what string) (*rsa.PSSOptions, crypto.Hash, error) {
		return nil, 0, fmt.Errorf("%w: RSASSA-PSS: %s", errAlgorithm, what)
	}
	h, mgf, salt := crypto.SHA1, crypto.SHA1, 20
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) {
		return fail("parameters are missing")
	}
	for !seq.Empty() {
		var v cryptobyte.String
		var tag cbasn1.Tag
		if !seq.ReadAnyASN1(&v, &tag) {
			return fail("parameters are damaged")
		}
		var a algorithm
		switch tag {
		case cbasn1.Tag(0).ContextSpecific().Constructed():
			if !readAlgorithm(&v, &a) {
				return fail("parameters are damaged")
			}
			h = a.hash()
		case cbasn1.Tag(1).ContextSpecific().Constructed():
			if !readAlgorithm(&v, &a) || !a.oid.Equal(oidMGF1) {
				return fail("mask generation is not MGF1")
			}
			inner := cryptobyte.String(a.params)
			if !readAlgorithm(&inner, &a) {
				return fail("parameters are damaged")
			}
			mgf = a.hash()
		case cbasn1.Tag(2).ContextSpecific().Constructed():
			if !v.ReadASN1Integer(&salt) {
				return fail("parameters are damaged")
			}
		case cbasn1.Tag(3).ContextSpecific().Constructed():
			if trailer := 0; !v.ReadASN1Integer(&trailer) || trailer != 1 {
				return fail("trailer is not 1")
			}
		default:
			return fail("parameters are damaged")
		}
	}
	if h == 0 || mgf != h || salt < 0 || salt > maxSalt {
		return fail("hash, mask or salt")
	}
	// A salt of zero bytes cannot be asked for; it is read as «find out».
	return &rsa.PSSOptions{SaltLength: salt, Hash: h}, h, nil
}
