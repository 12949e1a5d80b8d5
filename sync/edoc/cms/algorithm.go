package cms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"slices"
	"sync"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Algorithm is one way of signing that is accepted: the digest and the signature
// algorithm that a signer names, and the kind of key that goes with them.
// National algorithms join with [Register].
type Algorithm struct {
	Name      string // for people; no two have the same
	Digest    asn1.ObjectIdentifier
	Signature asn1.ObjectIdentifier
	New       func() hash.Hash
	// Verify checks sig over digest. params are the DER parameters of the
	// signature algorithm; nil if there are none. For a key of another kind it
	// returns ErrKey.
	Verify func(pub crypto.PublicKey, params, digest, sig []byte) error
	// ParseKey reads a SubjectPublicKeyInfo that crypto/x509 does not read; what
	// it returns is the PublicKey of the certificate. It fails for a key of
	// another kind. nil: the keys are those of crypto/x509.
	ParseKey func(spki []byte) (crypto.PublicKey, error)
}

// ErrKey is what an Algorithm's Verify returns for a key of another kind.
var ErrKey = errors.New("cms: the certificate's key is of another kind than the signature")

var (
	errKeySize   = errors.New("the key is too short or too long")
	errSignature = errors.New("the signature does not fit")
	errParams    = errors.New("the signature algorithm's parameters are not accepted")
)

var registry = struct {
	sync.RWMutex
	list []Algorithm
}{list: builtin()}

// Register adds an algorithm for the whole process. What is accepted cannot be
// redefined: it refuses a name that is taken, and, of an algorithm without a
// ParseKey, a pair that is taken. With a ParseKey the pair may be taken: such an
// algorithm is asked only about keys that crypto/x509 does not read, as an
// elliptic curve of the state's own under the identifier of ECDSA.
func Register(a Algorithm) error {
	if a.Name == "" || a.New == nil || a.Verify == nil || len(a.Digest) == 0 || len(a.Signature) == 0 {
		return fmt.Errorf("cms: register algorithm %q: it is not complete", a.Name)
	}
	registry.Lock()
	defer registry.Unlock()
	for _, b := range registry.list {
		if a.Name == b.Name || a.ParseKey == nil && b.Digest.Equal(a.Digest) && b.Signature.Equal(a.Signature) {
			return fmt.Errorf("cms: register algorithm %q: it is taken by %q", a.Name, b.Name)
		}
	}
	registry.list = append(slices.Clip(registry.list), a)
	return nil
}

// Algorithms returns what is accepted, in the order of registration.
func Algorithms() []Algorithm { return slices.Clone(algorithms()) }

// algorithms returns the list itself, which nobody changes.
func algorithms() []Algorithm {
	registry.RLock()
	defer registry.RUnlock()
	return registry.list
}

// lookup returns the algorithms of that pair: one for each kind of key.
func lookup(digest, signature asn1.ObjectIdentifier) []Algorithm {
	var found []Algorithm
	for _, a := range algorithms() {
		if a.Digest.Equal(digest) && a.Signature.Equal(signature) {
			found = append(found, a)
		}
	}
	return found
}

// digestOf returns the hash of that identifier, if an algorithm uses it.
func digestOf(id asn1.ObjectIdentifier) (hash.Hash, bool) {
	for _, a := range algorithms() {
		if a.Digest.Equal(id) {
			return a.New(), true
		}
	}
	return nil, false
}

// registeredKey asks the algorithms that read keys of their own.
func registeredKey(spki []byte) (crypto.PublicKey, bool) {
	for _, a := range algorithms() {
		if a.ParseKey == nil {
			continue
		}
		if key, err := a.ParseKey(spki); err == nil && key != nil {
			return key, true
		}
	}
	return nil, false
}

// verifyWith checks sig over signed with the one of list whose kind the key is.
func verifyWith(list []Algorithm, pub crypto.PublicKey, params, signed, sig []byte) error {
	err := ErrKey
	for _, a := range list {
		sum := a.New()
		_, _ = sum.Write(signed) // a hash does not fail
		if err = a.Verify(pub, params, sum.Sum(nil), sig); err == nil {
			return nil
		}
		if !errors.Is(err, ErrKey) {
			return fmt.Errorf("%s: %w", a.Name, err)
		}
	}
	return err
}

var (
	derSHA256   = algorithmDER(OIDSHA256)
	derECDSA256 = algorithmDER(oidECDSA256)

	oidECDSA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidECDSA384 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}
	oidECDSA512 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}
	oidRSA      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidMGF1     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	oidPSS      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidRSA256   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidRSA384   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}
	oidRSA512   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}
)

