// Package tpm signs with keys that a TPM 2.0 made and never gives away, and
// counts with a counter that the TPM lets nobody turn back. It makes keys and
// uses them; which key is whose, and what it may sign, is not known here.
//
// It is reached through the kernel's resource manager, /dev/tpmrm0, or through
// the unix socket of a software TPM. Every operation opens it anew: a TPM that
// was reset, or whose driver was loaded again, works again without a restart.
//
// # Reference
//
// TCG TPM 2.0 Library, parts 2 and 3, revision 1.59. Handles and indices: TCG
// Registry of Reserved TPM 2.0 Handles and Localities.
package tpm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// What can be wrong with a TPM.
var (
	ErrGone     = errors.New("the TPM is not there")
	ErrStalled  = errors.New("the TPM does not answer")
	ErrNonsense = errors.New("the TPM's answer makes no sense")
	ErrNoKey    = errors.New("the TPM has no such key (was it cleared, or is it another board's?)")
	ErrOtherKey = errors.New("the TPM's key is not the one in the certificate")
	ErrCopyable = errors.New("the TPM's key could be copied out of it")
	ErrLockout  = errors.New("the TPM is locked out after wrong authorizations: it opens by itself after a time")
	ErrTaken    = errors.New("there is a key under this handle")
)

// TPM is a TPM. Its operations take turns: one TPM signs documents and opens
// TLS connections at once.
type TPM struct {
	path string
	turn chan struct{} // one token: whose commands the TPM gets

	// patience is how long an operation may take; making a key takes longer on
	// slow chips.
	patience, creation time.Duration
}

// At returns the TPM at path: a device or a unix socket. It is not asked
// anything. A process has one TPM for each path: they take turns only within one.
func At(path string) *TPM {
	return &TPM{path: path, turn: make(chan struct{}, 1), patience: 5 * time.Second, creation: time.Minute}
}

// String returns where the TPM is.
func (t *TPM) String() string { return t.path }

// do has f talk to the TPM when it is its turn, for no longer than patience.
//
// The kernel lets nobody out of a system call while a command runs, whatever
// that takes. So f runs on the side: whoever waits for it gives up in time, and
// until it has ended nobody else gets a turn.
func do[T any](ctx context.Context, t *TPM, patience time.Duration, f func(transport.TPM) (T, error)) (T, error) {
	var none T
	turn := time.NewTimer(t.patience)
	defer turn.Stop()
	select {
	case t.turn <- struct{}{}:
	case <-turn.C:
		return none, fmt.Errorf("%w: it is still busy with another command", ErrStalled)
	case <-ctx.Done():
		return none, ctx.Err()
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	type result struct {
		v   T
		err error
	}
	until, done := time.Now().Add(patience), make(chan result, 1)
	go func() {
		defer func() { <-t.turn }()
		l, err := dial(t.path, until)
		if err != nil {
			done <- result{err: err}
			return
		}
		v, err := f(l)
		l.close()
		done <- result{v, classify(err)}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-limit.C:
		return none, fmt.Errorf("%w in %v", ErrStalled, patience)
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// classify adds what a response code means for us.
func classify(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, tpm2.TPMRCLockout):
		return fmt.Errorf("%w: %w", ErrLockout, err)
	case errors.Is(err, tpm2.TPMRCHandle):
		return fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	return err
}
