package pcsc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/slot"
)

// How long pcscd may take for what asks no reader, for what powers a card, and
// for saying farewell.
const (
	askTimeout   = 2 * time.Second
	writeTimeout = time.Second
	powerTimeout = 5 * time.Second
	byeTimeout   = 300 * time.Millisecond
)

// conn is one connection to pcscd, with one context. One command at a time.
// After an error it is out of step and good for nothing but close.
type conn struct {
	line    link.Line
	context uint32
	broken  bool
}

// dial connects, agrees on a version, and makes a context.
func dial(ctx context.Context, port link.Port) (*conn, error) {
	line, err := port.Open(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{line: line}
	if err := c.greet(ctx); err != nil {
		return nil, errors.Join(err, line.Close())
	}
	return c, nil
}

// greet is the first exchange. A server of another minor version refuses ours
// and says its own; where that differs in nothing we use, we offer it.
func (c *conn) greet(ctx context.Context) error {
	minor := uint32(minMinor)
	for tried := false; ; tried = true {
		r, err := c.call(ctx, askTimeout, Version, Words(Major, minor, 0), nil, 12)
		if err != nil {
			return fmt.Errorf("agree on a version: %w", err)
		}
		if Code(Word(r, 2)) == OK {
			break
		}
		if major, theirs := Word(r, 0), Word(r, 1); tried || major != Major || theirs < minMinor || theirs > maxMinor {
			return fmt.Errorf("agree on a version: pcscd speaks %d:%d: %w: %w", major, theirs, Code(Word(r, 2)), device.ErrUnsupported)
		}
		minor = Word(r, 1)
	}
	r, err := c.call(ctx, askTimeout, EstablishContext, Words(scopeSystem, 0, 0), nil, 12)
	if err == nil {
		err = Code(Word(r, 2)).orNil()
	}
	if err != nil {
		return fmt.Errorf("make a context: %w", err)
	}
	c.context = Word(r, 1)
	return nil
}

// call sends a command and returns the size bytes of its answer. extra follows
// the body and is not counted by the header.
func (c *conn) call(ctx context.Context, timeout time.Duration, cmd Command, body, extra []byte, size int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, slot.Fail(device.SideEffectNo, err)
	}
	msg := append(append(Header(cmd, len(body)), body...), extra...)
	defer clear(msg) // it may carry a PIN
	err := c.line.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		_, err = c.line.Write(msg)
	}
	if err != nil {
		// Of a command that did not arrive whole pcscd does nothing.
		c.broken = true
		return nil, slot.Fail(device.SideEffectNo, err)
	}
	return c.read(ctx, timeout, size)
}

// read returns exactly size bytes. Without a timeout it waits until ctx ends.
func (c *conn) read(ctx context.Context, timeout time.Duration, size int) ([]byte, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.line.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var deadline time.Time
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	if err := c.line.SetReadDeadline(deadline); err != nil {
		c.broken = true
		return nil, err
	}
	b := make([]byte, size)
	for n := 0; n < size; {
		// The deadline above may have overwritten the one that ctx set.
		if err := ctx.Err(); err != nil {
			c.broken = true
			return nil, err
		}
		k, err := c.line.Read(b[n:])
		n += k
		if err != nil {
			c.broken = true
			if cerr := ctx.Err(); cerr != nil {
				return nil, cerr
			}
			return nil, err
		}
	}
	return b, nil
}

// watch returns the states of all readers, and has pcscd say when one changes.
func (c *conn) watch(ctx context.Context) ([]ReaderState, error) {
	b, err := c.call(ctx, powerTimeout, WaitStateChange, nil, nil, Readers*StateSize)
	if err != nil {
		return nil, fmt.Errorf("watch readers: %w", err)
	}
	return ParseStates(b)
}

// reader returns the state of the reader called name now.
func (c *conn) reader(ctx context.Context, name string) (ReaderState, error) {
	b, err := c.call(ctx, powerTimeout, ReadersState, nil, nil, Readers*StateSize)
	if err != nil {
		return ReaderState{}, fmt.Errorf("look at the reader: %w", err)
	}
	states, err := ParseStates(b)
	if err != nil {
		return ReaderState{}, err
	}
	for _, s := range states {
		if s.Name == name {
			return s, nil
		}
	}
	return ReaderState{}, fmt.Errorf("look at the reader: %w", UnknownReader)
}

// changed waits until pcscd says so. When ctx ends it takes the wait back.
func (c *conn) changed(ctx context.Context) error {
	b, err := c.read(ctx, 0, EventSize)
	if err == nil {
		// Anything but «something happened» says that the service ends.
		if code := Code(Word(b, 1)); code != OK {
			err = fmt.Errorf("%w: %w", code, device.ErrUnplugged)
		}
	}
	if cerr := ctx.Err(); cerr != nil {
		// Whichever comes now, event or farewell, it is the last thing on the line.
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), byeTimeout)
		defer cancel()
		_, _ = c.call(bye, byeTimeout, StopWaiting, nil, nil, EventSize)
		return cerr
	}
	if err != nil {
		return fmt.Errorf("wait for a change: %w", err)
	}
	return nil
}

// close ends the connection. pcscd then lets go of its context by itself.
func (c *conn) close() error { return c.line.Close() }
