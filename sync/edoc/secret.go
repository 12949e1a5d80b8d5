package edoc

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Secret is what the tracking code of a request without recipients follows
// from. It travels in the document, so only the portal and the agency read it.
// Printing or logging it shows nothing. Zero is none.
type Secret [16]byte

// NewSecret returns a secret that nobody has.
func NewSecret() (s Secret) {
	_, _ = rand.Read(s[:]) // never fails (crypto/rand)
	return s
}

// Format implements fmt.Formatter: no verb shows the secret.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }

// MarshalText implements encoding.TextMarshaler, so that neither slog nor JSON
// shows the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

func (s Secret) json() string {
	if s == (Secret{}) {
		return ""
	}
	return hex.EncodeToString(s[:])
}

func readSecret(text string) (s Secret, err error) {
	if text == "" {
		return s, nil
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(s) || text != strings.ToLower(text) || Secret(b) == s {
		return s, errors.New("it is not 32 lower-case hex digits, not all of them 0")
	}
	return Secret(b), nil
}
