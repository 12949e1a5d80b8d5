package ccnet

import (
	"context"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/till"
)

// patience is how many answers in a row must contradict what was ordered before the
// order is taken to have come to nothing: one may have been on its way already.
const patience = 2

// then is what is to be sent after a state was acknowledged.
type then = func(ctx context.Context) error

// hear draws the consequences of a state. An error is the journal's: nothing has
// changed, and the state is to be heard again.
func (s *session) hear(ctx context.Context, a []byte) (then, error) {
	if err := s.resume(ctx); err != nil {
		return nil, err
	}
	first := a[0] != s.last
	switch a[0] {
	case stPowerUp, stBillInHead, stBillTooFar:
		return s.powerUp(a[0]), nil
	case stIdling, stDisabled:
		return s.rest(ctx, a[0])
	case stRejecting:
		if first {
			s.tell(device.CashRefused, nil, a)
		}
	case stFull, stRemoved, stCheated:
		if first {
			s.tell(map[byte]device.CashKind{
				stFull: device.CashFull, stRemoved: device.CashRemoved, stCheated: device.CashCheated,
			}[a[0]], nil, a)
		}
	case stEscrow:
		return s.escrowed(ctx, a)
	case stHolding:
		return s.hold, nil
	case stStacked:
		return nil, s.stacked(ctx, a)
	case stReturned:
		return nil, s.returned(ctx, a)
	}
	return nil, nil
}

// resume asks the journal, once, what an earlier run left open. The validator can
// speak of one bill only: of more, nobody will ever know.
func (s *session) resume(ctx context.Context) error {
	j, ok := till.Journal(&s.Desk)
	if s.resumed || !ok {
		return nil
	}
	open, err := j.Open(ctx)
	if err != nil {
		return err
	}
	for len(open) > 1 {
		b := &bill{denom: open[0].Denom, tx: open[0].Tx, number: open[0].Bill}
		if err := s.settle(ctx, b, device.CashAmbiguous, nil); err != nil {
			return err
		}
		open = open[1:]
	}
	if len(open) == 1 {
		s.stacking = &bill{denom: open[0].Denom, tx: open[0].Tx, number: open[0].Bill}
	}
	s.resumed = true
	return nil
}

// powerUp: a validator that had no power has forgotten what was enabled. RESET
// gives back the bill in its head, and stacks the one that was too far.
func (s *session) powerUp(state byte) then {
	if _, ok := till.Journal(&s.Desk); !ok {
		return nil
	}
	for _, b := range []*bill{s.stacking, s.escrow} {
		if b != nil {
			b.inHead, b.polls = state == stBillInHead, 0
		}
	}
	// The next answers may still be the state before RESET: nothing is concluded
	// from them but that it be said again, in a while.
	if s.same%10 != 0 {
		return nil
	}
	return func(ctx context.Context) error { return s.bus.order(ctx, cmdReset) }
}

// rest: nothing is on its way. A bill that was is gone without a word.
func (s *session) rest(ctx context.Context, state byte) (then, error) {
	for _, at := range []**bill{&s.stacking, &s.escrow} {
		b := *at
		if b == nil {
			continue
		}
		if b.polls++; b.polls < patience {
			return nil, nil
		}
		kind := device.CashAmbiguous
		if b.inHead {
			kind = device.CashReturned
		}
		if err := s.leftEscrow(ctx, b, kind, []byte{state}); err != nil {
			return nil, err
		}
		*at = nil
	}
	return func(ctx context.Context) error {
		if err := s.learn(ctx); err != nil {
			return err
		}
		switch {
		case s.pay == nil && state == stIdling:
			return s.bus.insist(ctx, cmdEnable, make([]byte, 6)...)
		case s.pay != nil && state == stDisabled:
			return s.enable(ctx)
		}
		return nil
	}, nil
}

// leftEscrow settles a bill that left escrow. One that nobody had ordered to be
// stacked comes into the journal only now, if it may be inside.
func (s *session) leftEscrow(ctx context.Context, b *bill, kind device.CashKind, a []byte) error {
	if b.number == 0 && kind != device.CashReturned {
		return s.unasked(ctx, b.denom, b.tx, a)
	}
	return s.settle(ctx, b, kind, a)
}

// escrowed is a bill in escrow.
func (s *session) escrowed(ctx context.Context, a []byte) (then, error) {
	if b := s.stacking; b != nil {
		if b.polls++; b.polls <= patience {
			return nil, nil
		}
		// STACK did not reach it, or it will not obey. The decision came to
		// nothing, and is to be made again.
		if j, ok := till.Journal(&s.Desk); ok {
			if err := j.Settled(ctx, b.number, device.CashReturned); err != nil {
				return nil, err
			}
		}
		s.stacking = nil
	}
	if s.escrow == nil {
		b := &bill{denom: s.worth(a[1])}
		if s.pay != nil {
			b.tx = s.pay.tx
		}
		s.escrow, s.held = b, time.Now()
		if s.wanted(a[1]) {
			s.tell(device.CashEscrow, b, a)
		}
	}
	if !s.wanted(a[1]) {
		return func(ctx context.Context) error { return s.bus.order(ctx, cmdReturn) }, nil
	}
	return s.hold, nil
}

// hold keeps the validator from giving the bill back by itself.
func (s *session) hold(ctx context.Context) error {
	if s.escrow == nil || time.Since(s.held) < holdEvery {
		return nil
	}
	s.held = time.Now()
	return s.bus.order(ctx, cmdHold)
}

// stacked is the only word that is money, and only for the one bill that the
// journal says was ordered to be stacked. It is repeated until acknowledged.
func (s *session) stacked(ctx context.Context, a []byte) error {
	if b := s.stacking; b != nil {
		kind := device.CashStacked
		if b.denom != s.worth(a[1]) {
			kind = device.CashAmbiguous
		}
		if err := s.settle(ctx, b, kind, a); err != nil {
			return err
		}
		s.stacking = nil
		return nil
	}
	b := s.escrow
	if b == nil && (s.last == 0 || s.last == stStacked) {
		return nil // once more
	}
	if b == nil {
		b = &bill{}
		if s.pay != nil {
			b.tx = s.pay.tx
		}
	}
	b.denom = s.worth(a[1])
	if err := s.unasked(ctx, b.denom, b.tx, a); err != nil {
		return err
	}
	s.escrow = nil
	return nil
}

// returned is a bill that its owner has back.
func (s *session) returned(ctx context.Context, a []byte) error {
	for _, at := range []**bill{&s.stacking, &s.escrow} {
		if b := *at; b != nil {
			if err := s.settle(ctx, b, device.CashReturned, a); err != nil {
				return err
			}
			*at = nil
			return nil
		}
	}
	if s.last != stReturned && s.last != 0 {
		s.tell(device.CashReturned, &bill{denom: s.worth(a[1])}, a)
	}
	return nil
}
