package pivcard

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"

	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/drivers/piv"
)

// algorithm returns the identifier of SP 800-78-4 for key.
func algorithm(key crypto.Signer) (byte, error) {
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		switch k.Curve {
		case elliptic.P256():
			return 0x11, nil
		case elliptic.P384():
			return 0x14, nil
		}
		return 0, fmt.Errorf("curve %s is not for PIV", k.Curve.Params().Name)
	case *rsa.PrivateKey:
		if k.Size() == 256 {
			return 0x07, nil
		}
		return 0, fmt.Errorf("RSA of %d bits is not for PIV", k.Size()*8)
	}
	return 0, fmt.Errorf("key of type %T is not for PIV", key)
}

// allowed says whether the PIN lets slot be used now.
func (c *Card) allowed(slot piv.Slot, fresh bool) bool {
	switch slot {
	case piv.CardAuth:
		return true
	case piv.Signature:
		return c.verified && fresh
	}
	return c.verified
}

// authenticate is GENERAL AUTHENTICATE: it signs (81) or agrees on a key (85).
func (c *Card) authenticate(cmd iso7816.Command, fresh bool, f Fault) ([]byte, iso7816.SW) {
	slot := piv.Slot(cmd.P2)
	s, ok := c.p.Slots[slot]
	if !ok {
		return nil, iso7816.WrongP1P2
	}
	if alg, err := algorithm(s.Key); err != nil || alg != cmd.P1 {
		return nil, iso7816.WrongP1P2
	}
	if !c.allowed(slot, fresh) {
		return nil, iso7816.SecurityStatus
	}
	dyn, err := iso7816.FindTLV(cmd.Data, 0x7C)
	if err != nil {
		return nil, iso7816.WrongData
	}
	var out []byte
	if plain, err := iso7816.FindTLV(dyn, 0x81); err == nil {
		if f == BadSignature {
			plain = make([]byte, len(plain))
		}
		out, err = sign(s.Key, plain)
		if err != nil {
			return nil, iso7816.WrongData
		}
	} else if peer, err := iso7816.FindTLV(dyn, 0x85); err == nil {
		out, err = agree(s.Key, peer)
		if err != nil {
			return nil, iso7816.WrongData
		}
	} else {
		return nil, iso7816.WrongData
	}
	return iso7816.AppendTLV(nil, 0x7C, iso7816.AppendTLV(nil, 0x82, out)), iso7816.OK
}

// sign does what a card does: ECDSA over one field element, or bare RSA over a
// padded block.
func sign(key crypto.Signer, plain []byte) ([]byte, error) {
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		if len(plain) != (k.Curve.Params().BitSize+7)/8 {
			return nil, fmt.Errorf("got %d bytes to sign", len(plain))
		}
		return ecdsa.SignASN1(rand.Reader, k, plain)
	case *rsa.PrivateKey:
		m := new(big.Int).SetBytes(plain)
		if len(plain) != k.Size() || m.Cmp(k.N) >= 0 {
			return nil, fmt.Errorf("got %d bytes to sign", len(plain))
		}
		return m.Exp(m, k.D, k.N).FillBytes(make([]byte, k.Size())), nil
	}
	return nil, fmt.Errorf("key of type %T", key)
}

// agree returns the shared x coordinate of ECDH.
func agree(key crypto.Signer, peer []byte) ([]byte, error) {
	k, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key of type %T does not agree", key)
	}
	own, err := k.ECDH()
	if err != nil {
		return nil, err
	}
	var pub *ecdh.PublicKey
	if pub, err = own.Curve().NewPublicKey(peer); err != nil {
		return nil, err
	}
	return own.ECDH(pub)
}
