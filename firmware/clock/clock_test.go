package clock

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// machine is a clock that tests set, running with (fake) time.
type machine struct{ off time.Duration }

func (m *machine) now() time.Time { return time.Now().Round(0).Add(m.off) }

func near(t *testing.T, what string, got, want time.Time) {
	t.Helper()
	if d := got.Sub(want); d > time.Second || d < -time.Second {
		t.Errorf("%s: got %v, want %v", what, got.UTC(), want.UTC())
	}
}

func TestClockIn1970(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		real := time.Now()
		m := &machine{off: time.Unix(0, 0).Sub(real)}
		c := New(Options{Source: m.now, Floor: real.Add(-time.Hour), LastBeacon: real.Add(-2 * time.Hour), MaxAge: 24 * time.Hour})
		if got := c.Trust(); got != Unknown {
			t.Errorf("Trust = %v, want unknown", got)
		}
		if c.Binding() {
			t.Error("Binding with a clock in 1970")
		}
		time.Sleep(time.Minute)
		near(t, "Now", c.Now(), real.Add(-time.Hour).Add(time.Minute)) // the floor and the time since
		if err := c.SetBeacon(real.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if got := c.Trust(); got != Beacon || !c.Binding() {
			t.Errorf("with a beacon: Trust = %v, Binding = %v; want beacon, true", got, c.Binding())
		}
		time.Sleep(time.Hour)
		near(t, "Now with a beacon", c.Now(), real.Add(time.Hour+time.Minute))
	})
}

// Once the portal's time is known, turning the machine's clock changes nothing
// but the journal.
func TestStepsAfterBeacon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, real := &machine{}, time.Now()
		c := New(Options{Source: m.now, Floor: real.Add(-time.Hour)})
		if err := c.SetBeacon(real); err != nil {
			t.Fatal(err)
		}
		m.off = -24 * time.Hour
		time.Sleep(time.Minute)
		near(t, "Now", c.Now(), real.Add(time.Minute))
		got := c.Steps()
		if len(got) != 1 || got[0].By != -24*time.Hour {
			t.Fatalf("Steps = %v, want one of -24h", got)
		}
		near(t, "time of the step", got[0].At, real.Add(time.Minute))
		if again := c.Steps(); len(again) != 0 {
			t.Errorf("Steps again = %v, want none", again)
		}
	})
}

func TestStepsWithoutBeacon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, real := &machine{}, time.Now()
		c := New(Options{Source: m.now, Floor: real.Add(-time.Hour), LastBeacon: real.Add(-time.Hour), MaxAge: 30 * 24 * time.Hour})
		near(t, "Now", c.Now(), real)
		m.off = 2 * time.Hour // set right by someone: taken
		near(t, "Now after a step forwards", c.Now(), real.Add(2*time.Hour))
		m.off = -time.Hour // back: what was claimed has passed
		near(t, "Now after a step backwards", c.Now(), real.Add(2*time.Hour))
		if c.Trust() != Unknown || c.Binding() {
			t.Errorf("after a step backwards: Trust = %v, Binding = %v; want unknown, false", c.Trust(), c.Binding())
		}
		m.off = 60 * 24 * time.Hour // far ahead: possible, but no signed time is near
		if c.Trust() != Claimed || c.Binding() {
			t.Errorf("two months ahead: Trust = %v, Binding = %v; want claimed, false", c.Trust(), c.Binding())
		}
		if err := c.SetBeacon(real.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		near(t, "Now with a beacon", c.Now(), real.Add(time.Second))
		if !c.Binding() {
			t.Error("Binding = false with a fresh beacon")
		}
	})
}

