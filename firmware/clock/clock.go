// Package clock says what time it is, and how much that can be relied upon.
//
// No battery clock is assumed (DESIGN 4). The machine's clock is only a claim:
// it may stand in 1970 after a power cut, and anyone with a key to the cabinet
// may set it. What is certain is a floor, the latest moment known to have
// passed (the build, the last signed time of the portal, the last entry of the
// journal), and time since the start. A signed time of the portal (a beacon)
// makes the clock right until the power goes, whatever the machine's clock does
// meanwhile.
package clock

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// Trust says how much the time can be relied upon.
type Trust int

// The degrees of trust.
const (
	Unknown Trust = 1 // the machine's clock is behind what is known to have passed
	Claimed Trust = 2 // it is not impossible
	Beacon  Trust = 3 // a signed time of the portal was seen since the start
)

// String returns the word for t.
func (t Trust) String() string {
	switch t {
	case Unknown:
		return "unknown"
	case Claimed:
		return "claimed"
	case Beacon:
		return "beacon"
	}
	return fmt.Sprintf("Trust(%d)", int(t))
}

const (
	// stepLimit is how far the machine's clock may run from the time since the
	// start before that is a step.
	stepLimit = 2 * time.Second
	// tolerance is how far the time may be ahead of a beacon that comes.
	tolerance = 2 * time.Second
	// slack is how far it may be behind the floor: the floor is other machines'
	// time too.
	slack = 2 * time.Minute
)

// Source is a machine's clock, which may step.
type Source func() time.Time

// System is the system's clock.
func System() time.Time { return time.Now().Round(0) } // without the monotonic reading: steps are seen

// OffsetFile is the system's clock plus the duration written in the file at
// path ("-24h"); a file that is missing or empty changes nothing. One that
// cannot be understood gives 1970: a clock that cannot be read is not known.
func OffsetFile(path string) Source {
	return func() time.Time {
		b, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return System()
		}
		s := strings.TrimSpace(string(b))
		if err == nil && s == "" {
			return System()
		}
		d, perr := time.ParseDuration(s)
		if err != nil || perr != nil {
			return time.Unix(0, 0)
		}
		return System().Add(d)
	}
}

// Step is a jump of the machine's clock.
type Step struct {
	At time.Time     // by the kiosk's time, after it
	By time.Duration // how far, forwards or backwards
}

// Options are what a Clock starts from.
type Options struct {
	Source     Source        // nil: System
	Floor      time.Time     // the latest moment known to have passed
	LastBeacon time.Time     // the last signed time of the portal; zero: none
	MaxAge     time.Duration // how old LastBeacon may be for binding requests; 0: any age
}

// Clock is the kiosk's time. Its methods may be called from several goroutines.
//
// Contract: Now is never before the floor, and steps of the machine's clock
// move it only while no beacon has been seen.
type Clock struct {
	source Source
	maxAge time.Duration

	mu       sync.Mutex
	start    time.Time // carries the monotonic reading everything is measured from
	floor    time.Time // at start
	top      time.Time // the latest claim given out, at topMono
	topMono  time.Duration
	src      time.Time // the machine's clock when last looked at, at srcMono
	srcMono  time.Duration
	beacon   time.Time // last signed time
	signed   bool      // a beacon was seen since the start
	base     time.Time // the time that it gave, at baseMono
	baseMono time.Duration
	steps    []Step // seen and not taken yet
}

// New starts a clock.
func New(o Options) *Clock {
	c := &Clock{source: o.Source, maxAge: o.MaxAge, start: time.Now(), floor: o.Floor, beacon: o.LastBeacon}
	if c.source == nil {
		c.source = System
	}
	if c.floor.Before(c.beacon) {
		c.floor = c.beacon
	}
	c.src = c.source()
	c.top = c.floor
	return c
}

// Now returns the kiosk's time, UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, _ := c.now()
	return now
}

// now returns the time and its trust, and notes steps.
func (c *Clock) now() (time.Time, Trust) {
	mono := time.Since(c.start)
	src := c.source()
	if by := src.Sub(c.src) - (mono - c.srcMono); by > stepLimit || by < -stepLimit {
		c.steps = append(c.steps, Step{By: by})
	}
	c.src, c.srcMono = src, mono

	now, trust := src, Claimed
	least := c.top.Add(mono - c.topMono) // what was certain then, and the time since
	switch {
	case c.signed:
		now, trust = c.base.Add(mono-c.baseMono), Beacon
	case src.Before(least.Add(-slack)):
		now, trust = least, Unknown
	case src.Before(least):
		now = least
	}
	if trust == Claimed && now.After(least) {
		// A claim goes only forwards: what has been claimed is a floor from now on.
		c.top, c.topMono = now, mono
	}
	for i := range c.steps {
		if c.steps[i].At.IsZero() {
			c.steps[i].At = now.UTC()
		}
	}
	return now.UTC(), trust
}

// Trust returns how much the time can be relied upon now.
func (c *Clock) Trust() Trust {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, t := c.now()
	return t
}

// LastBeacon returns the last signed time of the portal, zero if none is known.
func (c *Clock) LastBeacon() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.beacon
}

// Binding reports whether the time is good enough for what binds a citizen.
func (c *Clock) Binding() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, t := c.now()
	return t != Unknown && (c.maxAge == 0 || now.Sub(c.beacon) <= c.maxAge)
}

// SetBeacon takes a signed time of the portal, which the caller has verified.
// One that is older than one already taken is refused: it is a replay.
func (c *Clock) SetBeacon(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.Before(c.beacon) {
		return fmt.Errorf("clock: set beacon of %v: one of %v is known", at.UTC(), c.beacon.UTC())
	}
	mono := time.Since(c.start)
	now, trust := c.now()
	c.beacon, c.base, c.baseMono, c.signed = at.Round(0), at.Round(0), mono, true
	if late := now.Sub(at); trust != Unknown && late >= 0 && late < tolerance {
		// It says nothing new: beacons have whole seconds and were under way for
		// a while. The time must not go back for that.
		c.base = now
	}
	c.top, c.topMono = c.base, mono
	return nil
}

// Signed returns the latest moment that is signed for (the build, the portal's
// last signed time, and the time since): unlike a claim, the machine's clock
// cannot move it. It may be long ago.
func (c *Clock) Signed() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	mono := time.Since(c.start)
	if c.signed {
		return c.base.Add(mono - c.baseMono).UTC()
	}
	return c.floor.Add(mono).UTC()
}

// Steps returns the steps seen since it was last called. Whoever calls it puts
// them into the journal.
func (c *Clock) Steps() []Step {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now()
	s := c.steps
	c.steps = nil
	return s
}

// Raise says that at has passed: the clock is not before it from now on.
func (c *Clock) Raise(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if mono := time.Since(c.start); at.After(c.top.Add(mono - c.topMono)) {
		c.top, c.topMono = at.Round(0), mono
	}
}

// Carried takes a signed time of the portal that was under way for long, on a
// memory stick: it is not before that, and nobody can say how much later it is.
// An older one changes nothing.
func (c *Clock) Carried(at time.Time) {
	c.Raise(at)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !at.After(c.beacon) {
		return
	}
	c.beacon = at.Round(0)
	mono := time.Since(c.start)
	if since := c.beacon.Add(-mono); c.floor.Before(since) {
		c.floor = since // Signed adds the time since the start
	}
	if c.signed && c.base.Add(mono-c.baseMono).Before(at) {
		c.base, c.baseMono = at.Round(0), mono
	}
}
