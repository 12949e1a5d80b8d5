package curve

import "math/big"

// Encodable reports whether c has the point encoding of integrated mapping.
func (c *Curve) Encodable() bool { return c.P.Bit(0) == 1 && c.P.Bit(1) == 1 }

// Encode is the point encoding of integrated mapping (9303-11, appendix B.2, for
// affine coordinates): it makes a point of t, which is reduced first. It fails
// for the few t that have none, and on curves that are not Encodable.
func (c *Curve) Encode(t *big.Int) (Point, error) {
	if !c.Encodable() {
		return Point{}, ErrPoint
	}
	p := c.P
	t = new(big.Int).Mod(t, p)
	alpha := c.times(t, t)
	alpha.Sub(p, alpha).Mod(alpha, p)
	// x2 = -b/a · (1 + 1/(α + α²))
	sum := c.times(alpha, alpha)
	sum.Add(sum, alpha).Mod(sum, p)
	inverse := new(big.Int).ModInverse(sum, p)
	if inverse == nil {
		return Point{}, ErrPoint
	}
	x2 := c.times(c.B, new(big.Int).ModInverse(c.A, p))
	x2.Sub(p, x2)
	x2 = c.times(x2, inverse.Add(inverse, big.NewInt(1)))
	h2 := c.square(x2)
	// One of h2 and t³·h2·… is a square; p ≡ 3 mod 4 lets its root be a power.
	e := new(big.Int).Add(p, big.NewInt(1))
	e.Rsh(e, 2)
	e.Sub(new(big.Int).Sub(p, big.NewInt(1)), e)
	a := new(big.Int).Exp(h2, e, p)
	var q Point
	if c.times(c.times(a, a), h2).Cmp(big.NewInt(1)) == 0 {
		q = Point{x2, c.times(a, h2)}
	} else {
		u := c.times(c.times(c.times(t, t), t), h2)
		q = Point{c.times(alpha, x2), c.times(a, u)}
	}
	if !c.On(q) {
		return Point{}, ErrPoint
	}
	return q, nil
}
