package outbox

import (
	"errors"
	"fmt"
)

// mirrorCopy is the mirror's file that is being written.
type mirrorCopy struct {
	name       string
	f          mediumFile
	epoch      Epoch
	generation int
	size       int64
	synced     int64 // of it, for certain on the medium
	rev, marks uint64
	hold       int64    // below this size it is not begun anew
	others     []string // files that need not be kept once it is complete
}

func (c *mirrorCopy) write(b []byte) error {
	if _, err := c.f.WriteAt(b, c.size); err != nil {
		return fmt.Errorf("outbox: write to the mirror: %w", err)
	}
	c.size += int64(len(b))
	return nil
}

// attach looks at what is on the medium and opens the file to go on with: that
// of the epoch which is complete up to the highest revision, or a new one.
func (m *mirror) attach(epoch Epoch) (_ *mirrorCopy, err error) {
	names, err := m.m.list()
	if err != nil {
		return nil, fmt.Errorf("outbox: look at the mirror: %w", err)
	}
	best := -1
	states := make([]copyState, len(names))
	last := 0
	for i, name := range names {
		if states[i], err = m.read(name); err != nil {
			return nil, err
		}
		s := &states[i]
		if s.kiosk != "" && s.kiosk != m.o.o.Kiosk {
			return nil, errMirrorForeign
		}
		if _, n, ok := parseMirrorName(name); ok {
			last = max(last, n)
		}
		if s.kiosk != "" && s.epoch == epoch && s.rev > 0 && !m.doubted[name] && (best < 0 || s.rev > states[best].rev) {
			best = i
		}
	}
	old := false
	if best >= 0 {
		if old, err = m.behind(&states[best]); err != nil {
			return nil, err
		}
	}
	if old {
		// Somebody put an older copy of the file in its place, or its medium lost
		// what it had flushed. It takes nothing new; the next opening puts both
		// together under a new epoch.
		return nil, errors.Join(errMirrorAhead, m.o.Renounce(m.life))
	}
	unlike := false
	var others []string
	for i, name := range names {
		if i == best {
			continue
		}
		covered, err := m.covered(name)
		if err != nil {
			return nil, err
		}
		if covered {
			others = append(others, name)
		} else {
			unlike = true
		}
	}
	m.mu.Lock()
	m.unlike = unlike
	m.mu.Unlock()
	if best < 0 {
		return m.begin(epoch, last+1, others)
	}
	s := &states[best]
	c := &mirrorCopy{name: names[best], epoch: epoch, size: s.end, synced: s.end, rev: s.rev, marks: s.marks, others: others}
	if c.f, err = m.m.open(c.name); err != nil {
		return nil, fmt.Errorf("outbox: open the mirror: %w", err)
	}
	if st, err := c.f.Stat(); err != nil || st.Size() > c.size {
		if err == nil {
			err = c.f.Truncate(c.size) // a torn end
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("outbox: cut a torn end off the mirror: %w", err), c.f.Close())
		}
	}
	_, c.generation, _ = parseMirrorName(c.name)
	return c, nil
}

// behind reports whether a copy knows of commits that this file does not. None of
// this opening has a revision between those that it found and those that it began
// with; and the journal of the copy must be the beginning of this one.
func (m *mirror) behind(s *copyState) (bool, error) {
	m.o.mu.RLock()
	found, rev, size := m.o.mem.found, m.o.mem.rev, m.o.mem.edge.Size()
	m.o.mu.RUnlock()
	if s.rev > rev || s.rev > found && s.rev <= found+revisionGap || s.size > size {
		return true, nil
	}
	if s.size == 0 {
		return false, nil
	}
	root, err := m.o.RootAt(m.life, s.size)
	return root != s.root, err
}

func (m *mirror) read(name string) (s copyState, err error) {
	f, err := m.m.open(name)
	if err != nil {
		return s, fmt.Errorf("outbox: open the mirror: %w", err)
	}
	r, err := sizeOf(f)
	if err == nil {
		s, err = readCopy(r)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return s, fmt.Errorf("outbox: read the mirror: %w", err)
	}
	return s, nil
}

