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

// What goes into one file: who takes it reads it in one piece, and a stick that is
// pulled out costs no more than one.
const (
	fileRecords = 8 << 20 // sealed bytes, about
	frameBytes  = 1 << 20 // of one frame of several records, about
)

// maxProofs is how many heads a file proves its own to follow from: it cannot ask
// which one the portal has.
const maxProofs = 4

// Exported says what one file holds.
type Exported struct {
	Name    string
	Number  uint64
	Records int
	Bytes   int
	Head    int64 // size of the journal that its head speaks of; 0: none
	Left    int   // requests that are in no file of this export yet
}

// Export puts everything that has no receipt into files, and the journal's head
// with each. Before a record is in a file it is durably sending: from then on it
// cannot be withdrawn (ED-24.2). Whatever becomes of the files, it is sent again,
// by any way, until its receipt is here. Where nothing waits there is one file
// all the same: its answer brings what the portal has.
type Export struct {
	// Number returns the number of the next file, higher than all before in the
	// outbox's epoch.
	Number func() (uint64, error)
	// Heads are sizes of journal heads that the portal may have: of those that it
	// has signed and of those that earlier files carry. The newest count.
	Heads []int64
	// Put stores one file and returns when it is safe. Its error ends the export.
	Put func(ctx context.Context, e Exported, parts [][]byte) error
}

// Export runs e. What Put returned is wrapped in its error.
func (u *Uplink) Export(ctx context.Context, e Export) error {
	line := u.c.Outbox.Line()
	heads := slices.Clone(e.Heads)
	if u.c.Witnessed != nil {
		heads = append(heads, u.c.Witnessed())
	}
	for first := true; first || len(line) > 0; first = false {
		out, parts, left, err := u.parcel(ctx, e, heads, line)
		if err != nil {
			return fmt.Errorf("uplink: export: %w", err)
		}
		if err := e.Put(ctx, out, parts); err != nil {
			return fmt.Errorf("uplink: export: %w", err)
		}
		line = left
		if out.Head > 0 {
			heads = append(heads, out.Head)
		}
	}
	return nil
}

// parcel makes one file of the beginning of the line.
func (u *Uplink) parcel(ctx context.Context, e Export, heads []int64, line []outbox.Place) (out Exported, parts [][]byte, left []outbox.Place, err error) {
	number, err := e.Number()
	if err != nil {
		return out, nil, nil, err
	}
	// The hello is of the state before: it says what is unsent, as in a session.
	hello := u.hello(ctx)
	var records [][]byte
	size := 0
	for left = line; len(left) > 0 && size < fileRecords; {
		var recs []outbox.Record
		if recs, left, err = u.c.Outbox.LeaseLine(ctx, left, wire.MaxRecords, frameBytes); err != nil {
			return out, nil, nil, err
		}
		for _, f := range frames(recs) {
			b, err := wire.Marshal(f)
			if err != nil {
				return out, nil, nil, err
			}
			records = append(records, b)
			size += len(b)
		}
		out.Records += len(recs)
	}
	h := stick.Header{
		Kind: stick.Export, Kiosk: u.kiosk, Epoch: hello.Epoch, Number: number, At: max(0, u.c.Now().Unix()), Cursor: hello.Cursor,
	}
	front := []wire.Frame{hello}
	// After the leases: their entries are under it.
	head, err := u.signHead(ctx)
	if err != nil {
		return out, nil, nil, err
	}
	if head != nil {
		out.Head = head.Size
		for _, from := range starts(heads, head.Size) {
			f, err := u.headFrom(ctx, head, hello.Epoch, from)
			if err != nil {
				return out, nil, nil, err
			}
			front = append(front, f)
		}
	}
	var all [][]byte
	for _, f := range front {
		b, err := wire.Marshal(f)
		if err != nil {
			return out, nil, nil, err
		}
		all = append(all, b)
	}
	if parts, err = stick.Pack(h, append(all, records...), u.c.Signer); err != nil {
		return out, nil, nil, err
	}
	out.Name, out.Number, out.Left = h.Name(), number, len(left)
	for _, p := range parts {
		out.Bytes += len(p)
	}
	return out, parts, left, nil
}

// starts returns where the proofs of a head of that size begin: at the newest of
// the sizes, or at none.
func starts(heads []int64, size int64) []int64 {
	heads = slices.DeleteFunc(slices.Clone(heads), func(n int64) bool { return n <= 0 || n > size })
	slices.Sort(heads)
	heads = slices.Compact(heads)
	if len(heads) == 0 {
		return []int64{0}
	}
	return heads[max(0, len(heads)-maxProofs):]
}

// Taken says what an answer brought.
type Taken struct {
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
		held: map[outbox.Doc]held{}, settled: make(chan struct{}, 1), late: &t, epoch: u.c.Outbox.Stats(ctx).Epoch,
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
