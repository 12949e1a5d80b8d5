package uplink

import (
	"strings"
	"time"
)

// What keeps requests from the portal, in Status.Waits. With the last three the
// session may go on, for what comes down.
const (
	WaitsWindow = "window" // the next window
	WaitsBudget = "budget" // the next day: its bytes are spent
	WaitsPortal = "portal" // the portal said when to come back
	WaitsQuota  = "quota"  // this kiosk has brought as much as one may
	WaitsFull   = "full"   // the portal's disk has no room
	WaitsRoom   = "room"   // the next day: what is left of its bytes is for what comes down, or too few for what waits
)

// pause is a time in which something is not to be done; zero: there is none.
type pause struct {
	why   string
	until time.Time // by the process's own clock, which nobody sets
}

func pauseFor(why string, d time.Duration) pause { return pause{why, time.Now().Add(d)} }

func (p pause) left() time.Duration {
	if p.why == "" {
		return 0
	}
	return max(0, time.Until(p.until))
}

// pauses returns what a nack's code has to do with all records and not with the
// one it names; "": nothing (WIRE-LIM-2).
func pauses(code string) string {
	switch {
	case strings.HasPrefix(code, "quota."):
		return WaitsQuota
	case strings.HasPrefix(code, "portal."):
		return WaitsFull
	}
	return ""
}

// pause keeps all records back for d.
func (s *status) pause(why string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = pauseFor(why, d)
}

// pausedFor returns how long records are kept back still.
func (s *status) pausedFor() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paused.left()
}

// sentAway notes that the portal wants nothing for d; 0: that is over.
func (s *status) sentAway(why string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = pause{}
	if d > 0 {
		s.away = pauseFor(why, d)
	}
}

// short notes until when nothing that waits fits into the day's bytes; zero: it does.
func (s *status) short(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shortUntil = until
}

// waiting returns what keeps requests from the portal, and until when by the clock
// of now. The status is locked.
func (s *status) waiting(now time.Time) (why string, until time.Time) {
	switch {
	case s.closed != "":
		return s.closed, s.closedUntil
	case s.away.left() > 0:
		return s.away.why, now.Add(s.away.left())
	case s.paused.left() > 0:
		return s.paused.why, now.Add(s.paused.left())
	case s.shortUntil.After(now):
		return WaitsRoom, s.shortUntil
	}
	return "", time.Time{}
}
