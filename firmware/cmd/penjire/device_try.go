package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/registry"
	"github.com/penjire/penjire/firmware/cashbook"
)

// try is the guided test of a device of one class. It returns false if the device
// is not of that class.
type try func(context.Context, *guide, device.Device) bool

// of makes a try of the test of one interface.
func of[T device.Device](f func(context.Context, *guide, T)) try {
	return func(ctx context.Context, g *guide, d device.Device) bool {
		t, ok := d.(T)
		if ok {
			f(ctx, g, t)
		}
		return ok
	}
}

// tries are the guided tests. A watchdog has none: opening it starts it.
var tries = map[board.Class]try{
	board.CardReader:      of(tryReader),
	board.ReceiptPrinter:  of(tryReceipts),
	board.DocumentPrinter: of(tryDocuments),
	board.CodeScanner:     of(tryCodes),
	board.ImageScanner:    of(tryImages),
	board.Indicator:       of(tryLights),
	board.Sensor:          of(trySensor),
	board.Backlight:       of(tryBacklight),
	board.RealTimeClock:   of(tryClock),
	board.PowerMonitor:    of(tryPower),
	board.Thermometer:     of(tryThermometer),
	board.CashAcceptor:    of(tryCash),
	board.Modem:           of(tryModem),
}

// reachable is how long a device may take to come up, if a person waits that long.
const reachable = 20 * time.Second

func deviceTest(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire device test", flag.ContinueOnError)
	var f deviceFlags
	f.add(fs)
	wait := fs.Duration("wait", time.Minute, "how long to wait for a person to do something")
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	if fs.NArg() != 1 || *wait <= 0 {
		_, _ = fmt.Fprint(stderr, deviceHelp)
		return usage
	}
	d, i, st := f.one(ctx, fs.Arg(0), stderr)
	if st != good {
		return st
	}
	class := d.board.Devices[i].Class
	test, ok := tries[class]
	if !ok {
		_, _ = fmt.Fprintf(stderr, "penjire: a device of class %s cannot be tested by hand: a watchdog that is opened and left resets the machine\n", class)
		return blind
	}
	r, seen := d.open(i, nil)
	if r.State != registry.Loaded {
		_, _ = fmt.Fprintf(stderr, "penjire: %s is %v: %s\n", r.Want.Name, r.State, r.Why())
		return bad
	}
	// Of the kiosk's own book, if there is a kiosk: money is accounted for in one place.
	book, err := cashbook.For(r.Device, d.state, r.Want.Name)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %s takes no money without its book: %v\n", r.Want.Name, errors.Join(err, r.Device.Halt()))
		return bad
	}
	if book != nil {
		defer func() { _ = book.Close() }() // what was written is on the disk
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	g := newGuide(stdin, stdout, *wait)
	g.say("%s, %s: %v\nfound: %s", r.Want.Name, class, r.Device, r.Look().Words)
	status := g.run(ctx, r, seen, test)
	if err := r.Device.Halt(); err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: stop %s: %v\n", r.Want.Name, err)
		return bad
	}
	if status == blind && seen.inUse() {
		_, _ = fmt.Fprintf(stderr, "penjire: %s is open in another program, which is not the kiosk of these settings\nhint: fuser %s names it\n", r.Want.Name, r.Want.Port)
	}
	return status
}

// one finds the device that is to be used, if the running kiosk has not got it.
func (f *deviceFlags) one(ctx context.Context, name string, stderr io.Writer) (*devices, int, int) {
	d, err := f.load()
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return nil, 0, usage
	}
	i, err := d.find(name)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return nil, 0, usage
	}
	if _, running := d.running(ctx); running {
		_, _ = fmt.Fprint(stderr, held)
		return nil, 0, blind
	}
	return d, i, good
}

// up says whether a device with this health can be used, if only to say what it
// lacks.
func up(h device.Health) bool {
	return h == device.Online || h == device.Busy || h == device.UserError
}

func (g *guide) run(ctx context.Context, r registry.Result, seen *witness, test try) int {
	limit, cancel := context.WithTimeout(ctx, min(reachable, g.wait))
	defer cancel()
	ready := until(limit, r.Device, func() bool { return up(r.Device.Health()) || seen.inUse() })
	opened, err := seen.last()
	switch {
	case seen.inUse():
		g.step(unconfirmed, "its port is in use by another program")
		return g.end()
	case !ready && !opened && err != nil:
		g.step(failed, "its port cannot be opened: %v", err)
		return g.end()
	case !ready && opened:
		g.step(failed, "its port is there, and the device does not answer as a %s does (%s): wrong device, speed or cable, or no power", r.Want.Driver, r.Device.Health())
		return g.end()
	case !ready:
		g.step(failed, "it does not answer (%s)", r.Device.Health())
		return g.end()
	}
	g.step(passed, "it answers (%s)", r.Device.Health())
	if !test(ctx, g, r.Device) {
		g.step(failed, "driver %s drives no device of this class", r.Want.Driver)
	}
	return g.end()
}

// broke notes an operation that failed, in the words of its error.
func (g *guide) broke(what string, err error) {
	e, ok := errors.AsType[*device.Error](err)
	if ok && e.SideEffect == device.SideEffectUnknown {
		g.step(unconfirmed, "%s: %v", what, err)
		return
	}
	g.step(failed, "%s: %v", what, err)
}
