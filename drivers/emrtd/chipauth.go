package emrtd

import (
	"context"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"

	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/pa"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/iso7816"
)

// errNoChipAuth is a chip that has no key of a kind known here.
var errNoChipAuth = errors.New("chip has no key for Chip Authentication of a kind known here")

// chooseKey returns the strongest protocol that there is a key for.
func chooseKey(s lds.Security) (lds.ChipProtocol, lds.ChipKey, bool) {
	var protocol lds.ChipProtocol
	var key lds.ChipKey
	ok := false
	for _, p := range s.Protocols {
		for _, k := range s.Keys {
			if !p.DH && p.KeyID == k.ID && (!ok || p.Suite > protocol.Suite) {
				protocol, key, ok = p, k, true
			}
		}
	}
	if !ok && len(s.Protocols) == 0 && len(s.Keys) == 1 {
		// Old chips give the key alone; it means 3DES (9303-11, 6.2).
		return lds.ChipProtocol{Suite: sm.TDES, KeyID: s.Keys[0].ID}, s.Keys[0], true
	}
	return protocol, key, ok
}

// authenticate is Chip Authentication with the keys of DG14: secure messaging
// goes on with keys that only the chip with the private key can compute. The
// keys prove something only if DG14 is what the state signed.
func (c *Chip) authenticate(ctx context.Context, s lds.Security) error {
	p, key, ok := chooseKey(s)
	if !ok {
		return errNoChipAuth
	}
	cv := key.Curve
	k, pub, err := cv.NewKey(c.o.rand(), cv.G)
	if err != nil {
		return err
	}
	z := cv.Mul(k, key.Point)
	if z.Infinite() {
		return errNoChipAuth
	}
	if err := c.sendKey(ctx, p, cv.Marshal(pub)); err != nil {
		return fmt.Errorf("emrtd: chip authentication: %w", err)
	}
	x := z.X.FillBytes(make([]byte, cv.Size()))
	c.sec = sm.NewSession(p.Suite, p.Suite.Derive(x, sm.ForEncryption), p.Suite.Derive(x, sm.ForMAC), nil)
	// The first answer under the new keys is the proof.
	id := lds.DG1.File()
	_, err = c.do(ctx, iso7816.Command{Ins: insSelect, P1: 0x02, P2: 0x0C, Data: []byte{byte(id >> 8), byte(id)}})
	if errors.Is(err, sm.ErrMAC) || iso7816.StatusOf(err) != 0 && c.dead != nil {
		return fmt.Errorf("emrtd: chip authentication: %w (%w)", ErrCopy, err)
	}
	if err != nil {
		return fmt.Errorf("emrtd: chip authentication: %w", err)
	}
	c.Access.Suite = p.Suite
	return nil
}

// sendKey gives the chip our key: with 3DES in MSE:Set KAT, with AES in MSE:Set
// AT and GENERAL AUTHENTICATE (9303-11, 6.2.4).
func (c *Chip) sendKey(ctx context.Context, p lds.ChipProtocol, pub []byte) error {
	var ref []byte
	if p.KeyID >= 0 {
		id := []byte{byte(p.KeyID)}
		for n := p.KeyID >> 8; n > 0; n >>= 8 {
			id = append([]byte{byte(n)}, id...)
		}
		ref = iso7816.AppendTLV(nil, 0x84, id)
	}
	if p.Suite == sm.TDES {
		_, err := c.do(ctx, iso7816.Command{
			Ins: insManage, P1: 0x41, P2: 0xA6, Data: append(iso7816.AppendTLV(nil, 0x91, pub), ref...),
		})
		return err
	}
	oid, err := asn1.Marshal(p.OID)
	if err != nil {
		return err
	}
	if _, err := c.do(ctx, iso7816.Command{
		Ins: insManage, P1: 0x41, P2: 0xA4, Data: append(iso7816.AppendTLV(nil, 0x80, oid[2:]), ref...),
	}); err != nil {
		return err
	}
	out, err := c.do(ctx, iso7816.Command{
		Ins: insAuthenticate, Data: iso7816.AppendTLV(nil, tagDynamic, iso7816.AppendTLV(nil, 0x80, pub)), Le: iso7816.MaxLe,
	})
	if err != nil {
		return err
	}
	_, err = lds.Only(out, tagDynamic)
	return err
}

// insInternal is INTERNAL AUTHENTICATE.
const insInternal = 0x88

// active is Active Authentication with the key in dg15: the chip signs a
// challenge. Unlike Chip Authentication it changes nothing about the session.
func (c *Chip) active(ctx context.Context, dg15 []byte) error {
	spki, err := lds.ParseDG15(dg15)
	if err != nil {
		return err
	}
	challenge := make([]byte, nonceSize)
	if _, err := io.ReadFull(c.o.rand(), challenge); err != nil {
		return err
	}
	answer, err := c.do(ctx, iso7816.Command{Ins: insInternal, Data: challenge, Le: max(iso7816.MaxLe, c.most)})
	if err != nil {
		return fmt.Errorf("emrtd: active authentication: %w", err)
	}
	if err := pa.VerifyActive(spki, challenge, answer); err != nil {
		if errors.Is(err, pa.ErrActive) {
			return fmt.Errorf("emrtd: active authentication: %w (%w)", ErrCopy, err)
		}
		return fmt.Errorf("emrtd: active authentication: %w", err)
	}
	return nil
}
