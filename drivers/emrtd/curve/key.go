package curve

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
)

// oidECPublicKey is id-ecPublicKey (RFC 5480, 2.1.1).
var oidECPublicKey = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}

// oidPrimeField is prime-field (X9.62).
var oidPrimeField = asn1.ObjectIdentifier{1, 2, 840, 10045, 1, 1}

// Key is a public key on one of the curves.
type Key struct {
	Curve *Curve
	Point Point
}

// ErrKey is a public key that is not on one of the curves here.
var ErrKey = errors.New("not a public key on a known curve")

// ParseKey reads a SubjectPublicKeyInfo. The curve is named, or its parameters
// are written out (RFC 3279, 2.3.5) and are those of a named one.
func ParseKey(der []byte) (Key, error) {
	fail := func(what string) (Key, error) { return Key{}, fmt.Errorf("%w: %s", ErrKey, what) }
	var spki struct {
		Algorithm struct {
			OID    asn1.ObjectIdentifier
			Params asn1.RawValue
		}
		Key asn1.BitString
	}
	if rest, err := asn1.Unmarshal(der, &spki); err != nil || len(rest) > 0 {
		return fail("not a SubjectPublicKeyInfo")
	}
	if !spki.Algorithm.OID.Equal(oidECPublicKey) {
		return fail("not a key of an elliptic curve")
	}
	c := parseParams(spki.Algorithm.Params.FullBytes)
	if c == nil {
		return fail("parameters of no known curve")
	}
	p, err := c.Unmarshal(spki.Key.RightAlign())
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return Key{c, p}, nil
}

// parseParams returns the curve that EcpkParameters name or write out, or nil.
func parseParams(der []byte) *Curve {
	var oid asn1.ObjectIdentifier
	if rest, err := asn1.Unmarshal(der, &oid); err == nil && len(rest) == 0 {
		return ByOID(oid)
	}
	var e struct {
		Version int
		Field   struct {
			OID asn1.ObjectIdentifier
			P   *big.Int
		}
		Curve struct {
			A, B []byte
			Seed asn1.BitString `asn1:"optional"`
		}
		Base     []byte
		Order    *big.Int
		Cofactor *big.Int `asn1:"optional"`
	}
	if rest, err := asn1.Unmarshal(der, &e); err != nil || len(rest) > 0 || !e.Field.OID.Equal(oidPrimeField) {
		return nil
	}
	if e.Cofactor != nil && e.Cofactor.Cmp(big.NewInt(1)) != 0 {
		return nil
	}
	a, b := new(big.Int).SetBytes(e.Curve.A), new(big.Int).SetBytes(e.Curve.B)
	for _, c := range curves {
		if c.P.Cmp(e.Field.P) != 0 {
			continue // the base point can be read only for the right field
		}
		g, err := c.Unmarshal(e.Base)
		if err != nil {
			return nil
		}
		return ByParams(e.Field.P, a, b, e.Order, g)
	}
	return nil
}
