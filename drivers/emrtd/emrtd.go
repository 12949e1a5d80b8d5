// Package emrtd reads the chips of passports and identity cards: it opens one
// with what is printed on the document, reads the zone, the face and the
// details over secure messaging, and asks whether a state signed them and
// whether the chip is the one that it signed them for.
//
// It never reads DG3 and DG4, fingerprints and irises, and does no Terminal
// Authentication. Of PACE it knows all mappings on curves, but does not use the
// proof in chip authentication mapping; chips that have PACE over a field alone
// are refused, or opened with BAC where that is asked for. Whatever it read is in
// types that do not print themselves.
//
// # Reference
//
// ICAO Doc 9303, 8th edition, 2021: part 10 (files), part 11 (BAC, PACE, secure
// messaging, Chip Authentication) and part 12 (certificates).
package emrtd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/mrz"
	"github.com/penjire/penjire/sync/citizen"
)

// Errors that callers branch on.
var (
	// ErrPassword: the chip does not take the card access number, or the zone is
	// another document's. A chip may answer more and more slowly to wrong ones.
	ErrPassword = errors.New("chip does not accept what is printed on the document")
	// ErrNoAccess: the chip cannot be opened with what was given.
	ErrNoAccess = errors.New("chip cannot be opened with what was given")
	// ErrNotPassport: the card is no travel document.
	ErrNotPassport = errors.New("card has no travel document application")
	// ErrCopy: the chip could not prove that it has its key.
	ErrCopy = errors.New("chip does not have the key that it names: it is a copy")
	// ErrEnded: an earlier failure ended secure messaging; the chip has to be
	// opened again.
	ErrEnded = errors.New("secure messaging has ended")
)

// Password opens a chip: the card access number or the machine-readable zone.
type Password struct {
	ref    byte // 9303-11, 4.4.4.1: 01 MRZ, 02 CAN
	secret citizen.Text
}

// Password references.
const (
	refMRZ = 0x01
	refCAN = 0x02
)

// CAN is the six-digit card access number printed on the front of newer
// documents. It opens chips with PACE only.
func CAN(digits string) (Password, error) {
	if len(digits) != 6 {
		return Password{}, fmt.Errorf("emrtd: card access number: got %d characters, want 6", len(digits))
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return Password{}, fmt.Errorf("emrtd: card access number: it holds something other than digits")
		}
	}
	return Password{refCAN, citizen.NewText(digits)}, nil
}

// Zone is the machine-readable zone as a scanner or a camera gave it.
func Zone(d *mrz.Document) Password { return Password{refMRZ, d.Key()} }

// Key is the MRZ information as one text, as [mrz.Document.Key] gives it: for a
// number, birth and expiry that were typed in.
func Key(information citizen.Text) Password { return Password{refMRZ, information} }

// String names the kind of password and never the password.
func (p Password) String() string {
	switch p.ref {
	case refMRZ:
		return "MRZ"
	case refCAN:
		return "CAN"
	}
	return "no password"
}

// Access says how a chip was opened.
type Access struct {
	Protocol string   // "PACE" or "BAC"
	Suite    sm.Suite // of secure messaging
	Curve    string   // PACE: "brainpoolP256r1"
	Password string   // "MRZ" or "CAN"
}

// Opts are the options of Open. The zero value is what a kiosk wants.
type Opts struct {
	// Now tells the centuries of the zone in DG1; zero: time.Now.
	Now time.Time
	// BACInstead opens a chip that has PACE, but only in kinds that are not known
	// here, with the weaker BAC. A password that PACE refuses is never tried on
	// BAC.
	BACInstead bool

	random io.Reader // for worked examples
}

func (o Opts) rand() io.Reader {
	if o.random != nil {
		return o.random
	}
	return rand.Reader
}

// String tells how, as «PACE with AES-128 on brainpoolP256r1 and CAN».
func (a Access) String() string {
	s := a.Protocol + " with " + a.Suite.String()
	if a.Curve != "" {
		s += " on " + a.Curve
	}
	return s + " and " + a.Password
}
