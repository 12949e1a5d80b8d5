package devicetest

import (
	"context"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// SensorRig is a sensor's driver with the sensor in reach.
type SensorRig struct {
	Dev      device.Sensor
	Hands    SensorHands
	Debounce time.Duration // that the driver was told
	in       Time          // set by the suite
}

// SensorHands are what can be done to a sensor by hand. It comes idle.
type SensorHands interface {
	// Set makes the line active or idle.
	Set(active bool)
	// Deaf keeps edges from being told; the level is still there to be read.
	Deaf(bool)
	// Unplug takes the line away, Replug brings it back.
	Unplug()
	Replug()
}

// missed is how long a change may go unnoticed where its edge was missed.
const missed = 250 * time.Millisecond

// Sensor runs the suite of device.Sensor in the kind of time given. plug makes a
// sensor, idle, without hold-off and warm-up, and its driver, and undoes both when
// its t ends.
func Sensor(t *testing.T, in Time, plug func(t *testing.T) SensorRig) {
	run := func(name string, f func(t *testing.T, r SensorRig)) {
		t.Run(name, func(t *testing.T) {
			in.run(t, func(t *testing.T) {
				r := plug(t)
				r.in = in
				r.want(t, device.ContactIdle, in.limit)
				f(t, r)
			})
		})
	}
	run("sees what becomes active and idle", sensorChanges)
	run("keeps what tripped until it is cleared", sensorTrips)
	run("unplugged and replugged", sensorReplug)
	run("halts", sensorHalts)
	if !in.faked {
		return // what follows is measured in milliseconds
	}
	run("sees a change whose edge was missed", sensorMissed)
	run("does not see what bounces", sensorBounces)
	run("a line that never settles is unknown", sensorRestless)
}

// want fails the test if the contact is not c within limit.
func (r SensorRig) want(t *testing.T, c device.Contact, limit time.Duration) {
	t.Helper()
	within(t, r.Dev, limit, "contact "+string(c), func() bool { got, _ := r.Dev.Contact(); return got == c })
}

func sensorChanges(t *testing.T, r SensorRig) {
	if h := r.Dev.Health(); h != device.Online {
		t.Errorf("Health = %v, want online", h)
	}
	for range 3 {
		before := time.Now()
		r.Hands.Set(true)
		r.want(t, device.ContactActive, r.limit(r.Debounce+20*time.Millisecond))
		if _, since := r.Dev.Contact(); since.Before(before) || since.After(time.Now()) {
			t.Errorf("Contact since %v, want after %v", since, before)
		}
		r.Hands.Set(false)
		r.want(t, device.ContactIdle, r.limit(r.Debounce+20*time.Millisecond))
	}
}

// limit is d in faked time, and wide in real time.
func (r SensorRig) limit(d time.Duration) time.Duration {
	if r.in.faked {
		return d
	}
	return r.in.limit
}

func sensorTrips(t *testing.T, r SensorRig) {
	if r.Dev.Tripped() {
		t.Error("Tripped = true before anything happened")
	}
	r.Hands.Set(true)
	r.want(t, device.ContactActive, r.in.limit)
	r.Hands.Set(false)
	r.want(t, device.ContactIdle, r.in.limit)
	if !r.Dev.Tripped() {
		t.Error("Tripped = false after it was active, want true until Clear")
	}
	r.Dev.Clear()
	if r.Dev.Tripped() {
		t.Error("Tripped = true after Clear")
	}
	r.Hands.Set(true)
	r.want(t, device.ContactActive, r.in.limit)
	if r.Dev.Clear(); !r.Dev.Tripped() {
		t.Error("Tripped = false after Clear while it is active, want true")
	}
}

// sensorReplug: what is not there is unknown, not idle; and what it comes back
// with is seen.
func sensorReplug(t *testing.T, r SensorRig) {
	for _, back := range []bool{true, false} {
		r.Hands.Unplug()
		r.want(t, device.ContactUnknown, r.in.limit)
		if h := r.Dev.Health(); h == device.Online {
			t.Errorf("Health of what is unplugged = %v", h)
		}
		r.Hands.Set(back)
		r.Hands.Replug()
		want := device.ContactIdle
		if back {
			want = device.ContactActive
		}
		r.want(t, want, r.in.limit)
		if h := r.Dev.Health(); h != device.Online {
			t.Errorf("Health of what was replugged = %v, want online", h)
		}
	}
}

func sensorHalts(t *testing.T, r SensorRig) {
	changes := r.Dev.Changes(t.Context())
	begin := time.Now()
	for range 2 {
		if err := r.Dev.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	}
	if d := time.Since(begin); d > r.in.limit {
		t.Errorf("Halt took %v, want at most %v", d, r.in.limit)
	}
	select {
	case <-changes:
	case <-time.After(r.in.limit):
		t.Error("Changes yields nothing after Halt")
	}
	if c, _ := r.Dev.Contact(); c != device.ContactUnknown || r.Dev.Health() == device.Online {
		t.Errorf("after Halt: contact %v, health %v, want unknown and not online", c, r.Dev.Health())
	}
}

func sensorMissed(t *testing.T, r SensorRig) {
	r.Hands.Deaf(true)
	for _, active := range []bool{true, false} {
		r.Hands.Set(active)
		want := device.ContactIdle
		if active {
			want = device.ContactActive
		}
		r.want(t, want, missed)
	}
}

// sensorBounces: each half is shorter than the debounce time.
func sensorBounces(t *testing.T, r SensorRig) {
	short := r.Debounce / 3
	for range 10 {
		r.Hands.Set(true)
		time.Sleep(short)
		r.Hands.Set(false)
		time.Sleep(short)
	}
	time.Sleep(missed)
	if c, _ := r.Dev.Contact(); c != device.ContactIdle || r.Dev.Tripped() {
		t.Errorf("after bouncing: contact %v, tripped %v, want idle and not tripped", c, r.Dev.Tripped())
	}
}

func sensorRestless(t *testing.T, r SensorRig) {
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ctx.Err() == nil; i++ {
			r.Hands.Set(i%2 == 0)
			time.Sleep(r.Debounce / 3)
		}
	}()
	r.want(t, device.ContactUnknown, visible)
	if h := r.Dev.Health(); h != device.HardwareError {
		t.Errorf("Health of a line that never settles = %v, want hardwareError", h)
	}
	stop()
	<-ended
	r.Hands.Set(false)
	r.want(t, device.ContactIdle, missed+r.Debounce)
}
