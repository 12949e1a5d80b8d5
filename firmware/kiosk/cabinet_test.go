package kiosk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/drivers/backlight"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/ds3231"
	"github.com/penjire/penjire/drivers/emulator/i2cemu"
	"github.com/penjire/penjire/drivers/ina219"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/thermal"
	"github.com/penjire/penjire/firmware/clock"
	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/ui/screen"
)

// condition waits until a condition holds, or not.
func (r *rig) condition(c *health.Condition, holds bool) {
	r.t.Helper()
	r.until(c.Code, func() bool { return r.k.health.Holds(c) == holds })
}

// entries returns the reasons of the entries of a kind in the journal.
func (r *rig) entries(kind journal.Kind) (out []string) {
	r.t.Helper()
	st := r.k.box.Stats(context.Background())
	for i := range st.JournalSize {
		e, err := r.k.box.Entry(context.Background(), i)
		r.must(err)
		if e.Kind == kind {
			out = append(out, e.Fields.Reason)
		}
	}
	return out
}

// sensorsAnswer waits until nothing of the cabinet is unknown.
func (r *rig) sensorsAnswer() {
	r.t.Helper()
	r.until("the sensors to answer", func() bool {
		for _, s := range r.k.cab.sensors {
			if c, _ := s.Contact(); c == device.ContactUnknown {
				return false
			}
		}
		return len(r.k.cab.sensors) == 3
	})
}

// TestDoorIsWitnessed: an open door is a condition while it is open, and one entry
// of the journal, which a restart does not double.
func TestDoorIsWitnessed(t *testing.T) {
	r := newRig(t)
	r.start()
	r.sensorsAnswer()
	r.switches(true, false, true)
	r.condition(health.CabinetOpen, true)
	r.until("the entry", func() bool { return len(r.entries(journal.Tamper)) == 1 })
	r.switches(false, false, true)
	r.condition(health.CabinetOpen, false)
	if got := r.entries(journal.Tamper); len(got) != 1 || got[0] != "cabinet.door.opened" {
		t.Errorf("entries: got %q, want one cabinet.door.opened", got)
	}
	if err := r.wires.Unplug(); err != nil {
		t.Fatal(err)
	}
	r.until("the sensors to be unknown", func() bool { c, _ := r.k.cab.sensors[0].Contact(); return c == device.ContactUnknown })
	if r.k.health.Holds(health.CabinetOpen) {
		t.Error("a door of which nothing is known counts as open")
	}
	r.condition(health.NoSensor, true)
	r.must(r.wires.Replug())
	r.condition(health.NoSensor, false)
}

// TestTamperIsKept: a tamper loop that was broken for a moment is an alarm until a
// technician takes it back, over restarts, and an entry of the journal.
func TestTamperIsKept(t *testing.T) {
	r := newRig(t)
	s := r.settings()
	r.startWith(s)
	r.sensorsAnswer()
	dismiss := func() int {
		w := httptest.NewRecorder()
		r.k.controlHandler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/queue/dismiss?alarm=cabinet.tampered", nil))
		return w.Code
	}
	r.switches(false, true, true)
	r.condition(health.Tampered, true)
	r.until("the entry", func() bool { return len(r.entries(journal.Tamper)) == 1 })
	if got := dismiss(); got != http.StatusConflict {
		t.Errorf("dismiss while the loop is broken: got %d, want %d", got, http.StatusConflict)
	}
	r.stop()
	r.switches(false, false, true)
	r.startWith(s)
	r.sensorsAnswer()
	r.condition(health.Tampered, true)
	if got := r.entries(journal.Tamper); len(got) != 1 || got[0] != "cabinet.tamper.loop" {
		t.Errorf("entries after a restart: got %q, want one cabinet.tamper.loop", got)
	}
	if got := dismiss(); got != http.StatusOK {
		t.Errorf("dismiss: got %d, want %d", got, http.StatusOK)
	}
	r.condition(health.Tampered, false)
	r.stop()
	r.startWith(s)
	r.sensorsAnswer()
	if r.k.health.Holds(health.Tampered) {
		t.Error("an alarm that was dismissed is back after a restart")
	}
}

