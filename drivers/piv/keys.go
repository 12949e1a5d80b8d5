package piv

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/iso7816"
)

// Algorithm identifiers of SP 800-78-4, table 6-2.
const (
	algRSA2048 = 0x07
	algP256    = 0x11
	algP384    = 0x14
)

// Tags of the dynamic authentication template (SP 800-73-4 part 2, table 7).
const (
	tagDynamic   = 0x7C
	tagChallenge = 0x81 // what the card is to sign
	tagResponse  = 0x82 // what the card answers
	tagPeer      = 0x85 // the other's public key, for ECDH
)

// Sign has the key in slot, whose public key is pub, sign digest (made with
// opts.HashFunc()), and checks what comes back against pub: a signature that
// does not verify is device.ErrProtocol, never a result. ECDSA signatures are
// ASN.1 DER, RSA ones PKCS #1 v1.5. Without the PIN it gives ErrNeedsPIN.
func (c *Card) Sign(ctx context.Context, slot Slot, pub crypto.PublicKey, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	alg, plain, err := toSign(pub, digest, opts)
	if err != nil {
		return nil, fmt.Errorf("piv: sign with slot %v: %w", slot, err)
	}
	sig, err := c.authenticate(ctx, slot, alg, tagChallenge, plain)
	if err != nil {
		return nil, fmt.Errorf("piv: sign with slot %v: %w", slot, err)
	}
	if err := checkSignature(pub, digest, sig, opts); err != nil {
		return nil, fmt.Errorf("piv: sign with slot %v: %w: %w", slot, device.ErrProtocol, err)
	}
	return sig, nil
}

// ECDH has the key in slot agree on a secret with peer and returns the shared
// x coordinate. Without the PIN it gives ErrNeedsPIN.
func (c *Card) ECDH(ctx context.Context, slot Slot, peer *ecdh.PublicKey) ([]byte, error) {
	var alg byte
	var size int
	switch peer.Curve() {
	case ecdh.P256():
		alg, size = algP256, 32
	case ecdh.P384():
		alg, size = algP384, 48
	default:
		return nil, fmt.Errorf("piv: agree with slot %v: %w", slot, device.ErrUnsupported)
	}
	z, err := c.authenticate(ctx, slot, alg, tagPeer, peer.Bytes())
	if err != nil {
		return nil, fmt.Errorf("piv: agree with slot %v: %w", slot, err)
	}
	if len(z) != size {
		return nil, fmt.Errorf("piv: agree with slot %v: got %d bytes, want %d: %w", slot, len(z), size, device.ErrProtocol)
	}
	return z, nil
}

// Challenge has the key in slot sign a fresh random number and checks the
// signature against pub: the card at hand holds the key, it is not a copy of
// the certificate.
func (c *Card) Challenge(ctx context.Context, slot Slot, pub crypto.PublicKey) error {
	nonce := make([]byte, 32)
	_, _ = rand.Read(nonce) // crypto/rand.Read does not return an error
	digest := sha256.Sum256(nonce)
	if _, err := c.Sign(ctx, slot, pub, digest[:], crypto.SHA256); err != nil {
		return fmt.Errorf("piv: challenge the card: %w", err)
	}
	return nil
}

// Signer returns the key in slot as a crypto.Signer. Its Sign uses ctx and
// ignores the random source: the card has its own.
func (c *Card) Signer(ctx context.Context, slot Slot, pub crypto.PublicKey) crypto.Signer {
	return signer{ctx, c, slot, pub}
}

type signer struct {
	ctx  context.Context
	c    *Card
	slot Slot
	pub  crypto.PublicKey
}

func (s signer) Public() crypto.PublicKey { return s.pub }

func (s signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.c.Sign(s.ctx, s.slot, s.pub, digest, opts)
}

// authenticate is GENERAL AUTHENTICATE: it gives the key one value and returns
// the card's response.
func (c *Card) authenticate(ctx context.Context, slot Slot, alg byte, tag uint32, value []byte) ([]byte, error) {
	inner := iso7816.AppendTLV(nil, tagResponse, nil) // empty: to be filled in by the card
	inner = iso7816.AppendTLV(inner, tag, value)
	out, err := c.ch.Do(ctx, iso7816.Command{
		Ins: insAuthenticate, P1: alg, P2: byte(slot),
		Data: iso7816.AppendTLV(nil, tagDynamic, inner), Le: iso7816.MaxLe,
	})
	if iso7816.StatusOf(err) == iso7816.SecurityStatus {
		return nil, fmt.Errorf("%w (%w)", ErrNeedsPIN, err)
	}
	if err != nil {
		return nil, err
	}
	dyn, err := iso7816.FindTLV(out, tagDynamic)
	if err != nil {
		return nil, err
	}
	return iso7816.FindTLV(dyn, tagResponse)
}

// toSign returns the algorithm for pub and what the card is to be given.
func toSign(pub crypto.PublicKey, digest []byte, opts crypto.SignerOpts) (alg byte, plain []byte, err error) {
	if h := opts.HashFunc(); h == 0 || len(digest) != h.Size() {
		return 0, nil, fmt.Errorf("got a digest of %d bytes that does not fit its hash", len(digest))
	}
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			alg = algP256
		case elliptic.P384():
			alg = algP384
		default:
			return 0, nil, fmt.Errorf("curve %s: %w", k.Curve.Params().Name, device.ErrUnsupported)
		}
		// A card takes exactly one field element: leftmost bytes, or zeros before.
		size := (k.Curve.Params().BitSize + 7) / 8
		plain = make([]byte, size)
		copy(plain[max(0, size-len(digest)):], digest)
		return alg, plain, nil
	case *rsa.PublicKey:
		if _, pss := opts.(*rsa.PSSOptions); pss || k.Size() != 256 {
			return 0, nil, fmt.Errorf("RSA of %d bits with %T: %w", k.Size()*8, opts, device.ErrUnsupported)
		}
		plain, err = padPKCS1(opts.HashFunc(), digest, k.Size())
		return algRSA2048, plain, err
	}
	return 0, nil, fmt.Errorf("key of type %T: %w", pub, device.ErrUnsupported)
}

// checkSignature verifies sig over digest with pub.
func checkSignature(pub crypto.PublicKey, digest, sig []byte, opts crypto.SignerOpts) error {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		if ecdsa.VerifyASN1(k, digest, sig) {
			return nil
		}
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, opts.HashFunc(), digest, sig)
	}
	return errors.New("the card's signature does not verify")
}

// digestInfo is DER of a DigestInfo up to the digest (RFC 8017, 9.2, note 1).
var digestInfo = map[crypto.Hash][]byte{
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA384: {0x30, 0x41, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30},
}

// padPKCS1 is EMSA-PKCS1-v1_5 (RFC 8017, 9.2): an RSA card only exponentiates.
func padPKCS1(h crypto.Hash, digest []byte, size int) ([]byte, error) {
	info, ok := digestInfo[h]
	if !ok {
		return nil, fmt.Errorf("hash %v: %w", h, device.ErrUnsupported)
	}
	b := make([]byte, size)
	b[1] = 1
	n := size - len(info) - len(digest)
	for i := 2; i < n-1; i++ {
		b[i] = 0xFF
	}
	copy(b[n:], info)
	copy(b[n+len(info):], digest)
	return b, nil
}
