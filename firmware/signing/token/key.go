package token

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"sync"
)

// Key is a key in a token. It is a crypto.Signer for ECDSA on P-256 and P-384
// and for RSA, and safe for use by several goroutines.
//
// Contract: a signature it returns fits its public key. A PIN that the token
// refused is not given to it again: a wrong setting must not block a token.
type Key struct {
	m   *Module
	t   Token
	id  []byte
	pub crypto.PublicKey
	pin func() ([]byte, error) // nil: whoever uses the key logs in

	mu      sync.Mutex
	refused [32]byte // digest of the PIN that the token did not take
	why     error
}

var _ crypto.Signer = (*Key)(nil)

// Key returns the key id of a token, which is to have the public key pub. pin
// reads the PIN when the token wants it; nil: Login is the caller's. The token is
// asked nothing yet.
func (m *Module) Key(t Token, id []byte, pub crypto.PublicKey, pin func() ([]byte, error)) *Key {
	return &Key{m: m, t: t, id: id, pub: pub, pin: pin}
}

// Public implements crypto.Signer.
func (k *Key) Public() crypto.PublicKey { return k.pub }

// Sign implements crypto.Signer. RSA signs by PKCS #1 v1.5, or by PSS with a salt
// of the digest's size if opts is *rsa.PSSOptions. rand is not used.
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	sig, err := k.sign(context.Background(), digest, opts)
	if err != nil {
		return nil, fmt.Errorf("token: sign by %s: %w", k.m.c.Module, err)
	}
	return sig, nil
}

func (k *Key) sign(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts == nil || !opts.HashFunc().Available() || len(digest) != opts.HashFunc().Size() {
		return nil, fmt.Errorf("%w: a digest of %d bytes of an unknown kind", ErrUnsupported, len(digest))
	}
	q := request{Op: "sign", Data: digest}
	switch k.pub.(type) {
	case *ecdsa.PublicKey:
		q.Mechanism = "ECDSA"
	case *rsa.PublicKey:
		if _, pss := opts.(*rsa.PSSOptions); pss {
			q.Mechanism, q.Hash = "RSA_PSS", opts.HashFunc().String()
			break
		}
		prefix, ok := digestInfo[opts.HashFunc()]
		if !ok {
			return nil, fmt.Errorf("%w: RSA with %v", ErrUnsupported, opts.HashFunc())
		}
		q.Mechanism, q.Data = "RSA_PKCS", append(bytes.Clone(prefix), digest...)
	default:
		return nil, fmt.Errorf("%w: a key of type %T", ErrUnsupported, k.pub)
	}
	a, err := k.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	return k.fit(a.Data, digest, opts)
}

// fit brings a signature into the form that certificates' keys are verified
// with, and verifies it.
func (k *Key) fit(raw, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	switch pub := k.pub.(type) {
	case *ecdsa.PublicKey:
		n := (pub.Curve.Params().BitSize + 7) / 8
		if len(raw) != 2*n {
			return nil, fmt.Errorf("%w: a signature of %d bytes, want %d", ErrNonsense, len(raw), 2*n)
		}
		sig, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:n]), new(big.Int).SetBytes(raw[n:])})
		if err != nil {
			return nil, err
		}
		if !ecdsa.VerifyASN1(pub, digest, sig) {
			return nil, ErrOtherKey
		}
		return sig, nil
	case *rsa.PublicKey:
		var err error
		if _, pss := opts.(*rsa.PSSOptions); pss {
			err = rsa.VerifyPSS(pub, opts.HashFunc(), digest, raw, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			err = rsa.VerifyPKCS1v15(pub, opts.HashFunc(), digest, raw)
		}
		if err != nil {
			return nil, ErrOtherKey
		}
		return raw, nil
	}
	return nil, ErrUnsupported
}

// digestInfo is what stands before a digest that RSA signs (RFC 8017, 9.2).
var digestInfo = map[crypto.Hash][]byte{
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20},
	crypto.SHA384: {0x30, 0x41, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2, 5, 0, 4, 0x30},
	crypto.SHA512: {0x30, 0x51, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0, 4, 0x40},
}

// ECDH returns the x coordinate of what the key shares with a point of its curve,
// uncompressed: it opens what was sealed to the key.
func (k *Key) ECDH(ctx context.Context, point []byte) ([]byte, error) {
	a, err := k.ask(ctx, request{Op: "derive", Data: point})
	if err != nil {
		return nil, fmt.Errorf("token: agree on a key by %s: %w", k.m.c.Module, err)
	}
	if len(a.Data) == 0 {
		return nil, fmt.Errorf("token: agree on a key by %s: %w", k.m.c.Module, ErrNonsense)
	}
	return a.Data, nil
}

// Check asks the token whether it has the key, and whether it is this one as far
// as the token tells.
func (k *Key) Check(ctx context.Context) error {
	a, err := k.ask(ctx, request{Op: "find"})
	if err == nil && !k.is(a) {
		err = ErrOtherKey
	}
	if err != nil {
		return fmt.Errorf("token: look at the key by %s: %w", k.m.c.Module, err)
	}
	return nil
}

// is reports whether what a token said of a key is of ours, or says nothing.
func (k *Key) is(a answer) bool {
	switch pub := k.pub.(type) {
	case *ecdsa.PublicKey:
		if len(a.Point) == 0 {
			return len(a.Modulus) == 0
		}
		own, err := pub.Bytes()
		// The point is in an OCTET STRING, or, of some, bare.
		return err == nil && (bytes.Equal(a.Point, own) || bytes.HasSuffix(a.Point, own) && len(a.Point) <= len(own)+3)
	case *rsa.PublicKey:
		return len(a.Point) == 0 && (len(a.Modulus) == 0 || new(big.Int).SetBytes(a.Modulus).Cmp(pub.N) == 0)
	}
	return false
}

// ask has the helper use the key. Where the PIN is ours to give it is given when
// the token wants it, and a library that crashed gets a second chance: what is
// asked for is safe to ask twice.
func (k *Key) ask(ctx context.Context, q request) (answer, error) {
	q.Label, q.Serial, q.Key = k.t.Label, k.t.Serial, k.id
	for crashed, logged := false, false; ; {
		a, err := k.m.call(ctx, q, nil)
		switch {
		case k.pin == nil:
			return a, err
		case errors.Is(err, ErrCrashed) && !crashed:
			crashed, logged = true, false
		case errors.Is(err, ErrLogin) && !logged:
			if err := k.login(ctx); err != nil {
				return answer{}, err
			}
			logged = true
		default:
			return a, err
		}
	}
}

// login gives the token the PIN, unless it refused this very PIN.
func (k *Key) login(ctx context.Context) error {
	pin, err := k.pin()
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	sum := sha256.Sum256(pin)
	if k.why != nil && sum == k.refused {
		clear(pin)
		return fmt.Errorf("it was not given again: %w", k.why)
	}
	err = k.m.Login(ctx, k.t, pin)
	var e *PINError
	if k.why = nil; errors.As(err, &e) {
		k.refused, k.why = sum, err
	}
	return err
}
