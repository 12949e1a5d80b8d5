package cctalk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penjire/penjire/drivers/call"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/till"
)

// kept is how many events an acceptor remembers.
const kept = 5

// Error events that are somebody's tricks (part 3, table 2).
const (
	backwards = 17 // a coin going backwards
	onString  = 20 // a coin on a string
)

// event is one of the pairs in the answer to "read buffered credit".
type event struct{ a, b byte }

// since returns how many events lie between two counts. The counter goes from 255 to
// 1; 0 is an acceptor that has just begun.
func since(before, now uint8) int {
	switch {
	case now >= before:
		return int(now) - int(before)
	case now == 0:
		return 0
	}
	return int(now) + 255 - int(before)
}

// next is the count after one more event.
func next(c uint8) uint8 {
	if c == 255 {
		return 1
	}
	return c + 1
}

// poll reads what was counted, and writes it down event by event.
func (s *session) poll(ctx context.Context) error {
	a, err := s.bus.ask(ctx, 1+2*kept, hdrCredit)
	if err != nil {
		return err
	}
	s.booked = s.hear(ctx, a)
	if s.shut && s.pay != nil {
		if err := s.letIn(ctx); err != nil {
			return err
		}
	}
	s.shut = false
	s.judge()
	return nil
}

// hear draws the consequences of an answer. An error is the journal's: what could not
// be written is heard again.
func (s *session) hear(ctx context.Context, a []byte) error {
	j, ok := till.Journal(&s.Desk)
	if !ok {
		return nil
	}
	now := a[0]
	if !s.known {
		c, ok, err := j.Count(ctx)
		if err != nil {
			return err
		}
		if !ok { // the first time ever: what was before is nobody's
			if err := j.Counted(ctx, now); err != nil {
				return err
			}
			c = now
		}
		s.count, s.known = c, true
	}
	n := since(s.count, now)
	if now < s.count {
		// It has begun anew, or this is an old answer: it has to say so twice.
		if s.odd, s.oddAt = s.odd+1, now; (now == 0 || n > 255-kept) && s.odd < 2 {
			return nil
		}
	}
	s.odd = 0
	if now == 0 && s.count != 0 || s.anew {
		return s.begunAnew(ctx, j)
	}
	if n > kept {
		s.tell(device.CashLost, device.CashEvent{Reason: fmt.Sprintf("%d events of %d are forgotten", n-kept, n)})
		s.count = now
		for range kept { // the count before those that are remembered
			s.count = before(s.count)
		}
		n = kept
	}
	for ; n > 0; n-- {
		if err := s.one(ctx, j, event{a[2*n-1], a[2*n]}); err != nil {
			return err
		}
		s.count = next(s.count)
	}
	return nil
}

// before is the count before c.
func before(c uint8) uint8 {
	if c <= 1 {
		return 255
	}
	return c - 1
}

// begunAnew: its memory went with its power. During a payment a coin may have gone
// with it, and it is inhibited now.
func (s *session) begunAnew(ctx context.Context, j device.CoinJournal) error {
	if err := j.Counted(ctx, 0); err != nil {
		return err
	}
	s.count, s.anew, s.shut = 0, false, true
	if s.pay != nil {
		s.tell(device.CashLost, device.CashEvent{Reason: "acceptor has begun anew during a payment"})
	}
	return nil
}

// one deals with one event: the count after it goes into the journal with it.
func (s *session) one(ctx context.Context, j device.CoinJournal, e event) error {
	after := next(s.count)
	if e.a == 0 || e.a > coinTypes {
		if err := j.Counted(ctx, after); err != nil {
			return err
		}
		switch {
		case e.b == onString, e.b == backwards:
			s.tell(device.CashCheated, device.CashEvent{Reason: reason(e)})
		case e.b != 0:
			s.tell(device.CashRefused, device.CashEvent{Reason: reason(e)})
		}
		return nil
	}
	d, kind, tx := s.coins[e.a-1], device.CashStacked, ""
	if s.pay != nil {
		tx = s.pay.tx
	}
	if s.pay == nil || d.Value == 0 {
		kind = device.CashAmbiguous // whose it is, or what, nobody knows
	}
	n, err := j.Coin(ctx, tx, d, kind, after)
	if err != nil {
		return fmt.Errorf("cctalk: write a coin: %w", err)
	}
	s.tell(kind, device.CashEvent{Denom: d, Tx: tx, Bill: n, Reason: reason(e)})
	return nil
}

func reason(e event) string { return fmt.Sprintf("event %d %d", e.a, e.b) }

// tell adds an event.
func (s *session) tell(k device.CashKind, e device.CashEvent) {
	e.Kind = k
	if s.pay != nil && e.Bill == 0 {
		e.Tx = s.pay.tx
	}
	till.Tell(&s.Desk, e)
}

func (s *session) start(ctx context.Context, tx string, denoms []device.Denom) error {
	p := &payment{tx: tx}
	for i, c := range s.coins {
		if c.Value != 0 && slices.Contains(denoms, c) {
			p.mask |= 1 << i
		}
	}
	_, booked := till.Journal(&s.Desk)
	var err error
	switch {
	case s.pay != nil:
		err = fmt.Errorf("payment %s has not ended: %w", s.pay.tx, device.ErrBusy)
	case !booked:
		err = device.ErrNoJournal
	case p.mask == 0:
		err = fmt.Errorf("acceptor knows none of these coins: %w", device.ErrUnsupported)
	case s.fault != 0:
		err = fmt.Errorf("acceptor's self-check gives %d: %w", s.fault, device.ErrBusy)
	default:
		// What fell before is not this payment's.
		if err = s.poll(ctx); err == nil {
			err = s.booked
		}
	}
	if err != nil {
		return call.Failed(device.SideEffectNo, err)
	}
	s.pay = p
	if err := s.letIn(ctx); err != nil {
		s.pay = nil
		_, ierr := s.bus.ask(ctx, 0, hdrMaster, 0)
		return errors.Join(err, ierr)
	}
	return nil
}

// end inhibits the acceptor, and counts what is still falling.
func (s *session) end(ctx context.Context) error {
	if s.pay == nil {
		return nil
	}
	defer func() { s.pay = nil }()
	if _, err := s.bus.ask(ctx, 0, hdrMaster, 0); err != nil {
		return fmt.Errorf("end payment %s: %w", s.pay.tx, err)
	}
	for until := time.Now().Add(s.o.Settle); ; {
		if err := s.poll(ctx); err != nil {
			return fmt.Errorf("end payment %s: %w", s.pay.tx, err)
		}
		if s.booked == nil && !time.Now().Before(until) {
			return nil
		}
		pause(ctx, s.o.Poll)
		switch {
		case s.own.Ctx.Err() != nil:
			return device.ErrHalted
		case ctx.Err() != nil:
			return ctx.Err()
		case s.booked != nil && time.Now().After(until.Add(10*s.o.Settle)):
			return s.booked
		}
	}
}
