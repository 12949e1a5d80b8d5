package simulation

import (
	"context"
	"math/rand/v2"

	"github.com/penjire/penjire/sync/ledger"
)

// copyCard keeps a copy of a kiosk's medium.
func (s *sim) copyCard(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil {
		return false
	}
	files, err := readDir(m.dir)
	s.must(err)
	st := m.life.box.Stats(context.Background())
	c := &card{files: files, docs: map[*doc]bool{}, m: m, epoch: st.Epoch, size: st.JournalSize}
	m.store.copyTo(&c.store)
	for _, d := range s.docs {
		if d.held[m] {
			c.docs[d] = true
		}
	}
	s.card = c
	s.say("somebody: copies the medium of %s (%d requests, %d journal entries)", m.name, len(c.docs), c.size)
	return true
}

// clone puts a copy of the medium into a second kiosk.
func (s *sim) clone(*rand.Rand) bool {
	c := s.card
	if c == nil || s.cloned {
		return false
	}
	s.say("somebody: puts the copy into a second kiosk")
	s.cloned = true
	m := &machine{s: s, name: "clone", dev: c.m.dev, dir: s.dir("clone"), room: s.plan.room, disk: roomy, mirrorDisk: roomy, tampered: true}
	c.m.tampered = true
	s.must(writeDir(m.dir, c.files))
	c.store.copyTo(&m.store)
	for _, d := range s.docs {
		if c.docs[d] {
			d.held[m], d.messy = true, true
		}
		d.messy = d.messy || d.held[c.m]
	}
	s.machines = append(s.machines, m)
	m.boot()
	return true
}

// putBack puts an older copy of its medium into a kiosk.
func (s *sim) putBack(*rand.Rand) bool {
	c := s.card
	if c == nil {
		return false
	}
	m := c.m
	if m.life != nil {
		m.stop()
	}
	m.printing = nil
	s.say("somebody: puts the older copy of its medium into %s", m.name)
	m.tampered = true
	s.wantAlarm = ""
	if s.up() && s.c.life.fuse.burnt() == "" && !s.cloned {
		if h, err := s.c.life.db.Head(context.Background(), m.dev.ID, c.epoch); err == nil && h.Size > c.size {
			s.wantAlarm = "journal."
		}
	}
	s.lose(m.dir)
	m.dir, m.disk = s.dir(m.name), roomy
	s.must(writeDir(m.dir, c.files))
	c.store.copyTo(&m.store)
	for _, d := range s.docs {
		if d.held[m] && !c.docs[d] {
			delete(d.held, m)
			if len(d.held) == 0 {
				d.excused = "the medium was put back to before it"
			}
		}
		d.messy = d.messy || c.docs[d]
	}
	return true
}

// backUp keeps a copy of the portal's medium.
func (s *sim) backUp(*rand.Rand) bool {
	if !s.up() {
		return false
	}
	files, err := readDir(s.c.dir)
	s.must(err)
	s.backup = &card{files: files, view: s.see().clone()}
	s.say("portal: a backup is made")
	return true
}

// restore puts the portal back to its backup.
func (s *sim) restore(*rand.Rand) bool {
	b := s.backup
	if b == nil {
		return false
	}
	if s.c.life != nil {
		s.c.kill()
	}
	s.say("portal: ITS MEDIUM BREAKS; it is restored from its backup")
	s.restored = true
	s.lose(s.c.dir)
	s.c.dir, s.c.disk = s.dir("portal"), roomy
	s.must(writeDir(s.c.dir, b.files))
	s.forgetView()
	kept := map[ledger.Key]bool{}
	for k := range b.view.records {
		kept[k] = true
	}
	for k := range s.receipts {
		if !kept[k] {
			delete(s.receipts, k)
			if d := s.byKey(k); d != nil {
				d.atRisk = true
			}
		}
	}
	for _, d := range s.docs {
		if !b.view.holds(d) {
			d.atRisk = true
		}
		if rq := b.view.requests[d.doc]; rq.state != ledger.Answered && rq.state != ledger.Refused && rq.state != ledger.Returned {
			if d.answered != "" {
				d.messy = true // it may be answered again, and otherwise
			}
			d.answered, d.packet = "", nil
		}
	}
	return true
}
