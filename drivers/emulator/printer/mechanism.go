package printer

import (
	"time"
)

// mechanism is head, feed and cutter, with the pace they keep.
type mechanism struct {
	s   *session
	in  *interpreter
	due time.Time // when the next row may be printed
}

// row prints one row of dots, as wide as the paper.
func (m *mechanism) row(bits []byte) error {
	p := m.s.p
	p.mu.Lock()
	if spoilt, err := m.ready(); err != nil || spoilt {
		p.mu.Unlock()
		return err
	}
	if p.now == nil {
		p.now = &Paper{Width: p.o.Width}
		p.exit, p.shown = nil, false // what stood there is pushed out
	}
	n := stride(p.o.Width)
	p.now.bits = append(p.now.bits, bits[:n]...)
	p.now.Rows++
	p.rows++
	var do []func()
	keep := p.traps[:0]
	for _, t := range p.traps {
		if t.at <= p.rows {
			do = append(do, t.do)
		} else {
			keep = append(keep, t)
		}
	}
	p.traps = keep
	speed, dpi := p.o.Speed, p.o.DPI
	first := p.now.Rows == 1
	p.mu.Unlock()
	for _, f := range do {
		f()
	}
	if first {
		p.watch.Wake()
	}
	if speed > 0 {
		m.pace(time.Duration(25.4 / float64(dpi) / speed * float64(time.Second)))
	}
	return nil
}

// pace waits until a row's time has passed, a few rows at once: sleeping for
// each would be coarser than the rows.
func (m *mechanism) pace(row time.Duration) {
	now := time.Now()
	if m.due.Before(now) {
		m.due = now
	}
	m.due = m.due.Add(row)
	if ahead := m.due.Sub(now); ahead > 10*time.Millisecond {
		time.Sleep(ahead)
	}
}

// feed moves n rows of white paper.
func (m *mechanism) feed(n int) error {
	blank := make([]byte, stride(m.s.p.o.Width))
	for range n {
		if err := m.row(blank); err != nil {
			return err
		}
	}
	return nil
}

// cut cuts the paper off, if there is any.
func (m *mechanism) cut() error {
	p := m.s.p
	p.mu.Lock()
	if spoilt, err := m.ready(); err != nil || spoilt {
		p.mu.Unlock()
		return err
	}
	cut := p.now
	p.finish(false)
	p.hold(cut)
	p.mu.Unlock()
	p.change(func() {}) // the presenter's sensor
	return nil
}

// ready waits until paper can be moved. It reports true when a job of GS G is
// past printing, and notes why: the rest of it is thrown away. p.mu is held.
func (m *mechanism) ready() (spoilt bool, err error) {
	p := m.s.p
	for {
		if err := m.s.ready(); err != nil {
			return false, err
		}
		off := p.offline()
		if off && m.s.job {
			s := seen{p.level, p.cover, p.jam || p.held, p.hot, p.exit != nil, p.shown}
			m.in.spoilt |= s.one(false) &^ 0x41
		}
		if m.in.spoilt != 0 || !off {
			return m.in.spoilt != 0, nil
		}
		p.cond.Wait()
	}
}

// toCutter is how many rows the head is behind the cutter, 12 mm.
const toCutter = 96