func builtin() []Algorithm {
	var list []Algorithm
	for _, h := range []struct {
		name       string
		hash       crypto.Hash
		new        func() hash.Hash
		digest     asn1.ObjectIdentifier
		ecdsa, rsa asn1.ObjectIdentifier
	}{
		{"SHA-256", crypto.SHA256, sha256.New, OIDSHA256, oidECDSA256, oidRSA256},
		{"SHA-384", crypto.SHA384, sha512.New384, oidSHA384, oidECDSA384, oidRSA384},
		{"SHA-512", crypto.SHA512, sha512.New, oidSHA512, oidECDSA512, oidRSA512},
	} {
		list = append(list,
			Algorithm{"ECDSA with " + h.name, h.digest, h.ecdsa, h.new, verifyECDSA, nil},
			Algorithm{"RSA with " + h.name, h.digest, h.rsa, h.new, verifyPKCS1(h.hash), nil},
			// OpenSSL and many cards name the key instead of the pair.
			Algorithm{"RSA, " + h.name, h.digest, oidRSA, h.new, verifyPKCS1(h.hash), nil},
			Algorithm{"RSASSA-PSS with " + h.name, h.digest, oidPSS, h.new, verifyPSS(h.hash, h.digest), nil},
		)
	}
	return list
}

func verifyECDSA(pub crypto.PublicKey, params, digest, sig []byte) error {
	key, ok := pub.(*ecdsa.PublicKey)
	switch {
	case !ok || key.Curve != elliptic.P256() && key.Curve != elliptic.P384():
		return ErrKey
	case params != nil:
		return errParams
	case !ecdsa.VerifyASN1(key, digest, sig):
		return errSignature
	}
	return nil
}

func rsaKey(pub crypto.PublicKey) (*rsa.PublicKey, error) {
	key, ok := pub.(*rsa.PublicKey)
	if !ok {
		return nil, ErrKey
	}
	// The upper bound is one on the work that a stranger's key makes.
	if n := key.N.BitLen(); n < 2048 || n > 4096 {
		return nil, fmt.Errorf("RSA of %d bits: %w", n, errKeySize)
	}
	return key, nil
}

func verifyPKCS1(h crypto.Hash) func(crypto.PublicKey, []byte, []byte, []byte) error {
	return func(pub crypto.PublicKey, params, digest, sig []byte) error {
		key, err := rsaKey(pub)
		if err != nil {
			return err
		}
		if params != nil && !isNull(params) {
			return errParams
		}
		if rsa.VerifyPKCS1v15(key, h, digest, sig) != nil {
			return errSignature
		}
		return nil
	}
}

func verifyPSS(h crypto.Hash, digestOID asn1.ObjectIdentifier) func(crypto.PublicKey, []byte, []byte, []byte) error {
	return func(pub crypto.PublicKey, params, digest, sig []byte) error {
		key, err := rsaKey(pub)
		if err != nil {
			return err
		}
		if !pssParams(params, digestOID, h.Size()) {
			return errParams
		}
		if rsa.VerifyPSS(key, h, digest, sig, &rsa.PSSOptions{SaltLength: h.Size(), Hash: h}) != nil {
			return errSignature
		}
		return nil
	}
}

// pssParams reports whether params are RSASSA-PSS-params that name the digest,
// MGF1 with the same digest, and a salt of the digest's size.
func pssParams(params []byte, digest asn1.ObjectIdentifier, salt int) bool {
	in := cryptobyte.String(params)
	var seq, hashAlg, mgfAlg, mgf, saltLen cryptobyte.String
	var got, mgfOID, mgfDigest asn1.ObjectIdentifier
	var n int
	return in.ReadASN1(&seq, cbasn1.SEQUENCE) && in.Empty() &&
		seq.ReadASN1(&hashAlg, tag0) && readAlgorithm(&hashAlg, &got) && hashAlg.Empty() &&
		seq.ReadASN1(&mgfAlg, tag1) && mgfAlg.ReadASN1(&mgf, cbasn1.SEQUENCE) && mgfAlg.Empty() &&
		mgf.ReadASN1ObjectIdentifier(&mgfOID) && readAlgorithm(&mgf, &mgfDigest) && mgf.Empty() &&
		seq.ReadASN1(&saltLen, cbasn1.Tag(2).ContextSpecific().Constructed()) &&
		saltLen.ReadASN1Integer(&n) && saltLen.Empty() && seq.Empty() &&
		got.Equal(digest) && mgfOID.Equal(oidMGF1) && mgfDigest.Equal(digest) && n == salt
}

// readAlgorithm reads an AlgorithmIdentifier whose parameters are absent or NULL.
func readAlgorithm(s *cryptobyte.String, oid *asn1.ObjectIdentifier) bool {
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(oid) {
		return false
	}
	return seq.Empty() || isNull(seq)
}

func isNull(der []byte) bool { return len(der) == 2 && der[0] == 5 && der[1] == 0 }
