package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/stick"
	"github.com/penjire/penjire/sync/wire"
)

// Taken says what an answer brought.
type Taken struct {
	Chunks   bool     // it says how much the portal has of a large request
	Receipts int      // DURABLE receipts for records of ours, new or not
	Items    int      // decisions and answers that were not here
	Known    bool     // of a life of this outbox, or of requests, that are not here any more: nothing to do
	Cut      bool     // the file ends too early: what was whole is taken
	Damaged  int      // frames that are not as they were signed
	Gap      bool     // its items follow ones that never came: they are left for a later answer
	Refused  []string // codes of what was not believed or not taken

	cursor uint64 // after which its items begin
	at     func() uint64
}

// follows reports whether the file's items join those that are here. Stored in
// front of a gap they would move the cursor over it, and the portal would never
// send what is in it.
func (t *Taken) follows() bool {
	if t.at() < t.cursor {
		t.Gap = true
	}
	return !t.Gap
}

// pass leaves something out that is not ours, or not to be believed.
func (t *Taken) pass(err error, code string) {
	if errors.Is(err, errOther) {
		t.Known = true
	} else {
		t.refuse(code)
	}
}

func (t *Taken) refuse(code string) {
	if !slices.Contains(t.Refused, code) {
		t.Refused = append(t.Refused, code)
	}
}

// CarriedSink is a Sink that takes times that were under way for long. They say
// when it is not before, and no more (WIRE-TIM-3).
type CarriedSink interface {
	Sink
	// CarriedBeacon takes a beacon that is verified and came in a file.
	CarriedBeacon(signed []byte, at time.Time) error
}

// beacon hands on a time that was carried.
func (t *Taken) beacon(to Sink, signed []byte, at time.Time) error {
	if s, ok := to.(CarriedSink); ok {
		return s.CarriedBeacon(signed, at)
	}
	return nil
}

// Errors of files that are not taken.
var (
	ErrNotOurs = errors.New("the file is for another kiosk")
	ErrNoReply = errors.New("the file is no answer of a portal")
	ErrPortal  = errors.New("the file is signed by no portal of the trust bundle")
)

// Take takes the answer in f: everything in it that is ours, is believed and is
// not here yet. Taking it again, or after a newer one, changes nothing. Its errors
// are ErrNotOurs, ErrNoReply, ErrPortal, and those of storing.
func (u *Uplink) Take(ctx context.Context, f *stick.File) (Taken, error) {
	t := Taken{cursor: f.Cursor, at: u.c.Outbox.Cursor}
	switch {
	case f.Kind != stick.Answer:
		return t, fmt.Errorf("uplink: take %s: %w", f.Name(), ErrNoReply)
	case f.Kiosk != u.kiosk:
		return t, fmt.Errorf("uplink: take %s: %w", f.Name(), ErrNotOurs)
	}
	b := u.c.Trust()
	cert, err := f.Verify(b.Portals...)
	if err != nil || !trust.Listed(b.Portals, cert) {
		return t, fmt.Errorf("uplink: take %s: %w", f.Name(), errors.Join(ErrPortal, err))
	}
	s := &session{
		u: u, conn: nowhere{}, welcome: &wire.Welcome{Version: wire.Version, Portal: f.Portal}, waiting: map[key]outbox.Record{},
		held: map[outbox.Doc]held{}, settled: make(chan struct{}, 1), progress: make(chan struct{}, 1), late: &t, epoch: u.c.Outbox.Stats(ctx).Epoch,
	}
	if f.Epoch != s.epoch {
		t.Known = true
	}
	for {
		fr, err := f.Next()
		switch {
		case errors.Is(err, io.EOF):
			return t, nil
		case errors.Is(err, stick.ErrCut):
			t.Cut = true
			return t, nil
		case errors.Is(err, stick.ErrDamaged):
			// If it held items, those after it do not follow.
			t.Damaged++
			t.Gap = true
			continue
		case err != nil:
			return t, fmt.Errorf("uplink: take %s: %w", f.Name(), err)
		}
		if err := s.takeLate(ctx, fr); err != nil {
			return t, fmt.Errorf("uplink: take %s: %w", f.Name(), err)
		}
	}
}

// takeLate takes one frame of a file. What would end a session is left out here:
// there is nobody to tell.
func (s *session) takeLate(ctx context.Context, f wire.Frame) error {
	switch f := f.(type) {
	case *wire.Welcome:
		return nil // the header says who it is
	case *wire.Bye:
		if f.Code != "" {
			s.late.refuse(f.Code)
		}
		return nil
	case *wire.Nack:
		s.late.refuse(f.Code)
		return s.take(ctx, f)
	case *wire.Witness:
		if f.Epoch != s.epoch {
			s.late.Known = true
			return nil
		}
	}
	err := s.take(ctx, f)
	if Code(err) == CodeProtocol {
		s.late.refuse(CodeProtocol)
		return nil
	}
	return err
}

// nowhere is the way back from a file: there is none, the next export is it.
type nowhere struct{}

func (nowhere) Send(context.Context, wire.Frame) error { return nil }

func (nowhere) Receive(ctx context.Context) (wire.Frame, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (nowhere) Watch(ctx context.Context, _ time.Duration) error {
	<-ctx.Done()
	return nil
}

func (nowhere) Close() {}

func (nowhere) Cut() {}
