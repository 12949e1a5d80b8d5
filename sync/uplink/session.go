package uplink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/wire"
	"github.com/penjire/penjire/sync/wire/socket"
)

// hold is how long a record that was refused by a nack without a time is not
// sent again in the same session.
const hold = time.Minute

// session is one connection.
type session struct {
	u       *Uplink
	conn    *socket.Conn
	welcome *wire.Welcome
	epoch   [16]byte // of the outbox's file

	mu      sync.Mutex
	waiting map[key]outbox.Record // sent, neither receipted nor refused
	held    map[outbox.Doc]held   // refused
	settled chan struct{}         // something left waiting
	head    int64                 // journal size last told to the portal
	asked   time.Duration         // by the portal's bye
}

// held is a record that the portal would not take.
type held struct {
	until time.Time // not again before
	size  int
}

// key is a record's number.
type key struct {
	epoch [16]byte
	seq   uint64
}

// session runs one connection until it ends. welcomed says whether it got as far
// as a welcome; retry is what the portal asked for.
func (u *Uplink) session(ctx context.Context) (retry time.Duration, welcomed bool, err error) {
	u.st.attempt()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	note := func(up bool, f wire.Frame, n int) { u.st.frame(u.c.Now(), up, f, n) }
	conn, err := socket.Dial(ctx, u.c.URL, u.client, &u.line, note)
	if err != nil {
		return 0, false, err
	}
	defer conn.Cut()
	s := &session{
		u: u, conn: conn, waiting: map[key]outbox.Record{}, held: map[outbox.Doc]held{},
		settled: make(chan struct{}, 1),
	}
	// From here on a silent portal ends the session, at whatever step.
	go func() {
		if err := conn.Watch(ctx, u.c.Interval); err != nil {
			cancel(err)
		}
	}()
	why := func(err error) error {
		if c := context.Cause(ctx); c != nil && !errors.Is(c, context.Canceled) {
			return c
		}
		return err
	}
	if err := s.greet(ctx); err != nil {
		return s.asked, false, why(err)
	}
	u.st.up(u.c.Now())
	go func() { cancel(s.down(ctx)) }()
	err = s.up(ctx)
	if errors.Is(err, context.Canceled) && context.Cause(ctx) == context.Canceled {
		conn.Close() // we were told to stop: in order
	}
	err = why(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked, true, err
}

// greet says hello and reads the welcome.
func (s *session) greet(ctx context.Context) error {
	st := s.u.c.Outbox.Stats(ctx)
	s.epoch = st.Epoch
	hello := &wire.Hello{
		Kiosk: s.u.kiosk, Epoch: st.Epoch, Oldest: wire.Version, Newest: wire.Version, Cursor: st.Cursor,
		Software: s.u.c.Software, Unsent: uint64(st.Unsent), Catalogue: s.u.c.Catalogue(),
	}
	if !st.OldestUnsent.IsZero() {
		hello.Since = st.OldestUnsent.Unix()
	}
	if b := s.u.c.Trust(); b != nil {
		hello.Trust = b.Version
	}
	if err := s.conn.Send(ctx, hello); err != nil {
		return err
	}
	f, err := s.conn.Receive(ctx)
	if err != nil {
		return err
	}
	switch f := f.(type) {
	case *wire.Welcome:
		if f.Version != wire.Version {
			return &coded{CodeVersion, fmt.Errorf("uplink: the portal speaks version %d", f.Version)}
		}
		s.welcome, s.head = f, f.HeadSize
		return nil
	case *wire.Bye:
		return s.bye(f)
	default:
		return &coded{CodeProtocol, fmt.Errorf("uplink: got %s, want welcome", f.Type())}
	}
}

// bye returns the error that a bye of the portal ends the session with.
func (s *session) bye(f *wire.Bye) error {
	s.mu.Lock()
	s.asked = time.Duration(f.Retry) * time.Second
	s.mu.Unlock()
	code := CodeBusy
	if f.Code == "version" {
		code = CodeVersion
	}
	return &coded{code, fmt.Errorf("uplink: the portal says bye: %q, come back in %d s", f.Code, f.Retry)}
}

// up sends until ctx ends: a checkpoint, then records as long as there are any,
// then checkpoints and records as they come. One frame of records is on its way
// at a time.
func (s *session) up(ctx context.Context) error {
	if err := s.checkpoint(ctx); err != nil {
		return err
	}
	last := time.Now()
	for {
		again, err := s.deliver(ctx)
		if err != nil {
			return err
		}
		wait := time.Duration(1<<63 - 1)
		if again > 0 {
			wait = again
		}
		if size, _ := s.u.c.Outbox.Head(); size > s.head {
			due := s.u.c.Checkpoint - time.Since(last)
			if due <= 0 {
				if err := s.checkpoint(ctx); err != nil {
					return err
				}
				last = time.Now()
				continue
			}
			wait = min(wait, due)
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-s.u.changes:
		case <-s.u.kick:
		case <-t.C:
		}
		t.Stop()
	}
}

// deliver sends everything that waits and is not held, and waits for what the
// portal says to it. It returns when the first held record may go again; 0 if
// none is held.
func (s *session) deliver(ctx context.Context) (time.Duration, error) {
	most := int(s.welcome.Records)
	if b := s.u.c.Batch; b > 0 {
		most = min(most, b)
	}
	for {
		// A lease is a write: none for what is not there or may not go yet.
		// What is held is leased along and put back, so that it cannot stand in
		// the way of the rest.
		n, size, soon := s.holding()
		if s.u.c.Outbox.Stats(ctx).Unsent <= n {
			return soon, nil
		}
		recs, err := s.u.c.Outbox.Lease(ctx, most+n, int(s.welcome.Bytes)+size)
		if err != nil {
			return 0, &coded{CodeStorage, fmt.Errorf("uplink: lease: %w", err)}
		}
		recs = s.dropHeld(recs)
		if len(recs) == 0 {
			return soon, nil
		}
		recs = recs[:min(len(recs), most)]
		for _, f := range frames(recs) {
			s.mu.Lock()
			for _, r := range recs {
				if r.Epoch == f.Epoch {
					r.Sealed = nil
					s.waiting[key{r.Epoch, r.Seq}] = r
				}
			}
			s.mu.Unlock()
			if err := s.conn.Send(ctx, f); err != nil {
				return 0, err
			}
			if err := s.wait(ctx); err != nil {
				return 0, err
			}
		}
	}
}

// holding returns how many records the portal would not take and that may not go
// again yet, their sealed bytes, and how long until the first of them may.
func (s *session) holding() (n, size int, soon time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for doc, h := range s.held {
		left := time.Until(h.until)
		if left <= 0 {
			delete(s.held, doc)
			continue
		}
		n++
		size += h.size
		if soon == 0 || left < soon {
			soon = left
		}
	}
	return n, size, soon
}

// dropHeld takes such records out of recs.
func (s *session) dropHeld(recs []outbox.Record) []outbox.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(recs, func(r outbox.Record) bool {
		_, ok := s.held[r.Doc]
		return ok
	})
}

