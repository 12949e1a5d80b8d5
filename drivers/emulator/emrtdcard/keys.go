package emrtdcard

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/penjire/penjire/drivers/emrtd/curve"
)

// key signs. Its public key and algorithm are in DER.
type key struct {
	spki, algorithm []byte
	sign            func(message []byte) ([]byte, error)
	active          func(challenge []byte) ([]byte, error) // Active Authentication
}

var (
	oidECDSA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidRSA256   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidPSS      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidMGF1     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	oidSHA256   = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
)

func newKey(k Kind) (key, error) {
	switch k {
	case ECDSA:
		return newEC(curve.ByID(12), false)
	case Brainpool:
		return newEC(curve.ByID(13), true)
	}
	priv, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return key{}, err
	}
	spki, err := x509.MarshalPKIXPublicKey(priv.Public())
	if err != nil {
		return key{}, err
	}
	if k == RSA {
		return key{spki, build(func(b *cryptobyte.Builder) { algorithm(b, oidRSA256, true) }), func(m []byte) ([]byte, error) {
			h := sha256.Sum256(m)
			return rsa.SignPKCS1v15(nil, priv, crypto.SHA256, h[:])
		}, func(c []byte) ([]byte, error) { return recoverable(priv, c) }}, nil
	}
	params := build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidPSS)
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(context(0), func(b *cryptobyte.Builder) { algorithm(b, oidSHA256, true) })
				b.AddASN1(context(1), func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(oidMGF1)
						algorithm(b, oidSHA256, true)
					})
				})
				b.AddASN1(context(2), func(b *cryptobyte.Builder) { b.AddASN1Int64(32) })
			})
		})
	})
	return key{spki, params, func(m []byte) ([]byte, error) {
		h := sha256.Sum256(m)
		return rsa.SignPSS(rand.Reader, priv, crypto.SHA256, h[:], &rsa.PSSOptions{SaltLength: 32})
	}, nil}, nil
}

func newEC(cv *curve.Curve, explicit bool) (key, error) {
	d, pub, err := cv.NewKey(rand.Reader, cv.G)
	if err != nil {
		return key{}, err
	}
	ecdsa := func(m []byte) (r, s *big.Int, err error) {
		h := sha256.Sum256(m)
		for {
			k, p, err := cv.NewKey(rand.Reader, cv.G)
			if err != nil {
				return nil, nil, err
			}
			r := new(big.Int).Mod(p.X, cv.N)
			s := new(big.Int).Mul(r, d)
			s.Add(s, cv.Truncate(h[:])).Mul(s, new(big.Int).ModInverse(k, cv.N)).Mod(s, cv.N)
			if r.Sign() != 0 && s.Sign() != 0 {
				return r, s, nil
			}
		}
	}
	sign := func(m []byte) ([]byte, error) {
		r, s, err := ecdsa(m)
		if err != nil {
			return nil, err
		}
		return build(func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1BigInt(r)
				b.AddASN1BigInt(s)
			})
		}), nil
	}
	active := func(c []byte) ([]byte, error) {
		r, s, err := ecdsa(c)
		if err != nil {
			return nil, err
		}
		n := (cv.N.BitLen() + 7) / 8
		out := make([]byte, 2*n)
		r.FillBytes(out[:n])
		s.FillBytes(out[n:])
		return out, nil
	}
	return key{publicKey(cv, pub, explicit), build(func(b *cryptobyte.Builder) { algorithm(b, oidECDSA256, false) }), sign, active}, nil
}

// recoverable is a signature of scheme 1 of ISO/IEC 9796-2 on the challenge and
// a random part that fills it up.
func recoverable(priv *rsa.PrivateKey, challenge []byte) ([]byte, error) {
	f := make([]byte, priv.Size())
	f[0] = 0x6A
	copy(f[len(f)-2:], []byte{0x34, 0xCC}) // SHA-256
	at := len(f) - 2 - sha256.Size
	if _, err := rand.Read(f[1:at]); err != nil {
		return nil, err
	}
	h := sha256.Sum256(append(bytes.Clone(f[1:at]), challenge...))
	copy(f[at:], h[:])
	m := new(big.Int).SetBytes(f)
	s := m.Exp(m, priv.D, priv.N)
	if other := new(big.Int).Sub(priv.N, s); other.Cmp(s) < 0 {
		s = other // the smaller of the two, as the standard wants
	}
	return s.FillBytes(make([]byte, priv.Size())), nil
}

// publicKey is a SubjectPublicKeyInfo, the curve named or written out.
func publicKey(cv *curve.Curve, p curve.Point, explicit bool) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1})
				if !explicit {
					b.AddASN1ObjectIdentifier(cv.OID)
					return
				}
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1Int64(1)
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 10045, 1, 1})
						b.AddASN1BigInt(cv.P)
					})
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1OctetString(cv.A.FillBytes(make([]byte, cv.Size())))
						b.AddASN1OctetString(cv.B.FillBytes(make([]byte, cv.Size())))
					})
					b.AddASN1OctetString(cv.Marshal(cv.G))
					b.AddASN1BigInt(cv.N)
					b.AddASN1Int64(1)
				})
			})
			b.AddASN1BitString(cv.Marshal(p))
		})
	})
}