// A latch that cannot be read is not taken for one that is not set.
func TestLatchIsNotGuessed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("tampered", filepath.Join(dir, "tampered")); err != nil {
		t.Fatal(err)
	}
	if l, err := openLatch(dir); err == nil {
		t.Errorf("openLatch = %+v, want an error", l)
	}
}

// TestPowerFails: while the power is failing no request begins and no print, and
// everyone is told; when it is back, both go on by themselves.
func TestPowerFails(t *testing.T) {
	r := newRig(t)
	r.start()
	r.sensorsAnswer()
	r.switches(false, false, false)
	r.condition(health.SupplyFailing, true)
	if got := r.k.Start(context.Background()).Start.Notice; got != health.SupplyFailing.Notice {
		r.until("the start page to say so", func() bool {
			return r.k.Start(context.Background()).Start.Notice == health.SupplyFailing.Notice
		})
	}
	r.begin("tk")
	r.do("apply")
	r.do("choose", "service", r.on(screen.Services).Services.List[0].ID)
	if got := r.on(screen.Service).Service.Blocked; got != "blocked.power" {
		t.Errorf("Blocked: got %q, want blocked.power", got)
	}
	if !r.k.worker.Hold() {
		t.Error("prints may begin while the power is failing")
	}
	r.do("leave")
	r.switches(false, false, true)
	r.condition(health.SupplyFailing, false)
	r.apply("citizen-1")
	r.printed()
}

// TestPowerFailsBeforeSigning: what was not signed yet is not, and the page says why.
func TestPowerFailsBeforeSigning(t *testing.T) {
	r := newRig(t)
	r.start()
	r.sensorsAnswer()
	r.toPIN("citizen-1")
	r.switches(false, false, false)
	r.condition(health.SupplyFailing, true)
	r.do("pin", "pin", r.pin("citizen-1"))
	if got := r.on(screen.Problem).Problem.Key; got != "power" {
		t.Errorf("problem: got %q, want power", got)
	}
	r.switches(false, false, true)
	r.condition(health.SupplyFailing, false)
	r.do("retry")
	r.on(screen.PIN)
	r.do("pin", "pin", r.pin("citizen-1"))
	r.on(screen.Done)
}

// TestPrintWaitsForPower: a receipt that is due while the power is failing waits,
// says why, and comes when the power is back.
func TestPrintWaitsForPower(t *testing.T) {
	r := newRig(t)
	r.start()
	r.sensorsAnswer()
	r.paper.SetPaper(device.PaperOut)
	r.toPIN("citizen-1")
	r.do("pin", "pin", r.pin("citizen-1"))
	r.on(screen.Done)
	r.until("the print to wait for paper", func() bool { return r.k.worker.Status().Why == printing.WhyPaperOut })
	r.switches(false, false, false)
	r.condition(health.SupplyFailing, true)
	r.paper.SetPaper(device.PaperFull)
	r.until("the print to wait for power", func() bool { return r.k.worker.Status().Why == printing.WhyPower })
	if n := len(r.paper.Papers()); n != 0 {
		t.Errorf("papers: got %d, want 0", n)
	}
	r.switches(false, false, true)
	r.printed()
}

// TestLights: the card slot blinks while a card is wanted, the printer while its
// paper is to be taken, and the kiosk says whether it is in service.
func TestLights(t *testing.T) {
	r := newRig(t)
	r.start()
	r.sensorsAnswer()
	lit := func(pin int) func() bool {
		return func() bool { high, ok := r.io.Output(pin); return high && ok }
	}
	const slot, printer, service, bad = 8, 9, 10, 11
	blinks := func(pin int) func() bool {
		from := r.io.Turns(pin)
		return func() bool { return r.io.Turns(pin) >= from+3 }
	}
	r.until("the kiosk to be in service", lit(service))
	r.begin("tk")
	r.do("requests")
	r.on(screen.Card)
	r.until("the card slot to blink", blinks(slot))
	r.do("leave")
	r.until("the card slot to be dark", func() bool { return !lit(slot)() })
	r.apply("citizen-1")
	r.printed()
	r.until("the printer to blink", blinks(printer))
	r.switches(false, false, false)
	r.until("the kiosk to be out of service", func() bool { return lit(bad)() && !lit(service)() })
}

