package pa

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/subtle"
	"math/big"

	"github.com/penjire/penjire/drivers/emrtd/curve"
)

// ErrActive is an answer to Active Authentication that is not of the key in DG15.
var ErrActive = errSignature

// VerifyActive checks a chip's answer to the challenge of Active Authentication
// with the key of DG15 (9303-11, 6.1): the chip has the private key.
func VerifyActive(spki, challenge, answer []byte) error {
	if k, err := curve.ParseKey(spki); err == nil {
		return verifyPlain(k, challenge, answer)
	}
	pub, err := rsaKey(spki)
	if err != nil {
		return err
	}
	return verifyRecovery(pub, challenge, answer)
}

// verifyPlain checks an ECDSA signature written as r and s side by side
// (TR-03111, 5.2.1). Which hash it is over, not all chips say: all are tried.
func verifyPlain(k curve.Key, challenge, answer []byte) error {
	n := len(answer) / 2
	if n == 0 || len(answer)%2 != 0 {
		return errSignature
	}
	r, s := new(big.Int).SetBytes(answer[:n]), new(big.Int).SetBytes(answer[n:])
	for _, h := range hashes {
		if k.Curve.Verify(k.Point, digest(h.hash, challenge), r, s) {
			return nil
		}
	}
	return errSignature
}

// trailers tell the hash of a signature with message recovery (ISO/IEC 9796-2,
// 8.1.3 and ISO/IEC 10118-3).
var trailers = []struct {
	bytes []byte
	hash  crypto.Hash
}{
	{[]byte{0xBC}, crypto.SHA1},
	{[]byte{0x33, 0xCC}, crypto.SHA1},
	{[]byte{0x38, 0xCC}, crypto.SHA224},
	{[]byte{0x34, 0xCC}, crypto.SHA256},
	{[]byte{0x36, 0xCC}, crypto.SHA384},
	{[]byte{0x35, 0xCC}, crypto.SHA512},
}

// verifyRecovery checks a signature of scheme 1 of ISO/IEC 9796-2: it holds a
// random part of the message, and the digest of that with the challenge.
func verifyRecovery(pub *rsa.PublicKey, challenge, answer []byte) error {
	s := new(big.Int).SetBytes(answer)
	if len(answer) != pub.Size() || s.Cmp(pub.N) >= 0 || pub.N.BitLen() < 1024 {
		return errSignature
	}
	f := new(big.Int).Exp(s, big.NewInt(int64(pub.E)), pub.N)
	if f.Bit(0) != 0 || f.Bit(1) != 0 || f.Bit(2) != 1 || f.Bit(3) != 1 { // does not end in C
		f.Sub(pub.N, f)
	}
	b := f.FillBytes(make([]byte, pub.Size()))
	if b[0] != 0x6A {
		return errSignature
	}
	for _, t := range trailers {
		if !bytes.HasSuffix(b, t.bytes) {
			continue
		}
		body := b[1 : len(b)-len(t.bytes)]
		at := len(body) - t.hash.Size()
		if at <= 0 {
			return errSignature
		}
		if subtle.ConstantTimeCompare(body[at:], digest(t.hash, append(bytes.Clone(body[:at]), challenge...))) == 1 {
			return nil
		}
	}
	return errSignature
}
