// Package enrol is what kiosk and portal agree on when a kiosk gets its
// certificates (sync/spec/enrol.md): one-time codes, requests for certificates,
// and the two files that a memory stick carries where there is no network.
//
// The portal's side is package sync/portal/est, the kiosk's firmware/enrol.
package enrol

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
)

// alphabet is Crockford's Base32: no I, L, O and U.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// A code is 14 random symbols, which are 70 bits, and two that check them. A
// request on a stick is proved with it, and whoever finds the stick may try codes
// at leisure: 70 bits are too many for that.
const (
	codeRandom = 14
	codeLength = codeRandom + 2
	// checkModulus is the largest prime that two symbols hold. One wrong symbol, or
	// two neighbours swapped, never check; anything else does once in a thousand.
	checkModulus = 1021
)

// Code is a one-time code: whoever shows it may have a certificate for one kiosk,
// once. It does not print itself. The zero value is no code.
type Code struct{ s *string }

// ErrCode is returned for what cannot be a one-time code. It does not repeat it.
var ErrCode = errors.New("it is not a one-time code: 16 letters and digits, of which one was mistyped or is missing")

// NewCode makes a code.
func NewCode() Code {
	var b [codeLength]byte
	_, _ = rand.Read(b[:codeRandom]) // never fails
	sum := 0
	for i, c := range b[:codeRandom] {
		sum = (sum*32 + int(c&31)) % checkModulus
		b[i] = alphabet[c&31]
	}
	b[codeLength-2], b[codeLength-1] = alphabet[sum>>5], alphabet[sum&31]
	s := string(b[:])
	return Code{&s}
}

// ParseCode reads a code as people type it: in either case, with spaces, dots or
// hyphens anywhere, O for 0, I and L for 1. Everything else is ErrCode.
func ParseCode(typed string) (Code, error) {
	var code []byte
	var sum, check int
	for _, r := range strings.ToUpper(typed) {
		switch r {
		case ' ', '\u00a0', '·', '.', '-', '–', '•':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		v := strings.IndexRune(alphabet, r)
		if v < 0 || len(code) == codeLength {
			return Code{}, ErrCode
		}
		if len(code) < codeRandom {
			sum = (sum*32 + v) % checkModulus
		} else {
			check = check*32 + v
		}
		code = append(code, alphabet[v])
	}
	if len(code) != codeLength || sum != check {
		return Code{}, ErrCode
	}
	s := string(code)
	return Code{&s}, nil
}

// IsZero reports whether c is no code.
func (c Code) IsZero() bool { return c.s == nil }

// Reveal returns the code as it is hashed and sent: 16 symbols.
func (c Code) Reveal() string {
	if c.s == nil {
		return ""
	}
	return *c.s
}

// Written returns the code as people read it: K7M4-P29Q-DX3B-5TRE.
func (c Code) Written() string {
	s := c.Reveal()
	if s == "" {
		return ""
	}
	return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
}

// String implements fmt.Stringer; it hides the code.
func (c Code) String() string {
	if c.IsZero() {
		return "(no code)"
	}
	return "(one-time code)"
}

// GoString implements fmt.GoStringer; it hides the code.
func (c Code) GoString() string { return c.String() }

// LogValue implements slog.LogValuer; it hides the code.
func (c Code) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText implements encoding.TextMarshaler. It refuses: what is meant to hold
// a code says so by Reveal.
func (c Code) MarshalText() ([]byte, error) {
	return nil, errors.New("a one-time code is not written by accident")
}
