package kiosk

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/ui/screen"
)

// cabinet is what a kiosk has around its screen, reader and printer. A board may
// have any number of each, none included.
type cabinet struct {
	sensors []device.Sensor
	power   []device.PowerMonitor
	heat    []device.Thermometer
	lights  []device.Indicator
	screens []device.Backlight
	clocks  []device.RealTimeClock
	dogs    []device.Watchdog

	latch  *latch
	seen   map[device.Sensor]*episode // of the cabinet's loop alone
	bright int                        // that the screens were last told, in percent; of the same loop
	idle   time.Time                  // since when there is no visit and nobody; of the same loop
	left   bool                       // nobody was there at the last look; of the same loop

	failing, empty atomic.Bool  // the supply's signal; the battery's charge
	scarce         atomic.Bool  // the battery's charge is to be spared
	flushed        atomic.Int64 // how long the last flush of a failing supply took
	judging        sync.Mutex   // of the two together
	beat           atomic.Int64 // when its loop last went round, for the watchdog
}

// devicesOf returns the loaded devices of a class of the board.
func devicesOf[T device.Device](k *Kiosk, c board.Class) (out []T) {
	for i, r := range k.loaded {
		if d, ok := r.Device.(T); ok && k.board.Devices[i].Class == c {
			out = append(out, d)
		}
	}
	return out
}

// openCabinet takes what belongs to the cabinet of the devices loaded.
func (k *Kiosk) openCabinet() (err error) {
	k.cab = &cabinet{
		sensors: devicesOf[device.Sensor](k, board.Sensor), power: devicesOf[device.PowerMonitor](k, board.PowerMonitor),
		heat: devicesOf[device.Thermometer](k, board.Thermometer), lights: devicesOf[device.Indicator](k, board.Indicator),
		screens: devicesOf[device.Backlight](k, board.Backlight), clocks: devicesOf[device.RealTimeClock](k, board.RealTimeClock),
		dogs: devicesOf[device.Watchdog](k, board.Watchdog), seen: map[device.Sensor]*episode{},
	}
	k.cab.latch, err = openLatch(k.s.State)
	return err
}

// startUp is how long a sensor may take to answer after the start.
const startUp = 5 * time.Second

// watchCabinet looks at the sensors, whenever one says that it changed, until ctx
// ends. Nothing in it waits for a device.
func (k *Kiosk) watchCabinet(ctx context.Context) error {
	var all []device.Watcher
	for _, s := range k.cab.sensors {
		all = append(all, s)
	}
	changes := anyOf(ctx, all)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		k.lookSensors(ctx)
		k.lookPresence()
		k.cab.beat.Store(int64(time.Since(k.started)))
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-changes:
		}
	}
}

// anyOf yields when any of them has changed, until ctx ends.
func anyOf(ctx context.Context, all []device.Watcher) <-chan struct{} {
	out := make(chan struct{}, 1)
	for _, w := range all {
		changes := w.Changes(ctx)
		go func() {
			for range changes {
				select {
				case out <- struct{}{}:
				default:
				}
			}
		}()
	}
	return out
}

// lookSensors looks at every sensor once.
func (k *Kiosk) lookSensors(ctx context.Context) {
	var open, broken, failing, gone bool
	for _, s := range k.cab.sensors {
		c, since := s.Contact()
		active := c == device.ContactActive
		switch s.Kind() {
		case device.SensorDoor:
			open = open || active
			k.witness(ctx, s, "cabinet.door.opened", c, since)
		case device.SensorTamper:
			broken = broken || active
			if (s.Tripped() || k.cab.latch.set()) && !k.cab.latch.durable() {
				if err := k.cab.latch.trip(k.clock.Now()); err != nil {
					k.log.Error("the tamper alarm could not be kept", "err", err)
				}
			}
			k.witness(ctx, s, "cabinet.tamper.loop", c, since)
		case device.SensorSupply:
			failing = failing || active
		}
		h := s.Health()
		gone = gone || h != device.Online && time.Since(k.started) > startUp
	}
	k.cab.failing.Store(failing)
	k.judgeSupply()
	k.set(health.CabinetOpen, open)
	k.set(health.Tampered, broken || k.cab.latch.set())
	k.set(health.NoSensor, gone)
}

