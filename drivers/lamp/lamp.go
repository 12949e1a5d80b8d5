// Package lamp makes a [device.Indicator] of lines: lights beside the slots of a
// kiosk, and a buzzer. A line is a pin, an output of an I/O board, or a LED that
// the kernel knows (see [LEDs]).
//
// Flashing is done here, not by the kernel's timer trigger: a light that goes on
// flashing after its program died would promise what nobody keeps. None flashes
// more often than twice a second (WCAG 2.3.1 draws the line at three).
package lamp

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/gpioline"
	"github.com/penjire/penjire/drivers/link"
)

// Light is one light and its line.
type Light struct {
	Name      device.Light
	Line      string
	ActiveLow bool // it shines when its line is low
}

// Opts are the lights. At least one is needed; other zero values are the defaults.
type Opts struct {
	Lights []Light
	Tone   time.Duration // how long a Buzzer is heard at most; 0: 3 s
	Reopen time.Duration // between tries to open a line; 0: 300 ms
}

// refresh is how often a light that does not change is set again: a board that was
// reset has forgotten it.
const refresh = 1500 * time.Millisecond

// halves are how long a light that flashes is on, and off.
var halves = map[device.Flash]time.Duration{
	device.LightOff: 0, device.LightContinuous: 0,
	device.LightSlow: time.Second, device.LightMedium: 500 * time.Millisecond, device.LightQuick: 250 * time.Millisecond,
}

// Dev is a set of lights. It opens their lines by itself, again and again, and Set
// never waits for them. A source that is an io.Closer is closed with it.
type Dev struct {
	src gpioline.Source
	o   Opts

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	news   link.Watch // a light was set
	watch  link.Watch // health changed

	mu     sync.Mutex
	health device.Health
	want   map[device.Light]want
}

// want is how a light is to shine, and since when.
type want struct {
	flash device.Flash
	since time.Time
}

var (
	_ device.Indicator = (*Dev)(nil)
	_ device.Watcher   = (*Dev)(nil)
)

// New returns the lights on lines of src, all off.
func New(src gpioline.Source, o Opts) (*Dev, error) {
	if len(o.Lights) == 0 || o.Tone < 0 || o.Reopen < 0 {
		return nil, fmt.Errorf("lamp: lights on %v: got %+v, want a light and no negative time", src, o)
	}
	d := &Dev{src: src, done: make(chan struct{}), health: device.Starting, want: map[device.Light]want{}}
	for _, l := range o.Lights {
		if _, twice := d.want[l.Name]; twice || l.Name == "" || l.Line == "" {
			return nil, fmt.Errorf("lamp: lights on %v: got light %q with line %q, want each once, with a line", src, l.Name, l.Line)
		}
		d.want[l.Name] = want{device.LightOff, time.Now()}
	}
	if o.Tone == 0 {
		o.Tone = 3 * time.Second
	}
	if o.Reopen == 0 {
		o.Reopen = 300 * time.Millisecond
	}
	d.o = o
	d.ctx, d.cancel = context.WithCancel(context.Background())
	go d.run()
	return d, nil
}

// String implements conn.Resource.
func (d *Dev) String() string { return fmt.Sprintf("%d lights on %v", len(d.o.Lights), d.src) }

// Halt implements conn.Resource. It returns when the lights are off and their
// lines closed.
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

// Changes implements device.Watcher.
func (d *Dev) Changes(ctx context.Context) <-chan struct{} { return d.watch.Channel(ctx) }

// Lights implements device.Indicator.
func (d *Dev) Lights() []device.Light {
	var out []device.Light
	for _, l := range d.o.Lights {
		out = append(out, l.Name)
	}
	return out
}

// Set implements device.Indicator. It returns at once; Health says whether the
// lights can be reached.
func (d *Dev) Set(l device.Light, f device.Flash) error {
	no := func(err error) error {
		return &device.Error{Dev: d.String(), Op: "set " + string(l), SideEffect: device.SideEffectNo, Err: err}
	}
	if d.ctx.Err() != nil {
		return no(device.ErrHalted)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now, ok := d.want[l]
	if _, known := halves[f]; !ok || !known {
		return no(fmt.Errorf("light %q, %q: %w", l, f, device.ErrUnsupported))
	}
	if now.flash != f || l == device.Buzzer {
		d.want[l] = want{f, time.Now()}
		d.news.Wake()
	}
	return nil
}

// on returns whether a light is on at now, and for how long at most that holds.
func (d *Dev) on(l device.Light, w want, now time.Time) (bool, time.Duration) {
	past, hold := now.Sub(w.since), refresh
	if l == device.Buzzer && w.flash != device.LightOff {
		if hold = d.o.Tone - past; hold <= 0 {
			return false, refresh
		}
	}
	half := halves[w.flash]
	if half == 0 {
		return w.flash == device.LightContinuous, min(hold, refresh)
	}
	return past/half%2 == 0, min(hold, half-past%half)
}

// level returns the level at which a light is on or off.
func (l Light) level(on bool) gpio.Level { return gpio.Level(on != l.ActiveLow) }