// TestBattery: on the battery is a note; a battery that is nearly empty stops the
// kiosk as a failing supply does; a meter that does not answer is not the mains.
func TestBattery(t *testing.T) {
	r := newRig(t)
	r.start()
	meter := i2cemu.NewINA219(8.3, 0.2)
	bus := i2cemu.New(0x40, meter)
	m, err := ina219.New(bus.Open, ina219.Opts{Poll: 20 * time.Millisecond})
	r.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	k := &Kiosk{cab: &cabinet{power: []device.PowerMonitor{m}}, clock: r.k.clock, log: r.k.log, woken: make(chan struct{}, 1)}
	var done sync.WaitGroup
	done.Go(func() { _ = k.watchPower(ctx) })
	t.Cleanup(func() { cancel(); done.Wait(); r.must(m.Halt()) })
	holds := func(c *health.Condition, holds bool) {
		t.Helper()
		r.until(c.Code, func() bool { return k.health.Holds(c) == holds })
	}
	meter.Measure(7.5, -1)
	holds(health.OnBattery, true)
	if k.health.Holds(health.SupplyFailing) {
		t.Error("a battery that is half full stops the kiosk")
	}
	meter.Measure(6.1, -1)
	holds(health.SupplyFailing, true)
	meter.Measure(7.0, 1)
	holds(health.SupplyFailing, false)
	holds(health.OnBattery, false)
	bus.Plug(0x40, nil)
	holds(health.NoMeter, true)
}

