package devicetest

import (
	"testing"

	"github.com/penjire/penjire/drivers/device"
)

// hold starts a payment and has a bill in escrow.
func (r CashRig) hold(t *testing.T) {
	t.Helper()
	r.start(t, "tx-1")
	r.insert(t, r.Denoms[0])
	r.until(t, device.CashEscrow, 1)
	if es, in := r.book.Entries(), r.heard.of(device.CashStacked); len(es) != 0 || len(in) != 0 {
		t.Errorf("with a bill in escrow: journal %v, credits %v, want none", es, in)
	}
}

func (r CashRig) nothingInside(t *testing.T) {
	t.Helper()
	if in, back := r.Hands.Inside(), r.Hands.Back(); len(in) != 0 || len(back) != 1 || back[0] != r.Denoms[0] {
		t.Errorf("inside %v, given back %v, want it back", in, back)
	}
	r.truth(t, true)
}

func givesBack(t *testing.T, r CashRig) {
	r.hold(t)
	if err := r.Dev.Return(t.Context()); err != nil {
		t.Fatalf("Return = %v, want nil", err)
	}
	if e := r.until(t, device.CashReturned, 1); e.Denom != r.Denoms[0] || e.Tx != "tx-1" {
		t.Errorf("returned event = %+v", e)
	}
	r.end(t)
	r.nothingInside(t)
}

func endGivesBack(t *testing.T, r CashRig) {
	r.hold(t)
	r.end(t)
	r.until(t, device.CashReturned, 1)
	r.nothingInside(t)
}

// obeysDumb: STACK is obeyed and not answered. It is not sent again, and the bill
// is credited by what the acceptor says of it.
func obeysDumb(t *testing.T, r CashRig) {
	r.hold(t)
	r.Hands.Next(CashObeysDumb)
	wantError(t, "Stack", r.Dev.Stack(t.Context()), device.ErrTimeout, device.SideEffectUnknown)
	r.until(t, device.CashStacked, 1)
	r.end(t)
	r.truth(t, true)
}

// deafToStack: STACK is not heard. The bill is still in escrow, and says so.
func deafToStack(t *testing.T, r CashRig) {
	r.hold(t)
	r.Hands.Next(CashDeaf)
	wantError(t, "Stack", r.Dev.Stack(t.Context()), device.ErrTimeout, device.SideEffectUnknown)
	r.until(t, device.CashEscrow, 2)
	if err := r.Dev.Stack(t.Context()); err != nil {
		t.Errorf("Stack = %v, want nil", err)
	}
	r.until(t, device.CashStacked, 1)
	r.end(t)
	if n := len(r.heard.of(device.CashStacked)); n != 1 {
		t.Errorf("credits: %d, want 1", n)
	}
	r.truth(t, true)
}

func miscounts(t *testing.T, r CashRig) {
	r.hold(t)
	r.Hands.Next(CashMiscounts)
	if err := r.Dev.Stack(t.Context()); err != nil {
		t.Fatalf("Stack = %v, want nil", err)
	}
	if k := r.settled(t, 1); k != device.CashAmbiguous {
		t.Errorf("bill of two worths is %s, want ambiguous", k)
	}
	r.end(t)
	r.truth(t, false)
}

func stacksUnasked(t *testing.T, r CashRig) {
	r.start(t, "tx-1")
	r.Hands.Next(CashUnasked)
	r.insert(t, r.Denoms[0])
	if k := r.settled(t, 1); k != device.CashAmbiguous {
		t.Errorf("bill that nobody decided about is %s, want ambiguous", k)
	}
	r.end(t)
	if got := r.heard.of(device.CashStacked); len(got) != 0 {
		t.Errorf("credits: %v, want none", got)
	}
	r.truth(t, false)
}

// journalBefore looks into the journal at the moment at which the acceptor is told
// to stack.
func journalBefore(t *testing.T, r CashRig) {
	for i, d := range r.Denoms {
		r.Hands.At(CashOrdered, func() {
			es := r.book.Entries()
			if len(es) != i+1 || es[i].Kind != "" || es[i].Denom != d || es[i].Tx != "tx-1" {
				t.Errorf("journal when %v is to be stacked = %+v, want it to stand there, open", d, es)
			}
		})
		if i == 0 {
			r.start(t, "tx-1")
		}
		r.put(t, d)
		r.until(t, device.CashStacked, i+1)
	}
	r.end(t)
	r.truth(t, true)
}

// journalFailsLast: the bill is inside, and what became of it cannot be written.
// There is no credit until it can.
func journalFailsLast(t *testing.T, r CashRig) {
	r.hold(t)
	r.book.FailSettled(errDisk)
	if err := r.Dev.Stack(t.Context()); err != nil {
		t.Fatalf("Stack = %v, want nil", err)
	}
	within(t, r.Dev, r.limit, "hardwareError", func() bool { return r.Dev.Health() == device.HardwareError })
	if got := r.heard.of(device.CashStacked); len(got) != 0 {
		t.Errorf("credits: %v, want none", got)
	}
	r.book.FailSettled(nil)
	r.until(t, device.CashStacked, 1)
	r.online(t)
	r.end(t)
	r.truth(t, true)
}

func nothingInEscrow(t *testing.T, r CashRig) {
	wantError(t, "Stack", r.Dev.Stack(t.Context()), device.ErrNoMedia, device.SideEffectNo)
	wantError(t, "Return", r.Dev.Return(t.Context()), device.ErrNoMedia, device.SideEffectNo)
	r.start(t, "tx-1")
	wantError(t, "Stack", r.Dev.Stack(t.Context()), device.ErrNoMedia, device.SideEffectNo)
	r.end(t)
}

// manyOpen: a journal in which more stands open than one acceptor can speak of,
// and about which it says nothing.
func manyOpen(t *testing.T, r CashRig) {
	if err := r.Dev.Halt(); err != nil {
		t.Errorf("Halt = %v, want nil", err)
	}
	for range 3 {
		if _, err := r.book.Stacking(t.Context(), "tx-0", r.Denoms[0]); err != nil {
			t.Fatal(err)
		}
	}
	r.Dev = r.Again()
	r.heard.listen(t.Context(), r.Dev)
	r.settled(t, 3)
	if n := len(r.heard.of(device.CashAmbiguous)); n != 3 {
		t.Errorf("ambiguous: %d, want 3", n)
	}
	r.truth(t, false)
}
