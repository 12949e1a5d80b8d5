package tpm

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// The handles that persistent keys of the owner may have (TCG registry, 2.3.1).
const (
	FirstHandle uint32 = 0x81000000
	LastHandle  uint32 = 0x817FFFFF
)

// template is of a key that was born in the TPM and dies with it: it signs
// digests with ECDSA on P-256 and does nothing else. NoDA: signing takes no
// authorization that could be guessed, so wrong guesses elsewhere do not stop it.
func template() (tpm2.TPMTPublic, error) {
	// Keys are derived from the TPM's seed and the template; what is drawn here
	// makes each key another one.
	unique := make([]byte, 32)
	if _, err := rand.Read(unique); err != nil {
		return tpm2.TPMTPublic{}, err
	}
	return tpm2.TPMTPublic{
		Type: tpm2.TPMAlgECC, NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{
			FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, NoDA: true, SignEncrypt: true,
		},
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{
			CurveID: tpm2.TPMECCNistP256,
			Scheme: tpm2.TPMTECCScheme{Scheme: tpm2.TPMAlgECDSA, Details: tpm2.NewTPMUAsymScheme(
				tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: tpm2.TPMAlgSHA256})},
		}),
		Unique: tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{
			X: tpm2.TPM2BECCParameter{Buffer: unique}, Y: tpm2.TPM2BECCParameter{Buffer: make([]byte, 32)},
		}),
	}, nil
}

// Create makes a key and keeps it under handle. A key that is there is never
// replaced: ErrTaken.
func (t *TPM) Create(ctx context.Context, handle uint32) (*Key, error) {
	h := tpm2.TPMHandle(handle)
	pub, err := do(ctx, t, t.creation, func(c transport.TPM) (*ecdsa.PublicKey, error) {
		if handle < FirstHandle || handle > LastHandle {
			return nil, fmt.Errorf("handles are %#x to %#x", FirstHandle, LastHandle)
		}
		if _, err := (tpm2.ReadPublic{ObjectHandle: h}).Execute(c); err == nil {
			return nil, ErrTaken
		} else if !errors.Is(err, tpm2.TPMRCHandle) {
			return nil, err
		}
		tmpl, err := template()
		if err != nil {
			return nil, err
		}
		made, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHOwner, InPublic: tpm2.New2B(tmpl)}.Execute(c)
		if err != nil {
			return nil, err
		}
		// A TPM has three places for keys like this one.
		defer func() { _, _ = tpm2.FlushContext{FlushHandle: made.ObjectHandle}.Execute(c) }()
		pub, err := public(made.OutPublic)
		if err != nil {
			return nil, err
		}
		_, err = tpm2.EvictControl{
			Auth: tpm2.TPMRHOwner, PersistentHandle: h,
			ObjectHandle: &tpm2.NamedHandle{Handle: made.ObjectHandle, Name: made.Name},
		}.Execute(c)
		return pub, err
	})
	if err != nil {
		return nil, fmt.Errorf("tpm: make the key %#x in %s: %w", handle, t.path, err)
	}
	return &Key{t, h, pub}, nil
}