// TestHeat: hot from 75 °C until below 70; a thermometer that is gone cools nothing.
func TestHeat(t *testing.T) {
	dir := t.TempDir()
	zone := filepath.Join(dir, "thermal_zone0")
	put := func(name, v string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(zone, 0o700), os.WriteFile(filepath.Join(zone, name), []byte(v), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	put("type", "cpu-thermal")
	d, err := thermal.New(dir, thermal.Opts{})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	k := &Kiosk{cab: &cabinet{heat: []device.Thermometer{d}}, clock: clock.New(clock.Options{}), log: slog.New(slog.NewTextHandler(r.log, nil))}
	for _, v := range []struct {
		temp string
		hot  bool
	}{{"74900", false}, {"75000", true}, {"70000", true}, {"garbled", true}, {"69900", false}, {"74900", false}} {
		put("temp", v.temp)
		if k.lookHeat(t.Context()); k.health.Holds(health.Hot) != v.hot {
			t.Errorf("at %s: hot is %v, want %v", v.temp, !v.hot, v.hot)
		}
	}
}

// TestBatteryClock: a kiosk without a machine's clock has its battery clock's time;
// one that had stopped is a condition, and is set when the portal's time is known.
func TestBatteryClock(t *testing.T) {
	r := newRig(t)
	chip := i2cemu.NewDS3231()
	d, err := ds3231.New(i2cemu.New(0x68, chip).Open, ds3231.Opts{})
	r.must(err)
	t.Cleanup(func() { r.must(d.Halt()) })
	machine := func() time.Time { return time.Unix(0, 0) }
	floor := time.Now().Add(-24 * time.Hour)
	k := &Kiosk{cab: &cabinet{clocks: []device.RealTimeClock{d}}, log: slog.New(slog.NewTextHandler(r.log, nil)), battery: clock.NewBattery(machine)}
	k.readClocks()
	k.clock = clock.New(clock.Options{Source: k.battery.Now, Floor: floor})
	k.tendClock()
	if !k.health.Holds(health.ClockBattery) || k.clock.Trust() != clock.Unknown {
		t.Errorf("with a clock that had stopped: condition %v, trust %v, want it and unknown", k.health.Holds(health.ClockBattery), k.clock.Trust())
	}
	now := time.Now()
	r.must(k.clock.SetBeacon(now))
	k.tendClock()
	if got, err := d.Now(); err != nil || got.Sub(now).Abs() > 3*time.Second || k.health.Holds(health.ClockBattery) {
		t.Errorf("after the portal's time: the battery clock says %v, %v, want %v", got, err, now)
	}
	// The next start, without a connection.
	k.battery = clock.NewBattery(machine)
	k.readClocks()
	k.clock = clock.New(clock.Options{Source: k.battery.Now, Floor: floor})
	if got := k.clock.Now(); got.Sub(now).Abs() > 5*time.Second || k.clock.Trust() != clock.Claimed {
		t.Errorf("after a restart: got %v, %v, want %v, claimed", got, k.clock.Trust(), now)
	}
	// A battery clock that is wrong is not set from a claim, and is from the portal.
	r.must(d.Set(now.Add(-time.Hour)))
	k.tendClock()
	if got, _ := d.Now(); now.Sub(got) < 50*time.Minute {
		t.Errorf("the battery clock was set to %v from a claim", got)
	}
}

// TestScreenIsDimmed: when nobody is there, and never while somebody may be.
func TestScreenIsDimmed(t *testing.T) {
	dir := t.TempDir()
	for name, v := range map[string]string{"brightness": "10", "max_brightness": "10", "bl_power": "0"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, "panel"), 0o700), os.WriteFile(filepath.Join(dir, "panel", name), []byte(v), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	l, err := backlight.New(dir, backlight.Opts{})
	if err != nil {
		t.Fatal(err)
	}
	p := &presence{is: device.ContactIdle}
	k := &Kiosk{board: &board.Board{}, cab: &cabinet{screens: []device.Backlight{l}, sensors: []device.Sensor{p}}}
	looks := func(want string) {
		t.Helper()
		// What is written is shorter than what stood there, on disk.
		if err := os.Truncate(filepath.Join(dir, "panel", "brightness"), 0); err != nil {
			t.Fatal(err)
		}
		k.cab.bright = 0
		k.lookPresence()
		if b, err := os.ReadFile(filepath.Join(dir, "panel", "brightness")); err != nil || string(b) != want {
			t.Errorf("brightness = %q, %v, want %q", b, err, want)
		}
	}
	looks("10")
	k.cab.idle = time.Now().Add(-dimAfter)
	looks("2")
	for _, is := range []device.Contact{device.ContactActive, device.ContactUnknown} {
		p.is = is
		looks("10")
		p.is, k.cab.idle = device.ContactIdle, time.Now().Add(-dimAfter)
		looks("2")
	}
	k.visit = new(visit)
	looks("10")
}

// presence is a sensor that says what it is told to.
type presence struct {
	device.Sensor
	is device.Contact
}

func (p *presence) Kind() device.SensorKind              { return device.SensorPresence }
func (p *presence) Contact() (device.Contact, time.Time) { return p.is, time.Time{} }

// someone is a sensor of a kiosk that runs.
type someone struct {
	device.Sensor
	gone  atomic.Bool
	watch link.Watch
}

func (s *someone) Kind() device.SensorKind                     { return device.SensorPresence }
func (s *someone) Health() device.Health                       { return device.Online }
func (s *someone) Changes(ctx context.Context) <-chan struct{} { return s.watch.Channel(ctx) }
func (s *someone) leaves()                                     { s.gone.Store(true); s.watch.Wake() }

func (s *someone) returns() { s.gone.Store(false); s.watch.Wake() }

func (s *someone) Contact() (device.Contact, time.Time) {
	if s.gone.Load() {
		return device.ContactIdle, time.Time{}
	}
	return device.ContactActive, time.Time{}
}

// TestNobodyThere: whoever leaves a page with their data, and is seen to, has it taken
// off the screen long before the usual time; who comes back finds it.
func TestNobodyThere(t *testing.T) {
	r := newRig(t)
	s := new(someone)
	const soon = 50 * time.Millisecond
	r.opened = func(k *Kiosk) { k.cab.sensors = append(k.cab.sensors, s) }
	r.start()
	left := func(want bool) {
		t.Helper()
		r.until(fmt.Sprintf("left = %v", want), func() bool {
			r.k.mu.Lock()
			defer r.k.mu.Unlock()
			return r.k.visit != nil && r.k.visit.state.Left == want
		})
	}
	r.begin("tk")
	r.do("apply")
	s.leaves()
	left(true)
	if got := r.view().Idle; got.Warn != r.k.idle.Warn {
		t.Errorf("services: asks after %v, want %v as always", got.Warn, r.k.idle.Warn)
	}
	r.do("end")
	s.returns()
	r.toPIN("citizen-1")
	s.leaves()
	left(true)
	if got := r.view().Idle; got.Warn != r.k.idle.Left || got.End != r.k.idle.LeftEnd || got.Warn >= r.k.idle.Warn {
		t.Errorf("PIN with nobody there: asks after %v and ends after %v, want %v and %v", got.Warn, got.End, r.k.idle.Left, r.k.idle.LeftEnd)
	}
	s.returns()
	left(false)
	if got := r.view().Idle; got.Warn != r.k.idle.Warn || got.End != r.k.idle.End {
		t.Errorf("PIN with somebody back: asks after %v and ends after %v, want %v and %v", got.Warn, got.End, r.k.idle.Warn, r.k.idle.End)
	}
	r.k.mu.Lock()
	r.k.idle.Left, r.k.idle.LeftEnd = soon, soon
	r.k.mu.Unlock()
	s.leaves()
	r.on(screen.TakeCard)
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	if v := r.k.visit; v == nil || v.state.Card.Holder != nil || len(v.opened) != 0 {
		t.Error("something of whoever left is kept")
	}
}

// dog counts kicks.
type dog struct {
	device.Watchdog
	mu sync.Mutex
	n  int
}

func (d *dog) Kick() error { d.mu.Lock(); d.n++; d.mu.Unlock(); return nil }

func (d *dog) kicks() int { d.mu.Lock(); defer d.mu.Unlock(); return d.n }

// TestWatchdogIsKickedOnlyWhileAllGoesOn: any loop that stands still, or a lock that
// is never free, ends the kicking.
func TestWatchdogIsKickedOnlyWhileAllGoesOn(t *testing.T) {
	k := &Kiosk{cab: new(cabinet)}
	long := 10 * stalled
	for name, v := range map[string]struct {
		watch, cabinet, free time.Duration
		want                 bool
	}{
		"all go on":               {long, long - time.Second, long, true},
		"watch stands still":      {long - 2*stalled, long, long, false},
		"cabinet stands still":    {long, long - 2*stalled, long, false},
		"watch never went round":  {0, long, long, false},
		"the lock is never free":  {long, long, long - 2*stalled, false},
		"one is slow but goes on": {long - stalled, long, long, true},
	} {
		k.beat.Store(int64(v.watch))
		k.cab.beat.Store(int64(v.cabinet))
		if got := k.alive(long, v.free); got != v.want {
			t.Errorf("%s: alive is %v, want %v", name, got, v.want)
		}
	}
	r := newRig(t)
	r.start()
	d := new(dog)
	live := &Kiosk{cab: &cabinet{dogs: []device.Watchdog{d}}, started: time.Now(), clock: r.k.clock, log: r.k.log}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { _ = live.kickWatchdog(ctx) })
	r.until("the first kick", func() bool { return d.kicks() > 0 })
	cancel()
	done.Wait()
}

// jitter is a door whose switch has a loose wire.
type jitter struct {
	device.Sensor
	tripped bool
}

func (j *jitter) Tripped() bool { return j.tripped }
func (j *jitter) Clear()        { j.tripped = false }

// TestLooseWireDoesNotFillTheJournal: what trips again and again is entered at most
// once a minute, and what is not entered yet is not forgotten.
func TestLooseWireDoesNotFillTheJournal(t *testing.T) {
	r := newRig(t)
	r.start()
	j := new(jitter)
	k := &Kiosk{cab: &cabinet{seen: map[device.Sensor]*episode{}}, box: r.k.box, log: r.k.log, life: r.k.life}
	trip := func(want int) {
		t.Helper()
		j.tripped = true
		k.witness(t.Context(), j, "cabinet.door.opened", device.ContactIdle, time.Now())
		if got := len(r.entries(journal.Tamper)); got != want {
			t.Errorf("entries: got %d, want %d", got, want)
		}
	}
	trip(1)
	trip(1)
	trip(1)
	if !j.tripped {
		t.Error("what is not in the journal yet was forgotten")
	}
	k.cab.seen[j].at = time.Now().Add(-witnessEvery)
	trip(2)
	if j.tripped {
		t.Error("what is in the journal still trips")
	}
}