// A clock that was set to the next century and back claims on, but it cannot
// move what is signed for.
func TestSignedIsNoClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		real := time.Now()
		m := &machine{off: 70 * 365 * 24 * time.Hour}
		c := New(Options{Source: m.now, Floor: real.Add(-48 * time.Hour), LastBeacon: real.Add(-time.Hour)})
		near(t, "Now", c.Now(), real.Add(m.off))
		near(t, "Signed", c.Signed(), real.Add(-time.Hour))
		m.off = 0
		c.Raise(real.Add(50 * 365 * 24 * time.Hour))
		time.Sleep(time.Minute)
		near(t, "Signed after a step", c.Signed(), real.Add(-time.Hour+time.Minute))
		if err := c.SetBeacon(time.Now()); err != nil {
			t.Fatal(err)
		}
		m.off = time.Hour
		time.Sleep(time.Minute)
		near(t, "Signed with a beacon", c.Signed(), time.Now())
	})
}

func TestBeaconTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Floor: time.Now().Add(-time.Hour), LastBeacon: time.Now().Add(-time.Hour), MaxAge: 24 * time.Hour})
		if !c.Binding() {
			t.Error("Binding = false an hour after the last beacon")
		}
		time.Sleep(24 * time.Hour)
		if c.Binding() {
			t.Error("Binding = true 25 hours after the last beacon, want false after 24")
		}
	})
}

// A beacon of the second that it is does not take the clock back to its start.
func TestBeaconOfThisSecond(t *testing.T) {
	c := New(Options{})
	before := c.Now()
	if err := c.SetBeacon(before.Truncate(time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := c.Now(); got.Before(before) {
		t.Errorf("Now with a beacon = %v, want not before %v", got, before)
	}
}

func TestReplayedBeacon(t *testing.T) {
	now := time.Now()
	c := New(Options{LastBeacon: now.Add(-time.Hour)})
	if err := c.SetBeacon(now.Add(-2 * time.Hour)); err == nil {
		t.Error("a beacon older than the last one was taken")
	}
}

func TestOffsetFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "offset")
	src := OffsetFile(path)
	near(t, "no file", src(), time.Now())
	for _, tt := range []struct {
		in   string
		want time.Time
	}{
		{"-24h\n", time.Now().Add(-24 * time.Hour)},
		{"", time.Now()},
		{"yesterday", time.Unix(0, 0)},
	} {
		if err := os.WriteFile(path, []byte(tt.in), 0o600); err != nil {
			t.Fatal(err)
		}
		near(t, "file "+tt.in, src(), tt.want)
	}
}

// A signed time that came on a memory stick says when it is not before, and no
// more: it sets no clock back and makes none right.
func TestCarried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, real := &machine{}, time.Now()
		c := New(Options{Source: m.now, Floor: real.Add(-72 * time.Hour), LastBeacon: real.Add(-72 * time.Hour), MaxAge: 48 * time.Hour})
		if c.Binding() {
			t.Error("Binding with a beacon of three days ago")
		}
		c.Carried(real.Add(-24 * time.Hour))
		near(t, "Now", c.Now(), real)
		near(t, "LastBeacon", c.LastBeacon(), real.Add(-24*time.Hour))
		near(t, "Signed", c.Signed(), real.Add(-24*time.Hour))
		if got := c.Trust(); got != Claimed || !c.Binding() {
			t.Errorf("Trust = %v, Binding = %v; want claimed, true", got, c.Binding())
		}
		c.Carried(real.Add(-48 * time.Hour)) // an old stick
		near(t, "LastBeacon after an older one", c.LastBeacon(), real.Add(-24*time.Hour))

		// A clock that stands before it is not known, and goes on from there.
		m.off = -240 * time.Hour
		c.Carried(real.Add(-time.Hour))
		if got := c.Now(); got.Before(real.Add(-time.Hour)) {
			t.Errorf("Now = %v, want not before the time that was carried", got)
		}
		if got := c.Trust(); got != Unknown || c.Binding() {
			t.Errorf("Trust = %v, Binding = %v; want unknown, false", got, c.Binding())
		}

		// The portal's time itself counts for more.
		if err := c.SetBeacon(real.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		c.Carried(real.Add(-time.Minute))
		near(t, "Now with a beacon", c.Now(), real.Add(time.Minute))
		c.Carried(real.Add(time.Hour))
		near(t, "Now after a later one was carried", c.Now(), real.Add(time.Hour))
	})
}
