package edoc

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// ID names a document: the SHA-256 of its ASiCManifest001.xml.
type ID [32]byte

// String returns the id as lower-case hex.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID reads what String writes.
func ParseID(s string) (ID, error) {
	var id ID
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) || s != strings.ToLower(s) {
		return ID{}, errors.New("edoc: parse id: it is not 64 lower-case hex digits")
	}
	copy(id[:], b)
	return id, nil
}

// alphabet is Crockford's Base32: no I, L, O and U.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Code returns the tracking code of a document that is answered to recipients:
// nine symbols for the first 45 bits of the id, and one that checks them. It
// follows from the id, so the kiosk can print it before the portal has seen
// anything. Of which documents it is the code, [Document.Code] knows.
func (id ID) Code() string { return CodeOf(id[:]) }

// Code returns the tracking code of the document with that id. Where the answer
// is sealed to the code, whoever stores the id must not learn it: it follows
// from the secret in the document too (ED-CODE-4).
func (d *Document) Code(id ID) string {
	if d.AnswerSecret == (Secret{}) {
		return id.Code()
	}
	h := sha256.New()
	for _, b := range [][]byte{[]byte("penjire-code/1"), id[:], d.AnswerSecret[:]} {
		_, _ = h.Write(b) // a hash does not fail
	}
	return CodeOf(h.Sum(nil))
}

// Code returns the document's tracking code.
func (c *Container) Code() string { return c.doc.Code(c.ID()) }

// CodeOf returns the code of any digest of 6 bytes or more: of a document's id
// or the first half of one, or of a seal. Shorter digests are filled with zeros.
func CodeOf(digest []byte) string {
	var d [6]byte
	copy(d[:], digest)
	var v uint64
	for _, c := range d {
		v = v<<8 | uint64(c)
	}
	v >>= 3 // 45 of 48 bits
	var code [10]byte
	var values [9]byte
	for i := 8; i >= 0; i-- {
		values[i] = byte(v & 31)
		code[i] = alphabet[values[i]]
		v >>= 5
	}
	code[9] = alphabet[checkSymbol(values)]
	return string(code[:])
}

// checkSymbol weighs each symbol with another power of a generator of GF(32):
// one wrong symbol, or two that have changed places, never check.
func checkSymbol(values [9]byte) byte {
	var sum, weight byte = 0, 1
	for _, v := range values {
		weight = mul32(weight, 2)
		sum ^= mul32(weight, v)
	}
	return sum
}

// mul32 multiplies in GF(32) modulo x⁵ + x² + 1.
func mul32(a, b byte) byte {
	var p byte
	for ; b > 0; b >>= 1 {
		if b&1 == 1 {
			p ^= a
		}
		if a <<= 1; a&32 != 0 {
			a ^= 0x25
		}
	}
	return p
}

// FormatCode returns a code as people read it: K7M4P·29QDX.
func FormatCode(code string) string {
	if len(code) != 10 {
		return code
	}
	return code[:5] + "·" + code[5:]
}

// ErrCode is returned for what cannot be a tracking code. It does not repeat it.
var ErrCode = errors.New("edoc: it is not a tracking code")

// ParseCode reads a tracking code as people type it: in either case, with
// spaces, dots or hyphens anywhere, O for 0, I and L for 1. A wrong symbol, or
// two swapped, is ErrCode.
func ParseCode(s string) (string, error) {
	var code []byte
	var values [9]byte
	for _, r := range strings.ToUpper(s) {
		switch r {
		case ' ', '\u00a0', '·', '.', '-', '–', '•':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		v := strings.IndexRune(alphabet, r)
		if v < 0 || len(code) == 10 {
			return "", ErrCode
		}
		if len(code) < 9 {
			values[len(code)] = byte(v)
		}
		code = append(code, alphabet[v])
	}
	if len(code) != 10 || code[9] != alphabet[checkSymbol(values)] {
		return "", ErrCode
	}
	return string(code), nil
}
