package devicetest

import (
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// underway starts a payment, puts one bill in and does f when it is at step s; it
// returns once that has happened.
func (r CashRig) underway(t *testing.T, s CashStep, f func()) {
	t.Helper()
	hit := make(chan struct{})
	r.Hands.At(s, func() { f(); close(hit) })
	r.start(t, "tx-1")
	r.insert(t, r.Denoms[0])
	if !r.Coins && s > CashInEscrow {
		r.until(t, device.CashEscrow, 1)
		// It may fail: what is done at the step comes in between.
		if err := r.Dev.Stack(t.Context()); err != nil && s != CashOrdered {
			t.Errorf("Stack = %v, want nil", err)
		}
	}
	<-hit
}

// settled waits until it was told of n bills what became of them, and returns the
// last word.
func (r CashRig) settled(t *testing.T, n int) device.CashKind {
	t.Helper()
	kinds := []device.CashKind{device.CashStacked, device.CashReturned, device.CashAmbiguous}
	timer := time.NewTimer(10 * r.limit)
	defer timer.Stop()
	for {
		news := r.heard.news.Next()
		for i, es := 0, r.heard.of(kinds...); i < len(es); i++ {
			if i == n-1 {
				return es[i].Kind
			}
		}
		select {
		case <-news:
		case <-timer.C:
			t.Fatalf("nothing became of bill %d; events: %+v", n, r.heard.of(append(kinds, device.CashEscrow)...))
		}
	}
}

func (r CashRig) end(t *testing.T) {
	t.Helper()
	if err := r.Dev.End(t.Context()); err != nil {
		t.Errorf("End = %v, want nil", err)
	}
}

// coinless says whether coins know no such step.
func (r CashRig) coinless(s CashStep) bool { return r.Coins && s < CashInside }

// unpluggedAt pulls the cable. The acceptor goes on, and says what became of the
// bill as soon as it is asked again: nothing is left to guess.
func unpluggedAt(t *testing.T, r CashRig, s CashStep) {
	if r.coinless(s) {
		return
	}
	r.underway(t, s, r.Hands.Unplug)
	within(t, r.Dev, r.limit, "noDevice", func() bool { return r.Dev.Health() == device.NoDevice })
	r.Hands.Replug()
	r.online(t)
	if s == CashInEscrow {
		r.until(t, device.CashEscrow, 1)
		if err := r.Dev.Stack(t.Context()); err != nil {
			t.Errorf("Stack after Replug = %v, want nil", err)
		}
	}
	if k := r.settled(t, 1); k != device.CashStacked {
		t.Errorf("bill is %s, want stacked", k)
	}
	r.put(t, r.Denoms[1])
	r.until(t, device.CashStacked, 2)
	r.end(t)
	r.truth(t, true)
}

// powerLostAt cuts the acceptor's power, which leaves the bill where it is.
func powerLostAt(t *testing.T, r CashRig, s CashStep) {
	if r.coinless(s) {
		return
	}
	r.underway(t, s, r.Hands.PowerOff)
	within(t, r.Dev, 2*r.limit, "not online", func() bool { return r.Dev.Health() != device.Online })
	r.Hands.PowerOn()
	within(t, r.Dev, 2*r.limit, "online", func() bool { return r.Dev.Health() == device.Online })
	switch {
	case r.Coins && s == CashInside:
		// It has forgotten the coin: that is all that can be said.
		r.until(t, device.CashLost, 1)
	case s == CashInEscrow: // nobody had heard of it: it is given back without a word
	default:
		k := r.settled(t, 1)
		switch {
		case s < CashTooFar && k != device.CashReturned,
			s == CashTooFar && k != device.CashStacked,
			s == CashAcked && k != device.CashStacked,
			k == device.CashReturned && s > CashMoving:
			t.Errorf("bill is %s after power was lost at step %v", k, s)
		}
	}
	stacked := len(r.heard.of(device.CashStacked))
	r.put(t, r.Denoms[1])
	r.until(t, device.CashStacked, stacked+1)
	r.end(t)
	r.truth(t, false)
}

// killedAt ends the program, at a moment at which it can say nothing more to the
// acceptor, and starts it again.
func killedAt(t *testing.T, r CashRig, s CashStep) {
	if r.coinless(s) {
		return
	}
	r.underway(t, s, r.Hands.Unplug)
	if err := r.Dev.Halt(); err != nil {
		t.Errorf("Halt = %v, want nil", err)
	}
	r.Hands.Replug()
	r.Dev = r.Again()
	r.heard.listen(t.Context(), r.Dev)
	r.online(t)
	k := r.settled(t, 1)
	switch {
	case r.Coins: // whose coin it is, nobody knows
	case s == CashInEscrow && k != device.CashReturned, s > CashInEscrow && k != device.CashStacked:
		t.Errorf("bill is %s after the program was killed at step %v; events: %+v", k, s, r.heard.of(k, device.CashEscrow))
	}
	stacked := len(r.heard.of(device.CashStacked))
	r.start(t, "tx-2")
	r.put(t, r.Denoms[1])
	if e := r.until(t, device.CashStacked, stacked+1); e.Tx != "tx-2" {
		t.Errorf("bill of the second payment = %+v, want it for tx-2", e)
	}
	r.end(t)
	r.truth(t, !r.Coins)
}
