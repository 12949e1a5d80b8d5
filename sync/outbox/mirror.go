package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/journal"
)

// DefaultMirrorWait is how long Accept usually waits for a mirror.
const DefaultMirrorWait = 250 * time.Millisecond

const (
	mirrorRetry = 5 * time.Second // how often a medium that is not there is looked for
	mirrorLater = time.Minute     // and one that is there and not right
	// A generation is begun anew when less than half of it can still count.
	mirrorLeast = 16 << 20
)

var (
	errMirrorForeign = errors.New("the mirror is another kiosk's")
	errMirrorAhead   = errors.New("the mirror has what this outbox has not")
	errMirrorEpoch   = errors.New("the outbox has a new epoch")
	errMirrorEnd     = errors.New("the outbox is closing")
)

// mirror copies what is committed to a second medium. One goroutine does: a
// medium that hangs holds up it and nobody else.
type mirror struct {
	o      *Outbox
	m      medium
	tap    *tap
	life   context.Context
	cancel context.CancelFunc
	ended  chan struct{}

	doubted map[string]bool // files of which a flush failed

	mu     sync.Mutex
	st     MirrorStatus
	slow   bool          // nobody waits until it has caught up
	moved  chan struct{} // closed when st changed
	unlike bool          // files of other epochs hold more than the outbox
}

func (o *Outbox) startMirror() {
	if o.o.Mirror == "" {
		return
	}
	m := &mirror{
		o: o, m: folder(o.o.Mirror), tap: newTap(), doubted: map[string]bool{}, ended: make(chan struct{}), moved: make(chan struct{}),
		st: MirrorStatus{Folder: o.o.Mirror, State: MirrorStale, Since: time.Now()},
	}
	if o.o.medium != nil {
		m.m = o.o.medium
	}
	m.life, m.cancel = context.WithCancel(context.Background())
	o.mirror = m
	go m.run()
}

// mirrorEnd is how long Close waits for a mirror to get what came last.
const mirrorEnd = 2 * time.Second

// close lets the mirror catch up, shortly, and ends it. One that hangs is left.
func (m *mirror) close() {
	m.wait(context.Background(), m.o.moment().rev, mirrorEnd)
	m.cancel()
	t := time.NewTimer(mirrorEnd)
	defer t.Stop()
	select {
	case <-m.ended:
	case <-t.C:
	}
}

func (m *mirror) run() {
	defer close(m.ended)
	for m.life.Err() == nil {
		err := m.session()
		m.o.unlisten(m.tap)
		if m.life.Err() != nil || errors.Is(err, errMirrorEpoch) {
			continue
		}
		later := mirrorLater
		m.change(func(s *MirrorStatus) {
			s.Err, s.State = err, MirrorGone
			switch {
			case errors.Is(err, errMirrorForeign):
				s.State = MirrorForeign
			case errors.Is(err, errMirrorAhead):
				s.State = MirrorAhead
			case noRoom(err):
				s.State = MirrorFull
			default:
				later = mirrorRetry
			}
		})
		t := time.NewTimer(later)
		select {
		case <-t.C:
		case <-m.life.Done():
		}
		t.Stop()
	}
}

// session looks at the medium, catches it up, and follows the commits until
// something is wrong.
func (m *mirror) session() (err error) {
	m.tap.take()
	epoch, now := m.o.listen(m.tap)
	c, err := m.attach(epoch)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.f.Close()) }()
	if err := m.catchUp(c, now); err != nil {
		return err
	}
	if err := m.forget(c); err != nil {
		return err
	}
	m.good(c)
	for {
		if c.size > max(mirrorLeast, c.hold, 2*m.o.live()) {
			next, err := m.renew(c)
			switch {
			case err == nil:
				c = next
				m.good(c)
			case noRoom(err) && c.hold > 0:
			default:
				return err
			}
		}
		select {
		case <-m.tap.wake:
		case <-m.life.Done():
			return errMirrorEnd
		}
		if m.o.epoch() != epoch {
			return errMirrorEpoch
		}
		if err := m.follow(c); err != nil {
			return err
		}
	}
}

// follow copies what was committed since.
func (m *mirror) follow(c *mirrorCopy) error {
	vals, at, lost := m.tap.take()
	if lost {
		m.change(func(s *MirrorStatus) { s.State = MirrorStale })
		if err := m.catchUp(c, m.o.moment()); err != nil {
			return err
		}
		m.good(c)
		return nil
	}
	if len(vals) == 0 {
		return nil
	}
	if slices.ContainsFunc(vals, func(v []byte) bool { return kind(v[5]) == kindLarge }) {
		if err := m.o.emitAll(m.life, vals, c.write); err != nil {
			return err
		}
	} else if err := c.write(bytes.Join(vals, nil)); err != nil {
		return err
	}
	if err := m.mark(c, at.rev, at.head); err != nil {
		return err
	}
	m.good(c)
	return nil
}

// catchUp copies what the file has and the copy has not. now is the commit
// since when the tap listens.
func (m *mirror) catchUp(c *mirrorCopy, now moment) error {
	rev, err := m.o.copyValues(m.life, c.rev, now.rev, c.write)
	if err != nil {
		return err
	}
	if rev <= c.rev {
		return nil
	}
	return m.mark(c, rev, now.head)
}

// mark says, durably, that the copy is complete up to rev.
func (m *mirror) mark(c *mirrorCopy, rev uint64, head journal.Edge) error {
	b, err := marshalMark(m.o.o.Kiosk, c.epoch, c.marks+1, rev, &head, m.o.o.Now())
	if err != nil {
		return err
	}
	if err := c.write(b); err != nil {
		return err
	}
	if err := c.f.Sync(); err != nil {
		// What was written may stand in the cache and not on the medium, and be
		// read back from there all the same.
		m.doubted[c.name] = true
		_ = c.f.Truncate(c.synced)
		return fmt.Errorf("outbox: flush the mirror: %w", err)
	}
	c.marks, c.rev, c.synced = c.marks+1, rev, c.size
	return nil
}

func (m *mirror) good(c *mirrorCopy) {
	same := m.m.same(m.o.path)
	m.change(func(s *MirrorStatus) {
		m.slow = false
		s.State, s.Err, s.Bytes, s.Synced, s.Same = MirrorGood, nil, c.size, c.rev, same
		if m.unlike {
			s.State, s.Err = MirrorAhead, errMirrorAhead
		}
	})
}

// live is how many bytes of the file hold something.
func (o *Outbox) live() int64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.mem.used + o.mem.blobBytes
}
