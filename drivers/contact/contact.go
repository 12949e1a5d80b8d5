// Package contact makes a [device.Sensor] of a digital line: a door switch, a
// tamper loop, a motion detector (PIR), the sense pin of a headphone jack, an
// operator's switch, or a supply's power-good signal.
//
// # Wiring
//
// A tamper loop and a door switch are closed while all is well, between the line
// and ground, with the pull-up on: a cut wire then reads as open, which is
// active. A PIR (HC-SR501) drives its line high while somebody moves; for a
// minute after power-on it says anything.
package contact

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/gpioline"
	"github.com/penjire/penjire/drivers/link"
)

// Opts are a sensor's settings. Kind and Line are needed; the other zero values
// are the defaults.
type Opts struct {
	Kind      device.SensorKind
	Line      string        // its name at the source
	Pull      gpio.Pull     // 0: floating. A loop to ground needs gpio.PullUp
	ActiveLow bool          // the level of what is active is low, not high
	Debounce  time.Duration // a level counts when it has lasted so long; 0: 20 ms, 5 ms for SensorSupply
	HoldOff   time.Duration // active lasts so much longer than the line says; 0: 20 s for SensorPresence, else none; negative: none
	WarmUp    time.Duration // unknown for so long after the line was opened; 0: 60 s for SensorPresence, else none; negative: none
	Reopen    time.Duration // between tries to open the line; 0: 300 ms
}

// Kinds are the kinds of sensors that a line can be.
func Kinds() []device.SensorKind {
	return []device.SensorKind{
		device.SensorPresence, device.SensorTamper, device.SensorDoor,
		device.SensorHeadphone, device.SensorOperator, device.SensorSupply,
	}
}

const (
	// look is how long an edge that was missed goes unnoticed; with the debounce
	// time it is below the 250 ms of the contract.
	look = 200 * time.Millisecond
	// told is the same where the line's source misses nothing.
	told = time.Second
	// restless is how long a line may change without lasting (a loose wire, hum)
	// before nobody knows what it says.
	restless = time.Second
)

// Dev is a sensor. It opens its line by itself, again and again. A source that is
// an io.Closer is closed with it.
type Dev struct {
	src gpioline.Source
	o   Opts

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	watch  link.Watch

	mu      sync.Mutex
	health  device.Health
	contact device.Contact
	since   time.Time
	tripped bool
}

var _ device.Sensor = (*Dev)(nil)

// New returns the sensor on a line of src and starts watching it. It waits for
// nothing: until the line has settled its contact is unknown.
func New(src gpioline.Source, o Opts) (*Dev, error) {
	if !slices.Contains(Kinds(), o.Kind) || o.Line == "" || o.Debounce < 0 || o.Debounce > look/4 || o.Reopen < 0 {
		return nil, fmt.Errorf("contact: sensor on %v: got kind %q, line %q, debounce %v, reopen %v, want a kind of %q, a line, at most %v, and no negative time",
			src, o.Kind, o.Line, o.Debounce, o.Reopen, Kinds(), look/4)
	}
	presence := o.Kind == device.SensorPresence
	o.HoldOff, o.WarmUp = unless(o.HoldOff, presence, 20*time.Second), unless(o.WarmUp, presence, time.Minute)
	o.Reopen = unless(o.Reopen, true, 300*time.Millisecond)
	if o.Kind == device.SensorSupply {
		o.Debounce = unless(o.Debounce, true, 5*time.Millisecond)
	}
	o.Debounce = unless(o.Debounce, true, 20*time.Millisecond)
	d := &Dev{
		src: src, o: o, done: make(chan struct{}), health: device.Starting,
		contact: device.ContactUnknown, since: time.Now(),
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	go d.run()
	return d, nil
}

// unless returns d, or def where d is 0 and there is a default, or 0.
func unless(d time.Duration, has bool, def time.Duration) time.Duration {
	if d == 0 && has {
		return def
	}
	return max(0, d)
}

// String implements conn.Resource.
func (d *Dev) String() string { return fmt.Sprintf("%s on %v %s", d.o.Kind, d.src, d.o.Line) }

// Halt implements conn.Resource. It returns when the line is closed, within a
// look.
func (d *Dev) Halt() error {
	d.cancel()
	<-d.done
	if c, ok := d.src.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Health implements device.Device.
func (d *Dev) Health() device.Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.health
}

// Changes implements device.Watcher: it also yields when the contact changes.
func (d *Dev) Changes(ctx context.Context) <-chan struct{} { return d.watch.Channel(ctx) }

// Kind implements device.Sensor.
func (d *Dev) Kind() device.SensorKind { return d.o.Kind }

// Contact implements device.Sensor.
func (d *Dev) Contact() (device.Contact, time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.contact, d.since
}

// Tripped implements device.Sensor.
func (d *Dev) Tripped() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tripped
}

// Clear implements device.Sensor. What is active now trips it again at once.
func (d *Dev) Clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tripped = d.contact == device.ContactActive
}

// say notes what is known of the sensor.
func (d *Dev) say(h device.Health, c device.Contact) {
	d.mu.Lock()
	changed := d.health != h || d.contact != c
	if d.contact != c {
		d.contact, d.since = c, time.Now()
	}
	d.health = h
	d.tripped = d.tripped || c == device.ContactActive
	d.mu.Unlock()
	if changed {
		d.watch.Wake()
	}
}