// Find returns the key under handle, whatever its public key is.
func (t *TPM) Find(ctx context.Context, handle uint32) (*Key, error) {
	k := &Key{t: t, handle: tpm2.TPMHandle(handle)}
	var err error
	if k.pub, err = k.read(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

// Key returns the key under handle, which is to have the public key pub. The
// TPM is not asked: Check says whether it has that key.
func (t *TPM) Key(handle uint32, pub *ecdsa.PublicKey) *Key {
	return &Key{t: t, handle: tpm2.TPMHandle(handle), pub: pub}
}

// Key is a key in a TPM. It is a crypto.Signer for SHA-256 and safe for use by
// several goroutines.
//
// Contract: a signature it returns fits its public key, and no call takes longer
// than the TPM's patience.
type Key struct {
	t      *TPM
	handle tpm2.TPMHandle
	pub    *ecdsa.PublicKey
}

var _ crypto.Signer = (*Key)(nil)

// Public implements crypto.Signer. It returns an *ecdsa.PublicKey.
func (k *Key) Public() crypto.PublicKey { return k.pub }

// Sign implements crypto.Signer. The TPM draws what is random; rand is not used.
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	sig, err := k.sign(context.Background(), digest, opts)
	if err != nil {
		return nil, fmt.Errorf("tpm: sign with the key %#x in %s: %w", uint32(k.handle), k.t.path, err)
	}
	return sig, nil
}

func (k *Key) sign(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts == nil || opts.HashFunc() != crypto.SHA256 || len(digest) != crypto.SHA256.Size() {
		return nil, fmt.Errorf("the digest of %d bytes is not said to be SHA-256: the key takes no other", len(digest))
	}
	sig, err := do(ctx, k.t, k.t.patience, func(c transport.TPM) ([]byte, error) {
		r, err := tpm2.Sign{
			KeyHandle: tpm2.NamedHandle{Handle: k.handle}, Digest: tpm2.TPM2BDigest{Buffer: digest},
			InScheme: tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgECDSA, Details: tpm2.NewTPMUSigScheme(
				tpm2.TPMAlgECDSA, &tpm2.TPMSSchemeHash{HashAlg: tpm2.TPMAlgSHA256})},
			Validation: tpm2.TPMTTKHashCheck{Tag: tpm2.TPMSTHashCheck, Hierarchy: tpm2.TPMRHNull},
		}.Execute(c)
		if err != nil {
			return nil, err
		}
		e, err := r.Signature.Signature.ECDSA()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNonsense, err)
		}
		return asn1.Marshal(struct{ R, S *big.Int }{
			new(big.Int).SetBytes(e.SignatureR.Buffer), new(big.Int).SetBytes(e.SignatureS.Buffer),
		})
	})
	if err != nil {
		return nil, err
	}
	if !ecdsa.VerifyASN1(k.pub, digest, sig) {
		return nil, ErrOtherKey
	}
	return sig, nil
}

// Check asks the TPM whether it has this key, with this public key, and whether
// the key is one that cannot leave it.
func (k *Key) Check(ctx context.Context) error {
	pub, err := k.read(ctx)
	if err == nil && !pub.Equal(k.pub) {
		err = fmt.Errorf("tpm: look at the key %#x in %s: %w", uint32(k.handle), k.t.path, ErrOtherKey)
	}
	return err
}

func (k *Key) read(ctx context.Context) (*ecdsa.PublicKey, error) {
	pub, err := do(ctx, k.t, k.t.patience, func(c transport.TPM) (*ecdsa.PublicKey, error) {
		r, err := tpm2.ReadPublic{ObjectHandle: k.handle}.Execute(c)
		if err != nil {
			return nil, err
		}
		return public(r.OutPublic)
	})
	if err != nil {
		return nil, fmt.Errorf("tpm: look at the key %#x in %s: %w", uint32(k.handle), k.t.path, err)
	}
	return pub, nil
}

// public returns the public key of a key that signs with ECDSA on P-256 and
// cannot be copied.
func public(b tpm2.TPM2BPublic) (*ecdsa.PublicKey, error) {
	p, err := b.Contents()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNonsense, err)
	}
	ecc, err := p.Parameters.ECCDetail()
	if err != nil || ecc.CurveID != tpm2.TPMECCNistP256 || !p.ObjectAttributes.SignEncrypt || p.ObjectAttributes.Restricted {
		return nil, fmt.Errorf("%w: what is there does not sign with ECDSA on P-256", ErrOtherKey)
	}
	if a := p.ObjectAttributes; !a.FixedTPM || !a.FixedParent || !a.SensitiveDataOrigin {
		return nil, ErrCopyable
	}
	pt, err := p.Unique.ECC()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNonsense, err)
	}
	if len(pt.X.Buffer) > 32 || len(pt.Y.Buffer) > 32 {
		return nil, fmt.Errorf("%w: the point is too long", ErrNonsense)
	}
	point := bytes.Join([][]byte{{4}, pad(pt.X.Buffer), pad(pt.Y.Buffer)}, nil)
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNonsense, err)
	}
	return pub, nil
}

func pad(b []byte) []byte { return new(big.Int).SetBytes(b).FillBytes(make([]byte, 32)) }
