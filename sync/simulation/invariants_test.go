package simulation

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
)

// check holds the invariants, after every step.
func (s *sim) check() {
	s.mu.Lock()
	fresh := s.fresh
	s.fresh = nil
	bad := s.badReceipt
	s.mu.Unlock()
	if bad != nil {
		s.broken("ReceiptIsGood", "the portal sends receipts that nobody can check: %v", bad)
	}
	for _, r := range fresh {
		k := ledger.Key{Kiosk: r.Kiosk, Epoch: r.Epoch, Seq: r.Seq, Digest: r.Digest, Doc: r.Doc}
		if had, ok := s.receipts[k]; ok && !bytes.Equal(had, r.Bytes) {
			s.broken("SameReceiptForEver", "record %d got two different receipts", k.Seq)
		}
		s.receipts[k] = r.Bytes
	}
	var v *view
	if s.up() {
		v = s.see()
		s.checkPortal(v)
	}
	for _, m := range s.live() {
		s.checkKiosk(m, v)
	}
	s.checkQuota()
	for _, d := range s.docs {
		if v != nil {
			s.acceptedIsKept(d, v)
			if d.withdrawn && !d.messy && d.excused == "" && len(v.docs[d.doc]) > 0 {
				s.broken("WithdrawnNeverRegistered", "%s was withdrawn, and the portal has it", d)
			}
		}
		for kind, n := range d.unmarked {
			if n > 1 && !d.messy {
				s.broken("PrintedOnceUnmarked", "%d unmarked papers of kind %d of %s came out", n, kind, d)
			}
		}
	}
}

// acceptedIsKept: what was said to be accepted is on the kiosk, or the portal
// has it.
func (s *sim) acceptedIsKept(d *doc, v *view) {
	if !d.told || d.withdrawn || d.excused != "" || v.holds(d) {
		return
	}
	for m := range d.held {
		if m.life == nil || m.life.box == nil {
			return // nobody can tell until it is on again
		}
		r, err := m.life.box.Get(context.Background(), d.doc)
		if err == nil && (!r.Receipted() || d.atRisk) {
			return
		}
		if err != nil && !errors.Is(err, outbox.ErrNotFound) {
			s.broken("AcceptedIsKept", "%s: %s cannot be read: %v", m.name, d, err)
		}
	}
	s.broken("AcceptedIsKept", "%s was accepted, and neither kiosk nor portal has it", d)
}

func (s *sim) checkPortal(v *view) {
	for k, b := range s.receipts {
		r, ok := v.records[k]
		if !ok {
			s.broken("ReceiptIsDurable", "a receipt for record %d left the portal, which does not have it", k.Seq)
		}
		if !bytes.Equal(r.Receipt, b) {
			s.broken("SameReceiptForEver", "the portal has another receipt for record %d than it sent", k.Seq)
		}
	}
	first := map[number]ledger.Key{}
	for k, r := range v.records {
		n := number{k.Kiosk, k.Epoch, k.Seq}
		if other, ok := first[n]; ok {
			if !s.everAlarms["kiosk.fork"] {
				s.broken("ForkRaisesAlarmAndKeepsBoth", "two records with number %d, and no alarm", k.Seq)
			}
			if r.Fork == v.records[other].Fork && len(s.forksOf(v, n)) == 2 {
				s.broken("ForkRaisesAlarmAndKeepsBoth", "of two records with number %d not one is the fork", k.Seq)
			}
		}
		first[n] = k
	}
	for doc := range v.requests {
		switch d := s.byDoc[doc]; {
		case d == nil:
			s.broken("RegisteredOnce", "the portal has registered what nobody handed in")
		case d.bad:
			s.broken("OnlyWhatHolds", "the portal has registered %s, which nobody can open", d)
		}
	}
	if s.hurtLine || s.restored || slices.ContainsFunc(s.machines, func(m *machine) bool { return m.tampered }) {
		return
	}
	for code := range s.everAlarms {
		if code == ledger.AlarmReplaced && slices.ContainsFunc(s.machines, func(m *machine) bool { return m.restored }) {
			continue
		}
		if code == ledger.AlarmFull && s.plan.faults["portal disk"] || code == ledger.AlarmQuota && s.plan.faults["quota"] {
			continue
		}
		if code == ledger.AlarmSignature && s.clockOff {
			continue // to a portal in another year no certificate is good
		}
		s.broken("NoFalseAlarm", "the portal raises %s, and nothing was tampered with", code)
	}
}

func (s *sim) forksOf(v *view, n number) []ledger.Key {
	var out []ledger.Key
	for k := range v.records {
		if k.Kiosk == n.kiosk && k.Epoch == n.epoch && k.Seq == n.seq {
			out = append(out, k)
		}
	}
	return out
}

// byKey returns whose record that is.
func (s *sim) byKey(k ledger.Key) *doc {
	for _, d := range s.docs {
		if d.digest == k.Digest {
			return d
		}
	}
	return nil
}

func (s *sim) checkKiosk(m *machine, v *view) {
	ctx := context.Background()
	st := m.life.box.Stats(ctx)
	for _, a := range st.Alarms {
		s.once("state: the kiosk's alarm " + a)
		if a == outbox.AlarmRestored && !m.renewed {
			s.noteRenounced(m) // its mirror has shown it
		}
	}
	m.noteMirror()
	if why := m.life.up.Status().Waits; why != "" {
		s.once("state: the kiosk says that it waits: " + why)
	}
	if m.mirror != "" {
		s.once("state: the mirror is " + string(m.life.box.Mirror().State))
	}
	if !m.tampered && !s.hurtLine {
		for _, a := range st.Alarms {
			if m.restored && (a == outbox.AlarmRecovered || a == outbox.AlarmLost) {
				continue
			}
			if s.restored && a == outbox.AlarmRestored {
				s.broken("JournalConsistent", "%s: the portal was restored, and the kiosk takes its own medium for an older copy", m.name)
			}
			s.broken("NoFalseAlarm", "%s raises %s", m.name, a)
		}
	}
	if v == nil {
		return
	}
	h, err := s.c.life.db.Head(ctx, m.dev.ID, st.Epoch)
	s.must(err)
	if h.Size == 0 || m.tampered {
		return
	}
	root, err := m.life.box.RootAt(ctx, min(h.Size, st.JournalSize))
	if err != nil || h.Size > st.JournalSize || root != h.Root {
		s.broken("JournalConsistent", "%s: its journal of %d entries does not lead to the head of %d entries that the portal keeps: %v", m.name, st.JournalSize, h.Size, err)
	}
}
