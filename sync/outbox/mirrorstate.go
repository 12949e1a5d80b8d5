package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MirrorState says how the mirror is: a stable code, which the kiosk's health
// uses too.
type MirrorState string

// The states of a mirror.
const (
	MirrorOff     MirrorState = ""               // none is wanted
	MirrorGood    MirrorState = "mirror.good"    // all that is durable here is there
	MirrorGone    MirrorState = "mirror.gone"    // the folder is not there, or cannot be read or written
	MirrorFull    MirrorState = "mirror.full"    // no room on it
	MirrorStale   MirrorState = "mirror.stale"   // it is slow, or still being caught up
	MirrorForeign MirrorState = "mirror.foreign" // another kiosk's is in the folder; it is left alone
	MirrorAhead   MirrorState = "mirror.ahead"   // it has requests that are not here: restore from it
)

// MirrorStatus is how the mirror is.
type MirrorStatus struct {
	Folder string
	State  MirrorState
	Since  time.Time // when it came into this state, by the machine's clock
	Same   bool      // it is on the outbox's own device, and dies with it
	Bytes  int64     // of the file in use
	Synced uint64    // the revision up to which all is there
	Err    error     // what was last wrong; nil where nothing is
}

// Mirror returns how the mirror is.
func (o *Outbox) Mirror() MirrorStatus {
	if o.mirror == nil {
		return MirrorStatus{}
	}
	o.mirror.mu.Lock()
	defer o.mirror.mu.Unlock()
	return o.mirror.st
}

// Mirrored returns when all that is durable now is on the mirror too. It waits
// for a mirror that is not there until ctx ends. Without a mirror it is an error.
func (o *Outbox) Mirrored(ctx context.Context) error {
	m := o.mirror
	if m == nil {
		return errors.New("outbox: there is no mirror")
	}
	rev := o.moment().rev
	for {
		m.mu.Lock()
		moved, s := m.moved, m.st
		m.mu.Unlock()
		if s.Synced >= rev && (s.State == MirrorGood || s.State == MirrorAhead) {
			return nil
		}
		select {
		case <-moved:
		case <-m.ended:
			return ErrClosed
		case <-ctx.Done():
			return fmt.Errorf("outbox: wait for the mirror, which is %s: %w", s.State, errors.Join(context.Cause(ctx), s.Err))
		}
	}
}

// change changes the status and tells who waits.
func (m *mirror) change(fn func(*MirrorStatus)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.st.State
	fn(&m.st)
	if m.st.State != was {
		m.st.Since = time.Now()
	}
	close(m.moved)
	m.moved = make(chan struct{})
}

// wait returns when what was committed under the revision is on the mirror, or
// when the mirror cannot be waited for: it is not good, or took longer than most.
// Then nobody waits for it until it has caught up.
func (m *mirror) wait(ctx context.Context, rev uint64, most time.Duration) {
	if most <= 0 {
		return
	}
	t := time.NewTimer(most)
	defer t.Stop()
	for {
		m.mu.Lock()
		moved, enough := m.moved, m.slow || m.st.State != MirrorGood || m.st.Synced >= rev
		m.mu.Unlock()
		if enough {
			return
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return
		case <-m.ended:
			return
		case <-t.C:
			m.change(func(s *MirrorStatus) {
				if s.State == MirrorGood && s.Synced < rev {
					m.slow, s.State = true, MirrorStale
				}
			})
			return
		}
	}
}
