package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/wire"
)

// A large request goes up in chunks, one request at a time, whenever nothing small
// waits (wire.md, section 5a). The portal says from where on; what it has is durable
// there, so a session that is cut costs what was on its way.

// How much is on its way at once. It grows while answers come within fast, beside the
// way itself, and shrinks when they take longer than slow: a small request that comes meanwhile
// waits for no more than that.
const (
	firstWindow = 4 << 10
	leastWindow = 2 * wire.MinChunk
	mostWindow  = 1 << 20
	fast        = 2 * time.Second
	slow        = 4 * time.Second
)

// upload is the large request that goes up in a session.
type upload struct {
	rec    outbox.Record
	blob   *outbox.Blob
	have   int64    // durable at the portal, as it said last
	next   int64    // where the next chunk begins
	flying []flight // what is not answered yet: the portal answers each frame, in order
	stray  bool     // the portal wants other bytes than those that are on their way
	noted  int64    // of have, in the outbox
	window int
	way    time.Duration // there and back, of a frame that is small
}

// flight is a frame that is on its way: an announcement, or a chunk up to end.
type flight struct {
	end  int64
	size int
	at   time.Time
}

// answered takes what the portal says to the first frame on its way.
func (u *upload) answered(offset int64, now time.Time) {
	if len(u.flying) == 0 || offset > int64(u.rec.Size) {
		return
	}
	f := u.flying[0]
	u.flying = u.flying[1:]
	u.have = offset
	switch took := now.Sub(f.at); {
	case f.size == 0:
		u.next, u.way = offset, took
	case took-u.way < fast:
		u.window = min(u.window+f.size, mostWindow)
	case took-u.way > slow:
		u.window = max(u.window/2, leastWindow)
	}
	if f.size > 0 && offset != f.end {
		u.stray = true
	}
	if u.stray && len(u.flying) == 0 {
		u.stray, u.next = false, u.have
	}
}

// room returns how many bytes the next chunk has; 0: an answer has to come first.
func (u *upload) room() int64 {
	size := 0
	for _, f := range u.flying {
		if f.size == 0 {
			return 0
		}
		size += f.size
	}
	if u.stray || size >= u.window {
		return 0
	}
	n := min(max(u.window/2, wire.MinChunk), wire.MaxChunk)
	return min(int64(n), int64(u.rec.Size)-u.next)
}

// push sends the next piece of a large request, and reports whether one went. What
// wait returns is when to look again; 0: an answer will tell.
func (s *session) push(ctx context.Context) (moved bool, wait time.Duration, err error) {
	if left := s.u.st.pausedFor(); left > 0 {
		return false, left, nil
	}
	room, limited := s.u.largeRoom()
	if limited && room < wire.MinChunk {
		return false, noRoom, nil
	}
	s.mu.Lock()
	none := s.large == nil
	s.mu.Unlock()
	if none {
		return s.announce(ctx)
	}
	f, err := s.piece(room, limited)
	if f == nil || err != nil {
		return false, 0, err
	}
	return true, 0, s.conn.Send(ctx, f)
}

// piece returns the next chunk; nil: there is none now. It is read with the session
// locked: what the portal says may end the upload, and its file is closed then.
func (s *session) piece(room int64, limited bool) (*wire.Chunk, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.large
	if u == nil {
		return nil, nil
	}
	n, from := u.room(), u.next
	if limited {
		n = min(n, room)
	}
	if n == 0 {
		return nil, nil
	}
	b := make([]byte, n)
	if _, err := u.blob.ReadAt(b, from); err != nil && !errors.Is(err, io.EOF) {
		s.u.c.Outbox.Doubt(u.rec.SealedDigest)
		return nil, &coded{CodeStorage, fmt.Errorf("uplink: read a large request: %w", err)}
	}
	u.flying = append(u.flying, flight{from + n, int(n), time.Now()})
	u.next += n
	return &wire.Chunk{Digest: u.rec.SealedDigest, Offset: uint64(from), Bytes: b}, nil //nolint:gosec // not below 0
}

