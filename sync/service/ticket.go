// Package service is what the portal's operator and a kiosk in the field say to one
// another about its care: a [Ticket] that lets a technician do one thing once, and
// the [Proof] that a kiosk went out of service with nothing left on it. Both are
// signed and fit on a memory stick; nobody is named in them.
//
// There is no other way in: a kiosk has no shell, no remote desktop and no password
// (EP-21). Whoever has a ticket can do what it says on the kiosk it names, until it
// ends, once.
package service

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/dcbor"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// Action is what a ticket allows. The numbers are signed.
type Action uint8

// The actions.
const (
	Support      Action = 1 // write a support bundle to the stick
	Verbose      Action = 2 // log more for Ticket.For
	Decommission Action = 3 // erase the kiosk's keys and what it keeps, and prove it
)

// String returns the action's code: in the journal, in logs, on the command line.
func (a Action) String() string {
	switch a {
	case Support:
		return "support"
	case Verbose:
		return "verbose"
	case Decommission:
		return "decommission"
	}
	return fmt.Sprintf("action %d", uint8(a))
}

// ParseAction reads an action's code.
func ParseAction(s string) (Action, error) {
	for a := Support; a <= Decommission; a++ {
		if a.String() == s {
			return a, nil
		}
	}
	return 0, fmt.Errorf("service: there is no action %q: want support, verbose or decommission", s)
}

// KindTicket is the kind of a ticket as a signed object (package trust).
const KindTicket = "service-ticket"

// FileName is a ticket's name on a memory stick.
const FileName = "penjire-service.ticket"

const (
	// Longest is how long a ticket may be good for.
	Longest = 31 * 24 * time.Hour
	// MostVerbose is how long it may have a kiosk log more.
	MostVerbose = 7 * 24 * time.Hour
	// MaxTicket is the size of a ticket's file: nothing larger is read.
	MaxTicket = 16 << 10
)

// Ticket lets whoever has it do one thing, once, on one kiosk.
type Ticket struct {
	ID     [16]byte // random: by it a kiosk knows that it was used
	Kiosk  string
	Action Action
	From   time.Time     // whole seconds
	Until  time.Time     // whole seconds; the ticket is good before it
	For    time.Duration // of Verbose, whole seconds
}

type wireTicket struct {
	ID     []byte `cbor:"1,keyasint"`
	Kiosk  string `cbor:"2,keyasint"`
	Action uint8  `cbor:"3,keyasint"`
	From   int64  `cbor:"4,keyasint"`
	Until  int64  `cbor:"5,keyasint"`
	For    int64  `cbor:"6,keyasint,omitempty"`
}

// NewTicket returns a ticket with a fresh identity.
func NewTicket(kiosk string, a Action, from, until time.Time) Ticket {
	t := Ticket{Kiosk: kiosk, Action: a, From: from.UTC().Truncate(time.Second), Until: until.UTC().Truncate(time.Second)}
	_, _ = rand.Read(t.ID[:]) // never fails (crypto/rand)
	return t
}

var kiosks = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$`)

func (t Ticket) valid() error {
	life := t.Until.Sub(t.From)
	switch {
	case t.ID == [16]byte{}:
		return errors.New("it has no identity")
	case !kiosks.MatchString(t.Kiosk):
		return errors.New("it names no kiosk")
	case t.Action < Support || t.Action > Decommission:
		return fmt.Errorf("it allows %v, which this software does not know", t.Action)
	case t.From.Unix() <= 0 || life <= 0 || life > Longest:
		return fmt.Errorf("it is good for %v, want up to %v", life, Longest)
	case t.Action == Verbose && (t.For < time.Second || t.For > MostVerbose):
		return fmt.Errorf("it has the kiosk log more for %v, want up to %v", t.For, MostVerbose)
	case t.Action != Verbose && t.For != 0:
		return errors.New("it says for how long, of what has no duration")
	}
	return nil
}

// Sign returns the ticket as a signed object. s is a portal's.
func (t Ticket) Sign(s cms.Signer) ([]byte, error) {
	if err := t.valid(); err != nil {
		return nil, fmt.Errorf("service: sign a ticket: %w", err)
	}
	payload, err := dcbor.Marshal(wireTicket{
		ID: t.ID[:], Kiosk: t.Kiosk, Action: uint8(t.Action), From: t.From.Unix(), Until: t.Until.Unix(), For: int64(t.For / time.Second),
	})
	if err != nil {
		return nil, fmt.Errorf("service: sign a ticket: %w", err)
	}
	return trust.SignObjectAt(KindTicket, payload, s, t.From)
}

// Why a ticket is not taken. Open's errors wrap one of them.
var (
	ErrNoTicket = errors.New("it is no service ticket, or it is damaged")
	ErrSigner   = errors.New("it was not signed by a portal of this kiosk")
	ErrOther    = errors.New("it is for another kiosk")
	ErrEarly    = errors.New("it is not good yet; is the clock right?")
	ErrEnded    = errors.New("it has ended: ask the operator for another")
)

// Open reads a signed ticket for kiosk at a time that the kiosk believes. Whether
// it was used before only the kiosk knows.
func Open(signed []byte, b *trust.Bundle, kiosk string, now time.Time) (Ticket, error) {
	t, err := open(signed, b)
	switch {
	case err != nil:
	case t.Kiosk != kiosk:
		err = ErrOther
	case now.Before(t.From):
		err = ErrEarly
	case !now.Before(t.Until):
		err = ErrEnded
	}
	if err != nil {
		return Ticket{}, fmt.Errorf("service: take a ticket: %w", err)
	}
	return t, nil
}

func open(signed []byte, b *trust.Bundle) (Ticket, error) {
	if len(signed) > MaxTicket {
		return Ticket{}, fmt.Errorf("%w: it has %d bytes", ErrNoTicket, len(signed))
	}
	payload, signer, err := trust.OpenObject(KindTicket, signed, b)
	switch {
	case errors.Is(err, trust.ErrObjectSigner):
		return Ticket{}, fmt.Errorf("%w: %w", ErrSigner, err)
	case err != nil:
		return Ticket{}, fmt.Errorf("%w: %w", ErrNoTicket, err)
	}
	t, err := parse(payload)
	if err != nil {
		return Ticket{}, fmt.Errorf("%w: %w", ErrNoTicket, err)
	}
	if err := inForce(signer, t); err != nil {
		return Ticket{}, err
	}
	return t, nil
}

// inForce has a certificate that has ended sign no ticket for later: the time of
// signing is the signer's own word.
func inForce(signer *x509.Certificate, t Ticket) error {
	if t.Until.After(signer.NotAfter) {
		return fmt.Errorf("%w: it is good for longer than the certificate that signed it", ErrSigner)
	}
	return nil
}

func parse(payload []byte) (Ticket, error) {
	var w wireTicket
	if err := dcbor.Unmarshal(payload, &w); err != nil {
		return Ticket{}, err
	}
	if len(w.ID) != 16 || w.For < 0 || w.For > int64(MostVerbose/time.Second) {
		return Ticket{}, errors.New("its identity or duration is malformed")
	}
	t := Ticket{
		ID: [16]byte(w.ID), Kiosk: w.Kiosk, Action: Action(w.Action), From: time.Unix(w.From, 0).UTC(), Until: time.Unix(w.Until, 0).UTC(),
		For: time.Duration(w.For) * time.Second,
	}
	return t, t.valid()
}
