package devicetest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// CashRig is a cash acceptor's driver with the acceptor it drives in reach.
type CashRig struct {
	Dev   device.CashAcceptor
	Hands CashHands
	// Again makes another driver on the same port with the same journal, as after
	// a restart of the program, and halts it when the test ends.
	Again func() device.CashAcceptor
	// Denoms are what the acceptor knows, at least two of different worth.
	Denoms []device.Denom
	Coins  bool // nobody decides: they fall at once

	book  *CashBook
	heard *heard
	limit time.Duration
}

// CashHands are what can be done to a cash acceptor by hand, and what can be seen.
type CashHands interface {
	// Insert holds a bill or coin to the slot, and says whether it was drawn in.
	Insert(d device.Denom) bool
	// Inside and Back are what is in the cassette, and what was given back.
	Inside() []device.Denom
	Back() []device.Denom
	Unplug() // the cable alone: the acceptor goes on
	Replug()
	PowerOff() // the acceptor alone, as it stands
	PowerOn()
	// At has f done when a bill is at that step, once. f may do all of the above.
	At(s CashStep, f func())
	// Next plans a mishap.
	Next(m CashMishap)
	// Trouble brings the acceptor into that state; CashStacked mends it.
	Trouble(k device.CashKind)
}

// CashStep is a point on the way of a bill into the cassette.
type CashStep int

// The steps, in order. Coins know the last three.
const (
	CashInEscrow CashStep = 1 // and about to say so
	CashOrdered  CashStep = 2 // it was told to stack, and nothing has moved
	CashMoving   CashStep = 3 // it can still be given back
	CashTooFar   CashStep = 4 // it cannot
	CashInside   CashStep = 5 // in the cassette, and nobody has been told
	CashReported CashStep = 6 // told, and not acknowledged
	CashAcked    CashStep = 7
)

// CashMishap is something that goes wrong once.
type CashMishap int

// The mishaps.
const (
	CashRepeats   CashMishap = 1 // stacked is said again and again after it was acknowledged
	CashGarbled   CashMishap = 2 // an answer is damaged, and right when asked for again
	CashDumb      CashMishap = 3 // answers nothing until it is unplugged and plugged in again
	CashObeysDumb CashMishap = 4 // is told to stack, does so and does not answer that
	CashDeaf      CashMishap = 5 // does not hear that it is to stack
	CashMiscounts CashMishap = 6 // says another worth when stacked than in escrow
	CashUnasked   CashMishap = 7 // stacks a bill that nobody decided about
)

// heard are the events of a driver.
type heard struct {
	mu     sync.Mutex
	events []device.CashEvent
	news   link.Watch
}

// listen collects the events of d until the test ends.
func (h *heard) listen(ctx context.Context, d device.CashAcceptor) {
	ch := d.Events(ctx)
	go func() {
		for e := range ch {
			h.mu.Lock()
			h.events = append(h.events, e)
			h.mu.Unlock()
			h.news.Wake()
		}
	}()
}

// of returns the events of these kinds.
func (h *heard) of(kinds ...device.CashKind) []device.CashEvent {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []device.CashEvent
	for _, e := range h.events {
		if slices.Contains(kinds, e.Kind) {
			out = append(out, e)
		}
	}
	return out
}

// until waits for the nth event of a kind, and returns it.
func (r CashRig) until(t *testing.T, k device.CashKind, n int) device.CashEvent {
	t.Helper()
	timer := time.NewTimer(10 * r.limit)
	defer timer.Stop()
	for {
		news := r.heard.news.Next()
		if es := r.heard.of(k); len(es) >= n {
			return es[n-1]
		}
		select {
		case <-news:
		case <-timer.C:
			t.Fatalf("event %s number %d did not come; events: %+v", k, n, r.heard.events)
		}
	}
}

