package portal

import (
	"context"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/stick"
	"github.com/penjire/penjire/sync/wire"
)

// collector is the way back in a file: it keeps the frames of the answer.
type collector struct {
	mu     sync.Mutex
	frames [][]byte
	size   int
}

var _ wire.Carrier = (*collector)(nil)

func (c *collector) room() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size < answerBytes && len(c.frames) < stick.MaxFrames-2
}

// Send implements wire.Carrier.
func (c *collector) Send(_ context.Context, f wire.Frame) error {
	b, err := wire.Marshal(f)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frames = append(c.frames, b)
	c.size += len(b)
	return nil
}

// Receive implements wire.Carrier: nothing comes this way.
func (c *collector) Receive(ctx context.Context) (wire.Frame, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// Watch implements wire.Carrier.
func (c *collector) Watch(ctx context.Context, _ time.Duration) error {
	<-ctx.Done()
	return nil
}

// Close implements wire.Carrier.
func (c *collector) Close() {}

// Cut implements wire.Carrier.
func (c *collector) Cut() {}
