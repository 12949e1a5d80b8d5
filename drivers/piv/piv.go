// Package piv speaks to the PIV application of a chip card: reads its
// certificates, verifies the PIN, and has it sign and agree on keys. Private
// keys never leave the card; nothing here knows whose card it is.
//
// # Reference
//
// NIST SP 800-73-4 part 2 (SELECT, GET DATA, VERIFY, GENERAL AUTHENTICATE) and
// SP 800-78-4 (algorithms). Cards that answer on the contactless interface
// without a virtual contact interface are expected: the national profile, not
// this package, decides what a card gives over the air.
package piv

import (
	"errors"
	"fmt"
)

// Slot is a key on the card, by its key reference.
type Slot byte

// The slots (SP 800-73-4 part 1, table 4b).
const (
	Authentication Slot = 0x9A // PIN once
	Signature      Slot = 0x9C // PIN before every signature
	KeyManagement  Slot = 0x9D // ECDH; PIN once
	CardAuth       Slot = 0x9E // no PIN: proves that the card is there
)

// String returns the slot as its key reference.
func (s Slot) String() string { return fmt.Sprintf("%02X", byte(s)) }

// Errors that callers branch on.
var (
	ErrNotPIV   = errors.New("card has no PIV application")
	ErrNoCert   = errors.New("no certificate in this slot")
	ErrNeedsPIN = errors.New("card wants the PIN first")
)
