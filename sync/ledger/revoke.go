package ledger

import (
	"errors"
	"time"
)

// ErrRevoked says that the seal was revoked before.
var ErrRevoked = errors.New("already revoked")

// Reasons for revoking a seal. The words are stored; one no longer used stays
// taken.
const (
	RevokedMistake  = "mistake"  // it should not have been issued
	RevokedReplaced = "replaced" // another document stands in its place
	RevokedOrder    = "order"    // by order of a court or a superior body
)

// RevokeReasons lists them.
var RevokeReasons = []string{RevokedMistake, RevokedReplaced, RevokedOrder}

// Revocation says which agency's officer revoked the seal of an answer, and why.
type Revocation struct {
	Seal   [16]byte // its id
	Doc    Doc      // the request that was answered with it
	Agency string
	Reason string // one of RevokeReasons
	By     string // the officer
	At     time.Time
}