// judgeSupply says whether the power is about to go: then nothing new is begun.
func (k *Kiosk) judgeSupply() {
	k.cab.judging.Lock()
	defer k.cab.judging.Unlock()
	failing := k.cab.failing.Load() || k.cab.empty.Load()
	if failing != k.health.Holds(health.SupplyFailing) {
		k.set(health.SupplyFailing, failing)
		k.wake() // tells the pages
		if failing {
			k.flush()
		}
	}
}

const (
	// nearlyEmpty is the charge of a battery, in percent, at which the kiosk stops:
	// what follows is not measured but guessed.
	nearlyEmpty = 10
	powerEvery  = 5 * time.Second
)

// watchPower asks the power monitors, until ctx ends.
func (k *Kiosk) watchPower(ctx context.Context) error {
	var all []device.Watcher
	for _, p := range k.cab.power {
		all = append(all, p)
	}
	changes := anyOf(ctx, all)
	tick := time.NewTicker(powerEvery)
	defer tick.Stop()
	for {
		var battery, empty, scarce, gone bool
		for _, m := range k.cab.power {
			p, err := m.Power(ctx)
			battery = battery || p.Source == device.PowerBattery
			empty = empty || p.Source == device.PowerBattery && p.Percent >= 0 && p.Percent <= nearlyEmpty
			scarce = scarce || p.Source == device.PowerBattery && p.Percent >= 0 && p.Percent <= scarceAt
			gone = gone || err != nil && time.Since(k.started) > startUp
		}
		if ctx.Err() != nil {
			return nil
		}
		k.cab.empty.Store(empty)
		k.cab.scarce.Store(scarce)
		k.judgeSupply()
		k.set(health.OnBattery, battery)
		k.set(health.NoMeter, gone)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-changes:
		}
	}
}

// Hot is from 75 °C on, until it is below 70: a Raspberry Pi slows down at 80.
const hot, cooled = 75, 70

// tendEvery is how often temperature and battery clock are looked at.
const tendEvery = 20 * time.Second

// tendCabinet looks now and then at what changes slowly, until ctx ends.
func (k *Kiosk) tendCabinet(ctx context.Context) error {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	for {
		k.lookHeat(ctx)
		k.lookMedium()
		k.tendLevel()
		k.tendClock()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (k *Kiosk) lookHeat(ctx context.Context) {
	is := k.health.Holds(health.Hot)
	most, known := 0.0, false
	for _, t := range k.cab.heat {
		c, err := t.Celsius(ctx)
		if err != nil {
			continue
		}
		if !known || c > most {
			most, known = c, true
		}
	}
	if known { // a thermometer that does not answer says nothing new
		k.set(health.Hot, most >= hot || is && most >= cooled)
	}
}

// shine sets the lights as the visit needs them. Lights are set without waiting.
// k.mu is held.
func (k *Kiosk) shine() {
	lit := map[device.Light]device.Flash{
		device.LightCardReader: device.LightOff, device.LightReceiptPrinter: device.LightOff, device.LightScanner: device.LightOff,
		device.LightInService: device.LightContinuous, device.LightStatusBad: device.LightOff,
	}
	if v := k.visit; v != nil {
		if v.state.Scans() && k.scannerThere() {
			lit[device.LightScanner] = device.LightMedium
		}
		switch page := v.state.Page; {
		case page == screen.Card && v.state.Card.In == 0:
			lit[device.LightCardReader] = device.LightMedium
		case page == screen.TakeCard && v.state.Card.In != 0:
			lit[device.LightCardReader] = device.LightQuick
		}
		if d := v.state.Done; d != nil && d.Receipt == screen.PaperPrinted && !v.state.Ended() {
			lit[device.LightReceiptPrinter] = device.LightSlow
		}
	}
	if k.blocked() != "" {
		lit[device.LightInService], lit[device.LightStatusBad] = device.LightOff, device.LightContinuous
	}
	for _, i := range k.cab.lights {
		for _, l := range i.Lights() {
			if f, ok := lit[l]; ok {
				_ = i.Set(l, f) // it has the light; after Halt there is nothing to light
			}
		}
	}
}
