package simulation

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"

	"github.com/penjire/penjire/sync/outbox"
)

// accept has a citizen hand in the next paper.
func (s *sim) accept(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil {
		return false
	}
	i := slices.IndexFunc(s.next, func(n int) bool { return s.w.pool[n].kiosk == m.dev.ID })
	if i < 0 {
		return false
	}
	p := s.w.pool[s.next[i]]
	s.next = slices.Delete(s.next, i, i+1)
	d := &doc{paper: p, n: len(s.docs) + 1, held: map[*machine]bool{}, unmarked: map[uint8]int{}}
	s.docs = append(s.docs, d)
	s.byDoc[p.doc] = d
	s.handIn(m, d)
	return true
}

// again has a citizen, whom nobody told that it was accepted, hand it in again;
// or a screen that was pressed twice.
func (s *sim) again(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil || len(s.docs) == 0 {
		return false
	}
	d := s.docs[r.IntN(len(s.docs))]
	if d.kiosk != m.dev.ID || d.withdrawn || d.told && !d.held[m] && !m.tampered {
		return false
	}
	d.messy = d.messy || m.tampered // it may get two numbers
	s.handIn(m, d)
	return true
}

func (s *sim) handIn(m *machine, d *doc) {
	var req outbox.Request
	err, done := m.ask(func(o *outbox.Outbox) (err error) {
		req, err = o.Accept(context.Background(), d.draft())
		return err
	})
	switch {
	case !done:
		s.say("%s: a citizen hands in %s, and gets no word", m.name, d)
		d.held[m] = true // it may be there
	case errors.Is(err, outbox.ErrFull):
		s.say("%s: a citizen wants to hand in %s; the kiosk says that it is full", m.name, d)
		s.count("state: a citizen is told that the kiosk is full")
		if m.disk != roomy {
			s.count("state: a citizen is told that the kiosk's disk is full")
		}
	case errors.Is(err, outbox.ErrRestored):
		s.say("%s: a citizen wants to hand in %s; the kiosk takes nothing", m.name, d)
	case errors.Is(err, outbox.ErrWithdrawn):
	case err == nil && req.State == outbox.Withdrawn:
		s.say("%s: a citizen wants to hand in %s again; the kiosk says withdrawn", m.name, d)
	case err != nil:
		s.broken("KioskWorks", "%s: accept %s: %v", m.name, d, err)
	default:
		again := ""
		if d.told {
			again = " again"
		}
		s.say("%s: a citizen hands in %s%s; the kiosk says accepted (sequence %d)", m.name, d, again, req.Seq)
		if d.told && !m.tampered && !d.messy && (d.epoch != req.Epoch || d.seq != req.Seq) {
			s.broken("AcceptedOnce", "%s has two numbers at the kiosk: %d and %d", d, d.seq, req.Seq)
		}
		n := number{m.dev.ID, req.Epoch, req.Seq}
		if other := s.seqs[n]; other != nil && other != d && !m.tampered && !other.messy {
			s.broken("AcceptedOnce", "%s and %s have one number: %d", other, d, req.Seq)
		}
		s.seqs[n] = d
		d.held[m], d.told, d.epoch, d.seq = true, true, req.Epoch, req.Seq
		if d.excused != "" && !req.Receipted() {
			d.excused = ""
		}
		if m.tampered && s.cloned {
			d.messy = true
		}
	}
}

// withdraw has a citizen take something back.
func (s *sim) withdraw(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil || len(s.docs) == 0 {
		return false
	}
	d := s.docs[len(s.docs)-1-r.IntN(min(4, len(s.docs)))]
	if !d.held[m] || !d.told {
		return false
	}
	err, done := m.ask(func(o *outbox.Outbox) error { return o.Withdraw(context.Background(), d.doc) })
	switch {
	case !done:
		s.say("%s: a citizen takes %s back, and gets no word", m.name, d)
		d.excused = "it may be withdrawn"
	case err == nil:
		s.say("%s: a citizen takes %s back; the kiosk says withdrawn", m.name, d)
		d.withdrawn = true
		s.count("state: a citizen takes a request back")
	case errors.Is(err, outbox.ErrSent):
		s.say("%s: a citizen wants to take %s back; it has gone already", m.name, d)
		s.count("state: a citizen cannot take back what has gone")
	case errors.Is(err, outbox.ErrNotFound) && d.excused != "":
	case s.noRoom(m, err, "notes that a request is taken back"):
	default:
		s.broken("KioskWorks", "%s: withdraw %s: %v", m.name, d, err)
	}
	return true
}

// print takes the printer one step on: a paper begins, or it ends.
func (s *sim) print(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil {
		return false
	}
	ctx := context.Background()
	if p := m.printing; p != nil {
		out := p.end(r)
		err, done := m.ask(func(o *outbox.Outbox) error { return o.EndPrint(ctx, p.job.ID, p.state, p.reason) })
		if done && s.noRoom(m, err, "notes how a print ended") {
			return true // it tries again
		}
		if m.printing = nil; done && err != nil {
			s.broken("KioskWorks", "%s: end of the print of %s: %v", m.name, p.d, err)
		}
		s.say("%s: the print of %s ends: %s (it came out: %t)", m.name, p.d, p.state, out)
		return true
	}
	var job outbox.PrintJob
	var ok bool
	err, done := m.ask(func(o *outbox.Outbox) (err error) {
		if job, ok, err = o.NextPrint(ctx); err != nil || !ok {
			return err
		}
		return o.StartPrint(ctx, job.ID)
	})
	if s.noRoom(m, err, "starts a print") {
		return true
	}
	if err != nil {
		s.broken("KioskWorks", "%s: start a print: %v", m.name, err)
	}
	if !done || !ok {
		return !done
	}
	d := s.byDoc[job.Doc]
	if d == nil {
		s.broken("KioskWorks", "%s: a print of a document that nobody handed in", m.name)
	}
	s.say("%s: a paper of %s begins (marked: %t)", m.name, d, job.Marked)
	m.printing = &printing{job: job, d: d}
	return true
}

// printAgain has a citizen ask for a paper.
func (s *sim) printAgain(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil || len(s.docs) == 0 {
		return false
	}
	d := s.docs[r.IntN(len(s.docs))]
	if !d.held[m] || !d.told || d.withdrawn {
		return false
	}
	kind := outbox.PrintReceipt
	if d.answered != "" {
		kind = outbox.PrintCopy
	}
	marked := r.IntN(3) == 0
	err, done := m.ask(func(o *outbox.Outbox) error {
		_, err := o.QueuePrint(context.Background(), d.doc, kind, marked)
		return err
	})
	switch {
	case !done:
	case err == nil:
		s.say("%s: a citizen asks for a paper of %s (marked: %t)", m.name, d, marked)
	case errors.Is(err, outbox.ErrMarked):
		s.say("%s: a citizen asks for a paper of %s; only a marked copy may come", m.name, d)
	case errors.Is(err, outbox.ErrPrintState):
		s.say("%s: a citizen asks for a paper of %s, which is being printed", m.name, d)
	case errors.Is(err, outbox.ErrWithdrawn), errors.Is(err, outbox.ErrNotFound):
	case s.noRoom(m, err, "queues a print"):
	default:
		s.broken("KioskWorks", "%s: queue a print of %s: %v", m.name, d, err)
	}
	return true
}
