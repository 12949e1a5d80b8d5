package curve

import "math/big"

// jacobian is the point (X/Z², Y/Z³); Z = 0 is infinity.
type jacobian struct{ x, y, z big.Int }

// Add returns p + q.
func (c *Curve) Add(p, q Point) Point {
	j := lift(p)
	k := lift(q)
	c.add(j, k)
	return c.lower(j)
}

// Mul returns k times p, for k from 0 to the order.
func (c *Curve) Mul(k *big.Int, p Point) Point {
	// Four bits at a time, with a table of multiples.
	var table [16]*jacobian
	table[0] = lift(Point{})
	one := lift(p)
	for i := 1; i < len(table); i++ {
		table[i] = clone(table[i-1])
		c.add(table[i], one)
	}
	sum := lift(Point{})
	for i := (k.BitLen() + 3) / 4; i > 0; i-- {
		for range 4 {
			c.double(sum)
		}
		at := (i - 1) * 4
		c.add(sum, table[k.Bit(at)|k.Bit(at+1)<<1|k.Bit(at+2)<<2|k.Bit(at+3)<<3])
	}
	return c.lower(sum)
}

func lift(p Point) *jacobian {
	j := new(jacobian)
	if !p.Infinite() {
		j.x.Set(p.X)
		j.y.Set(p.Y)
		j.z.SetInt64(1)
	}
	return j
}

func clone(p *jacobian) *jacobian {
	j := new(jacobian)
	j.set(p)
	return j
}

func (p *jacobian) set(q *jacobian) {
	p.x.Set(&q.x)
	p.y.Set(&q.y)
	p.z.Set(&q.z)
}

func (c *Curve) lower(p *jacobian) Point {
	if p.z.Sign() == 0 {
		return Point{}
	}
	inv := new(big.Int).ModInverse(&p.z, c.P)
	inv2 := new(big.Int).Mul(inv, inv)
	inv2.Mod(inv2, c.P)
	x := new(big.Int).Mul(&p.x, inv2)
	y := new(big.Int).Mul(&p.y, inv2.Mul(inv2, inv).Mod(inv2, c.P))
	return Point{x.Mod(x, c.P), y.Mod(y, c.P)}
}

// times is a·b mod p.
func (c *Curve) times(a, b *big.Int) *big.Int {
	v := new(big.Int).Mul(a, b)
	return v.Mod(v, c.P)
}

// double doubles p (Guide to Elliptic Curve Cryptography, 3.2.2, any a).
func (c *Curve) double(p *jacobian) {
	if p.z.Sign() == 0 {
		return
	}
	y2 := c.times(&p.y, &p.y)
	s := c.times(&p.x, y2)
	s.Lsh(s, 2)
	z2 := c.times(&p.z, &p.z)
	m := c.times(c.A, c.times(z2, z2))
	x2 := c.times(&p.x, &p.x)
	m.Add(m, x2).Add(m, x2).Add(m, x2)
	m.Mod(m, c.P)
	x := c.times(m, m)
	x.Sub(x, s).Sub(x, s).Mod(x, c.P)
	z := c.times(&p.y, &p.z)
	z.Lsh(z, 1).Mod(z, c.P)
	y4 := c.times(y2, y2)
	y4.Lsh(y4, 3)
	y := s.Sub(s, x)
	y.Mul(y, m).Sub(y, y4).Mod(y, c.P)
	p.x.Set(x)
	p.y.Set(y)
	p.z.Set(z)
}

// add adds q to p.
func (c *Curve) add(p, q *jacobian) {
	if q.z.Sign() == 0 {
		return
	}
	if p.z.Sign() == 0 {
		p.set(q)
		return
	}
	pz2, qz2 := c.times(&p.z, &p.z), c.times(&q.z, &q.z)
	u1, u2 := c.times(&p.x, qz2), c.times(&q.x, pz2)
	s1, s2 := c.times(&p.y, c.times(qz2, &q.z)), c.times(&q.y, c.times(pz2, &p.z))
	if u1.Cmp(u2) == 0 {
		if s1.Cmp(s2) == 0 {
			c.double(p)
		} else {
			p.z.SetInt64(0)
		}
		return
	}
	h := u2.Sub(u2, u1)
	r := s2.Sub(s2, s1)
	h2 := c.times(h, h)
	h3 := c.times(h2, h)
	v := c.times(u1, h2)
	x := c.times(r, r)
	x.Sub(x, h3).Sub(x, v).Sub(x, v).Mod(x, c.P)
	y := v.Sub(v, x)
	y.Mul(y, r).Sub(y, s1.Mul(s1, h3)).Mod(y, c.P)
	z := c.times(c.times(&p.z, &q.z), h)
	p.x.Set(x)
	p.y.Set(y)
	p.z.Set(z)
}