// Cash runs the suite of device.CashAcceptor in the kind of time given. plug makes
// an acceptor that is plugged in, and its driver writing into j, and undoes both
// when its t ends.
func Cash(t *testing.T, in Time, plug func(t *testing.T, j device.CoinJournal) CashRig) {
	run := func(name string, f func(t *testing.T, r CashRig)) {
		t.Run(name, func(t *testing.T) {
			in.run(t, func(t *testing.T) {
				book := new(CashBook)
				r := plug(t, book)
				r.book, r.limit, r.heard = book, in.limit, new(heard)
				r.heard.listen(t.Context(), r.Dev)
				r.online(t)
				f(t, r)
			})
		})
	}
	run("takes nothing unless asked", takesNothing)
	run("credits each once", creditsOnce)
	run("refuses what was not asked for", refusesOthers)
	run("says when it is full, removed, cheated", saysTrouble)
	run("repeats itself", repeatsItself)
	run("answers damaged", answersDamaged)
	run("falls dumb", fallsDumb)
	run("one payment at a time", onePayment)
	run("callers give up", cashCallerGivesUp)
	run("replug", replugCash)
	run("journal fails first", journalFailsFirst)
	run("halts", haltsCash)
	for s := CashInEscrow; s <= CashAcked; s++ {
		run("unplugged at "+s.String(), func(t *testing.T, r CashRig) { unpluggedAt(t, r, s) })
		run("power lost at "+s.String(), func(t *testing.T, r CashRig) { powerLostAt(t, r, s) })
		run("program killed at "+s.String(), func(t *testing.T, r CashRig) { killedAt(t, r, s) })
	}
	for name, f := range map[string]func(t *testing.T, r CashRig){
		"gives back":             givesBack,
		"end gives back":         endGivesBack,
		"obeys without a word":   obeysDumb,
		"does not hear":          deafToStack,
		"says another worth":     miscounts,
		"stacks unasked":         stacksUnasked,
		"journal before stack":   journalBefore,
		"journal fails at last":  journalFailsLast,
		"nothing is in escrow":   nothingInEscrow,
		"many open in a journal": manyOpen,
	} {
		run(name, func(t *testing.T, r CashRig) {
			if !r.Coins { // of coins nobody decides anything
				f(t, r)
			}
		})
	}
}

// String names s.
func (s CashStep) String() string {
	return [...]string{"", "escrow", "order", "moving", "too far", "inside", "reported", "acknowledged"}[s]
}

// online waits until the acceptor can be used.
func (r CashRig) online(t *testing.T) {
	t.Helper()
	within(t, r.Dev, r.limit, "online", func() bool { return r.Dev.Health() == device.Online })
}

// start begins a payment with every denomination, as soon as the acceptor is ready.
func (r CashRig) start(t *testing.T, tx string) {
	t.Helper()
	if err := r.Dev.Start(t.Context(), tx, r.Denoms); err != nil {
		t.Fatalf("Start = %v, want nil", err)
	}
}

// insert puts d in; the rollers may be busy for a moment.
func (r CashRig) insert(t *testing.T, d device.Denom) {
	t.Helper()
	timer := time.NewTicker(20 * time.Millisecond)
	defer timer.Stop()
	for end := time.Now().Add(5 * r.limit); time.Now().Before(end); <-timer.C {
		if r.Hands.Insert(d) {
			return
		}
	}
	t.Fatalf("acceptor does not draw in %v", d)
}

// put inserts d and has it stacked; n is how many have been held before.
func (r CashRig) put(t *testing.T, d device.Denom) {
	t.Helper()
	held := len(r.heard.of(device.CashEscrow))
	r.insert(t, d)
	if r.Coins {
		return
	}
	if e := r.until(t, device.CashEscrow, held+1); e.Denom != d {
		t.Errorf("escrow of %v = %+v", d, e)
	}
	if err := r.Dev.Stack(t.Context()); err != nil {
		t.Fatalf("Stack = %v, want nil", err)
	}
}

// truth checks, when all is over, that every bill inside is in the journal, none
// twice, that no event credits what the journal does not, and that nothing stands
// open. exact: nothing is ambiguous either.
func (r CashRig) truth(t *testing.T, exact bool) {
	t.Helper()
	for _, d := range r.Denoms {
		count := func(l []device.Denom) (n int) {
			for _, x := range l {
				if x == d {
					n++
				}
			}
			return n
		}
		inside, stacked, unsure := count(r.Hands.Inside()), 0, 0
		for _, e := range r.book.Entries() {
			switch {
			case e.Denom == d && e.Kind == device.CashStacked:
				stacked++
			case (e.Denom == d || e.Denom == device.Denom{}) && e.Kind == device.CashAmbiguous:
				unsure++
			}
		}
		// What the acceptor itself forgot, and said so, nobody can have written.
		forgot := len(r.heard.of(device.CashLost)) > 0
		if stacked > inside || inside > stacked+unsure && !forgot {
			t.Errorf("%v: %d inside, %d written as stacked and %d as ambiguous", d, inside, stacked, unsure)
		}
	}
	credited := map[uint64]bool{}
	entries := r.book.Entries()
	for _, e := range r.heard.of(device.CashStacked) {
		if e.Bill == 0 || e.Bill > uint64(len(entries)) || entries[e.Bill-1].Kind != device.CashStacked ||
			entries[e.Bill-1].Denom != e.Denom || entries[e.Bill-1].Tx != e.Tx || e.Tx == "" || credited[e.Bill] {
			t.Errorf("event %+v credits what the journal does not, or a second time; journal: %+v", e, entries)
		}
		credited[e.Bill] = true
	}
	for _, e := range entries {
		if e.Kind == "" || exact && e.Kind == device.CashAmbiguous {
			t.Errorf("journal has %+v, want it settled", e)
		}
		if e.Kind == device.CashStacked && !credited[e.Bill] {
			t.Errorf("journal has %+v, and no event credits it", e)
		}
	}
	for _, s := range r.book.twice {
		t.Errorf("journal: %s", s)
	}
}
