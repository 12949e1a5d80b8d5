package emrtd

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emrtd/curve"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/iso7816"
)

// Tags of PACE (9303-11, 4.4.4).
const (
	tagDynamic = 0x7C
	tagNonce   = 0x80
	tagMapOwn  = 0x81
	tagMapChip = 0x82
	tagKeyOwn  = 0x83
	tagKeyChip = 0x84
	tagOwn     = 0x85 // authentication tokens
	tagChip    = 0x86
	tagPublic  = 0x7F49
)

// best returns the strongest way of PACE in list that is known here: generic
// mapping, also within chip authentication mapping, or integrated mapping, on a
// curve.
func best(list []lds.PACE) (lds.PACE, bool) {
	var found lds.PACE
	ok := false
	for _, p := range list {
		c := curve.ByID(p.Params)
		if p.DH || c == nil || p.Mapping == lds.Integrated && !c.Encodable() {
			continue
		}
		if !ok || p.Suite > found.Suite || p.Suite == found.Suite && c.P.BitLen() > curve.ByID(found.Params).P.BitLen() {
			found, ok = p, true
		}
	}
	return found, ok
}

// pace is PACE: both ends prove that they know the
// password, and who listens can try nothing afterwards.
func (c *Chip) pace(ctx context.Context, info lds.PACE, p Password) error {
	cv := curve.ByID(info.Params)
	if err := c.choose(ctx, info, p); err != nil {
		return err
	}
	secret := []byte(p.secret.Reveal())
	if p.ref == refMRZ {
		h := sha1.Sum(secret)
		secret = h[:]
	}
	key := info.Suite.Derive(secret, sm.ForPassword)
	out, err := c.step(ctx, claChain, nil, tagNonce)
	if err != nil {
		return fmt.Errorf("nonce: %w", err)
	}
	if len(out) == 0 || len(out)%info.Suite.BlockSize() != 0 {
		return fmt.Errorf("nonce: got %d bytes: %w", len(out), device.ErrProtocol)
	}
	g, err := c.generator(ctx, info, cv, info.Suite.Decrypt(key, nil, out))
	if err != nil {
		return fmt.Errorf("map nonce: %w", err)
	}
	k, pub, err := cv.NewKey(c.o.rand(), g)
	if err != nil {
		return err
	}
	chip, z, err := c.agree(ctx, cv, k, pub, tagKeyOwn, tagKeyChip)
	if err != nil {
		return fmt.Errorf("agree on keys: %w", err)
	}
	x := z.X.FillBytes(make([]byte, cv.Size()))
	enc, mac := info.Suite.Derive(x, sm.ForEncryption), info.Suite.Derive(x, sm.ForMAC)
	token := func(p curve.Point) []byte { return info.Suite.MAC(mac, publicKey(info.OID, cv, p)) }
	out, err = c.step(ctx, 0, iso7816.AppendTLV(nil, tagOwn, token(chip)), tagChip)
	if sw := iso7816.StatusOf(err); sw != 0 {
		return fmt.Errorf("%w (%w)", ErrPassword, err)
	}
	if err != nil {
		return fmt.Errorf("tokens: %w", err)
	}
	if subtle.ConstantTimeCompare(out, token(pub)) != 1 {
		// The chip took our token and has another key all the same.
		return fmt.Errorf("tokens: chip does not know the password: %w", ErrPassword)
	}
	c.sec = sm.NewSession(info.Suite, enc, mac, nil)
	c.Access = Access{Protocol: "PACE", Suite: info.Suite, Curve: cv.Name, Password: p.String()}
	return nil
}

// choose is MSE:Set AT. Parameters are named where the chip offers one protocol
// with several.
func (c *Chip) choose(ctx context.Context, info lds.PACE, p Password) error {
	oid, err := asn1.Marshal(info.OID)
	if err != nil {
		return err
	}
	data := iso7816.AppendTLV(nil, 0x80, oid[2:])
	data = iso7816.AppendTLV(data, 0x83, []byte{p.ref})
	same := 0
	for _, other := range c.Security.PACE {
		if other.OID.Equal(info.OID) {
			same++
		}
	}
	if same > 1 {
		data = iso7816.AppendTLV(data, 0x84, []byte{byte(info.Params)})
	}
	_, err = c.do(ctx, iso7816.Command{Ins: insManage, P1: 0xC1, P2: 0xA4, Data: data})
	if sw := iso7816.StatusOf(err); sw != 0 {
		if n, ok := sw.TriesLeft(); ok && n > 0 {
			return nil // a warning: someone failed before
		}
		if sw == iso7816.NoReference || sw == iso7816.WrongData {
			return fmt.Errorf("chip has no such password: %w (%w)", ErrNoAccess, err)
		}
	}
	return err
}

// step is one GENERAL AUTHENTICATE: it sends data and returns the object want of
// the answer.
func (c *Chip) step(ctx context.Context, cla byte, data []byte, want uint32) ([]byte, error) {
	body, err := c.general(ctx, cla, data)
	if err != nil {
		return nil, err
	}
	return iso7816.FindTLV(body, want)
}

// general is step for whatever is in the answer.
func (c *Chip) general(ctx context.Context, cla byte, data []byte) ([]byte, error) {
	out, err := c.do(ctx, iso7816.Command{
		Cla: cla, Ins: insAuthenticate, Data: iso7816.AppendTLV(nil, tagDynamic, data), Le: iso7816.MaxLe,
	})
	if err != nil {
		return nil, err
	}
	return lds.Only(out, tagDynamic)
}

// agree sends the public key of k, gets the chip's and returns it with the
// shared point. A chip that echoes a key knows no secret of its own.
func (c *Chip) agree(ctx context.Context, cv *curve.Curve, k *big.Int, pub curve.Point, own, chip uint32) (peer, shared curve.Point, err error) {
	out, err := c.step(ctx, claChain, iso7816.AppendTLV(nil, own, cv.Marshal(pub)), chip)
	if err != nil {
		return peer, shared, err
	}
	if peer, err = cv.Unmarshal(out); err != nil {
		return peer, shared, fmt.Errorf("%w: %w", err, device.ErrProtocol)
	}
	if peer.Equal(pub) {
		return peer, shared, fmt.Errorf("chip answered with our own key: %w", device.ErrProtocol)
	}
	if shared = cv.Mul(k, peer); shared.Infinite() {
		return peer, shared, errors.Join(curve.ErrPoint, device.ErrProtocol)
	}
	return peer, shared, nil
}

// publicKey is the data object that tokens are computed over (9303-11, 9.4.4).
func publicKey(oid asn1.ObjectIdentifier, cv *curve.Curve, p curve.Point) []byte {
	name, err := asn1.Marshal(oid)
	if err != nil {
		panic("emrtd: " + err.Error()) // it came out of a parser
	}
	return iso7816.AppendTLV(nil, tagPublic, append(bytes.Clone(name), iso7816.AppendTLV(nil, 0x86, cv.Marshal(p))...))
}
