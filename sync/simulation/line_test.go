package simulation

import (
	"math/rand/v2"
	"time"

	"github.com/penjire/penjire/sync/wire"
)

// carry brings some frames on.
func (s *sim) carry(r *rand.Rand) bool {
	any := false
	for range 1 + r.IntN(4) {
		type choice struct {
			c   *conn
			way int
		}
		var cs []choice
		for _, m := range s.machines {
			for way := range 2 {
				if m.conn != nil && m.conn.waiting(way) > 0 {
					cs = append(cs, choice{m.conn, way})
				}
			}
		}
		if len(cs) == 0 {
			return any
		}
		c := cs[r.IntN(len(cs))]
		f, ok := c.c.next(c.way)
		if !ok {
			return any
		}
		any = true
		s.say("link: %s goes %s%s", f.what, ways[c.way], c.c.of())
		if !f.sent.IsZero() && time.Since(f.sent) > time.Minute {
			s.count("fault: a frame is under way for minutes")
		}
		if c.way == up && !f.eof && len(s.old) < 64 {
			s.old = append(s.old, f)
		}
		c.c.bring(c.way, f)
		s.settle()
		if s.someoneBurnt() {
			return true
		}
	}
	return any
}

func (s *sim) someoneBurnt() bool {
	for _, m := range s.machines {
		if m.life != nil && m.life.fuse.burnt() != "" {
			return true
		}
	}
	return s.c.life != nil && s.c.life.fuse.burnt() != ""
}

// of names the machine, where there are several.
func (c *conn) of() string {
	if len(c.s.machines) < 2 {
		return ""
	}
	return " (" + c.m.name + ")"
}

// spoil does to a frame what a line must not do.
func (s *sim) spoil(r *rand.Rand) bool {
	m := s.machines[r.IntN(len(s.machines))]
	if m.conn == nil {
		return false
	}
	way := r.IntN(2)
	if m.conn.waiting(way) == 0 {
		way = 1 - way
	}
	f, ok := m.conn.next(way)
	if !ok {
		return false
	}
	s.hurtLine = true
	if b := renamed(f.bytes); b != nil && r.IntN(2) == 0 {
		s.say("link: %s goes %s, and a document has another name", f.what, ways[way])
		s.count("fault: a record comes under another document's name")
		f.bytes = b
		m.conn.bring(way, f)
		return true
	}
	switch r.IntN(4) {
	case 0:
		s.say("link: %s goes %s twice", f.what, ways[way])
		s.count("fault: a frame comes twice")
		m.conn.bring(way, f)
		s.settle()
		m.conn.bring(way, f)
	case 1:
		g, ok := m.conn.next(way)
		if !ok {
			m.conn.bring(way, f)
			return true
		}
		s.say("link: %s goes %s before %s", g.what, ways[way], f.what)
		s.count("fault: two frames are swapped")
		m.conn.bring(way, g)
		s.settle()
		m.conn.bring(way, f)
	case 2:
		if len(s.old) > 0 && way == up {
			g := s.old[r.IntN(len(s.old))]
			s.say("link: somebody sends again, from before: %s", g.what)
			s.count("fault: an old frame is replayed")
			m.conn.bring(way, g)
			s.settle()
		}
		m.conn.bring(way, f)
	default:
		if f.fixed || f.eof {
			m.conn.bring(way, f)
			return true
		}
		b := append([]byte(nil), f.bytes...)
		at := r.IntN(len(b))
		b[at] ^= 1 << r.IntN(8)
		s.say("link: %s goes %s, and byte %d of %d has changed", f.what, ways[way], at, len(b))
		f.bytes = b
		s.count("fault: a frame is altered")
		m.conn.bring(way, f)
	}
	return true
}

// renamed returns the frame with one record under another document's name; nil if it
// holds none.
func renamed(b []byte) []byte {
	f, err := wire.Parse(b)
	rs, ok := f.(*wire.Records)
	if err != nil || !ok {
		return nil
	}
	rs.Records[0].Doc[7] ^= 1
	out, err := wire.Marshal(rs)
	if err != nil {
		return nil
	}
	return out
}