// announce leases the next large request and tells the portal of it.
func (s *session) announce(ctx context.Context) (moved bool, wait time.Duration, err error) {
	if s.u.c.Outbox.Stats(ctx).Large == 0 {
		return false, 0, nil
	}
	rec, blob, err := s.u.c.Outbox.LeaseLarge(ctx, func(d outbox.Doc) bool {
		left := s.heldLarge(d)
		if left > 0 && (wait == 0 || left < wait) {
			wait = left
		}
		return left > 0
	})
	if errors.Is(err, outbox.ErrNotFound) {
		return false, wait, nil
	}
	if err != nil {
		return false, 0, &coded{CodeStorage, fmt.Errorf("uplink: lease: %w", err)}
	}
	// As before records: the head covers its entry.
	if due, grown := s.headDue(); grown && due <= 0 {
		if err := s.checkpoint(ctx); err != nil {
			return false, 0, errors.Join(err, blob.Close())
		}
	}
	s.mu.Lock()
	s.large = &upload{rec: rec, blob: blob, noted: rec.Sent, window: firstWindow, flying: []flight{{at: time.Now()}}}
	s.mu.Unlock()
	return true, 0, s.conn.Send(ctx, announcement(&rec))
}

func announcement(r *outbox.Record) *wire.Large {
	return &wire.Large{
		Epoch: r.Epoch, Seq: r.Seq, Doc: r.Doc, Service: r.Service, Lang: r.Lang, Claimed: r.Claimed.Unix(),
		Size: uint64(r.Size), Digest: r.SealedDigest, //nolint:gosec // not below 0
	}
}

// have takes what the portal says it has of a large request.
func (s *session) have(ctx context.Context, f *wire.Have) error {
	if s.late != nil {
		s.late.Chunks = true
		return s.u.c.Outbox.Sent(ctx, f.Digest, int64(f.Offset)) //nolint:gosec // bounded by the frame
	}
	s.mu.Lock()
	u := s.large
	note := int64(-1)
	if u != nil && u.rec.SealedDigest == f.Digest {
		u.answered(int64(f.Offset), time.Now()) //nolint:gosec // bounded by the frame
		if d := u.have - u.noted; d >= noteEvery || d < 0 {
			note, u.noted = u.have, u.have
		}
	}
	s.mu.Unlock()
	s.progressed()
	if note < 0 {
		return nil
	}
	return s.note(ctx, f.Digest, note)
}

// noteEvery is after how many bytes the outbox is told how far a large request is:
// an export to a stick goes on from there.
const noteEvery = 1 << 20

func (s *session) note(ctx context.Context, digest [32]byte, n int64) error {
	if err := s.u.c.Outbox.Sent(ctx, digest, n); err != nil {
		return &coded{CodeStorage, fmt.Errorf("uplink: note how far a large request is: %w", err)}
	}
	return nil
}

func (s *session) progressed() {
	select {
	case s.progress <- struct{}{}:
	default:
	}
}

// endLarge lets go of the large request that k names, or of any if k is zero. What
// is returned has to be closed.
func (s *session) endLarge(k key) *upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.large
	if u == nil || k != (key{}) && k != (key{u.rec.Epoch, u.rec.Seq}) {
		return nil
	}
	s.large = nil
	return u
}

// nackLarge puts a large request aside for a while.
func (s *session) nackLarge(f *wire.Nack) {
	u := s.endLarge(key{f.Epoch, f.Seq})
	if u == nil {
		return
	}
	if f.Code == wire.CodeDigest {
		s.u.c.Outbox.Doubt(u.rec.SealedDigest) // are ours what they were?
	}
	_ = u.blob.Close() // it was only read
	s.mu.Lock()
	s.held[u.rec.Doc] = held{until: time.Now().Add(max(hold, time.Duration(f.Retry)*time.Second)), large: true}
	s.mu.Unlock()
	s.progressed()
}

// heldLarge returns for how long a large request may not go.
func (s *session) heldLarge(d outbox.Doc) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.held[d]
	if !ok {
		return 0
	}
	left := time.Until(h.until)
	if left <= 0 {
		delete(s.held, d)
	}
	return left
}

// closeLarge ends what a session had under way, and notes how far it came.
func (s *session) closeLarge(ctx context.Context) {
	u := s.endLarge(key{})
	if u == nil {
		return
	}
	_ = u.blob.Close() // it was only read
	if u.have == u.noted {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := s.note(ctx, u.rec.SealedDigest, u.have); err != nil {
		s.u.c.Log.Warn("uplink: how far a large request came is not noted", "err", err) // the portal knows
	}
}
