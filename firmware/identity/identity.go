// Package identity finds out who the holder of a card is. It believes a card
// only after the card has proved that it holds the keys of its certificates,
// and the certificates only as far as the trust bundle does (EG-12, ED-29).
//
// It signs nothing and keeps nothing; package signing has the card sign.
package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/drivers/piv"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// Reason says why a card cannot be used, as the card page's phrase key has it.
type Reason string

// The reasons.
const (
	Unreadable  Reason = "unreadable"  // the exchange broke off: put the card back
	Unsupported Reason = "unsupported" // no PIV card, or one without the keys that are needed
	Foreign     Reason = "foreign"     // no centre of the state list issued it
	Expired     Reason = "expired"
	NotYet      Reason = "not-yet"
	Suspended   Reason = "suspended" // ED-44
	Revoked     Reason = "revoked"   // ED-45
	Untrusted   Reason = "untrusted" // its centre or its certificate is not accepted
	NotGenuine  Reason = "fake"
	Clock       Reason = "clock"     // its validity cannot be judged: the time is not known
	Gone        Reason = "no-reader" // the reader, not the card
	Minor       Reason = "minor"     // the service is not for minors, or not without their guardian
	OutOfLimits Reason = "limits"    // the certificate is not for this service (ED-29.1.4)
)

// Error says why a card cannot be used. Its text holds no personal data.
type Error struct {
	Reason Reason
	Err    error // nil when the card itself was in order
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err == nil {
		return "identity: card is not accepted: " + string(e.Reason)
	}
	return fmt.Sprintf("identity: card is not accepted: %s: %v", e.Reason, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Holder is who a card belongs to, proved and checked.
type Holder struct {
	Person    citizen.Person
	Cert      *x509.Certificate // of slot 9C
	Recipient string            // age recipient of slot 9D; "" if the card has none
	Tries     int               // of the PIN that are left; -1: the card does not say
	Limits    *trust.Limits     // of the certificate; nil: none
}

// Card returns what tells one card from every other: the digest of its signing
// certificate. It is personal data of a kind: not for logs.
func (h Holder) Card() [32]byte { return sha256.Sum256(h.Cert.Raw) }

// Time is what identity needs to know of the time.
type Time struct {
	Now   time.Time
	Known bool // false: Now is only the latest moment that certainly has passed
}

// Read asks the card of generation gen in r who its holder is. Its error is an
// [*Error].
func Read(ctx context.Context, r device.CardReader, gen uint64, b *trust.Bundle, t Time) (Holder, error) {
	c, err := piv.Select(ctx, iso7816.On(r, gen))
	if err != nil {
		return Holder{}, broken(err)
	}
	sign, err := c.ReadCert(ctx, piv.Signature)
	if err != nil {
		return Holder{}, broken(err)
	}
	if err := check(b, sign, trust.UseCitizenSign, t); err != nil {
		return Holder{}, err
	}
	h := Holder{Cert: sign, Tries: -1, Limits: b.CheckCard(sign, trust.UseCitizenSign, t.Now).Limits}
	if h.Person, err = trust.Person(sign); err != nil {
		return Holder{}, &Error{Unsupported, err}
	}
	if err := prove(ctx, c, b, h.Person, t); err != nil {
		return Holder{}, err
	}
	if h.Recipient, err = recipient(ctx, c, b, h.Person); err != nil {
		return Holder{}, err
	}
	if n, err := c.Tries(ctx); err == nil {
		h.Tries = n
	} else if gone(err) {
		return Holder{}, broken(err)
	}
	return h, nil
}

// prove has the card sign a random number with slot 9E, whose certificate must
// belong to the same person: a copy of a certificate is no card.
func prove(ctx context.Context, c *piv.Card, b *trust.Bundle, p citizen.Person, t Time) error {
	cert, err := c.ReadCert(ctx, piv.CardAuth)
	if err != nil {
		return broken(err)
	}
	if err := check(b, cert, trust.UseCitizenAuth, t); err != nil {
		return err
	}
	if !samePerson(cert, p) {
		return &Error{NotGenuine, errors.New("slot 9E belongs to another person than slot 9C")}
	}
	if err := c.Challenge(ctx, piv.CardAuth, cert.PublicKey); err != nil {
		if errors.Is(err, device.ErrProtocol) {
			return &Error{NotGenuine, err}
		}
		return broken(err)
	}
	return nil
}

// recipient returns to whom answers are sealed: the key of slot 9D, if a centre
// certified it for the same person. A card without one gets answers by code.
func recipient(ctx context.Context, c *piv.Card, b *trust.Bundle, p citizen.Person) (string, error) {
	cert, err := c.ReadCert(ctx, piv.KeyManagement)
	if errors.Is(err, piv.ErrNoCert) {
		return "", nil
	}
	if err != nil {
		return "", broken(err)
	}
	if b.CheckCert(cert, trust.UseCitizenAuth, cert.NotBefore, true, cert.NotBefore).Centre == nil || !samePerson(cert, p) {
		return "", &Error{NotGenuine, errors.New("slot 9D is not certified for the holder of slot 9C")}
	}
	pub, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return "", nil
	}
	key, err := pub.ECDH()
	if err != nil {
		return "", &Error{Unsupported, err}
	}
	s, err := envelope.PIVRecipient(key)
	if err != nil {
		return "", nil // another curve than P-256: no way to seal to it
	}
	return s, nil
}

func samePerson(cert *x509.Certificate, p citizen.Person) bool {
	q, err := trust.Person(cert)
	return err == nil && q.ID.Equal(p.ID.Text)
}

// check says whether cert may be used now, in the words of the card page.
func check(b *trust.Bundle, cert *x509.Certificate, use trust.Use, t Time) error {
	f := b.CheckCard(cert, use, t.Now).Worst()
	if f.Verdict == trust.Yes {
		return nil
	}
	r := Untrusted
	switch f.Reason {
	case trust.ReasonForeign:
		r = Foreign
	case trust.ReasonExpired, trust.ReasonExpiredSince:
		r = Expired
	case trust.ReasonNotYet:
		r = NotYet
		if !t.Known {
			r = Clock
		}
	case trust.ReasonSuspended:
		r = Suspended
	case trust.ReasonRevoked, trust.ReasonRevokedSince, trust.ReasonHoldOver:
		r = Revoked
	}
	return &Error{Reason: r, Err: errors.New(f.Reason)}
}

func gone(err error) bool {
	return errors.Is(err, device.ErrMediaGone) || errors.Is(err, device.ErrNoMedia) || errors.Is(err, device.ErrUnplugged)
}

// broken names the reason of an exchange that failed.
func broken(err error) *Error {
	switch {
	case errors.Is(err, device.ErrUnplugged):
		return &Error{Gone, err}
	case errors.Is(err, piv.ErrNotPIV), errors.Is(err, piv.ErrNoCert), errors.Is(err, device.ErrUnsupported):
		return &Error{Unsupported, err}
	}
	return &Error{Unreadable, err}
}
