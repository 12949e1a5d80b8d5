package outbox

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"github.com/penjire/penjire/sync/journal"
)

func (m *memory) loadMeta(s *store, kiosk string) error {
	b := s.meta.Get(metaKey)
	if b == nil {
		return fmt.Errorf("outbox: the file's own record is gone: %w", ErrDamaged)
	}
	v, err := wholeValue(b, kindMeta, 0)
	if err != nil {
		return err
	}
	rec, err := parseMeta(v.payload, false)
	if err != nil {
		return err
	}
	if rec.Kiosk != kiosk {
		// Not damage: somebody put another kiosk's medium in here.
		return fmt.Errorf("outbox: the file is of kiosk %s, not of %s", rec.Kiosk, kiosk)
	}
	if slices.Contains(rec.Alarms, AlarmRestored) {
		return fmt.Errorf("outbox: open: %w: %w", ErrRestored, ErrDamaged)
	}
	m.epoch, m.cursor, m.alarms = v.epoch, rec.Cursor, rec.Alarms
	m.rev = v.revision
	return nil
}

// loadRequests takes in all requests, those of earlier epochs first.
func (m *memory) loadRequests(s *store) error {
	for _, own := range []bool{false, true} {
		if own {
			if _, ok := m.epochNumber(m.epoch); !ok {
				return fmt.Errorf("outbox: more than 255 epochs in one file")
			}
		}
		var r request
		c := s.request.Cursor()
		k, b := c.First()
		if own {
			k, b = c.Seek(m.epoch[:])
		}
		for k != nil {
			if (len(k) >= 16 && Epoch(k) == m.epoch) != own {
				if own {
					break
				}
				if k, b = c.Seek(append(besideKey(m.epoch, math.MaxUint64), 0)); len(k) >= 16 && Epoch(k) == m.epoch {
					return fmt.Errorf("outbox: request under a key of %d bytes: %w", len(k), ErrDamaged)
				}
				continue
			}
			if len(k) != 24 {
				return fmt.Errorf("outbox: request under a key of %d bytes: %w", len(k), ErrDamaged)
			}
			if err := m.loadRequest(&r, k, b); err != nil {
				return err
			}
			key := k
			if k, b = c.Next(); len(k) == 25 && bytes.Equal(k[:24], key) {
				if err := m.loadBeside(true); err != nil {
					return err
				}
				k, b = c.Next()
			} else if err := m.loadBeside(false); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadRequest takes in the request under the key, through r.
func (m *memory) loadRequest(r *request, k, b []byte) error {
	v, err := wholeValue(b, kindRequest, short(k[16:]))
	if err != nil {
		return err
	}
	if v.epoch != Epoch(k) {
		return fmt.Errorf("outbox: request %d under another epoch's key: %w", v.number, ErrDamaged)
	}
	if err := r.parse(v.payload); err != nil {
		return err
	}
	n, ok := m.epochNumber(v.epoch)
	if !ok {
		return fmt.Errorf("outbox: more than 255 epochs in one file")
	}
	m.rev = max(m.rev, v.revision)
	m.add(n, v.number, r)
	return nil
}

// loadBeside compares whether sealed bytes stand beside the last request with
// whether they should.
func (m *memory) loadBeside(there bool) error {
	i := len(m.slots) - 1
	c := &m.slots[i]
	switch must := c.waits && !c.lost && !c.apart; {
	case must && !there:
		return fmt.Errorf("outbox: sealed bytes of request %d are gone: %w", c.seq, ErrDamaged)
	case there && (c.apart || c.waits && c.lost):
		return fmt.Errorf("outbox: sealed bytes beside request %d, which has none there: %w", c.seq, ErrDamaged)
	case there && !must:
		m.trash = append(m.trash, int32(i))
	}
	return nil
}

// loadSealed compares which sealed bytes stand in their own bucket with which should. It
// reads keys only.
func (m *memory) loadSealed(s *store) error {
	type key struct {
		epoch uint8
		seq   uint64
	}
	want := map[key]struct{}{}
	bySeq := map[key]int32{}
	for i := range m.slots {
		c := &m.slots[i]
		switch {
		case !c.apart:
		case c.waits && !c.lost:
			want[key{c.epoch, c.seq}] = struct{}{}
		case !c.waits:
			bySeq[key{c.epoch, c.seq}] = int32(i)
		}
	}
	c := s.sealed.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if len(k) != 24 {
			return fmt.Errorf("outbox: sealed bytes under a key of %d bytes: %w", len(k), ErrDamaged)
		}
		e, ok := m.epochNumber(Epoch(k))
		id := key{e, short(k[16:])}
		if _, waiting := want[id]; ok && waiting {
			delete(want, id)
			continue
		}
		i, ok := bySeq[id]
		if !ok {
			return fmt.Errorf("outbox: sealed bytes %d of no request: %w", id.seq, ErrDamaged)
		}
		m.trash = append(m.trash, i)
		if m.slots[i].large {
			r, err := s.getRequest(Epoch(k), id.seq)
			if err != nil {
				return err
			}
			m.useBlob([32]byte(r.Digest), int64(r.Size), i)
		}
	}
	for id := range want {
		return fmt.Errorf("outbox: sealed bytes of request %d are gone: %w", id.seq, ErrDamaged)
	}
	return nil
}

func (m *memory) loadJournal(s *store) error {
	c := s.journal.Cursor()
	k, _ := c.Seek(epochKey(s.epoch, 1<<63))
	if k == nil {
		k, _ = c.Last()
	} else {
		k, _ = c.Prev()
	}
	if k == nil || len(k) != 24 || !bytes.Equal(k[:16], s.epoch[:]) {
		return nil
	}
	last := short(k[16:])
	v, err := wholeValue(s.journal.Get(k), kindJournal, last)
	if err != nil {
		return err
	}
	m.rev = max(m.rev, v.revision)
	m.edge, err = journal.ReadEdge(int64(last)+1, journalReader{s.journal, s.epoch})
	return err
}

// loadItems finds the items of documents that have no request here.
func (m *memory) loadItems(s *store) error {
	c := s.item.Cursor()
	for k, b := c.First(); k != nil; k, b = c.Next() {
		if len(k) != 8 {
			return fmt.Errorf("outbox: item under a key of %d bytes: %w", len(k), ErrDamaged)
		}
		v, err := wholeValue(b, kindItem, short(k))
		if err != nil {
			return err
		}
		it, err := parseItem(v.payload, false)
		if err != nil {
			return err
		}
		if len(it.Doc) == 0 {
			continue
		}
		if _, ok := m.byDoc(Doc(it.Doc)); !ok {
			m.items[Doc(it.Doc)] = v.number
		}
	}
	return nil
}
