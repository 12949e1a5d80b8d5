package ssi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/scanline"
)

// Times of the guide, with room for USB adapters and a busy board.
const (
	wakeTime = 50 * time.Millisecond  // from the zero that wakes to the first command
	ackTime  = 300 * time.Millisecond // an answer to a command
	gapTime  = 200 * time.Millisecond // inside a packet
	quietGap = 60 * time.Millisecond  // what is under way has arrived
	partTime = 2 * time.Second        // from one packet of a reading to the next
)

// tries is how often a command is sent until it is acknowledged. Every command
// here may be carried out twice.
const tries = 3

// talk is the conversation with one decoder.
type talk struct {
	o     Opts
	dec   Decoder
	last  []byte // bytes of the last reading's packet, to know it again
	beeps bool

	mu       sync.Mutex
	revision string
}

// wake wakes a decoder that sleeps.
func (t *talk) wake(ctx context.Context, l *scanline.Line) error {
	if err := l.Write([]byte{0}); err != nil {
		return fmt.Errorf("wake: %w", err)
	}
	timer := time.NewTimer(wakeTime)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// quiet drops what comes until nothing does.
func (t *talk) quiet(ctx context.Context, l *scanline.Line) error {
	t.dec.Reset()
	t.last = nil
	return l.Quiet(ctx, quietGap)
}

// send writes one packet.
func (t *talk) send(l *scanline.Line, op, status byte, data ...byte) error {
	return l.Write(Packet{op, FromHost, status, data}.Append(nil))
}

// packet returns the next find, or ErrTimeout when there is none by end. A
// packet whose rest does not come is given up.
func (t *talk) packet(ctx context.Context, l *scanline.Line, end time.Time) (Packet, Kind, error) {
	for {
		if p, k, ok := t.dec.Next(); ok {
			return p, k, nil
		}
		wait := time.Until(end)
		if t.dec.Begun() {
			wait = min(wait, gapTime)
		}
		if time.Until(end) <= 0 {
			return Packet{}, 0, device.ErrTimeout
		}
		b, err := l.Next(ctx, wait)
		switch {
		case err == nil:
			t.dec.Push(b)
			clear(b)
		case errors.Is(err, device.ErrTimeout):
			t.dec.Reset()
		default:
			return Packet{}, 0, err
		}
	}
}

// order sends a command until it is acknowledged.
func (t *talk) order(ctx context.Context, l *scanline.Line, op, status byte, data ...byte) error {
	_, err := t.exchange(ctx, l, op, OpAck, status, data)
	return err
}

// ask sends a request until it is answered with a reply.
func (t *talk) ask(ctx context.Context, l *scanline.Line, op, reply byte, data ...byte) ([]byte, error) {
	return t.exchange(ctx, l, op, reply, 0, data)
}

func (t *talk) exchange(ctx context.Context, l *scanline.Line, op, reply, status byte, data []byte) ([]byte, error) {
	err := error(device.ErrTimeout)
	for range tries {
		if err := t.send(l, op, status, data...); err != nil {
			return nil, fmt.Errorf("command %02X: %w", op, err)
		}
		var p Packet
		if p, err = t.answer(ctx, l, reply); err == nil {
			return p.Data, nil
		}
		if !errors.Is(err, device.ErrTimeout) && !errors.Is(err, errDamaged) {
			break
		}
	}
	return nil, fmt.Errorf("command %02X: %w", op, err)
}

var errDamaged = fmt.Errorf("answer is damaged: %w", device.ErrProtocol)

// answer waits for a reply or a refusal. Readings that come in between are from
// before, and nobody's.
func (t *talk) answer(ctx context.Context, l *scanline.Line, reply byte) (Packet, error) {
	end := time.Now().Add(ackTime)
	for {
		p, k, err := t.packet(ctx, l, end)
		switch {
		case err != nil:
			return Packet{}, err
		case k == Damaged:
			return Packet{}, errDamaged
		case p.Op == reply:
			if reply == OpParamSend {
				err = t.send(l, OpAck, 0)
			}
			return p, err
		case p.Op == OpNak && len(p.Data) > 0 && p.Data[0] == NakResend:
			return Packet{}, errDamaged
		case p.Op == OpNak:
			return Packet{}, fmt.Errorf("refused, cause % X: %w", p.Data, device.ErrUnsupported)
		case p.Op == OpDecodeData || p.Op == OpEvent:
			clear(p.Data)
			if err := t.send(l, OpAck, 0); err != nil {
				return Packet{}, err
			}
		}
	}
}

// reading waits for one whole reading. ok is false when the session has to be
// started again: nothing came, or a reading was lost.
func (t *talk) reading(ctx context.Context, l *scanline.Line) (c device.Code, ok bool, err error) {
	var got []byte
	defer func() {
		if !ok {
			clear(got)
		}
	}()
	wait, long := again, false
	for {
		p, k, err := t.packet(ctx, l, time.Now().Add(wait))
		switch {
		case errors.Is(err, device.ErrTimeout) && (len(got) > 0 || long):
			// Its rest, if it still comes, must not look like a reading.
			return device.Code{}, false, t.stop(l)
		case errors.Is(err, device.ErrTimeout):
			return device.Code{}, false, nil
		case err != nil:
			return device.Code{}, false, err
		case k == Damaged:
			if err := t.send(l, OpNak, 0, NakResend); err != nil {
				return device.Code{}, false, err
			}
			continue
		case p.Op != OpDecodeData && p.Op != OpEvent:
			continue
		}
		if err := t.send(l, OpAck, 0); err != nil {
			return device.Code{}, false, err
		}
		if p.Op == OpEvent || len(p.Data) < 1 || p.Status&Retransmit != 0 && bytes.Equal(p.Data, t.last) {
			continue // or our acknowledgement was lost
		}
		t.last = p.Data
		// Every packet of a reading begins with the code type.
		got = append(got, p.Data[1:]...)
		if len(got) > t.o.Max {
			clear(got)
			got, long = nil, true
		}
		switch {
		case p.Status&Continued != 0:
			wait = partTime
			continue
		case long || len(got) == 0:
			return device.Code{}, false, nil
		}
		if t.o.Beep && t.beeps {
			// One short high beep; that it cannot be heard harms nothing.
			_ = t.order(ctx, l, OpBeep, 0, 0x01)
		}
		sym, known := symbologies[p.Data[0]]
		if !known {
			sym = device.AnyCode
		}
		return device.Code{Symbology: sym, Data: got}, true, nil
	}
}
