package emrtdcard

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/asn1"
	"io"
	"math/big"

	"github.com/penjire/penjire/drivers/emrtd/curve"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/iso7816"
)

// exchange is a run of PACE, as far as it has come.
type exchange struct {
	way          PACE
	curve        *curve.Curve
	key          []byte // of the password
	step         int
	nonce        *big.Int
	g            curve.Point
	own, peer    curve.Point
	enc, mac     []byte
	nonceInBytes []byte
}

// manage is MANAGE SECURITY ENVIRONMENT: which protocol comes next.
func (c *Card) manage(cmd iso7816.Command) iso7816.SW {
	switch [2]byte{cmd.P1, cmd.P2} {
	case [2]byte{0xC1, 0xA4}:
		return c.choose(cmd.Data)
	case [2]byte{0x41, 0xA4}:
		if c.session == nil || c.p.ChipCurve == nil || c.p.ChipSuite == sm.TDES || !c.rightKey(cmd.Data) {
			return iso7816.WrongData
		}
		c.chipAuth = true
		return iso7816.OK
	case [2]byte{0x41, 0xA6}:
		pub, err := iso7816.FindTLV(cmd.Data, 0x91)
		if c.session == nil || c.p.ChipCurve == nil || c.p.ChipSuite != sm.TDES || err != nil || !c.rightKey(cmd.Data) {
			return iso7816.WrongData
		}
		return c.prove(pub)
	}
	return iso7816.WrongP1P2
}

// rightKey reports whether the reference of the chip's key is the right one.
func (c *Card) rightKey(data []byte) bool {
	ref, err := iso7816.FindTLV(data, 0x84)
	if c.p.ChipKeyID < 0 {
		return err != nil
	}
	return err == nil && new(big.Int).SetBytes(ref).Cmp(big.NewInt(int64(c.p.ChipKeyID))) == 0
}

// choose begins PACE (9303-11, 4.4.4.1).
func (c *Card) choose(data []byte) iso7816.SW {
	c.pace = nil
	name, err := iso7816.FindTLV(data, 0x80)
	if err != nil {
		return iso7816.WrongData
	}
	ref, err := iso7816.FindTLV(data, 0x83)
	if err != nil || len(ref) != 1 {
		return iso7816.WrongData
	}
	params, _ := iso7816.FindTLV(data, 0x84)
	var ways []PACE
	for _, w := range c.p.PACE {
		oid, err := asn1.Marshal(w.OID)
		if err == nil && bytes.Equal(oid[2:], name) && (len(params) != 1 || int(params[0]) == w.Params) {
			ways = append(ways, w)
		}
	}
	if len(ways) != 1 {
		return iso7816.WrongData
	}
	var secret []byte
	switch {
	case ref[0] == 1:
		h := sha1.Sum([]byte(c.p.Key))
		secret = h[:]
	case ref[0] == 2 && c.p.CAN != "":
		secret = []byte(c.p.CAN)
	default:
		return iso7816.NoReference
	}
	cv := curve.ByID(ways[0].Params)
	if cv == nil {
		return iso7816.WrongData
	}
	c.pace = &exchange{way: ways[0], curve: cv, key: ways[0].Suite.Derive(secret, sm.ForPassword)}
	return iso7816.OK
}

