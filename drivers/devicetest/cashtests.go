package devicetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

func takesNothing(t *testing.T, r CashRig) {
	try := func(when string) {
		t.Helper()
		for _, d := range r.Denoms {
			if r.Hands.Insert(d) {
				t.Errorf("%s: %v is drawn in", when, d)
			}
		}
	}
	try("before Start")
	r.start(t, "tx-1")
	r.end(t)
	try("after End")
	r.start(t, "tx-2")
	r.put(t, r.Denoms[0])
	r.until(t, device.CashStacked, 1)
	r.end(t)
	try("after the second End")
	r.truth(t, true)
}

func creditsOnce(t *testing.T, r CashRig) {
	r.start(t, "tx-1")
	for i, d := range r.Denoms {
		r.put(t, d)
		if e := r.until(t, device.CashStacked, i+1); e.Denom != d || e.Tx != "tx-1" || e.Bill == 0 {
			t.Errorf("stacked event = %+v, want %v for tx-1", e, d)
		}
	}
	r.end(t)
	if n := len(r.Hands.Inside()); n != len(r.Denoms) {
		t.Errorf("inside: %d, want %d", n, len(r.Denoms))
	}
	if n := len(r.heard.of(device.CashStacked)); n != len(r.Denoms) {
		t.Errorf("credits: %d, want %d", n, len(r.Denoms))
	}
	r.truth(t, true)
}

func refusesOthers(t *testing.T, r CashRig) {
	if err := r.Dev.Start(t.Context(), "tx-1", r.Denoms[:1]); err != nil {
		t.Fatalf("Start = %v, want nil", err)
	}
	r.insert(t, r.Denoms[1])
	if e := r.until(t, device.CashRefused, 1); e.Reason == "" {
		t.Errorf("refused event = %+v, want a reason", e)
	}
	r.put(t, r.Denoms[0])
	r.until(t, device.CashStacked, 1)
	r.end(t)
	if in, back := r.Hands.Inside(), r.Hands.Back(); len(in) != 1 || len(back) != 1 || back[0] != r.Denoms[1] {
		t.Errorf("inside %v, given back %v, want one each", in, back)
	}
	r.truth(t, true)
}

// saysTrouble: what keeps the acceptor from working is told once, and shown.
func saysTrouble(t *testing.T, r CashRig) {
	r.start(t, "tx-1")
	for _, k := range []device.CashKind{device.CashFull, device.CashRemoved, device.CashCheated} {
		if r.Coins && k != device.CashCheated {
			continue
		}
		r.Hands.Trouble(k)
		r.until(t, k, 1)
		if k != device.CashCheated {
			within(t, r.Dev, r.limit, string("userError: "+k), func() bool { return r.Dev.Health() == device.UserError })
		}
		r.Hands.Trouble(device.CashStacked)
		r.online(t)
		if n := len(r.heard.of(k)); n != 1 {
			t.Errorf("events %s: %d, want 1", k, n)
		}
	}
	r.put(t, r.Denoms[0])
	r.until(t, device.CashStacked, 1)
	r.end(t)
	r.truth(t, true)
}

func repeatsItself(t *testing.T, r CashRig) {
	r.start(t, "tx-1")
	for n := 1; n <= 3; n++ {
		r.Hands.Next(CashRepeats)
		r.put(t, r.Denoms[0])
		r.until(t, device.CashStacked, n)
	}
	r.end(t)
	if n := len(r.heard.of(device.CashStacked)); n != 3 {
		t.Errorf("credits: %d, want 3", n)
	}
	r.truth(t, true)
}

func answersDamaged(t *testing.T, r CashRig) {
	r.start(t, "tx-1")
	r.Hands.Next(CashGarbled)
	r.insert(t, r.Denoms[0])
	r.Hands.Next(CashGarbled)
	if !r.Coins {
		r.until(t, device.CashEscrow, 1)
		r.Hands.Next(CashGarbled)
		if err := r.Dev.Stack(t.Context()); err != nil {
			t.Errorf("Stack = %v, want nil", err)
		}
		r.Hands.At(CashInside, func() { r.Hands.Next(CashGarbled) })
	}
	if k := r.settled(t, 1); k != device.CashStacked {
		t.Errorf("bill is %s, want stacked", k)
	}
	r.end(t)
	r.truth(t, true)
}

