package modem

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// maxFaults is how many looks in a row may fail before the line is opened anew.
const maxFaults = 2

// breath is the least time between two looks.
const breath = 100 * time.Millisecond

// run keeps the modem open until Halt.
func (d *Dev) run() {
	d.own.Keep(d.line, d.o.Reopen, d.session, d.gone)
	d.setHealth(device.Offline)
}

// gone notes that the modem cannot be used, and why.
func (d *Dev) gone(err error) {
	d.now, d.lost = nil, err
	switch {
	case errors.Is(err, device.ErrUnplugged):
		d.setHealth(device.NoDevice)
	case errors.Is(err, errReboot):
		d.setHealth(device.Starting)
	default:
		d.setHealth(device.HardwareError)
	}
}

// session is the time from opening the port to losing it.
func (d *Dev) session() (err error) {
	l, err := d.line.Open(d.own.Ctx)
	if err != nil {
		return err
	}
	p := newPort(l)
	go p.read()
	defer func() {
		err = errors.Join(err, l.Close())
		<-p.dead
	}()
	if err := d.setUp(p); err != nil {
		return err
	}
	d.now = p
	faults := 0
	for {
		news := p.news.Next()
		err := d.look(p)
		switch {
		case err == nil:
			faults = 0
		case errors.Is(err, device.ErrUnplugged), errors.Is(err, errReboot), d.own.Ctx.Err() != nil:
			return err
		default:
			if faults++; faults == maxFaults {
				return err
			}
		}
		d.own.Calls.ServeWhile(func() {
			t := time.NewTimer(d.o.Poll)
			defer t.Stop()
			select {
			case <-t.C:
				return
			case <-news:
			case <-d.own.Ctx.Done():
				return
			}
			// A modem may say so with each answer: it is not asked without end.
			t.Reset(breath)
			select {
			case <-t.C:
			case <-p.dead:
			case <-d.own.Ctx.Done():
			}
		})
	}
}

// setUp brings a modem in any state to the one that is expected here.
func (d *Dev) setUp(p *port) error {
	if err := p.wake(d.own.Ctx); err != nil {
		return err
	}
	// No echo, errors as numbers, messages as PDUs.
	for _, c := range []string{"E0", "+CMEE=1", "+CMGF=0"} {
		if _, err := p.command(d.own.Ctx, shortTime, c, ""); err != nil {
			return err
		}
	}
	if err := d.askSIM(p); err != nil {
		return err
	}
	if d.sim != "" {
		return nil
	}
	// Messages stay in the modem, which says that one came. Some do not know this.
	var r refusal
	if _, err := p.command(d.own.Ctx, simTime, "+CNMI=2,1,0,0,0", ""); err != nil && !errors.As(err, &r) {
		return err
	}
	return nil
}

// askSIM finds out whether there is a SIM that can be used, and gives it its PIN,
// once in the life of the program: after the third wrong one it is locked.
func (d *Dev) askSIM(p *port) error {
	state, err := simState(d.own.Ctx, p)
	if err != nil {
		return err
	}
	if state == device.NeedsPIN && d.o.PIN != "" && !d.triedPIN {
		d.triedPIN = true
		var r refusal
		if _, err := p.command(d.own.Ctx, simTime, `+CPIN="`+d.o.PIN+`"`, ""); err != nil && !errors.As(err, &r) {
			return err
		}
		if state, err = simState(d.own.Ctx, p); err != nil {
			return err
		}
	}
	d.sim = state
	return nil
}

// simBusy is "SIM busy" (27.007, 9.2): it has been put in, or the modem has begun anew.
const simBusy = "+CME ERROR: 14"

func simState(ctx context.Context, p *port) (device.Registration, error) {
	a, err := p.command(ctx, simTime, "+CPIN?", "+CPIN:")
	var r refusal
	switch {
	case errors.As(err, &r) && r.code == simBusy:
		return device.RegUnknown, nil
	case errors.As(err, &r):
		return device.NoSIM, nil
	case err != nil:
		return "", err
	case len(a) == 1 && strings.Contains(a[0], "READY"):
		return "", nil
	case len(a) == 1:
		return device.NeedsPIN, nil
	}
	return device.RegUnknown, nil
}

// look asks whether the modem is there, and for messages.
func (d *Dev) look(p *port) error {
	if p.over != nil {
		return p.over
	}
	before := d.sim
	if err := d.askSIM(p); err != nil {
		return err
	}
	if before != "" && d.sim == "" {
		if err := d.setUp(p); err != nil { // a SIM came
			return err
		}
	}
	switch d.sim {
	case "":
	case device.RegUnknown:
		d.setHealth(device.Starting)
		return nil
	default:
		d.setHealth(device.UserError)
		return nil
	}
	if err := d.list(d.own.Ctx, p); err != nil {
		return err
	}
	d.setHealth(device.Online)
	return nil
}

// Signal implements device.Modem.
func (d *Dev) Signal(ctx context.Context) (device.Signal, error) {
	var s device.Signal
	err := d.call(ctx, "ask for the signal", func(ctx context.Context) error {
		var err error
		s, err = d.signal(ctx, d.now)
		return err
	})
	if err != nil {
		return device.Signal{Registration: device.RegUnknown}, err
	}
	return s, nil
}

func (d *Dev) signal(ctx context.Context, p *port) (device.Signal, error) {
	s := device.Signal{Registration: d.sim}
	if s.Registration != "" {
		return s, nil
	}
	s.Registration = device.RegUnknown
	var r refusal
	// A modem on LTE may be registered there alone.
	for _, c := range []string{"+CREG", "+CEREG"} {
		a, err := p.command(ctx, simTime, c+"?", c+":")
		if err != nil && !errors.As(err, &r) {
			return s, err
		}
		if g := registration(a); g == device.Home || g == device.Roaming || s.Registration == device.RegUnknown {
			s.Registration = g
		}
		if s.Registration == device.Home || s.Registration == device.Roaming {
			break
		}
	}
	a, err := p.command(ctx, simTime, "+CSQ", "+CSQ:")
	if err != nil && !errors.As(err, &r) {
		return s, err
	}
	s.DBm = dBm(a)
	a, err = p.command(ctx, simTime, "+COPS?", "+COPS:")
	if err != nil && !errors.As(err, &r) {
		return s, err
	}
	if len(a) == 1 {
		if f := fields(a[0]); len(f) > 2 {
			s.Operator = f[2]
		}
	}
	return s, nil
}

// registration reads "+CREG: n,stat,…". The same name with fewer fields comes
// unasked, and is not an answer.
func registration(lines []string) device.Registration {
	for _, l := range lines {
		f := fields(l)
		if len(f) < 2 || strings.Trim(f[1], "0123456789") != "" {
			continue
		}
		switch f[1] {
		case "0":
			return device.NotRegistered
		case "1", "6":
			return device.Home
		case "2":
			return device.Searching
		case "3":
			return device.Denied
		case "5", "7":
			return device.Roaming
		}
	}
	return device.RegUnknown
}

// dBm reads "+CSQ: rssi,ber": 0 to 31 are -113 to -51 dBm, all else is unknown.
func dBm(lines []string) int {
	for _, l := range lines {
		if f := fields(l); len(f) == 2 {
			if n, err := strconv.Atoi(f[0]); err == nil && n >= 0 && n <= 31 {
				return -113 + 2*n
			}
		}
	}
	return 0
}

func isPIN(s string) bool {
	return len(s) >= 4 && len(s) <= 8 && strings.Trim(s, "0123456789") == ""
}
