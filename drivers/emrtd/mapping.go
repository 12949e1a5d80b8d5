package emrtd

import (
	"context"
	"fmt"
	"io"
	"math/big"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emrtd/curve"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/iso7816"
)

// generator makes the generator for this run of PACE out of the chip's nonce, so
// that who does not know the password works with another one.
func (c *Chip) generator(ctx context.Context, info lds.PACE, cv *curve.Curve, nonce []byte) (curve.Point, error) {
	if info.Mapping == lds.Integrated {
		return c.integrated(ctx, info, cv, nonce)
	}
	k, pub, err := cv.NewKey(c.o.rand(), cv.G)
	if err != nil {
		return curve.Point{}, err
	}
	_, shared, err := c.agree(ctx, cv, k, pub, tagMapOwn, tagMapChip)
	if err != nil {
		return curve.Point{}, err
	}
	s := new(big.Int).SetBytes(nonce)
	g := cv.Add(cv.Mul(s.Mod(s, cv.N), cv.G), shared)
	if !cv.On(g) {
		return g, fmt.Errorf("%w: %w", curve.ErrPoint, device.ErrProtocol)
	}
	return g, nil
}

// integrated is integrated mapping: both nonces together are made a point.
func (c *Chip) integrated(ctx context.Context, info lds.PACE, cv *curve.Curve, nonce []byte) (curve.Point, error) {
	if len(nonce) != info.Suite.NonceSize() {
		return curve.Point{}, fmt.Errorf("nonce has %d bytes, want %d: %w", len(nonce), info.Suite.NonceSize(), device.ErrProtocol)
	}
	own := make([]byte, info.Suite.KeySize())
	if _, err := io.ReadFull(c.o.rand(), own); err != nil {
		return curve.Point{}, err
	}
	// The chip has nothing to say to it.
	if _, err := c.general(ctx, claChain, iso7816.AppendTLV(nil, tagMapOwn, own)); err != nil {
		return curve.Point{}, err
	}
	g, err := cv.Encode(new(big.Int).SetBytes(info.Suite.Random(nonce, own, cv.P.BitLen())))
	if err != nil {
		return g, fmt.Errorf("%w: %w", err, device.ErrProtocol)
	}
	return g, nil
}
