package printer

import (
	"bytes"

	"github.com/penjire/penjire/drivers/device"
)

// seen is what the sensors say, or what a liar makes of it.
type seen struct {
	paper                        device.Paper
	cover, jam, hot, exit, shown bool
}

func (s *session) seenState() seen {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.p.lie == AlwaysFine {
		return seen{paper: device.PaperFull}
	}
	return seen{s.p.level, s.p.cover, s.p.jam || s.p.held, s.p.hot, s.p.exit != nil, s.p.shown}
}

func (s seen) end() bool { return s.paper == device.PaperOut }
func (s seen) low() bool { return s.paper == device.PaperOut || s.paper == device.PaperLow }
func (s seen) off() bool { return s.end() || s.cover || s.jam || s.hot }

// bits returns base with those bits set that are true.
func bits(base byte, set map[byte]bool) byte {
	for b, on := range set {
		if on {
			base |= b
		}
	}
	return base
}

// status returns what answers DLE EOT n, nil if nothing does.
func (s *session) status(n byte) func() []byte {
	switch {
	case n >= 1 && n <= 4:
		return func() []byte { return []byte{s.seenState().realTime(n)} }
	case s.p.o.Dialect == Custom && n == 17:
		return func() []byte { return []byte{bits(0x12, map[byte]bool{0x20: s.seenState().end()})} }
	case s.p.o.Dialect == Custom && n == 20:
		return func() []byte { return s.seenState().full() }
	}
	return nil
}

// realTime is the answer to DLE EOT 1 to 4.
func (s seen) realTime(n byte) byte {
	switch n {
	case 1:
		return bits(0x12, map[byte]bool{0x08: s.off()})
	case 2:
		return bits(0x12, map[byte]bool{0x04: s.cover, 0x20: s.end(), 0x40: s.jam || s.hot})
	case 3:
		return bits(0x12, map[byte]bool{0x08: s.jam, 0x40: s.hot})
	}
	return bits(0x12, map[byte]bool{0x0C: s.low(), 0x60: s.end()})
}

// full is Custom's FULL status: paper, user, recoverable and unrecoverable
// errors.
func (s seen) full() []byte {
	return []byte{
		0x10, 0x0F,
		bits(0, map[byte]bool{0x01: s.end(), 0x04: s.low(), 0x20: s.exit && s.shown}),
		bits(0, map[byte]bool{0x02: s.cover}),
		bits(0, map[byte]bool{0x01: s.hot, 0x40: s.jam}),
		0,
	}
}

// one is Nippon's status byte; job says that GS G 31h has set its bit 7.
func (s seen) one(job bool) byte {
	return bits(0, map[byte]bool{
		0x01: s.low(), 0x02: s.cover, 0x04: s.end(), 0x08: s.hot, 0x10: s.jam, 0x40: s.exit, 0x80: job,
	})
}

// back is the four bytes of GS a.
func (s seen) back() []byte {
	return []byte{
		bits(0x10, map[byte]bool{0x08: s.off(), 0x20: s.cover}),
		bits(0, map[byte]bool{0x08: s.jam, 0x40: s.hot}),
		sensors(s.paper), 0,
	}
}

// sensors is the answer to GS r 1, and the third byte of status back.
func sensors(paper device.Paper) byte {
	switch paper {
	case device.PaperOut:
		return 0x0F
	case device.PaperLow:
		return 0x03
	}
	return 0
}

// statusBack sends the status by itself if it changed and the host wants that.
func (s *session) statusBack() {
	if s.p.o.NoASB || s.p.o.Dialect == Nippon {
		return
	}
	b := s.seenState().back()
	if s.p.o.Dialect == Custom {
		b = s.seenState().full()
	}
	s.lock()
	send := s.asb && !bytes.Equal(b, s.sent)
	s.sent = b
	s.unlock()
	if send {
		s.answer(true, b...)
	}
}

// setASB is GS a, or GS E0 of Custom's: it also sends the status once.
func (s *session) setASB(on bool) {
	s.lock()
	s.asb, s.sent = on, nil
	s.unlock()
	s.statusBack()
}
