package kiosk

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/durable"
	"github.com/penjire/penjire/sync/outbox"
)

// ownerKey makes pseudonyms: «my requests» are found by who comes with a card,
// and the outbox alone names no one (DESIGN 6).
type ownerKey []byte

func openOwnerKey(path string) (ownerKey, error) {
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		b = make([]byte, 32)
		_, _ = rand.Read(b) // never fails (crypto/rand)
		if err := durable.WriteFile(path, b, 0o600); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, fmt.Errorf("kiosk: read the key of the pseudonyms: %w", err)
	}
	if len(b) != 32 {
		// Another key would hide everyone's requests from them: never made silently.
		return nil, fmt.Errorf("kiosk: read the key of the pseudonyms: %s has %d bytes, want 32", path, len(b))
	}
	return b, nil
}

// of returns the pseudonym of whoever has the identifier id.
func (k ownerKey) of(id citizen.ID) (o outbox.Owner) {
	h := hmac.New(sha256.New, k)
	h.Write([]byte("penjire owner 1\x00" + id.Reveal()))
	copy(o[:], h.Sum(nil))
	return o
}