// covered reports whether the outbox has every request that the file speaks of,
// so that the file can go.
func (m *mirror) covered(name string) (bool, error) {
	if _, err := m.o.proveBlobs(m.life); err != nil {
		return false, err
	}
	f, err := m.m.open(name)
	if err != nil {
		return false, fmt.Errorf("outbox: open the mirror: %w", err)
	}
	r, err := sizeOf(f)
	found := map[id]at{}
	if err == nil {
		scanInto(r, 0, found)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return false, fmt.Errorf("outbox: read the mirror: %w", err)
	}
	m.o.mu.RLock()
	defer m.o.mu.RUnlock()
	for k := range found {
		if k.kind != kindRequest && k.kind != kindSealed && k.kind != kindLarge {
			continue
		}
		i, there := m.o.mem.docs[k.fork]
		if !there {
			return false, nil
		}
		if s := &m.o.mem.slots[i]; k.kind != kindRequest && s.waits && s.lost {
			return false, nil
		}
	}
	return true, nil
}

// begin makes a new file. It promises nothing until its first mark.
func (m *mirror) begin(epoch Epoch, generation int, others []string) (*mirrorCopy, error) {
	c := &mirrorCopy{name: mirrorName(epoch, generation), epoch: epoch, generation: generation, others: others}
	head, err := marshalMark(m.o.o.Kiosk, epoch, 0, 0, nil, m.o.o.Now())
	if err != nil {
		return nil, err
	}
	if c.f, err = m.m.create(c.name); err != nil {
		return nil, fmt.Errorf("outbox: begin a mirror: %w", err)
	}
	if err := errors.Join(c.write(head), c.f.Sync(), m.m.sync()); err != nil {
		return nil, errors.Join(fmt.Errorf("outbox: begin a mirror: %w", err), c.f.Close(), m.m.remove(c.name))
	}
	return c, nil
}

// forget removes files that the outbox and the file in use make needless.
func (m *mirror) forget(c *mirrorCopy) error {
	if len(c.others) == 0 {
		return nil
	}
	for _, name := range c.others {
		if err := m.m.remove(name); err != nil {
			return fmt.Errorf("outbox: remove an old file of the mirror: %w", err)
		}
	}
	c.others = nil
	if err := m.m.sync(); err != nil {
		return fmt.Errorf("outbox: flush the mirror: %w", err)
	}
	return nil
}

// renew copies what still counts into a new file, and removes the old one after
// that.
func (m *mirror) renew(c *mirrorCopy) (_ *mirrorCopy, err error) {
	next, err := m.begin(c.epoch, c.generation+1, []string{c.name})
	if err != nil {
		return nil, err
	}
	err = m.keepParts(c, next)
	if err == nil {
		err = m.catchUp(next, m.o.moment())
	}
	if err != nil {
		// The old one goes on, until there is so much more of it again.
		c.hold = c.size + mirrorLeast
		return nil, errors.Join(err, next.f.Close(), m.m.remove(next.name))
	}
	if err := c.f.Close(); err != nil {
		return nil, errors.Join(fmt.Errorf("outbox: close the mirror: %w", err), next.f.Close())
	}
	if err := m.forget(next); err != nil {
		return nil, errors.Join(err, next.f.Close())
	}
	return next, nil
}

// keepParts copies, from one file of the mirror to the next, what the outbox itself
// does not have any more: the parts of large requests whose files are lost.
func (m *mirror) keepParts(from, to *mirrorCopy) error {
	lost, err := m.o.proveBlobs(m.life)
	if err != nil || len(lost) == 0 {
		return err
	}
	r, err := sizeOf(from.f)
	if err != nil {
		return err
	}
	found := map[id]at{}
	scanInto(r, 0, found)
	for k, w := range found {
		if k.kind != kindPart {
			continue
		}
		raw := make([]byte, w.length)
		if _, err := from.f.ReadAt(raw, w.offset); err != nil {
			return fmt.Errorf("outbox: read the mirror: %w", err)
		}
		if v, _, err := parseValue(raw); err != nil || !lost[[32]byte(v.payload)] {
			continue
		}
		if err := to.write(raw); err != nil {
			return err
		}
	}
	return nil
}
