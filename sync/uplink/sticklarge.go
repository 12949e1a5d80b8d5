package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/stick"
	"github.com/penjire/penjire/sync/wire"
)

// How many bytes of a large request go into one file: a kiosk holds a file in memory.
// Where a stick has no room for so many, fewer are tried.
const (
	mostPart  = 4 << 20
	leastPart = 128 << 10
)

// packer makes a file of frames.
type packer func(hello *wire.Hello, frames [][]byte, out *Exported) (parts [][]byte, err error)

// exportLarge puts the large requests into files, one after the other.
func (u *Uplink) exportLarge(ctx context.Context, pack packer, put func(Exported, [][]byte) error) error {
	done := map[outbox.Doc]bool{}
	part := int64(mostPart)
	for {
		rec, blob, err := u.c.Outbox.LeaseLarge(ctx, func(d outbox.Doc) bool { return done[d] })
		if errors.Is(err, outbox.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("uplink: export: %w", err)
		}
		done[rec.Doc] = true
		left := u.c.Outbox.Stats(ctx).Large - len(done)
		part, err = u.exportParts(ctx, &rec, blob, part, left, pack, put)
		if err := errors.Join(err, blob.Close()); err != nil {
			return err
		}
	}
}

// exportParts puts one large request into files, from the byte on that the portal was
// last known to have, and returns for how much in a file there was room.
func (u *Uplink) exportParts(ctx context.Context, rec *outbox.Record, blob io.ReaderAt, part int64, left int, pack packer, put func(Exported, [][]byte) error) (int64, error) {
	for from := rec.Sent; ; {
		frames, to, err := largeFrames(rec, blob, from, part)
		if err != nil {
			return part, fmt.Errorf("uplink: export: %w", err)
		}
		out := Exported{Part: Part{from, to, int64(rec.Size)}, Left: left + 1}
		if to == out.Part.Of {
			out.Records, out.Left = 1, left
		}
		parts, err := pack(u.hello(ctx), frames, &out)
		if err != nil {
			return part, fmt.Errorf("uplink: export: %w", err)
		}
		err = put(out, parts)
		if errors.Is(err, stick.ErrFull) && part > leastPart {
			part /= 2
			continue
		}
		if err != nil {
			return part, err
		}
		if from = to; from == out.Part.Of {
			return part, nil
		}
	}
}

// largeFrames returns the announcement of a large request and the chunks from that
// byte on, of about most bytes, and where they end.
func largeFrames(rec *outbox.Record, blob io.ReaderAt, from, most int64) (frames [][]byte, to int64, err error) {
	b, err := wire.Marshal(announcement(rec))
	if err != nil {
		return nil, from, err
	}
	frames = append(frames, b)
	buf := make([]byte, wire.MaxChunk)
	for to = from; to < int64(rec.Size) && to-from < most; {
		n, err := blob.ReadAt(buf[:min(wire.MaxChunk, int64(rec.Size)-to)], to)
		if n == 0 || err != nil && !errors.Is(err, io.EOF) {
			return nil, from, fmt.Errorf("read a large request: %w", err)
		}
		if b, err = wire.Marshal(&wire.Chunk{Digest: rec.SealedDigest, Offset: uint64(to), Bytes: buf[:n]}); err != nil { //nolint:gosec // not below 0
			return nil, from, err
		}
		frames = append(frames, b)
		to += int64(n)
	}
	return frames, to, nil
}
