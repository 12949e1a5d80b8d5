package envelope

import (
	"crypto/ecdh"
	"errors"
	"math/big"
)

// The field of P-256, and the curve's b (FIPS 186).
var (
	p256P, _ = new(big.Int).SetString("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", 16)
	p256B, _ = new(big.Int).SetString("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b", 16)
)

// compress returns the point of pub in 33 bytes (SEC 1, 2.3.3).
func compress(pub *ecdh.PublicKey) ([]byte, error) {
	if pub == nil || pub.Curve() != ecdh.P256() {
		return nil, errors.New("the key is not on P-256")
	}
	b := pub.Bytes() // 4 ‖ x ‖ y
	return append([]byte{2 + b[64]&1}, b[1:33]...), nil
}

// decompress is the reverse. Only public values go through it, so it need not
// run in constant time.
func decompress(point []byte) (*ecdh.PublicKey, error) {
	if len(point) != 33 || point[0] != 2 && point[0] != 3 {
		return nil, errors.New("it is not a compressed point of P-256")
	}
	x := new(big.Int).SetBytes(point[1:])
	if x.Cmp(p256P) >= 0 {
		return nil, errors.New("it is not a point of P-256")
	}
	// y² = x³ − 3x + b
	y2 := new(big.Int).Mul(x, x)
	y2.Sub(y2, big.NewInt(3)).Mul(y2, x).Add(y2, p256B).Mod(y2, p256P)
	y := new(big.Int).ModSqrt(y2, p256P)
	if y == nil {
		return nil, errors.New("it is not a point of P-256")
	}
	if byte(y.Bit(0)) != point[0]&1 {
		y.Sub(p256P, y)
	}
	raw := make([]byte, 65)
	raw[0] = 4
	copy(raw[1:33], point[1:])
	y.FillBytes(raw[33:])
	return ecdh.P256().NewPublicKey(raw) // checks that it is on the curve
}
