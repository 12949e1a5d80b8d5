package desk

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Officer is someone who answers requests for an agency, or looks after the
// kiosks, or both.
type Officer struct {
	ID       string `json:"id"`                 // what is typed at sign-in; lower-case letters, digits, "-" and "."
	Name     string `json:"name"`               // as colleagues and the registry see it
	Agency   string `json:"agency"`             // catalog.Agency.ID; an operator may have none, and then sees no requests
	Password string `json:"password"`           // HashPassword of it
	Operator bool   `json:"operator,omitempty"` // sees the kiosks and their alarms
}

// home is where an officer's work is.
func (o Officer) home() string {
	if o.Agency == "" {
		return "/desk/kiosks"
	}
	return "/desk/requests"
}

func (o Officer) check() error {
	if o.ID == "" || strings.Trim(o.ID, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
		return fmt.Errorf("id: got %q, want lower-case letters, digits, hyphens and dots", o.ID)
	}
	if o.Name == "" || o.Agency == "" && !o.Operator {
		return fmt.Errorf("%s: got no name, or no agency and not an operator", o.ID)
	}
	if _, err := parseHash(o.Password); err != nil {
		return fmt.Errorf("%s: %w", o.ID, err)
	}
	return nil
}

// The cost of one password: OWASP's second choice for Argon2id, 19 MiB and two
// passes, which a small portal can bear.
const (
	hashMemory  = 19 << 10 // KiB
	hashPasses  = 2
	hashThreads = 1
	hashSize    = 32
	hashPrefix  = "$argon2id$v=19$m=19456,t=2,p=1$"
)

type hash struct{ salt, sum []byte }

// HashPassword returns what portal settings keep of a password: an Argon2id
// hash in the usual notation ($argon2id$v=19$m=19456,t=2,p=1$salt$sum).
func HashPassword(password string) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // it cannot fail since Go 1.24
	b := base64.RawStdEncoding
	return hashPrefix + b.EncodeToString(salt) + "$" + b.EncodeToString(sum(password, salt))
}

func sum(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, hashPasses, hashMemory, hashThreads, hashSize)
}

func parseHash(s string) (hash, error) {
	rest, ok := strings.CutPrefix(s, hashPrefix)
	salt, check, ok2 := strings.Cut(rest, "$")
	if !ok || !ok2 {
		return hash{}, errors.New("password: it is not a hash that HashPassword makes")
	}
	var h hash
	var err error
	if h.salt, err = base64.RawStdEncoding.DecodeString(salt); err != nil {
		return hash{}, fmt.Errorf("password: read the salt: %w", err)
	}
	if h.sum, err = base64.RawStdEncoding.DecodeString(check); err != nil {
		return hash{}, fmt.Errorf("password: read the hash: %w", err)
	}
	if len(h.salt) != 16 || len(h.sum) != hashSize {
		return hash{}, errors.New("password: the salt or the hash has the wrong length")
	}
	return h, nil
}

// nobody is what a password is checked against when there is no such officer,
// so that the answer takes as long.
var nobody = hash{salt: make([]byte, 16), sum: make([]byte, hashSize)}

// admit returns the officer with that id and password. At most two passwords
// are checked at a time: the memory that a hash takes is not for strangers to
// multiply.
func (d *Desk) admit(ctx context.Context, id, password string) (Officer, bool) {
	o, known := d.officers[strings.ToLower(strings.TrimSpace(id))]
	h := nobody
	if known {
		if p, err := parseHash(o.Password); err == nil {
			h = p
		}
	}
	select {
	case d.doors <- struct{}{}:
		defer func() { <-d.doors }()
	case <-ctx.Done():
		return Officer{}, false
	}
	same := subtle.ConstantTimeCompare(sum(password, h.salt), h.sum) == 1
	return o, known && same
}
