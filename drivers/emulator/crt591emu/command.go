package crt591emu

import (
	"bytes"

	"github.com/penjire/penjire/drivers/crt591"
)

// Commands that are about APDUs.
const (
	cmInit   = 0x30
	cmStatus = 0x31
	cmMove   = 0x32
	cmEntry  = 0x33
	cmCPU    = 0x51
	cmRF     = 0x60
)

func isAPDU(cm, pm byte) bool {
	return cm == cmCPU && (pm == 0x33 || pm == 0x34 || pm == 0x39) || cm == cmRF && (pm == 0x34 || pm == 0x35)
}

// takeFault returns the fault that is planned for a command; 0: none.
func (u *Unit) takeFault(cm, pm byte) Fault {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, p := range u.faults {
		if p.cm == cm || p.cm == 0 && isAPDU(cm, pm) {
			u.faults = append(u.faults[:i:i], u.faults[i+1:]...)
			return p.f
		}
	}
	return 0
}

func (s *session) command(cm, pm byte, data []byte) {
	f := s.u.takeFault(cm, pm)
	switch f {
	case Deaf:
		return
	case RefuseFrame:
		s.send([]byte{crt591.NAK})
		return
	}
	s.send([]byte{crt591.ACK})
	if s.late != nil {
		s.send(s.late)
		s.late = nil
	}
	s.last, s.worse = nil, 0
	if f == Hang {
		return
	}
	out, code := s.u.carryOut(cm, pm, data, f)
	text := []byte{crt591.HeadOK, cm, pm}
	if code != "" {
		text[0] = crt591.HeadError
		if s.u.o.HeadE {
			text[0] = 'E'
		}
		text = append(text, code...)
	} else {
		st := s.u.state()
		text = append(text, st[:]...)
	}
	text = append(text, out...)
	s.last = crt591.AppendFrame(nil, s.u.o.Addr, text)
	switch f {
	case Mute:
		s.last = nil
		return
	case Late:
		s.late, s.last = s.last, nil
		return
	case DamageOnce:
		s.worse = 1
	case DamageAll:
		s.worse = 100
	case Stale:
		st := s.u.state()
		s.send(crt591.AppendFrame(nil, s.u.o.Addr, append([]byte{crt591.HeadOK, cmStatus, 0x30}, st[:]...)))
	}
	s.answer()
}

// state is st0, st1, st2 (2.1.2).
func (u *Unit) state() [3]byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	st := [3]byte{'0' + byte(u.place), '0' + byte(min(u.stacker, 2)), '0'}
	if u.full {
		st[2] = '1'
	}
	return st
}

// carryOut does what a command asks and returns its data, or an error code.
func (u *Unit) carryOut(cm, pm byte, data []byte, f Fault) ([]byte, string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if list := u.codes[cm]; len(list) > 0 {
		u.codes[cm] = list[1:]
		return nil, list[0]
	}
	if !u.ready && cm != cmInit {
		return nil, "B0"
	}
	switch {
	case cm == cmInit:
		return u.initialize(pm)
	case cm == cmStatus && pm == 0x30:
		return nil, ""
	case cm == cmMove:
		return nil, u.move(pm)
	case cm == cmEntry && (pm == 0x30 || pm == 0x31):
		u.open = pm == 0x30
		return nil, ""
	case cm == cmCPU || cm == cmRF:
		return u.speak(cm, pm, data, f)
	}
	return nil, "00"
}

func (u *Unit) initialize(pm byte) ([]byte, string) {
	if u.jammed {
		return nil, "10"
	}
	u.ready, u.open, u.active = true, false, false
	if pm != 0x33 {
		return nil, "01" // this emulator moves nothing at its beginning
	}
	return []byte("CRT-591-M001"), ""
}

// move is CARD MOVE (3.1.3).
func (u *Unit) move(pm byte) string {
	if u.card == nil {
		if pm != 0x31 {
			return "02"
		}
		if u.stacker == 0 {
			return "A0"
		}
		u.stacker--
		u.issued++
		return ""
	}
	if pm == 0x33 && u.full {
		return "A1"
	}
	if u.jammed {
		return "10"
	}
	u.active, u.reached = false, false
	switch pm {
	case 0x30:
		u.place = AtGate
	case 0x31:
		u.place, u.reached = Inside, true
	case 0x32:
		u.place = Inside
	case 0x33:
		u.gone()
		u.bin++
	case 0x39:
		u.gone() // it falls into somebody's hand
	default:
		return "01"
	}
	u.moves = append(u.moves, pm)
	return ""
}

// ATRs of a card that speaks T=1 and of one that speaks T=0.
var (
	atrT1 = []byte{0x3B, 0x95, 0x13, 0x81, 0x01, 0x80, 0x73, 0xFF, 0x01, 0x00, 0x0B}
	atrT0 = []byte{0x3B, 0x05, 0x80, 0x73, 0xFF, 0x01, 0x00}
)

// speak is what is about chips (3.2, 3.6). u.mu is held.
func (u *Unit) speak(cm, pm byte, data []byte, f Fault) ([]byte, string) {
	reachable := u.card != nil && u.place == Inside && u.o.Contacts == (cm == cmCPU) && (cm == cmRF || u.reached)
	switch {
	case pm == 0x32: // how is the chip?
		if u.active && reachable {
			return []byte("20")[:1+int(cm&1^1)], ""
		}
		return []byte("00")[:1+int(cm&1^1)], ""
	case pm == 0x31:
		u.active = false
		return nil, ""
	case pm == 0x30 || pm == 0x38 && cm == cmCPU:
		if !reachable || pm == 0x38 && !u.active {
			return nil, "61"
		}
		return u.wake(cm)
	case !isAPDU(cm, pm):
		return nil, "00"
	case !u.active || !reachable:
		return nil, "65"
	case cm == cmCPU && pm == 0x33 != u.o.T0 || cm == cmRF && pm == 0x35 != u.o.TypeB:
		return nil, "62"
	case len(data) < 4 || len(data) > 261:
		return nil, "04"
	}
	if f == PullBefore {
		u.gone()
		return nil, "68"
	}
	u.count++
	card := u.card
	u.mu.Unlock() // the card may have hands of its own
	r := card.Transmit(bytes.Clone(data))
	u.mu.Lock()
	switch {
	case f == PullAfter:
		u.gone()
		return nil, "45"
	case f == Mute || f == Late:
		u.active = false // the unit stops in the middle
	case f == Short:
		return r[:1], ""
	case u.card != card:
		return nil, "67"
	case len(r) > 258:
		u.active = false
		return nil, "64"
	}
	return r, ""
}

// wake activates the card.
func (u *Unit) wake(cm byte) ([]byte, string) {
	uid, ats := u.card.Activate()
	u.active = true
	switch {
	case cm == cmCPU && u.o.T0:
		return append([]byte{'0'}, atrT0...), ""
	case cm == cmCPU:
		return append([]byte{'1'}, atrT1...), ""
	case u.o.TypeB:
		return append([]byte{'B', 0x50}, append(append([]byte(nil), uid[:4]...), make([]byte, 7)...)...), ""
	case len(ats) == 0:
		return append(append([]byte{'M', 0x04, 0x00, byte(len(uid))}, uid...), 0x08), ""
	}
	b := append([]byte{'A', 0x04, 0x00, byte(len(uid))}, uid...)
	b = append(b, 0x20, byte(len(ats)+1))
	return append(b, ats...), ""
}
