package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/firmware/clock"
)

// TestBattery: a machine that comes up in 1970 has a battery clock's time, as a
// claim; one that knows better keeps its own; and what is behind the floor is
// believed of neither.
func TestBattery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		floor := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		machine := time.Unix(0, 0)
		b := clock.NewBattery(func() time.Time { return machine })
		c := clock.New(clock.Options{Source: b.Now, Floor: floor})
		if got := c.Trust(); got != clock.Unknown {
			t.Errorf("Trust in 1970 = %v, want unknown", got)
		}
		at := floor.Add(48 * time.Hour)
		b.Say(at)
		time.Sleep(time.Hour)
		if now, trust := c.Now(), c.Trust(); !now.Equal(at.Add(time.Hour)) || trust != clock.Claimed {
			t.Errorf("with a battery clock: got %v, %v, want %v, claimed", now, trust, at.Add(time.Hour))
		}
		machine = at.Add(3 * time.Hour)
		if now := c.Now(); !now.Equal(machine) {
			t.Errorf("with a machine that is ahead: got %v, want %v", now, machine)
		}
		machine = time.Unix(0, 0)
		c = clock.New(clock.Options{Source: b.Now, Floor: floor.Add(1000 * time.Hour)})
		if got := c.Trust(); got != clock.Unknown {
			t.Errorf("Trust with a battery clock behind the floor = %v, want unknown", got)
		}
	})
}
