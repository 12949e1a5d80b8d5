// Package curve is arithmetic on the elliptic curves of passports: NIST's and
// brainpool's, with any generator, as generic mapping needs and the standard
// library does not offer.
//
// It is written for short use, not for secrets that stay: it is not in constant
// time. A kiosk makes a new key for each chip and forgets it within the second,
// and checks signatures, which are public. Keys that are kept belong elsewhere.
//
// # Reference
//
// ICAO Doc 9303-11, 9.5.1 and 9.6; BSI TR-03111, 3.2 and 4.
package curve

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
)

// Curve is a curve y² = x³ + ax + b over a prime field, in short Weierstrass
// form, of prime order (cofactor 1).
type Curve struct {
	Name    string
	ID      int // among the standardized domain parameters of Doc 9303-11, 9.5.1
	OID     asn1.ObjectIdentifier
	P, A, B *big.Int
	N       *big.Int // order
	G       Point    // the standard's generator
}

// Point is a point of a curve; without coordinates it is the one at infinity.
type Point struct{ X, Y *big.Int }

// ErrPoint is any point that may not be used: not on the curve, at infinity, or
// badly encoded.
var ErrPoint = errors.New("not a point of the curve")

// ByID returns the standardized domain parameters with that number, or nil.
func ByID(id int) *Curve {
	for _, c := range curves {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// ByOID returns the curve with that object identifier, or nil.
func ByOID(oid asn1.ObjectIdentifier) *Curve {
	for _, c := range curves {
		if c.OID.Equal(oid) {
			return c
		}
	}
	return nil
}

// ByParams returns the curve that has exactly these parameters, generator and
// order included, or nil. Certificates of states write them out; parameters of
// one's own are refused, since with them any signature can be made to fit.
func ByParams(p, a, b, n *big.Int, g Point) *Curve {
	for _, c := range curves {
		if c.P.Cmp(p) == 0 && c.A.Cmp(a) == 0 && c.B.Cmp(b) == 0 && c.N.Cmp(n) == 0 && c.G.Equal(g) {
			return c
		}
	}
	return nil
}

// String returns the curve's name.
func (c *Curve) String() string { return c.Name }

// Size is the length of a coordinate in bytes.
func (c *Curve) Size() int { return (c.P.BitLen() + 7) / 8 }

// Infinite reports whether p is the point at infinity.
func (p Point) Infinite() bool { return p.X == nil || p.Y == nil }

// Equal reports whether p and q are the same point.
func (p Point) Equal(q Point) bool {
	if p.Infinite() || q.Infinite() {
		return p.Infinite() == q.Infinite()
	}
	return p.X.Cmp(q.X) == 0 && p.Y.Cmp(q.Y) == 0
}

// On reports whether p is a point of the curve other than infinity. The order
// is prime, so such a point generates the whole of it.
func (c *Curve) On(p Point) bool {
	if p.Infinite() || p.X.Sign() < 0 || p.Y.Sign() < 0 || p.X.Cmp(c.P) >= 0 || p.Y.Cmp(c.P) >= 0 {
		return false
	}
	y2 := new(big.Int).Mul(p.Y, p.Y)
	y2.Mod(y2, c.P)
	return y2.Cmp(c.square(p.X)) == 0
}

// square is x³ + ax + b.
func (c *Curve) square(x *big.Int) *big.Int {
	v := new(big.Int).Mul(x, x)
	v.Add(v, c.A).Mul(v, x).Add(v, c.B)
	return v.Mod(v, c.P)
}

// Marshal encodes p uncompressed: 04, X, Y (TR-03111, 3.2.1). p is not infinity.
func (c *Curve) Marshal(p Point) []byte {
	n := c.Size()
	b := make([]byte, 1+2*n)
	b[0] = 4
	p.X.FillBytes(b[1 : 1+n])
	p.Y.FillBytes(b[1+n:])
	return b
}

// Unmarshal decodes an uncompressed or compressed point and checks that it is on
// the curve.
func (c *Curve) Unmarshal(b []byte) (Point, error) {
	n := c.Size()
	fail := func() (Point, error) { return Point{}, fmt.Errorf("curve %s: %w", c.Name, ErrPoint) }
	var p Point
	switch {
	case len(b) == 1+2*n && b[0] == 4:
		p = Point{new(big.Int).SetBytes(b[1 : 1+n]), new(big.Int).SetBytes(b[1+n:])}
	case len(b) == 1+n && (b[0] == 2 || b[0] == 3):
		x := new(big.Int).SetBytes(b[1:])
		if x.Cmp(c.P) >= 0 {
			return fail()
		}
		y := new(big.Int).ModSqrt(c.square(x), c.P)
		if y == nil {
			return fail()
		}
		if byte(y.Bit(0)) != b[0]&1 {
			y.Sub(c.P, y)
		}
		p = Point{x, y}
	}
	if !c.On(p) {
		return fail()
	}
	return p, nil
}

// NewKey draws a private key from random and returns it with its public key for
// the generator g.
func (c *Curve) NewKey(random io.Reader, g Point) (*big.Int, Point, error) {
	b := make([]byte, (c.N.BitLen()+7)/8)
	for {
		if _, err := io.ReadFull(random, b); err != nil {
			return nil, Point{}, fmt.Errorf("curve %s: draw a key: %w", c.Name, err)
		}
		if extra := len(b)*8 - c.N.BitLen(); extra > 0 {
			b[0] &= 0xFF >> extra
		}
		if k := new(big.Int).SetBytes(b); k.Sign() > 0 && k.Cmp(c.N) < 0 {
			return k, c.Mul(k, g), nil
		}
	}
}

// Verify reports whether r, s is an ECDSA signature of digest by pub
// (TR-03111, 4.2.1.2).
func (c *Curve) Verify(pub Point, digest []byte, r, s *big.Int) bool {
	if !c.On(pub) || r.Sign() <= 0 || s.Sign() <= 0 || r.Cmp(c.N) >= 0 || s.Cmp(c.N) >= 0 {
		return false
	}
	w := new(big.Int).ModInverse(s, c.N)
	u1 := new(big.Int).Mul(c.Truncate(digest), w)
	u2 := new(big.Int).Mul(r, w)
	sum := c.Add(c.Mul(u1.Mod(u1, c.N), c.G), c.Mul(u2.Mod(u2, c.N), pub))
	if sum.Infinite() {
		return false
	}
	return new(big.Int).Mod(sum.X, c.N).Cmp(r) == 0
}

// Truncate is the number that ECDSA makes of a digest: its leftmost bits, as
// many as the order has.
func (c *Curve) Truncate(digest []byte) *big.Int {
	e := new(big.Int).SetBytes(digest)
	if extra := len(digest)*8 - c.N.BitLen(); extra > 0 {
		e.Rsh(e, uint(extra))
	}
	return e
}
