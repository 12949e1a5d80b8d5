package kiosk

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/ui/screen"
)

// A receipt that was queued when the power went prints by itself at the next
// start.
func TestQueuedReceiptPrintsAfterRestart(t *testing.T) {
	r := newRig(t)
	r.must(r.cable.Unplug())
	r.start()
	r.apply("citizen-1")
	r.stop()
	r.must(r.cable.Replug())
	r.start()
	r.until("the receipt to be printed", func() bool { return r.only().Receipt == outbox.Printed })
	if n := len(r.paper.Papers()); n != 1 {
		t.Errorf("papers: got %d, want 1", n)
	}
	if r.k.Start(context.Background()).Start.Unprinted {
		t.Error("the start page offers a copy of what was printed")
	}
}

// A receipt that was queued when the kiosk went dark for a day does not come out
// in front of whoever is there then; the citizen can still ask for it.
func TestOldReceiptDoesNotPrintByItself(t *testing.T) {
	r := newRig(t)
	r.must(r.cable.Unplug())
	r.start()
	r.apply("citizen-1")
	r.stop()
	r.must(r.cable.Replug())
	r.must(os.WriteFile(filepath.Join(r.dir, "ports", "clock-offset"), []byte("24h"), 0o600))
	r.start()
	r.until("the job to end", func() bool { return r.only().Receipt == outbox.Failed })
	if n := len(r.paper.Papers()); n != 0 {
		t.Errorf("papers that came out by themselves: got %d, want none", n)
	}
	if _, err := r.k.print(t.Context(), r.only().Doc, outbox.PrintReceipt); err != nil {
		t.Fatal(err)
	}
	r.until("the receipt that was asked for", func() bool { return r.only().Receipt == outbox.Printed })
}

// Where the clock does not know how long it was dark, the start page offers the
// receipt instead: whoever is there says whose it is.
func TestReceiptAfterNobodyKnowsHowLong(t *testing.T) {
	r := newRig(t)
	r.must(r.cable.Unplug())
	r.start()
	r.apply("citizen-1")
	r.stop()
	r.must(r.cable.Replug())
	off := time.Until(time.Unix(0, 0))
	r.must(os.WriteFile(filepath.Join(r.dir, "ports", "clock-offset"), []byte(off.String()), 0o600))
	r.start()
	r.until("the offer", func() bool { return r.k.Start(context.Background()).Start.Unprinted })
	if n := len(r.paper.Papers()); n != 0 {
		t.Errorf("papers that came out by themselves: got %d, want none", n)
	}
	r.visit = ""
	r.do("reprint")
	r.until("the receipt to be printed", func() bool { return r.only().Receipt == outbox.Printed })
}

// The power goes while a receipt is printed: nobody knows whether it came out.
// The start page offers it once, as a marked copy, and names no one.
func TestPowerCutWhilePrinting(t *testing.T) {
	r := newRig(t)
	r.must(r.cable.Unplug())
	r.start()
	r.apply("citizen-1")
	r.stop()
	// What the disk looks like when the power goes after StartPrint.
	box, err := outbox.Open(t.Context(), filepath.Join(r.dir, "state", "outbox"), outbox.Options{Kiosk: "K-000001"})
	r.must(err)
	job, ok, err := box.NextPrint(t.Context())
	if err != nil || !ok {
		t.Fatalf("NextPrint = %v, %v, want the receipt", ok, err)
	}
	r.must(box.StartPrint(t.Context(), job.ID))
	r.must(box.Close())
	r.must(r.cable.Replug())

	r.start()
	if !r.k.Start(context.Background()).Start.Unprinted {
		t.Fatal("the start page does not offer the receipt")
	}
	// What hung out is cut off; nothing is printed before someone asks.
	r.until("the paper to be cut off", func() bool { return len(r.paper.Papers()) == 1 })
	if ink := ink(r.paper.Last()); ink != 0 {
		t.Errorf("dots printed before anyone asked: got %d, want none", ink)
	}
	r.visit = ""
	r.do("reprint")
	r.until("the marked copy to be printed", func() bool { return r.only().Receipt == outbox.Printed })
	if got := r.only().Copies; got != 2 {
		t.Errorf("papers that came out or may have: got %d, want 2", got)
	}
	if r.k.Start(context.Background()).Start.Unprinted {
		t.Error("the start page offers it again")
	}
}

