package crt591

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/slot"
)

// How long the unit may take. An ACK is due within 300 ms (1.4.2, case 1); the
// rest is for a board that is busy. Motors take seconds, and the first
// initialization finds the baud rate.
const (
	ackTimeout   = 800 * time.Millisecond
	quickTimeout = 2 * time.Second
	moveTimeout  = 15 * time.Second
	initTimeout  = 30 * time.Second
	writeTimeout = time.Second
	eotTimeout   = 300 * time.Millisecond
	gap          = 150 * time.Millisecond // within a frame: a longer one means that bytes were lost
	drainTime    = 30 * time.Millisecond
	tries        = 3 // of what may be said again
)

// unit speaks to one reader over one open line. One command at a time.
type unit struct {
	line link.Line
	addr byte
	dec  Decoder
	buf  [256]byte
}

// order is a command. One that changes nothing, or nothing more when it is given
// twice, is Safe: it is given again when no ACK comes. Any other is given again
// only if the unit says itself that it arrived damaged.
type order struct {
	cm, pm  byte
	data    []byte
	safe    bool
	timeout time.Duration // for the answer
}

// answer is what the unit says to a command that it has carried out.
type answer struct {
	st   [3]byte // 2.1.2: card, stacker, bin
	data []byte
}

// do gives an order and returns the answer. A refusal is a [Code] that wraps.
func (u *unit) do(ctx context.Context, o order) (answer, error) {
	a, err := u.exchange(ctx, o)
	if err != nil {
		return a, fmt.Errorf("command %02X %02X: %w", o.cm, o.pm, err)
	}
	return a, nil
}

func (u *unit) exchange(ctx context.Context, o order) (answer, error) {
	if err := ctx.Err(); err != nil {
		return answer{}, slot.Fail(no, err)
	}
	if len(o.data) > MaxData {
		return answer{}, slot.Fail(no, fmt.Errorf("%d bytes, at most %d: %w", len(o.data), MaxData, device.ErrUnsupported))
	}
	frame := AppendFrame(nil, u.addr, append([]byte{HeadCommand, o.cm, o.pm}, o.data...))
	defer clear(frame) // it may carry a PIN
	stop := context.AfterFunc(ctx, func() { _ = u.line.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for sent := 1; ; sent++ {
		if err := u.write(frame); err != nil {
			return answer{}, slot.Fail(no, err) // a frame that is not whole is no command
		}
		kind, err := u.acked(ctx)
		switch {
		case err == nil && kind == Acked:
			a, err := u.answered(ctx, o)
			if _, refused := errors.AsType[Code](err); err != nil && !refused {
				err = u.stop(err)
			}
			return a, err
		case err == nil && sent < tries: // NAK: it was damaged, and nothing came of it (case 2)
		case err == nil:
			return answer{}, slot.Fail(no, fmt.Errorf("unit finds every frame damaged: %w", device.ErrProtocol))
		case o.safe && sent < tries && errors.Is(err, device.ErrTimeout): // case 1
		default:
			return answer{}, slot.Fail(unknown, u.stop(fmt.Errorf("no ACK: %w", err)))
		}
	}
}

// acked waits for ACK or NAK. A text that comes first answers an older command.
func (u *unit) acked(ctx context.Context) (Kind, error) {
	deadline := time.Now().Add(ackTimeout)
	for {
		it, err := u.next(ctx, deadline)
		if err != nil {
			return 0, err
		}
		if it.Kind == Acked || it.Kind == Nacked {
			return it.Kind, nil
		}
	}
}

// answered waits for the answer to o. A damaged one is asked for again: NAK makes
// the unit say its last word anew without carrying anything out (case 3).
func (u *unit) answered(ctx context.Context, o order) (answer, error) {
	deadline := time.Now().Add(o.timeout)
	for asked := 0; ; {
		it, err := u.next(ctx, deadline)
		if err != nil {
			return answer{}, err
		}
		switch {
		case it.Kind == Damaged:
			if asked++; asked == tries {
				return answer{}, fmt.Errorf("answer is damaged every time: %w", device.ErrProtocol)
			}
			if err := u.drain(); err != nil {
				return answer{}, err
			}
			if err := u.write([]byte{NAK}); err != nil {
				return answer{}, err
			}
			deadline = time.Now().Add(quickTimeout)
		case it.Kind == Ended:
			return answer{}, fmt.Errorf("unit gave up: %w", device.ErrProtocol)
		case it.Kind == Text && it.Addr == u.addr && it.Text[1] == o.cm && it.Text[2] == o.pm:
			// The answer is here; that this ACK may be lost is the unit's concern.
			_ = u.write([]byte{ACK})
			return parseAnswer(it.Text)
		}
		// Anything else is late news of an earlier command.
	}
}

// parseAnswer takes the text of an answer apart (1.2.2, 1.2.3).
func parseAnswer(t []byte) (answer, error) {
	switch {
	case t[0] == HeadOK && len(t) >= 6:
		return answer{st: [3]byte(t[3:6]), data: t[6:]}, nil
	case (t[0] == HeadError || t[0] == headErrorE) && len(t) >= 5:
		return answer{data: t[5:]}, Code(t[3:5]).err()
	}
	return answer{}, fmt.Errorf("answer of %d bytes with head %02X: %w", len(t), t[0], device.ErrProtocol)
}

// next returns what comes next. Where the rest of a frame does not come it is
// damaged.
func (u *unit) next(ctx context.Context, deadline time.Time) (Item, error) {
	for {
		if it, ok := u.dec.Next(); ok {
			return it, nil
		}
		until := deadline
		if g := time.Now().Add(gap); u.dec.Partial() && g.Before(deadline) {
			until = g
		}
		if err := u.line.SetReadDeadline(until); err != nil {
			return Item{}, err
		}
		// The deadline above may have overwritten the one that ctx set.
		if err := ctx.Err(); err != nil {
			return Item{}, err
		}
		n, err := u.line.Read(u.buf[:])
		u.dec.Push(u.buf[:n])
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return Item{}, ctx.Err()
		case errors.Is(err, device.ErrTimeout) && u.dec.Partial():
			u.dec.Reset()
			return Item{Kind: Damaged}, nil
		default:
			return Item{}, err
		}
	}
}

// stop has the unit give up what it does after err, and returns err: its late
// answer is not to be taken for the next one's (cases 5 to 7).
func (u *unit) stop(err error) error {
	if errors.Is(err, device.ErrUnplugged) {
		return err
	}
	if cerr := u.clear(); cerr != nil {
		return errors.Join(err, cerr)
	}
	return err
}

// clear stops what is under way, and waits until the line is quiet.
func (u *unit) clear() error {
	for range 2 {
		if err := u.write([]byte{EOT}); err != nil {
			return fmt.Errorf("stop: %w", err)
		}
		deadline := time.Now().Add(eotTimeout)
		for {
			it, err := u.next(context.Background(), deadline)
			if errors.Is(err, device.ErrTimeout) {
				break
			}
			if err != nil {
				return fmt.Errorf("stop: %w", err)
			}
			if it.Kind == Ended {
				return u.drain()
			}
			if it.Kind == Text {
				_ = u.write([]byte{ACK}) // it was quicker; nobody wants to know
			}
		}
	}
	return u.drain() // a unit that is idle may have nothing to say
}

// drain reads until nothing has come for a moment.
func (u *unit) drain() error {
	defer u.dec.Reset()
	return link.Quiet(u.line, drainTime)
}

func (u *unit) write(b []byte) error {
	if err := u.line.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := u.line.Write(b)
	return err
}
