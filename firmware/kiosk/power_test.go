package kiosk

import (
	"testing"
	"time"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/settings"
)

// TestIdleBrightness: on the sun the screen dims sooner, at once when the battery is
// to be spared, most at night, and it is never dark.
func TestIdleBrightness(t *testing.T) {
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, zone)
	for name, c := range map[string]struct {
		profile string
		idle    time.Duration
		at      time.Time
		scarce  bool
		want    int
	}{
		"just left":          {board.Mains, time.Second, noon, false, bright},
		"mains":              {board.Mains, time.Minute, noon, false, bright},
		"mains, long":        {board.Mains, dimAfter, noon, false, dim},
		"solar":              {board.Solar, dimSolar, noon, false, dim},
		"scarce":             {board.Mains, 0, noon, true, dim},
		"night":              {board.Solar, time.Hour, noon.Add(11 * time.Hour), false, night},
		"night, by UTC":      {board.Solar, time.Hour, noon.Add(11 * time.Hour).UTC(), false, night},
		"somebody, at night": {board.Solar, 0, noon.Add(11 * time.Hour), false, bright},
	} {
		k := &Kiosk{board: &board.Board{Power: board.Power{Profile: c.profile}}, cab: &cabinet{}, s: settings.Settings{
			Night: settings.Window{From: 20 * time.Hour, To: 6 * time.Hour},
		}}
		k.cab.scarce.Store(c.scarce)
		if got := k.idleBrightness(c.idle, c.at); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

// TestSolarWithoutSensor: a kiosk that lives on the sun goes by its visits where
// nothing sees who comes.
func TestSolarWithoutSensor(t *testing.T) {
	l := &lamp{}
	k := &Kiosk{board: &board.Board{Power: board.Power{Profile: board.Solar}}, cab: &cabinet{screens: []device.Backlight{l}}}
	k.cab.idle = time.Now().Add(-dimSolar)
	k.lookPresence()
	if l.percent != dim {
		t.Errorf("nobody came: %d, want %d", l.percent, dim)
	}
	k.visit = new(visit)
	k.lookPresence()
	if l.percent != bright {
		t.Errorf("in a visit: %d, want %d", l.percent, bright)
	}
}

// lamp is a screen that remembers how bright it was told to be.
type lamp struct {
	device.Backlight
	percent int
}

func (l *lamp) Brightness(percent int) error { l.percent = percent; return nil }

// TestPowerFailsFlushes: when the power is about to go, what the kernel still holds is
// put onto the disk.
func TestPowerFailsFlushes(t *testing.T) {
	r := newRig(t)
	r.start()
	r.sensorsAnswer()
	if r.k.cab.flushed.Load() != 0 {
		t.Fatal("the disk was flushed while the power was there")
	}
	r.switches(false, false, false)
	r.condition(health.SupplyFailing, true)
	r.until("the flush", func() bool { return r.k.cab.flushed.Load() > 0 })
}

// BenchmarkSupplyFails measures how long it takes from the signal of a failing supply
// until nothing new is accepted and everything is on the disk. The budget is 200 ms:
// what a capacitor carries.
func BenchmarkSupplyFails(b *testing.B) {
	r := newRig(b)
	r.start()
	r.sensorsAnswer()
	var total time.Duration
	n := 0
	for b.Loop() {
		r.k.cab.flushed.Store(0)
		begun := time.Now()
		r.switches(false, false, false)
		for !r.k.health.Holds(health.SupplyFailing) || r.k.cab.flushed.Load() == 0 {
			time.Sleep(100 * time.Microsecond)
		}
		total += time.Since(begun)
		n++
		r.switches(false, false, true)
		r.condition(health.SupplyFailing, false)
	}
	b.ReportMetric(float64(total.Microseconds())/1000/float64(n), "ms-to-stop")
	b.ReportMetric(total.Seconds()/float64(n)/0.2, "of-budget-stop")
	b.ReportMetric(0, "ns/op")
}
