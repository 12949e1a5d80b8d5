package simulation

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"
)

// errDead is what a process gets that no longer lives.
var errDead = errors.New("the power is gone")

// fuse ends a process at one of the points that it passes: before each commit,
// before and after each frame, before and after each call of the ledger. Whoever
// reaches the point waits there, and so do all others of the process at their next
// one, until the simulation has looked at what is on the medium.
type fuse struct {
	s     *sim
	who   string
	mu    sync.Mutex
	left  int // points until it burns; 0: not lit
	where string
	dead  chan struct{}

	torn  func() // set: where the point is before a commit, it is called, and the power goes inside that commit
	tears bool   // it does
	ended sync.Once
}

func newFuse(s *sim, who string) *fuse { return &fuse{s: s, who: who, dead: make(chan struct{})} }

// light has the fuse burn at the n-th point from now.
func (f *fuse) light(n int, torn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.where == "" {
		f.left, f.torn = n, torn
	}
}

// burnt says where the fuse burnt; "" if it did not.
func (f *fuse) burnt() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.where == "" && f.tears {
		return "inside a commit"
	}
	return f.where
}

// end lets those go who wait: the process is no more.
func (f *fuse) end() { f.ended.Do(func() { close(f.dead) }) }

func (f *fuse) isDead() bool {
	select {
	case <-f.dead:
		return true
	default:
		return false
	}
}

// point is passed by what lives; false: it lives no more.
func (f *fuse) point(what string) bool { return f.pass(what, false) }

// commit is the point before a commit of the outbox.
func (f *fuse) commit(what string) bool { return f.pass(what, true) }

// turn waits until it is somebody's turn.
func (f *fuse) turn(what string) {
	select {
	case <-f.s.enrol(f.who + ": " + what):
	case <-f.dead:
	}
}

func (f *fuse) pass(what string, commit bool) bool {
	if f.isDead() {
		return false
	}
	select {
	case <-f.s.enrol(f.who + ": " + what):
	case <-f.dead:
		return false
	}
	f.mu.Lock()
	if f.left > 0 && f.where == "" {
		if f.left--; f.left == 0 {
			if commit && f.torn != nil {
				f.torn()
				f.torn, f.tears, f.left = nil, true, 1
			} else {
				if f.where = what; f.tears {
					f.where = "inside a commit"
				}
			}
		}
	}
	burnt := f.where != ""
	f.mu.Unlock()
	if burnt {
		<-f.dead
		return false
	}
	return true
}

// ticket is somebody who waits at a point to go on.
type ticket struct {
	who  string
	pass chan struct{}
}

// enrol waits in line: one at a time goes on, as the seed has it, when all others
// wait. So a seed plays the same way each time, whatever the scheduler does.
func (s *sim) enrol(who string) <-chan struct{} {
	t := ticket{who, make(chan struct{})}
	s.mu.Lock()
	s.line = append(s.line, t)
	s.mu.Unlock()
	select {
	case s.came <- struct{}{}:
	default:
	}
	return t.pass
}

// settle lets everybody go on until nobody can.
func (s *sim) settle() {
	for {
		synctest.Wait()
		select {
		case <-s.came:
		default:
		}
		s.mu.Lock()
		s.tellLogs()
		if len(s.line) == 0 {
			s.mu.Unlock()
			return
		}
		slices.SortStableFunc(s.line, func(a, b ticket) int { return strings.Compare(a.who, b.who) })
		i := s.chance.IntN(len(s.line))
		t := s.line[i]
		s.line = slices.Delete(s.line, i, i+1)
		s.mu.Unlock()
		if s.passed++; s.passed > mostPassed {
			s.broken("ItEnds", "%d times somebody went on; the last is %s", s.passed, t.who)
		}
		close(t.pass)
	}
}

// A seed is over long before any of these.
const (
	mostPassed = 100_000
	mostTime   = 20 * 365 * 24 * time.Hour
)

// wait lets time pass.
func (s *sim) wait(d time.Duration) {
	if time.Since(s.start) > mostTime {
		s.broken("ItEnds", "it goes on for years")
	}
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-s.came:
			s.settle()
		case <-t.C:
			s.settle()
			return
		}
	}
}
