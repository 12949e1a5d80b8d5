package envelope

import (
	"crypto/ecdh"
	"crypto/elliptic"
	"errors"
)

// compress returns the point of pub in 33 bytes (SEC 1, 2.3.3).
func compress(pub *ecdh.PublicKey) ([]byte, error) {
	if pub == nil || pub.Curve() != ecdh.P256() {
		return nil, errors.New("the key is not on P-256")
	}
	b := pub.Bytes() // 4 ‖ x ‖ y
	return append([]byte{2 + b[64]&1}, b[1:33]...), nil
}

// decompress is the reverse.
func decompress(point []byte) (*ecdh.PublicKey, error) {
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), point)
	if x == nil {
		return nil, errors.New("it is not a compressed point of P-256")
	}
	raw := make([]byte, 65)
	raw[0] = 4
	x.FillBytes(raw[1:33])
	y.FillBytes(raw[33:])
	return ecdh.P256().NewPublicKey(raw) // checks that it is on the curve
}
