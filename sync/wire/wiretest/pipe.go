// Package wiretest has a carrier in memory, for tests of both ends of a session.
package wiretest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/wire"
)

// ErrCut is what an end says after either end was cut or closed.
var ErrCut = errors.New("the carrier is cut")

// Pipe returns two ends of a carrier in memory. A frame goes through its one
// encoding. A few are on their way at once, and nothing but channels is waited
// for, so both ends may be in a bubble of testing/synctest.
func Pipe() (a, b wire.Carrier) {
	up, down, cut := make(chan []byte, ahead), make(chan []byte, ahead), make(chan struct{})
	end := sync.OnceFunc(func() { close(cut) })
	return &pipe{up, down, cut, end}, &pipe{down, up, cut, end}
}

// ahead is how many frames are on their way.
const ahead = 4

type pipe struct {
	out chan<- []byte
	in  <-chan []byte
	cut <-chan struct{}
	end func()
}

// Send implements wire.Carrier.
func (p *pipe) Send(ctx context.Context, f wire.Frame) error {
	b, err := wire.Marshal(f)
	if err != nil {
		return err
	}
	select {
	case p.out <- b:
		return nil
	case <-p.cut:
		return fmt.Errorf("wiretest: send %s: %w", f.Type(), ErrCut)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Receive implements wire.Carrier.
func (p *pipe) Receive(ctx context.Context) (wire.Frame, error) {
	select {
	case b := <-p.in: // also what was sent before the end
		return wire.Parse(b)
	default:
	}
	select {
	case b := <-p.in:
		return wire.Parse(b)
	case <-p.cut:
		return nil, fmt.Errorf("wiretest: receive: %w", ErrCut)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Watch implements wire.Carrier: memory is never silent.
func (p *pipe) Watch(ctx context.Context, _ time.Duration) error {
	<-ctx.Done()
	return nil
}

// Close implements wire.Carrier.
func (p *pipe) Close() { p.end() }

// Cut implements wire.Carrier.
func (p *pipe) Cut() { p.end() }
