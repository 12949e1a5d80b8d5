package simulation

import (
	"math/rand/v2"
	"time"
)

// boot switches on what is off.
func (s *sim) boot(r *rand.Rand) bool {
	if s.c.life == nil && r.IntN(2) == 0 {
		s.say("portal: it starts")
		s.c.boot()
		return true
	}
	for _, m := range s.machines {
		if m.life == nil {
			s.say("%s: it starts", m.name)
			m.boot()
			return true
		}
		if m.renewed && m.life.box != nil {
			s.restartOne(m)
			return true
		}
	}
	if s.c.life == nil {
		s.say("portal: it starts")
		s.c.boot()
		return true
	}
	return false
}

// restart ends a kiosk in order and starts it.
func (s *sim) restart(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil {
		return false
	}
	s.restartOne(m)
	return true
}

func (s *sim) restartOne(m *machine) {
	if m.printing != nil {
		return
	}
	s.say("%s: it is restarted", m.name)
	m.stop()
	m.boot()
}

func (s *sim) power(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil {
		return false
	}
	s.say("%s: THE POWER IS CUT", m.name)
	m.kill(r)
	return true
}

func (s *sim) lightKiosk(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil {
		return false
	}
	var torn func()
	if s.plan.faults["torn"] {
		torn = m.life.tearNext
	}
	m.life.fuse.light(1+r.IntN(6), torn)
	return s.carry(r) // so that something passes it
}

func (s *sim) crash(*rand.Rand) bool {
	if !s.up() {
		return false
	}
	s.say("portal: IT CRASHES")
	s.c.kill()
	return true
}

func (s *sim) lightPortal(r *rand.Rand) bool {
	if !s.up() {
		return false
	}
	var torn func()
	if s.plan.faults["torn"] {
		torn = s.c.life.led.tearNext
	}
	s.c.life.fuse.light(1+r.IntN(8), torn)
	return s.carry(r)
}

func (s *sim) cut(r *rand.Rand) bool {
	m := s.machines[r.IntN(len(s.machines))]
	if m.conn == nil || m.conn.over() {
		return false
	}
	s.say("link: it is cut%s", m.conn.of())
	m.conn.cut()
	return true
}

func (s *sim) noLine(r *rand.Rand) bool {
	m := s.machines[r.IntN(len(s.machines))]
	m.noLine = !m.noLine
	if m.noLine {
		s.say("link: %s has no line any more", m.name)
		if m.conn != nil {
			m.conn.cut()
		}
	} else {
		s.say("link: %s has a line again", m.name)
	}
	return true
}

func (s *sim) silence(r *rand.Rand) bool {
	m := s.machines[r.IntN(len(s.machines))]
	if m.conn == nil || m.conn.over() {
		return false
	}
	m.conn.mu.Lock()
	defer m.conn.mu.Unlock()
	if m.conn.silent.IsZero() {
		s.say("link: nothing comes through any more%s", m.conn.of())
		m.conn.silent = time.Now()
	} else {
		s.say("link: it comes through again%s", m.conn.of())
		m.conn.silent = time.Time{}
	}
	return true
}

func (s *sim) clock(r *rand.Rand) bool {
	m := s.machines[r.IntN(len(s.machines))]
	m.skew = skew(r)
	s.say("%s: its clock is off by %s now", m.name, m.skew)
	return true
}

func (s *sim) portalClock(r *rand.Rand) bool {
	s.c.skew = skew(r)
	s.clockOff = s.clockOff || s.c.skew.Abs() > time.Hour
	s.say("portal: its clock is off by %s now", s.c.skew)
	return true
}

// skew is how far a clock is off: mostly a little, sometimes years.
func skew(r *rand.Rand) time.Duration {
	const year = 365 * 24 * time.Hour
	steps := []time.Duration{
		0, 0, 0, -48 * time.Hour, -time.Hour, -time.Minute, time.Minute, time.Hour, 72 * time.Hour, -20 * year, 30 * year, -400 * 24 * time.Hour,
	}
	return steps[r.IntN(len(steps))]
}

// busy has the portal's store turn calls away, or take its time.
func (s *sim) busy(r *rand.Rand) bool {
	if !s.up() {
		return false
	}
	l := s.c.life.led
	switch {
	case l.slow.Load() > 0:
		l.slow.Store(0)
		s.say("portal: its store is as quick as before")
	case r.IntN(2) == 0:
		l.busy.Store(1 + r.Int32N(4))
		s.say("portal: its store is busy")
	default:
		d := time.Second + time.Duration(r.Int64N(int64(time.Minute)))
		l.slow.Store(int64(d))
		s.say("portal: its store takes %s for everything", d.Round(time.Second))
	}
	return s.carry(r)
}

func (s *sim) portalFull(*rand.Rand) bool {
	if !s.up() {
		return false
	}
	full := !s.c.life.led.full.Load()
	s.c.life.led.full.Store(full)
	if full {
		s.say("portal: its medium is full")
	} else {
		s.say("portal: its medium has room again")
	}
	return true
}

func (s *sim) unsure(r *rand.Rand) bool {
	if !s.up() {
		return false
	}
	s.lostReply = true
	s.c.life.led.unsure.Store(1 + r.Int32N(2))
	s.say("portal: the word of its next commits gets lost")
	return s.carry(r)
}