// TestOfferAfterPowerCutEnds: an hour later whoever touches the screen is not
// the one whose paper it was.
func TestOfferAfterPowerCutEnds(t *testing.T) {
	k := &Kiosk{interrupted: []outbox.Doc{{1}}, restarted: time.Now()}
	if k.withdrawOffer(); len(k.interrupted) != 1 {
		t.Error("the receipt is not offered right after the start")
	}
	k.restarted = time.Now().Add(-offerTime - time.Second)
	if k.withdrawOffer(); len(k.interrupted) != 0 {
		t.Error("the receipt is still offered after an hour")
	}
}

// ink counts the dark dots of a paper.
func ink(p *printer.Paper) int {
	n := 0
	for _, dot := range p.Image().Pix {
		if dot < 128 {
			n++
		}
	}
	return n
}

// Between two citizens nothing remains: neither in memory nor on the page, and
// a card left behind is not the next one's.
func TestNothingRemainsBetweenVisits(t *testing.T) {
	r := newRig(t)
	r.start()
	r.apply("citizen-1")
	old := r.visit
	r.do("finish")
	if v := r.on(screen.TakeCard); !v.TakeCard.Card {
		t.Error("the page does not ask to take the card")
	}
	r.begin("en")
	r.visit, old = old, r.visit
	if p := r.page(); p != screen.Start {
		t.Errorf("page of the old visit: got %s, want the start page", p)
	}
	r.visit = old
	r.do("requests")
	if v := r.on(screen.Card); v.Card.State != "wanted" {
		t.Errorf("card page with the last citizen's card in the reader: got %s, want wanted", v.Card.State)
	}
	r.chip.Remove()
	r.until("the card to be gone", func() bool { return !r.state().Devices.Card })
	r.insert("citizen-2")
	v := r.on(screen.IsThisYou)
	c, _ := r.w.Card("citizen-2")
	if v.IsThisYou.Name != c.Holder.Masked() {
		t.Error("the page shows another name than the new card's")
	}
	r.leave()
}

// A card that only a refusal or an export came of is not the next visitor's either:
// with an assistant's they could write to a stick.
func TestNoCardOfAnEarlierVisit(t *testing.T) {
	for _, card := range []string{"assistant", "citizen-1"} {
		t.Run(card, func(t *testing.T) {
			r := newRig(t)
			r.start()
			ask := func() {
				r.begin("en")
				r.do("help")
				r.do("assist")
				r.do("export")
			}
			ask()
			r.insert(card)
			r.until("what comes of the card", func() bool {
				v := r.view()
				return v.Assist != nil && v.Assist.Export != nil || v.Card != nil && v.Card.State == "assistant"
			})
			ask()
			if v := r.view(); v.Card == nil || v.Card.State != "wanted" {
				t.Errorf("with the card left in the reader the next visitor is at %s, want that a card is asked for", v.Screen)
			}
		})
	}
}

// Nobody's hand: the server asks, and ends the visit by itself.
func TestIdleVisitEnds(t *testing.T) {
	r := newRig(t)
	s := r.settings()
	s.IdleWarn, s.IdleEnd = 300*time.Millisecond, 300*time.Millisecond
	r.startWith(s)
	r.begin("tk")
	r.do("apply")
	r.on(screen.Away)
	r.do("stay")
	if p := r.page(); p != screen.Services {
		t.Errorf("page after «stay»: got %s, want services", p)
	}
	r.on(screen.Away)
	r.on(screen.Ended)
	r.until("the start page", func() bool { return r.page() == screen.Start })
}
