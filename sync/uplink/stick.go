package uplink

import (
	"context"
	"fmt"
	"slices"

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
	Left    int   // requests that are not, or not all, in a file of this export yet
	Part    Part  // of a large request, which goes in files of its own; zero: none
}

// Part says which bytes of a large request a file has. Those before From the portal
// was last known to have, or an earlier file has them.
type Part struct{ From, To, Of int64 }

// Export puts everything that has no receipt into files, and the journal's head
// with each. Before a record is in a file it is durably sending: from then on it
// cannot be withdrawn (ED-24.2). Whatever becomes of the files, it is sent again,
// by any way, until its receipt is here. Where nothing waits there is one file
// all the same: its answer brings what the portal has. Large requests come behind
// all others, from the byte on that the portal was last known to have.
type Export struct {
	// Number returns the number of the next file, higher than all before in the
	// outbox's epoch.
	Number func() (uint64, error)
	// Heads are sizes of journal heads that the portal may have: of those that it
	// has signed and of those that earlier files carry. The newest count.
	Heads []int64
	// Put stores one file and returns when it is safe. Its error ends the export;
	// one that wraps stick.ErrFull, of a large request's file, not before there is
	// no room for a smaller one either.
	Put func(ctx context.Context, e Exported, parts [][]byte) error
}

// Export runs e. What Put returned is wrapped in its error.
func (u *Uplink) Export(ctx context.Context, e Export) error {
	line := u.c.Outbox.Line()
	heads := slices.Clone(e.Heads)
	if u.c.Witnessed != nil {
		heads = append(heads, u.c.Witnessed())
	}
	put := func(out Exported, parts [][]byte) error {
		if err := e.Put(ctx, out, parts); err != nil {
			return fmt.Errorf("uplink: export: %w", err)
		}
		if out.Head > 0 {
			heads = append(heads, out.Head)
		}
		return nil
	}
	for first := true; first || len(line) > 0; first = false {
		out, parts, left, err := u.parcel(ctx, e, heads, line)
		if err != nil {
			return fmt.Errorf("uplink: export: %w", err)
		}
		if err := put(out, parts); err != nil {
			return err
		}
		line = left
	}
	return u.exportLarge(ctx, func(hello *wire.Hello, frames [][]byte, out *Exported) ([][]byte, error) {
		return u.pack(ctx, e, heads, hello, frames, out)
	}, put)
}

// parcel makes one file of the beginning of the line.
func (u *Uplink) parcel(ctx context.Context, e Export, heads []int64, line []outbox.Place) (out Exported, parts [][]byte, left []outbox.Place, err error) {
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
	out.Left = len(left) + u.c.Outbox.Stats(ctx).Large
	parts, err = u.pack(ctx, e, heads, hello, records, &out)
	return out, parts, left, err
}

// pack makes a file of those frames, with a hello and the journal's head before them.
func (u *Uplink) pack(ctx context.Context, e Export, heads []int64, hello *wire.Hello, frames [][]byte, out *Exported) ([][]byte, error) {
	number, err := e.Number()
	if err != nil {
		return nil, err
	}
	h := stick.Header{
		Kind: stick.Export, Kiosk: u.kiosk, Epoch: hello.Epoch, Number: number, At: max(0, u.c.Now().Unix()), Cursor: hello.Cursor,
	}
	front := []wire.Frame{hello}
	// After the leases: their entries are under it.
	head, err := u.signHead(ctx)
	if err != nil {
		return nil, err
	}
	if head != nil {
		out.Head = head.Size
		for _, from := range starts(heads, head.Size) {
			f, err := u.headFrom(ctx, head, hello.Epoch, from)
			if err != nil {
				return nil, err
			}
			front = append(front, f)
		}
	}
	var all [][]byte
	for _, f := range front {
		b, err := wire.Marshal(f)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	parts, err := stick.Pack(h, append(all, frames...), u.c.Signer())
	if err != nil {
		return nil, err
	}
	out.Name, out.Number = h.Name(), number
	for _, p := range parts {
		out.Bytes += len(p)
	}
	return parts, nil
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
