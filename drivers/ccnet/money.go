package ccnet

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

// tell adds an event.
func (s *session) tell(k device.CashKind, b *bill, a []byte) {
	e := device.CashEvent{Kind: k, Reason: reason(a)}
	if b != nil {
		e.Denom, e.Tx, e.Bill = b.denom, b.tx, b.number
	} else if s.pay != nil {
		e.Tx = s.pay.tx
	}
	till.Tell(&s.Desk, e)
}

// settle writes what became of b, if the journal has it, and then tells it.
func (s *session) settle(ctx context.Context, b *bill, k device.CashKind, a []byte) error {
	if b.number != 0 {
		j, ok := till.Journal(&s.Desk)
		if !ok {
			return device.ErrNoJournal
		}
		if err := j.Settled(ctx, b.number, k); err != nil {
			return fmt.Errorf("ccnet: write what became of bill %d: %w", b.number, err)
		}
	}
	s.tell(k, b, a)
	return nil
}

// unasked is money that went in, or may have, though nobody had ordered it.
func (s *session) unasked(ctx context.Context, d device.Denom, tx string, a []byte) error {
	j, ok := till.Journal(&s.Desk)
	if !ok {
		return device.ErrNoJournal
	}
	n, err := j.Stacking(ctx, tx, d)
	if err != nil {
		return fmt.Errorf("ccnet: write a bill that nobody ordered to be stacked: %w", err)
	}
	return s.settle(ctx, &bill{denom: d, tx: tx, number: n}, device.CashAmbiguous, a)
}

// worth returns what a bill of that type is; one that is not in the table is worth
// nothing that anyone knows.
func (s *session) worth(kind byte) device.Denom {
	if int(kind) < len(s.table) {
		return s.table[kind]
	}
	return device.Denom{}
}

// wanted says whether bills of that type are let in now.
func (s *session) wanted(kind byte) bool {
	return s.pay != nil && kind < billTypes && s.pay.mask[2-kind/8]>>(kind%8)&1 != 0
}

// enable lets in what the payment wants, all of it into escrow.
func (s *session) enable(ctx context.Context) error {
	return s.bus.insist(ctx, cmdEnable, append(s.pay.mask[:], 0xFF, 0xFF, 0xFF)...)
}

func (s *session) start(ctx context.Context, tx string, denoms []device.Denom) error {
	if s.pay != nil {
		return call.Failed(device.SideEffectNo, fmt.Errorf("payment %s has not ended: %w", s.pay.tx, device.ErrBusy))
	}
	if _, ok := till.Journal(&s.Desk); !ok {
		return call.Failed(device.SideEffectNo, device.ErrNoJournal)
	}
	if err := s.settleDown(ctx, false); err != nil {
		return call.Failed(device.SideEffectNo, err)
	}
	p := &payment{tx: tx}
	for i, d := range s.table {
		if d.Value != 0 && slices.Contains(denoms, d) {
			p.mask[2-i/8] |= 1 << (i % 8)
		}
	}
	switch {
	case s.booked != nil:
		return call.Failed(device.SideEffectNo, s.booked)
	case s.last != stDisabled || s.table == nil:
		return call.Failed(device.SideEffectNo, fmt.Errorf("validator is in state %02X: %w", s.last, device.ErrBusy))
	case p.mask == [3]byte{}:
		return call.Failed(device.SideEffectNo, fmt.Errorf("validator knows none of these bills: %w", device.ErrUnsupported))
	}
	s.pay = p
	if err := s.enable(ctx); err != nil {
		s.pay = nil // the next poll disables it
		return err
	}
	return nil
}

func (s *session) stack(ctx context.Context) error {
	b := s.escrow
	if b == nil || s.pay == nil {
		return call.Failed(device.SideEffectNo, device.ErrNoMedia)
	}
	j, ok := till.Journal(&s.Desk)
	if !ok {
		return call.Failed(device.SideEffectNo, device.ErrNoJournal)
	}
	n, err := j.Stacking(ctx, b.tx, b.denom)
	if err != nil {
		return call.Failed(device.SideEffectNo, fmt.Errorf("ccnet: write that a bill is to be stacked: %w", err))
	}
	s.escrow, s.stacking = nil, &bill{denom: b.denom, tx: b.tx, number: n}
	// Whatever comes of this, only the next states tell what became of the bill.
	return s.bus.order(ctx, cmdStack)
}

func (s *session) giveBack(ctx context.Context) error {
	if s.escrow == nil {
		return call.Failed(device.SideEffectNo, device.ErrNoMedia)
	}
	return s.bus.insist(ctx, cmdReturn)
}

// end disables the validator, and asks on until nothing is on its way.
func (s *session) end(ctx context.Context) error {
	if s.pay == nil {
		return nil
	}
	tx := s.pay.tx
	s.pay = nil // from here on each state has its consequences
	err := s.bus.insist(ctx, cmdEnable, make([]byte, 6)...)
	if err == nil || !errors.Is(err, device.ErrUnplugged) {
		err = s.settleDown(ctx, true)
	}
	if err != nil {
		return fmt.Errorf("end payment %s: %w", tx, err)
	}
	return nil
}

// settleDown asks on, without a payment, until nothing is on its way. once: it asks
// at least once, as what was heard last counts no more.
func (s *session) settleDown(ctx context.Context, once bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.o.Settle, device.ErrTimeout)
	defer cancel()
	faults := 0
	for {
		if !once && s.booked == nil && s.stacking == nil && s.escrow == nil && !moving(s.last) {
			return nil
		}
		pause(ctx, min(s.o.Poll, 100*time.Millisecond))
		switch {
		case s.own.Ctx.Err() != nil:
			return device.ErrHalted
		case ctx.Err() != nil:
			return fmt.Errorf("a bill is still on its way, in state %02X: %w", s.last, context.Cause(ctx))
		}
		err := s.poll(ctx)
		if err == nil {
			faults, once = 0, false
		} else if faults++; faults == maxFaults || errors.Is(err, device.ErrUnplugged) {
			return err
		}
	}
}
