package wire

import (
	"context"
	"errors"
	"time"
)

// ErrSilent ends a session whose other end has not been heard of.
var ErrSilent = errors.New("the other end is silent")

// Carrier is one end of a session: it carries frames both ways, in order, for as
// long as it lives. A WebSocket is one, and so are a serial line and a file.
//
// Contract:
//   - Send may be called by several goroutines at once, Receive by one. Watch
//     runs beside them.
//   - Neither has a time limit of its own: a slow link is not an error, a silent
//     one is (Watch).
//   - Send takes a few small frames while the other end does not receive: each end
//     answers out of what receives, and two that wait for each other would wait
//     for ever.
//   - A frame that Send took may be lost with the carrier. That it came, only an
//     answer of the other end says.
//   - After an error the carrier is of no more use; Cut it.
type Carrier interface {
	// Send sends one frame.
	Send(ctx context.Context, f Frame) error
	// Receive waits for one frame. What is no frame ends the carrier.
	Receive(ctx context.Context) (Frame, error)
	// Watch asks the other end when nothing was heard for the interval, and
	// returns ErrSilent when it is silent all the same. Receive must run meanwhile.
	// It returns nil when ctx ends. A carrier that cannot tell waits for that; one
	// on a slow line may take longer intervals than it is told.
	Watch(ctx context.Context, interval time.Duration) error
	// Close ends the carrier in order: what was sent goes out, the other end is
	// told. It does not wait long. More than one call is as good as one.
	Close()
	// Cut ends the carrier at once. It may be called after Close.
	Cut()
}

// Noter is a Carrier that tells of every frame that went over it. Note is called
// before the first one; n is the frame's bytes.
type Noter interface {
	Carrier
	Note(note func(up bool, f Frame, n int))
}
