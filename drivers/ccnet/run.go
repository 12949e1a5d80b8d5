package ccnet

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/till"
)

// maxFaults is how many questions in a row may stay without answer before the line
// is opened anew; holdEvery keeps a bill in escrow, which the validator would give
// back by itself after 10 s (section 5.3, HOLD).
const (
	maxFaults = 3
	holdEvery = 5 * time.Second
)

// run keeps the validator open until Halt.
func (d *Dev) run() {
	d.own.Keep(d.port, d.o.Reopen, d.session, d.gone)
	till.SetHealth(&d.Desk, device.Offline)
}

// gone notes that the validator cannot be used, and why.
func (d *Dev) gone(err error) {
	d.now, d.lost = nil, err
	till.Lost(&d.Desk, err)
}

// session is the time from opening the port to losing it.
func (d *Dev) session() (err error) {
	line, err := d.port.Open(d.own.Ctx)
	if err != nil {
		return err
	}
	s := &session{Dev: d, bus: &bus{line: line}}
	defer func() { err = errors.Join(err, line.Close()) }()
	if err := s.poll(d.own.Ctx); err != nil {
		return err
	}
	d.now = s
	faults := 0
	for {
		d.own.Calls.ServeFor(d.own.Ctx, d.o.Poll)
		if d.own.Ctx.Err() != nil {
			s.leave()
			return d.own.Ctx.Err()
		}
		err := s.poll(d.own.Ctx)
		if err == nil {
			faults = 0
		} else if faults++; faults == maxFaults || errors.Is(err, device.ErrUnplugged) {
			return err
		}
	}
}

// session is what is known of the validator since the line was opened.
type session struct {
	*Dev
	bus *bus

	last   byte // state; 0: not heard
	same   int  // how often it was heard in a row before
	held   time.Time
	asked  bool // for the identity
	booked error
}

// poll asks for the state, draws the consequences, and acknowledges once what it
// means is written down: until then the validator repeats it.
func (s *session) poll(ctx context.Context) error {
	a, err := s.bus.ask(ctx, isStatus, cmdPoll)
	if err != nil {
		return err
	}
	if s.table == nil && a[0] >= stEscrow {
		// A bill of a type nobody can name: ask, and hear the state again.
		if err := s.learnTable(ctx); err != nil || s.table != nil {
			return err
		}
	}
	if a[0] == s.last {
		s.same++
	} else {
		s.same = 0
	}
	next, err := s.hear(ctx, a)
	s.booked = err
	if err != nil {
		s.judge(a[0])
		return nil // the journal's fault, not the line's
	}
	s.last = a[0]
	if err := s.bus.ack(); err != nil {
		return err
	}
	if next != nil {
		// Refused: it is in another state by now, and will say so.
		if err := next(ctx); err != nil && !errors.Is(err, errRefused) {
			return err
		}
	}
	s.judge(a[0])
	return nil
}

// judge sets the health.
func (s *session) judge(state byte) {
	h, ok := healthIn(state)
	if s.booked != nil {
		h, ok = device.HardwareError, true
	}
	if ok {
		till.SetHealth(&s.Desk, h)
	}
}

// learnTable fetches the bill table; where the validator refuses that in its state,
// s.table stays nil.
func (s *session) learnTable(ctx context.Context) error {
	a, err := s.bus.ask(ctx, isTable, cmdTable)
	if err != nil || len(a) == 1 {
		return err
	}
	s.table = parseTable(a, s.o.Countries, s.o.Unit)
	return s.bus.ack()
}

// learn fetches what does not change, once the validator is at rest.
func (s *session) learn(ctx context.Context) error {
	if s.table == nil {
		if err := s.learnTable(ctx); err != nil {
			return err
		}
	}
	if s.asked {
		return nil
	}
	a, err := s.bus.ask(ctx, isIdentity, cmdIdentify)
	if err != nil || len(a) == 1 {
		return err
	}
	s.asked = true
	till.SetIdentity(&s.Desk, strings.ToValidUTF8(strings.TrimRight(string(a[:15]), " \x00")+" "+strings.TrimRight(string(a[15:27]), " \x00"), "?"))
	return s.bus.ack()
}

// leave disables the validator before the line is closed, and gives back what
// nobody has decided about. It is short, as somebody waits in Halt.
func (s *session) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*answerTimeout)
	defer cancel()
	// Best effort: the next session begins with the same.
	if s.bus.order(ctx, cmdEnable, make([]byte, 6)...) == nil && s.escrow != nil {
		_ = s.bus.order(ctx, cmdReturn)
	}
}
