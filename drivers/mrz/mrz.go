// Package mrz reads the machine-readable zone of passports, identity cards and
// visas: two or three lines in OCR-B, with check digits over most of them.
//
// It parses what a reader gives, whichever reader that is. A zone is accepted
// only when every check digit is right; it says nothing about whether the
// document is genuine, since anyone can compute the digits.
//
// # Reference
//
// ICAO Doc 9303, 8th edition, 2021: part 3, section 4 (data structure, check
// digits) and section 6 (transliteration); parts 4 (TD3), 5 (TD1), 6 (TD2) and
// 7 (visas MRV-A and MRV-B).
package mrz

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/citizen"
)

// Format is the size of a document and so the layout of its zone.
type Format int

// The formats of Doc 9303.
const (
	TD1  Format = 1 // identity card: three lines of 30
	TD2  Format = 2 // larger card: two lines of 36
	TD3  Format = 3 // passport: two lines of 44
	MRVA Format = 4 // visa: two lines of 44
	MRVB Format = 5 // small visa: two lines of 36
)

// String returns the format's name in Doc 9303.
func (f Format) String() string {
	switch f {
	case TD1:
		return "TD1"
	case TD2:
		return "TD2"
	case TD3:
		return "TD3"
	case MRVA:
		return "MRV-A"
	case MRVB:
		return "MRV-B"
	}
	return fmt.Sprintf("Format(%d)", int(f))
}

// Document is what a zone says. Whatever is about a person is in types that do
// not print themselves.
type Document struct {
	Format      Format
	Code        string       // "P", "ID", "V" …: the first two characters without fillers
	Issuer      string       // state or organisation as printed: "TKM", "D", "UTO"
	Nationality string       // as Issuer
	Number      citizen.Text // of the document, whole also where it is over nine characters
	Surname     citizen.Text // primary identifier, in the zone's 26 letters; fillers are spaces
	Given       citizen.Text // secondary identifier; may be empty
	Birth       citizen.Text // YYYY-MM-DD; XX for a day, month or year that is not known
	Sex         citizen.Text // "M", "F", or empty where the document says neither
	Expiry      citizen.Text // as Birth
	Optional    citizen.Text // personal number or what the issuer likes, without fillers around
	Optional2   citizen.Text // TD1 only: that of the second line

	// Cut says that the names may be longer than the zone had room for.
	Cut bool
	// Repaired names the fields in which a character was taken for another
	// because the one read cannot stand there. Check digits hold for Number,
	// Birth, Expiry and Optional afterwards; names and states have none, so a
	// person should look at those.
	Repaired []string

	zone citizen.Text
	key  citizen.Text
}

// Lines returns the zone itself as it was understood, repairs included.
func (d *Document) Lines() []citizen.Text {
	var l []citizen.Text
	for s := range strings.SplitSeq(d.zone.Reveal(), "\n") {
		l = append(l, citizen.NewText(s))
	}
	return l
}

// Key returns the MRZ information of Doc 9303-11, 4.3.2: number, birth and
// expiry as printed, each with its check digit. It opens the document's chip.
func (d *Document) Key() citizen.Text { return d.key }

// Expired reports whether the document's last day is before that of now. It is
// not known (ok false) where the expiry is not a whole date.
func (d *Document) Expired(now time.Time) (expired, ok bool) {
	e := d.Expiry.Reveal()
	if _, err := time.Parse(time.DateOnly, e); err != nil {
		return false, false
	}
	return e < now.Format(time.DateOnly), true
}

// Errors that callers branch on. No error holds anything that was read.
var (
	ErrNoZone    = errors.New("no machine-readable zone in what was read")
	ErrAmbiguous = errors.New("more than one machine-readable zone in what was read")
)

// Fault is one thing wrong with a zone.
type Fault struct {
	Field string // "number", "birth", "composite" …
	What  string
}

// InvalidError says everything that is wrong with a zone.
type InvalidError struct {
	Format Format
	Faults []Fault
}

// Error implements error. It names fields and not what they hold.
func (e *InvalidError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "mrz: parse %v:", e.Format)
	for i, f := range e.Faults {
		if i > 0 {
			b.WriteString(";")
		}
		fmt.Fprintf(&b, " %s: %s", f.Field, f.What)
	}
	return b.String()
}

// Opts are the options of Parse. The zero value is strict and uses the
// machine's clock.
type Opts struct {
	// Now tells the centuries of two-digit years; zero: time.Now. A kiosk whose
	// clock is not to be trusted passes the latest time it is sure of.
	Now time.Time
	// Repair takes characters that OCR confuses (O/0, I/1, Z/2, S/5, B/8) for
	// each other where only one of them can stand, before digits are checked.
	Repair bool
}

// Parse finds the one zone in what a reader gave and takes it apart. Lines may
// end in CR, LF or both, or follow each other without an end; spaces, control
// characters and lines that fit no format are passed over.
//
// It fails with ErrNoZone, with ErrAmbiguous for two different valid zones, or
// with an *InvalidError.
func Parse(read []byte, o Opts) (*Document, error) {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	var found *Document
	var first error
	for _, z := range find(read) {
		d, err := parse(z, o)
		switch {
		case err != nil:
			if first == nil {
				first = err
			}
		case found != nil && !found.zone.Equal(d.zone):
			return nil, fmt.Errorf("mrz: parse: %w", ErrAmbiguous)
		default:
			found = d
		}
	}
	switch {
	case found != nil:
		return found, nil
	case first != nil:
		return nil, first
	}
	return nil, fmt.Errorf("mrz: parse: %w", ErrNoZone)
}