// frames puts records into frames: one for each epoch, in the order of Seq.
func frames(recs []outbox.Record) []*wire.Records {
	var out []*wire.Records
	for _, r := range recs {
		i := slices.IndexFunc(out, func(f *wire.Records) bool { return f.Epoch == r.Epoch })
		if i < 0 {
			i = len(out)
			out = append(out, &wire.Records{Epoch: r.Epoch})
		}
		out[i].Records = append(out[i].Records, wire.Record{
			Seq: r.Seq, Doc: r.Doc, Service: r.Service, Lang: r.Lang, Claimed: r.Claimed.Unix(), Sealed: r.Sealed,
		})
	}
	for _, f := range out {
		slices.SortFunc(f.Records, func(a, b wire.Record) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	return out
}

// wait returns when nothing that was sent waits any more.
func (s *session) wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		n := len(s.waiting)
		s.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.settled:
		}
	}
}

// settle notes that the portal has said something about a record.
func (s *session) settle(k key) {
	s.mu.Lock()
	delete(s.waiting, k)
	s.mu.Unlock()
	select {
	case s.settled <- struct{}{}:
	default:
	}
}

// checkpoint sends the journal's head if it is not the one the portal has.
func (s *session) checkpoint(ctx context.Context) error {
	c := s.u.c.Outbox.Checkpoint()
	if c.Size == 0 || c.Size == s.head {
		return nil
	}
	signer, err := journal.NewSigner(s.u.kiosk, s.u.key)
	if err != nil {
		return &coded{CodeStorage, fmt.Errorf("uplink: %w", err)}
	}
	signed, err := c.Sign(signer)
	if err != nil {
		return &coded{CodeStorage, fmt.Errorf("uplink: %w", err)}
	}
	f := &wire.Checkpoint{Epoch: s.epoch, Head: signed, From: s.head}
	if c.Size > s.head {
		if f.Proof, err = s.u.c.Outbox.Consistency(ctx, s.head, c.Size); err != nil {
			return &coded{CodeStorage, fmt.Errorf("uplink: %w", err)}
		}
	} // else: a journal that has shrunk. There is no proof; the portal must see it.
	if err := s.conn.Send(ctx, f); err != nil {
		return err
	}
	s.head = c.Size
	return nil
}
