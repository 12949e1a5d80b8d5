package kiosk

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/ui/screen"
)

// moment is when the power goes.
type moment struct {
	name string
	// until brings the kiosk to the moment and pulls its power.
	until func(*rig, *process)
	// told is whether the citizen had been told «accepted» by then.
	told bool
	// most is how many papers with ink there are at most, after the restart and
	// before anyone asks for another.
	most int
	// doubt is whether nobody can know if the receipt came out: the start page
	// offers it as a marked copy.
	doubt bool
}

func (r *rig) sign() { r.do("pin", "pin", r.pin("citizen-1")) }

func (r *rig) done() {
	r.t.Helper()
	r.until("the request to be accepted", func() bool { return r.page() == screen.Done })
}

func (r *rig) noPrints() {
	r.t.Helper()
	r.until("the receipt to be out", func() bool { return r.state().Queue.Prints == 0 })
}

// holds reports whether the kiosk says that it is so.
func (r *rig) holds(code string) bool {
	return slices.ContainsFunc(r.state().Health, func(h HealthStatus) bool { return h.Code == code })
}

// at runs f when the portal comes there, and waits for it.
func (r *rig) at(hook interface{ Store(*func()) }, p *process, before func()) {
	r.t.Helper()
	came := make(chan struct{})
	f := func() {
		p.kill()
		close(came)
	}
	hook.Store(&f)
	before()
	select {
	case <-came:
	case <-time.After(patience):
		r.t.Fatal("the portal never came to the moment")
	}
}

var moments = []moment{
	{"while the PIN is asked", func(_ *rig, p *process) { p.kill() }, false, 0, false},
	{"while the card signs", func(r *rig, p *process) {
		r.chip.Inject(pn532emu.Mute)
		n := r.chip.Count()
		r.sign()
		r.until("the card to be asked", func() bool { return r.chip.Count() > n })
		p.kill()
	}, false, 1, false},
	{"after the PIN was sent", func(r *rig, p *process) {
		r.sign()
		p.kill()
	}, false, 1, false},
	{"a moment later", func(r *rig, p *process) {
		r.sign()
		time.AfterFunc(15*time.Millisecond, func() { _ = p.cmd.Process.Kill() })
		<-p.done
	}, false, 1, false},
	{"when «accepted» is shown", func(r *rig, p *process) {
		r.sign()
		r.done()
		p.kill()
	}, true, 1, false},
	{"while the receipt begins to print", func(r *rig, p *process) {
		r.paper.SetSpeed(300)
		r.paper.After(40, func() { go p.kill() })
		r.sign()
		<-p.done
	}, false, 1, true},
	{"while the receipt is nearly out", func(r *rig, p *process) {
		r.paper.SetSpeed(600)
		r.paper.After(900, func() { go p.kill() })
		r.sign()
		<-p.done
	}, false, 1, true},
	{"with the receipt out and no network", func(r *rig, p *process) {
		r.sign()
		r.done()
		r.noPrints()
		p.kill()
	}, true, 1, false},
	{"after the portal's commit, before the receipt", func(r *rig, p *process) {
		r.sign()
		r.done()
		r.noPrints()
		r.at(&r.taken, p, func() { r.online(nil) })
	}, true, 1, false},
	{"after the receipt, before the decision", func(r *rig, p *process) {
		r.sign()
		r.done()
		r.noPrints()
		r.at(&r.deciding, p, func() { r.online(nil) })
	}, true, 1, false},
	{"when it is registered", func(r *rig, p *process) {
		r.online(nil)
		r.sign()
		r.stage(outbox.Registered)
		r.noPrints()
		p.kill()
	}, true, 1, false},
	{"while the answer comes", func(r *rig, p *process) {
		r.online(nil)
		r.sign()
		r.stage(outbox.Registered)
		r.noPrints()
		r.decide(portal.AnswerDraft{Decision: ledger.Answered, Text: citizen.NewText("Ýaşaýar")})
		p.kill()
	}, true, 1, false},
}

// TestKilledAtAnyMoment pulls the power at twelve moments. After the restart
// nothing that was accepted is missing, nothing is at the portal twice, and no
// paper comes out a second time without being asked for.
func TestKilledAtAnyMoment(t *testing.T) {
	for _, m := range moments {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			p := r.spawn()
			r.toPINPages("citizen-1")
			m.until(r, p)
			r.chip.Remove()

			had := r.accepted()
			if m.told && len(had) != 1 || len(had) > 1 {
				t.Fatalf("requests in the outbox after the power went: got %d, told %v", len(had), m.told)
			}
			r.paper.SetSpeed(0)
			p = r.spawn()
			if r.cut == nil {
				r.online(nil)
			}
			if m.doubt {
				r.until("the start page to offer the receipt", func() bool { return r.holds("receipt.unknown") })
			}
			r.until("everything to be at the portal", func() bool {
				s := r.state()
				q := s.Queue.ByState
				return s.Queue.Prints == 0 && q["registered"]+q["answered"] == len(had)
			})
			r.until("the printer to be idle", func() bool { return r.paper.Hanging() == nil })
			inked := 0
			for _, paper := range r.paper.Papers() {
				if ink(paper) > 0 {
					inked++
				}
			}
			if inked > m.most || len(had) == 1 && inked == 0 && !r.holds("receipt.unknown") {
				t.Errorf("papers: got %d, want at most %d, and none only if a marked copy is offered", inked, m.most)
			}
			p.kill()

			list, err := r.l.List(context.Background(), ledger.Filter{})
			r.must(err)
			if len(list) != len(had) {
				t.Fatalf("requests at the portal: got %d, want %d", len(list), len(had))
			}
			for i, q := range r.accepted() {
				if q.Doc != list[i].Doc {
					t.Error("the portal has another request than the kiosk")
				}
				if q.Receipt == outbox.Unknown && q.Copies != 1 {
					t.Errorf("copies of a receipt in doubt: got %d, want 1", q.Copies)
				}
			}
		})
	}
}
