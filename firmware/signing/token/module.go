// Package token signs with tokens that are reached by PKCS #11: a secure element
// of the kiosk, or a citizen's token that is not a PIV card. The vendor's library
// is loaded by another process, penjire-pkcs11, whose command describes how the
// two talk: a library that crashes or hangs costs that process, and the next
// request gets a new one.
//
// # Reference
//
// OASIS PKCS #11 Base Specification 2.40; RFC 8017, 9.2 (DigestInfo).
package token

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What can be wrong with a token.
var (
	ErrNoHelper    = errors.New("the program for PKCS #11 tokens does not start")
	ErrModule      = errors.New("the vendor's library does not load")
	ErrCrashed     = errors.New("the vendor's library crashed")
	ErrStalled     = errors.New("the vendor's library does not answer")
	ErrGone        = errors.New("the token is not there")
	ErrNoKey       = errors.New("the token has no such key")
	ErrOtherKey    = errors.New("the token's key is not the one in the certificate")
	ErrLogin       = errors.New("the token wants its PIN first")
	ErrUnsupported = errors.New("the token cannot do this")
	ErrNonsense    = errors.New("the answer makes no sense")
)

// PINError is a PIN that the token did not take.
type PINError struct {
	Left    int // tries; -1: the token does not say
	Blocked bool
}

// Error implements error.
func (e *PINError) Error() string {
	switch {
	case e.Blocked:
		return "the token's PIN is blocked"
	case e.Left < 0:
		return "the token's PIN is wrong"
	}
	return fmt.Sprintf("the token's PIN is wrong, %d left", e.Left)
}

// Config says which library is loaded by which program.
type Config struct {
	Helper string // path of penjire-pkcs11
	Module string // path of the vendor's library
}

// Module is a vendor's library with its tokens. Its methods may be called from
// several goroutines; requests take turns.
//
// Contract: none takes longer than patience, whatever the library does.
type Module struct {
	c        Config
	patience time.Duration
	turn     chan struct{} // one token: whose request the helper gets
	p        *process      // nil: not running
	next     uint64
}

// New returns the library that c names. Nothing is started yet.
func New(c Config) *Module {
	return &Module{c: c, patience: 15 * time.Second, turn: make(chan struct{}, 1)}
}

// Close ends the helper process.
func (m *Module) Close() error {
	m.turn <- struct{}{}
	defer func() { <-m.turn }()
	m.drop()
	return nil
}

// Token is a token in a reader.
type Token struct {
	Label        string `json:"label"`
	Serial       string `json:"serial"` // "": any with that label
	Model        string `json:"model"`
	Manufacturer string `json:"manufacturer"`
	Pinpad       bool   `json:"pinpad"` // the PIN is entered at the reader
	Tries        int    `json:"tries"`  // of the PIN; -1: it does not say
}

// Cert is a certificate in a token. DER is as the token has it.
type Cert struct {
	ID    []byte `json:"id"` // also of its key
	Label string `json:"label"`
	DER   []byte `json:"der"`
}

// Tokens returns what is in the readers.
func (m *Module) Tokens(ctx context.Context) ([]Token, error) {
	a, err := m.call(ctx, request{Op: "tokens"}, nil)
	if err != nil {
		return nil, fmt.Errorf("token: list tokens by %s: %w", m.c.Module, err)
	}
	return a.Tokens, nil
}

// Certs returns the certificates in a token. No PIN is needed.
func (m *Module) Certs(ctx context.Context, t Token) ([]Cert, error) {
	a, err := m.call(ctx, request{Op: "certs", Label: t.Label, Serial: t.Serial}, nil)
	if err != nil {
		return nil, fmt.Errorf("token: read certificates by %s: %w", m.c.Module, err)
	}
	return a.Certs, nil
}

// Login gives the PIN to a token, which sees it also when it had one before. The
// PIN is wiped. Its error holds a *PINError if that is why.
func (m *Module) Login(ctx context.Context, t Token, pin []byte) error {
	defer clear(pin)
	if _, err := m.call(ctx, request{Op: "login", Label: t.Label, Serial: t.Serial}, pin); err != nil {
		return fmt.Errorf("token: log in by %s: %w", m.c.Module, err)
	}
	return nil
}

// Logout has the token forget that it was given the PIN.
func (m *Module) Logout(ctx context.Context, t Token) error {
	if _, err := m.call(ctx, request{Op: "logout", Label: t.Label, Serial: t.Serial}, nil); err != nil {
		return fmt.Errorf("token: log out by %s: %w", m.c.Module, err)
	}
	return nil
}

// call sends a request and returns its answer. A helper that ended while nobody
// asked it is started again; one that ends or hangs meanwhile is the error.
func (m *Module) call(ctx context.Context, q request, secret []byte) (answer, error) {
	limit, cancel := context.WithTimeout(ctx, m.patience)
	defer cancel()
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-limit.Done():
		return answer{}, gaveUp(ctx)
	}
	if m.p != nil && m.p.ended() {
		m.drop()
	}
	if m.p == nil {
		var err error
		if m.p, err = start(m.c); err != nil {
			return answer{}, err
		}
	}
	m.next++
	q.V, q.ID, q.Secret = version, m.next, len(secret)
	a, err := m.p.exchange(limit, q, secret)
	switch {
	case err == nil && a.Error != nil:
		return answer{}, a.Error.sentinel()
	case err == nil:
		return a, nil
	}
	m.drop()
	if limit.Err() != nil {
		return answer{}, gaveUp(ctx)
	}
	return answer{}, err
}

// gaveUp is why nobody waits any longer.
func gaveUp(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrStalled, err)
	}
	return ErrStalled
}

func (m *Module) drop() {
	if m.p != nil {
		m.p.kill()
		m.p = nil
	}
}
