// Package sm is the cryptography between a reader and the chip of a passport:
// how keys are derived, and secure messaging, which encrypts each command and
// response and seals it with a counted code. Both ends are here, the reader's
// and the chip's; the chip's is for emulators.
//
// # Reference
//
// ICAO Doc 9303-11, 9.7 (key derivation) and 9.8 (secure messaging), with ISO
// 9797-1 MAC algorithm 3, NIST SP 800-38B (CMAC) and ISO/IEC 7816-4.
package sm

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
)

// Suite is a cipher with its code.
type Suite int

// The suites of Doc 9303-11.
const (
	TDES   Suite = 1 // two-key 3DES, retail MAC: all that BAC has
	AES128 Suite = 2
	AES192 Suite = 3
	AES256 Suite = 4
)

// String returns the suite's name.
func (s Suite) String() string {
	switch s {
	case TDES:
		return "3DES"
	case AES128:
		return "AES-128"
	case AES192:
		return "AES-192"
	case AES256:
		return "AES-256"
	}
	return fmt.Sprintf("Suite(%d)", int(s))
}

// Counters of the key derivation function (9303-11, 9.7.1).
const (
	ForEncryption uint32 = 1
	ForMAC        uint32 = 2
	ForPassword   uint32 = 3
)

// Derive makes a key of s out of a shared secret.
func (s Suite) Derive(secret []byte, counter uint32) []byte {
	in := binary.BigEndian.AppendUint32(bytes.Clone(secret), counter)
	defer clear(in)
	if s == AES192 || s == AES256 {
		h := sha256.Sum256(in)
		if s == AES192 {
			return h[:24]
		}
		return h[:]
	}
	// The parity bits of DES keys mean nothing to crypto/des.
	h := sha1.Sum(in)
	return h[:16]
}

// BlockSize is the length of a block in bytes.
func (s Suite) BlockSize() int {
	if s == TDES {
		return des.BlockSize
	}
	return aes.BlockSize
}

// block returns the cipher with key. A key of the wrong length is the caller's
// mistake: keys come from Derive.
func (s Suite) block(key []byte) cipher.Block {
	var b cipher.Block
	var err error
	if s == TDES {
		b, err = des.NewTripleDESCipher(append(bytes.Clone(key), key[:min(8, len(key))]...))
	} else {
		b, err = aes.NewCipher(key)
	}
	if err != nil {
		panic("sm: " + err.Error())
	}
	return b
}

// Encrypt encrypts whole blocks in CBC mode; a nil iv is zero.
func (s Suite) Encrypt(key, iv, plain []byte) []byte {
	out := make([]byte, len(plain))
	cipher.NewCBCEncrypter(s.block(key), s.iv(iv)).CryptBlocks(out, plain)
	return out
}

// Decrypt is the reverse of Encrypt.
func (s Suite) Decrypt(key, iv, secret []byte) []byte {
	out := make([]byte, len(secret))
	cipher.NewCBCDecrypter(s.block(key), s.iv(iv)).CryptBlocks(out, secret)
	return out
}

func (s Suite) iv(iv []byte) []byte {
	if iv == nil {
		return make([]byte, s.BlockSize())
	}
	return iv
}

// MACSize is the length of every code in Doc 9303.
const MACSize = 8

// MAC returns the code of data. With 3DES data is padded first, as ISO 9797-1
// method 2 does; CMAC needs no padding.
func (s Suite) MAC(key, data []byte) []byte {
	if s == TDES {
		return retail(key, Pad(data, des.BlockSize))
	}
	return cmac(s.block(key), data)[:MACSize]
}

// retail is MAC algorithm 3 of ISO 9797-1 over whole blocks.
func retail(key, data []byte) []byte {
	first, err := des.NewCipher(key[:8])
	if err != nil {
		panic("sm: " + err.Error())
	}
	second, err := des.NewCipher(key[8:16])
	if err != nil {
		panic("sm: " + err.Error())
	}
	y := make([]byte, des.BlockSize)
	for ; len(data) > 0; data = data[des.BlockSize:] {
		subtle.XORBytes(y, y, data[:des.BlockSize])
		first.Encrypt(y, y)
	}
	second.Decrypt(y, y)
	first.Encrypt(y, y)
	return y
}

// cmac is CMAC (SP 800-38B, 6.2) for ciphers of 16-byte blocks.
func cmac(b cipher.Block, data []byte) []byte {
	sub := make([]byte, aes.BlockSize)
	b.Encrypt(sub, sub)
	sub = double(sub)
	y := make([]byte, aes.BlockSize)
	for len(data) > aes.BlockSize {
		subtle.XORBytes(y, y, data[:aes.BlockSize])
		b.Encrypt(y, y)
		data = data[aes.BlockSize:]
	}
	if len(data) < aes.BlockSize {
		data = Pad(data, aes.BlockSize)
		sub = double(sub)
	}
	subtle.XORBytes(y, y, data)
	subtle.XORBytes(y, y, sub)
	b.Encrypt(y, y)
	return y
}

// double multiplies by x in the field of CMAC's subkeys.
func double(b []byte) []byte {
	out := make([]byte, len(b))
	carry := byte(0)
	for i := len(b) - 1; i >= 0; i-- {
		out[i] = b[i]<<1 | carry
		carry = b[i] >> 7
	}
	out[len(out)-1] ^= 0x87 * carry
	return out
}

// Pad appends 80 and zeros up to whole blocks (ISO/IEC 7816-4, 10.2.3.1).
func Pad(b []byte, block int) []byte {
	out := append(bytes.Clone(b), 0x80)
	for len(out)%block != 0 {
		out = append(out, 0)
	}
	return out
}

// ErrPadding is data that was not padded as Pad does.
var ErrPadding = errors.New("padding is wrong")

// Unpad is the reverse of Pad.
func Unpad(b []byte) ([]byte, error) {
	i := len(b) - 1
	for i >= 0 && b[i] == 0 {
		i--
	}
	if i < 0 || b[i] != 0x80 {
		return nil, ErrPadding
	}
	return b[:i], nil
}