func fallsDumb(t *testing.T, r CashRig) {
	r.start(t, "tx-1")
	r.Hands.Next(CashDumb)
	within(t, r.Dev, r.limit, "not online", func() bool { return r.Dev.Health() != device.Online })
	begin := time.Now()
	err := r.Dev.End(t.Context())
	if d := time.Since(begin); d > r.limit {
		t.Errorf("End took %v, want at most %v", d, r.limit)
	}
	wantError(t, "End", err, device.ErrTimeout, device.SideEffectUnknown)
	r.Hands.Unplug()
	r.Hands.Replug()
	r.online(t)
	if r.Hands.Insert(r.Denoms[0]) {
		t.Error("it takes money after End")
	}
	r.start(t, "tx-2")
	r.put(t, r.Denoms[0])
	r.until(t, device.CashStacked, 1)
	r.end(t)
	r.truth(t, true)
}

func onePayment(t *testing.T, r CashRig) {
	r.start(t, "tx-1")
	wantError(t, "second Start", r.Dev.Start(t.Context(), "tx-2", r.Denoms), device.ErrBusy, device.SideEffectNo)
	r.end(t)
	r.end(t)
	foreign := []device.Denom{{Currency: "XXX", Value: 7}}
	wantError(t, "Start with unknown bills", r.Dev.Start(t.Context(), "tx-3", foreign), device.ErrUnsupported, device.SideEffectNo)
	r.start(t, "tx-4")
	r.end(t)
}

func cashCallerGivesUp(t *testing.T, r CashRig) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, "Start", r.Dev.Start(ctx, "tx-1", r.Denoms), context.Canceled, device.SideEffectNo)
	if r.Hands.Insert(r.Denoms[0]) {
		t.Error("it takes money after a Start that failed")
	}
	wantError(t, "Stack", r.Dev.Stack(ctx), context.Canceled, device.SideEffectNo)
	wantError(t, "End", r.Dev.End(ctx), context.Canceled, device.SideEffectNo)
}

func replugCash(t *testing.T, r CashRig) {
	for range 2 {
		r.Hands.Unplug()
		within(t, r.Dev, r.limit, "noDevice", func() bool { return r.Dev.Health() == device.NoDevice })
		wantError(t, "Start", r.Dev.Start(t.Context(), "tx-0", r.Denoms), device.ErrUnplugged, device.SideEffectNo)
		r.Hands.Replug()
		r.online(t)
	}
	r.start(t, "tx-1")
	r.Hands.Unplug()
	within(t, r.Dev, r.limit, "noDevice", func() bool { return r.Dev.Health() == device.NoDevice })
	wantError(t, "End", r.Dev.End(t.Context()), device.ErrUnplugged, device.SideEffectUnknown)
	r.Hands.Replug()
	r.online(t)
	r.start(t, "tx-2") // the first has ended all the same
	r.put(t, r.Denoms[0])
	if e := r.until(t, device.CashStacked, 1); e.Tx != "tx-2" {
		t.Errorf("stacked event = %+v, want it for tx-2", e)
	}
	r.end(t)
	r.truth(t, true)
}

var errDisk = errors.New("disk is full")

func journalFailsFirst(t *testing.T, r CashRig) {
	r.start(t, "tx-1")
	r.book.FailStacking(errDisk)
	r.insert(t, r.Denoms[0])
	if r.Coins {
		within(t, r.Dev, r.limit, "hardwareError", func() bool { return r.Dev.Health() == device.HardwareError })
	} else {
		r.until(t, device.CashEscrow, 1)
		wantError(t, "Stack", r.Dev.Stack(t.Context()), errDisk, device.SideEffectNo)
		if in := r.Hands.Inside(); len(in) != 0 {
			t.Errorf("inside: %v, want nothing that is not in the journal", in)
		}
	}
	if got := r.heard.of(device.CashStacked); len(got) != 0 {
		t.Errorf("credits: %v, want none", got)
	}
	r.book.FailStacking(nil)
	if !r.Coins {
		if err := r.Dev.Stack(t.Context()); err != nil {
			t.Errorf("Stack = %v, want nil", err)
		}
	}
	r.until(t, device.CashStacked, 1)
	r.end(t)
	r.truth(t, true)
}

func haltsCash(t *testing.T, r CashRig) {
	r.start(t, "tx-1")
	if !r.Coins {
		r.insert(t, r.Denoms[0])
		r.until(t, device.CashEscrow, 1)
	}
	begin := time.Now()
	for range 2 {
		if err := r.Dev.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	}
	if d := time.Since(begin); d > r.limit {
		t.Errorf("Halt took %v, want at most %v", d, r.limit)
	}
	wantError(t, "Start after Halt", r.Dev.Start(t.Context(), "tx-2", r.Denoms), device.ErrHalted, device.SideEffectNo)
	wantError(t, "End after Halt", r.Dev.End(t.Context()), device.ErrHalted, device.SideEffectNo)
	if r.Hands.Insert(r.Denoms[0]) || len(r.Hands.Inside()) != 0 {
		t.Error("it takes money after Halt")
	}
}
