package edoc_test

import (
	"crypto"
	"encoding/asn1"
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/penjire/penjire/sync/edoc/cms"
)

// brainpoolP256r1 (RFC 5639 3.4) is a curve that crypto/x509 does not read, as
// a state's own would be. This is arithmetic for checking in a test: it is slow
// and not in constant time, which checking does not need.
var brainpool = struct{ p, a, b, n, gx, gy *big.Int }{
	hexInt("A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377"),
	hexInt("7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9"),
	hexInt("26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6"),
	hexInt("A9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7"),
	hexInt("8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262"),
	hexInt("547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997"),
}

func hexInt(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic(s)
	}
	return n
}

// bpPoint is a point of the curve; x is nil at infinity.
type bpPoint struct{ x, y *big.Int }

func (p bpPoint) plus(q bpPoint) bpPoint {
	c := brainpool
	if p.x == nil {
		return q
	}
	if q.x == nil {
		return p
	}
	var num, den big.Int
	if p.x.Cmp(q.x) == 0 {
		if num.Add(p.y, q.y).Mod(&num, c.p).Sign() == 0 {
			return bpPoint{}
		}
		num.Mul(p.x, p.x).Mul(&num, big.NewInt(3)).Add(&num, c.a)
		den.Lsh(p.y, 1)
	} else {
		num.Sub(q.y, p.y)
		den.Sub(q.x, p.x)
	}
	den.Mod(&den, c.p).ModInverse(&den, c.p)
	slope := num.Mul(&num, &den).Mod(&num, c.p)
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, p.x).Sub(x, q.x).Mod(x, c.p)
	y := new(big.Int).Sub(p.x, x)
	y.Mul(y, slope).Sub(y, p.y).Mod(y, c.p)
	return bpPoint{x, y}
}

func (p bpPoint) times(k *big.Int) bpPoint {
	var sum bpPoint
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = sum.plus(sum)
		if k.Bit(i) == 1 {
			sum = sum.plus(p)
		}
	}
	return sum
}

func (p bpPoint) onCurve() bool {
	c := brainpool
	var left, right big.Int
	left.Mul(p.y, p.y).Mod(&left, c.p)
	right.Mul(p.x, p.x).Add(&right, c.a).Mul(&right, p.x).Add(&right, c.b).Mod(&right, c.p)
	return p.x.Cmp(c.p) < 0 && p.y.Cmp(c.p) < 0 && left.Cmp(&right) == 0
}

// parseBrainpool reads the SubjectPublicKeyInfo of a key on the curve, and of
// no other.
func parseBrainpool(spki []byte) (crypto.PublicKey, error) {
	in := cryptobyte.String(spki)
	var seq, alg cryptobyte.String
	var key, curve asn1.ObjectIdentifier
	var point []byte
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1(&alg, cbasn1.SEQUENCE) ||
		!alg.ReadASN1ObjectIdentifier(&key) || !key.Equal(asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}) ||
		!alg.ReadASN1ObjectIdentifier(&curve) || !curve.Equal(asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1, 7}) || !alg.Empty() ||
		!seq.ReadASN1BitStringAsBytes(&point) || !seq.Empty() || len(point) != 65 || point[0] != 4 {
		return nil, errors.New("no key on brainpoolP256r1")
	}
	p := bpPoint{new(big.Int).SetBytes(point[1:33]), new(big.Int).SetBytes(point[33:])}
	if !p.onCurve() {
		return nil, errors.New("the point is not on the curve")
	}
	return p, nil
}

func verifyBrainpool(pub crypto.PublicKey, params, digest, sig []byte) error {
	key, ok := pub.(bpPoint)
	if !ok {
		return cms.ErrKey
	}
	var r, s, u1, u2 big.Int
	in := cryptobyte.String(sig)
	var seq cryptobyte.String
	if params != nil || !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() ||
		!seq.ReadASN1Integer(&r) || !seq.ReadASN1Integer(&s) || !seq.Empty() {
		return errors.New("the signature is malformed")
	}
	c := brainpool
	if r.Sign() <= 0 || r.Cmp(c.n) >= 0 || s.Sign() <= 0 || s.Cmp(c.n) >= 0 {
		return errors.New("the signature is out of range")
	}
	s.ModInverse(&s, c.n)
	u1.SetBytes(digest).Mul(&u1, &s).Mod(&u1, c.n)
	u2.Mul(&r, &s).Mod(&u2, c.n)
	p := bpPoint{c.gx, c.gy}.times(&u1).plus(key.times(&u2))
	if p.x == nil || new(big.Int).Mod(p.x, c.n).Cmp(&r) != 0 {
		return errors.New("the signature does not fit")
	}
	return nil
}
