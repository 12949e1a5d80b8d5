package pn532emu

import "github.com/penjire/penjire/drivers/pn532"

// more is the MI bit of target and status bytes.
const more = 0x40

// maxPiece is how much response one frame carries beside code and status.
const maxPiece = pn532.MaxData - 2

// exchange is InDataExchange: target, then a piece of an APDU.
func (s *session) exchange(p []byte) {
	var f Fault
	if len(p) > 0 && p[0]&more == 0 && len(s.rest) == 0 {
		f = s.ch.takeFault(append(s.pending[:len(s.pending):len(s.pending)], p[1:]...))
	}
	if f == NoACK {
		return
	}
	s.send(pn532.AckFrame)
	if s.late != nil {
		s.send(s.late)
		s.late = nil
	}
	status := func(b byte) { s.reply(cmdInDataExchange, b) }
	switch {
	case !s.ready:
		s.send(pn532.ErrorFrame)
		return
	case len(p) == 0 || p[0]&^more != 1 || s.tgt == nil:
		status(0x27)
		return
	case f == PullBefore:
		s.ch.Remove()
	}
	if !s.here() {
		status(0x01)
		return
	}
	if p[0]&more != 0 {
		s.pending = append(s.pending, p[1:]...)
		status(0x00)
		return
	}
	if len(s.rest) == 0 {
		apdu := append(s.pending, p[1:]...)
		s.pending = nil
		s.ch.mu.Lock()
		s.ch.count++
		s.ch.mu.Unlock()
		s.rest = s.tgt.Transmit(apdu)
	}
	if f == PullAfter {
		s.ch.Remove()
	}
	if !s.here() {
		s.rest = nil
		status(0x01)
		return
	}
	st := byte(0)
	piece := s.rest
	if len(piece) > maxPiece {
		piece, st = piece[:maxPiece], more
	}
	s.rest = s.rest[len(piece):]
	s.answer(f, append([]byte{st}, piece...))
}

// answer sends a response to InDataExchange with the fault f.
func (s *session) answer(f Fault, data []byte) {
	s.last = pn532.AppendFrame(nil, pn532.FromChip, append([]byte{cmdInDataExchange + 1}, data...))
	bad := append([]byte(nil), s.last...)
	bad[len(bad)-3] ^= 0x10 // the last byte of data, so that the checksum is wrong
	switch f {
	case Mute:
	case Late:
		s.late = s.last
	case DamageOnce:
		s.send(bad)
	case DamageTwice:
		s.last = bad
		s.send(bad)
	case Stale:
		s.send(pn532.AppendFrame(nil, pn532.FromChip, []byte{cmdInListPassive + 1, 0x00}))
		s.send(s.last)
	case Garbage:
		s.send([]byte{0x00, 0xFF, 0x00, 0x00, 0x12, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00})
		s.last = pn532.AppendFrame(nil, pn532.FromChip, []byte{cmdInDataExchange + 1})
		s.send(s.last)
	default:
		s.send(s.last)
	}
}

// takeFault returns the fault that is planned for apdu; 0: none.
func (ch *Chip) takeFault(apdu []byte) Fault {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	for i, p := range ch.faults {
		if p.any || len(apdu) > 1 && apdu[1] == p.ins {
			ch.faults = append(ch.faults[:i:i], ch.faults[i+1:]...)
			return p.f
		}
	}
	return 0
}