// authenticate is GENERAL AUTHENTICATE, of PACE or of Chip Authentication.
func (c *Card) authenticate(cmd iso7816.Command) ([]byte, iso7816.SW) {
	body, err := lds.Only(cmd.Data, 0x7C)
	if err != nil {
		return nil, iso7816.WrongData
	}
	wrap := func(tag uint32, v []byte) ([]byte, iso7816.SW) {
		return iso7816.AppendTLV(nil, 0x7C, iso7816.AppendTLV(nil, tag, v)), iso7816.OK
	}
	if c.chipAuth {
		c.chipAuth = false
		pub, err := iso7816.FindTLV(body, 0x80)
		if err != nil {
			return nil, iso7816.WrongData
		}
		if sw := c.prove(pub); sw != iso7816.OK {
			return nil, sw
		}
		return iso7816.AppendTLV(nil, 0x7C, nil), iso7816.OK
	}
	x := c.pace
	if x == nil {
		return nil, iso7816.ConditionsUnmet
	}
	x.step++
	last := x.step == 4
	if last == (cmd.Cla&0x10 != 0) {
		c.pace = nil
		return nil, 0x6883
	}
	if x.step == 1 {
		x.nonceInBytes = make([]byte, 16)
		if x.way.Integrated {
			x.nonceInBytes = make([]byte, x.way.Suite.NonceSize())
		}
		if _, err := io.ReadFull(c.random, x.nonceInBytes); err != nil {
			return nil, iso7816.Failure
		}
		x.nonce = new(big.Int).SetBytes(x.nonceInBytes)
		return wrap(0x80, x.way.Suite.Encrypt(x.key, nil, x.nonceInBytes))
	}
	in := map[int]uint32{2: 0x81, 3: 0x83, 4: 0x85}[x.step]
	v, err := iso7816.FindTLV(body, in)
	if err != nil {
		c.pace = nil
		return nil, iso7816.WrongData
	}
	if last {
		c.pace = nil
		return c.token(x, v, wrap)
	}
	if x.step == 2 && x.way.Integrated {
		if len(v) != x.way.Suite.KeySize() {
			return nil, iso7816.WrongData
		}
		x.g, err = x.curve.Encode(new(big.Int).SetBytes(x.way.Suite.Random(x.nonceInBytes, v, x.curve.P.BitLen())))
		if err != nil {
			return nil, iso7816.Failure
		}
		return wrap(0x82, nil)
	}
	own, sw := c.agree(x, v)
	if sw != iso7816.OK {
		c.pace = nil
		return nil, sw
	}
	return wrap(in+1, own)
}

// agree maps the nonce (step 2) or makes the keys (step 3).
func (c *Card) agree(x *exchange, in []byte) ([]byte, iso7816.SW) {
	peer, err := x.curve.Unmarshal(in)
	if err != nil {
		return nil, iso7816.WrongData
	}
	g := x.curve.G
	if x.step == 3 {
		g = x.g
	}
	k, own, err := x.curve.NewKey(c.random, g)
	if err != nil {
		return nil, iso7816.Failure
	}
	shared := x.curve.Mul(k, peer)
	if shared.Infinite() {
		return nil, iso7816.WrongData
	}
	if x.step == 2 {
		x.g = x.curve.Add(x.curve.Mul(new(big.Int).Mod(x.nonce, x.curve.N), x.curve.G), shared)
	} else {
		z := shared.X.FillBytes(make([]byte, x.curve.Size()))
		x.enc, x.mac = x.way.Suite.Derive(z, sm.ForEncryption), x.way.Suite.Derive(z, sm.ForMAC)
		x.own, x.peer = own, peer
	}
	out := x.curve.Marshal(own)
	switch c.takeKeyFault() {
	case Echo:
		return in, iso7816.OK
	case OffCurve:
		out[len(out)-1] ^= 1
	}
	return out, iso7816.OK
}

// token checks the reader's token and gives the card's.
func (c *Card) token(x *exchange, in []byte, wrap func(uint32, []byte) ([]byte, iso7816.SW)) ([]byte, iso7816.SW) {
	token := func(p curve.Point) []byte {
		oid, err := asn1.Marshal(x.way.OID)
		if err != nil {
			return nil
		}
		return x.way.Suite.MAC(x.mac, iso7816.AppendTLV(nil, 0x7F49, append(oid, iso7816.AppendTLV(nil, 0x86, x.curve.Marshal(p))...)))
	}
	if subtle.ConstantTimeCompare(in, token(x.own)) != 1 {
		return nil, failed
	}
	c.session = sm.NewSession(x.way.Suite, x.enc, x.mac, nil)
	return wrap(0x86, token(x.peer))
}

// prove is Chip Authentication: from the next command on there are new keys.
func (c *Card) prove(in []byte) iso7816.SW {
	peer, err := c.p.ChipCurve.Unmarshal(in)
	if err != nil {
		return iso7816.WrongData
	}
	shared := c.p.ChipCurve.Mul(c.p.ChipKey, peer)
	if shared.Infinite() {
		return iso7816.WrongData
	}
	z := shared.X.FillBytes(make([]byte, c.p.ChipCurve.Size()))
	s := c.p.ChipSuite
	c.session = sm.NewSession(s, s.Derive(z, sm.ForEncryption), s.Derive(z, sm.ForMAC), nil)
	return iso7816.OK
}
