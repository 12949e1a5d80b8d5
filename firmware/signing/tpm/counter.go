package tpm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// The indices that the owner may use (TCG registry, 2.2.2).
const (
	FirstIndex = 0x01800000
	LastIndex  = 0x01BFFFFF
)

// Counter is a counter in a TPM that only goes up: neither a restart nor the
// deletion of its index sets it back (part 1, 37.2.4.2). It is safe for use by
// several goroutines.
type Counter struct {
	t     *TPM
	index tpm2.TPMHandle
}

// Counter returns the counter under index. The first Increment makes it.
func (t *TPM) Counter(index uint32) *Counter { return &Counter{t, tpm2.TPMHandle(index)} }

// Increment adds one and returns what the counter is then. After an error it may
// or may not have been added.
func (c *Counter) Increment(ctx context.Context) (uint64, error) {
	return c.count(ctx, "add to", func(t transport.TPM) (uint64, error) {
		name, err := c.name(t)
		if errors.Is(err, tpm2.TPMRCHandle) {
			if err = c.define(t); err == nil {
				name, err = c.name(t)
			}
		}
		if err != nil {
			return 0, err
		}
		h := tpm2.NamedHandle{Handle: c.index, Name: name}
		auth := tpm2.AuthHandle{Handle: c.index, Name: name, Auth: tpm2.PasswordAuth(nil)}
		if _, err := (tpm2.NVIncrement{AuthHandle: auth, NVIndex: h}).Execute(t); err != nil {
			return 0, err
		}
		return c.read(t)
	})
}

// Read returns what the counter is: 0 if nothing was ever added.
func (c *Counter) Read(ctx context.Context) (uint64, error) {
	return c.count(ctx, "read", func(t transport.TPM) (uint64, error) {
		n, err := c.read(t)
		if errors.Is(err, tpm2.TPMRCHandle) || errors.Is(err, tpm2.TPMRCNVUninitialized) {
			return 0, nil
		}
		return n, err
	})
}

func (c *Counter) count(ctx context.Context, what string, f func(transport.TPM) (uint64, error)) (uint64, error) {
	n, err := do(ctx, c.t, c.t.patience, f)
	if err != nil {
		return 0, fmt.Errorf("tpm: %s the counter %#x in %s: %w", what, uint32(c.index), c.t.path, err)
	}
	return n, nil
}

// attributes are of a counter that whoever reaches the TPM may read and add to.
var attributes = tpm2.TPMANV{AuthRead: true, AuthWrite: true, OwnerRead: true, NoDA: true, NT: tpm2.TPMNTCounter}

func (c *Counter) define(t transport.TPM) error {
	_, err := tpm2.NVDefineSpace{AuthHandle: tpm2.TPMRHOwner, PublicInfo: tpm2.New2B(tpm2.TPMSNVPublic{
		NVIndex: c.index, NameAlg: tpm2.TPMAlgSHA256, Attributes: attributes, DataSize: 8,
	})}.Execute(t)
	return err
}

// name returns the index's name, after looking that it is a counter: what
// anybody can write would count nothing.
func (c *Counter) name(t transport.TPM) (tpm2.TPM2BName, error) {
	r, err := tpm2.NVReadPublic{NVIndex: c.index}.Execute(t)
	if err != nil {
		return tpm2.TPM2BName{}, err
	}
	p, err := r.NVPublic.Contents()
	if err != nil {
		return tpm2.TPM2BName{}, fmt.Errorf("%w: %w", ErrNonsense, err)
	}
	if p.Attributes.NT != tpm2.TPMNTCounter {
		return tpm2.TPM2BName{}, errors.New("what is there is no counter")
	}
	return r.NVName, nil
}

func (c *Counter) read(t transport.TPM) (uint64, error) {
	name, err := c.name(t)
	if err != nil {
		return 0, err
	}
	r, err := tpm2.NVRead{
		AuthHandle: tpm2.AuthHandle{Handle: c.index, Name: name, Auth: tpm2.PasswordAuth(nil)},
		NVIndex:    tpm2.NamedHandle{Handle: c.index, Name: name}, Size: 8,
	}.Execute(t)
	if err != nil {
		return 0, err
	}
	if len(r.Data.Buffer) != 8 {
		return 0, fmt.Errorf("%w: a counter of %d bytes", ErrNonsense, len(r.Data.Buffer))
	}
	return binary.BigEndian.Uint64(r.Data.Buffer), nil
}
