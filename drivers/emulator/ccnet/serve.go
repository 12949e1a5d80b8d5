package ccnet

import (
	"bytes"
	"io"

	"github.com/penjire/penjire/drivers/ccnet"
)

// Serve answers on line until it is unplugged. The cable is not the power: a
// validator whose cable is pulled goes on with what it was doing.
func (v *Validator) Serve(line io.ReadWriter) {
	var dec ccnet.Decoder
	buf := make([]byte, 256)
	for {
		n, err := line.Read(buf)
		if err != nil {
			return
		}
		dec.Push(buf[:n])
		for f, ok := dec.Next(); ok; f, ok = dec.Next() {
			answer, after := v.hear(f)
			if answer == nil {
				continue
			}
			if _, err := line.Write(answer); err != nil {
				return
			}
			if after != nil {
				after()
			}
		}
	}
}

// hear obeys a frame and returns the answer, and what is to be done once it is out.
func (v *Validator) hear(f ccnet.Frame) (answer []byte, after func()) {
	v.mu.Lock()
	v.advance()
	if !f.Damaged && f.Data[0] == 0x35 && v.phase == escrow {
		v.passed(StepOrdered)
	}
	do := v.todo
	v.todo = nil
	v.mu.Unlock()
	for _, f := range do {
		f()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.off || v.mute {
		return nil, nil
	}
	if f.Damaged {
		return ccnet.AppendFrame(nil, 0xFF), nil
	}
	v.heard[f.Data[0]]++
	var code []byte
	switch f.Data[0] {
	case 0x00: // ACK
		v.acked()
		return nil, nil
	case 0xFF: // NAK
		return v.out(v.last), nil
	default:
		code = v.obey(f.Data)
	}
	if code == nil {
		return nil, nil
	}
	if code[0] == 0x81 && f.Data[0] == 0x33 {
		after = v.steps[StepReported]
		delete(v.steps, StepReported)
	}
	v.last = ccnet.AppendFrame(nil, code[0], code[1:]...)
	return v.out(v.last), after
}

// out is an answer on its way out.
func (v *Validator) out(frame []byte) []byte {
	if len(frame) > 0 && (v.take(Damage) || v.take(DamageLong)) {
		frame = bytes.Clone(frame)
		frame[3] ^= 0x01 // "stacked" and "escrow" differ by this bit
	}
	return frame
}

func (v *Validator) acked() {
	// An ACK is for what was said last, and not for what has happened since.
	if v.event == nil || !bytes.Equal(v.last, ccnet.AppendFrame(nil, v.event[0], v.event[1:]...)) {
		return
	}
	if v.event[0] == 0x81 {
		if v.take(DeafToACK) {
			return
		}
		if f := v.steps[StepAcked]; f != nil {
			delete(v.steps, StepAcked)
			defer func() { v.mu.Unlock(); f(); v.mu.Lock() }()
		}
	}
	v.event = nil
}

// obey carries a command out and returns its answer.
func (v *Validator) obey(c []byte) []byte {
	ack, wrong := []byte{0x00}, []byte{0x30}
	inEscrow := v.phase == escrow
	switch {
	case c[0] == 0x33:
		return v.status()
	case c[0] == 0x37:
		return []byte("SM-TMT1234     990000000001TMT\x00\x00\x00\x00")
	case c[0] == 0x41:
		return v.tableBytes()
	case c[0] == 0x30:
		v.stale = v.now()
		if v.bill >= 0 && !v.tooFar {
			v.giveBack()
		}
		v.event, v.mask = nil, [3]byte{}
		v.enter(initial)
		return ack
	case v.phase == powerUp || v.phase == initial:
		return wrong
	case c[0] == 0x34 && len(c) == 7:
		copy(v.mask[:], c[1:4])
		return ack
	case c[0] == 0x35 && inEscrow:
		if v.take(DeafToSTACK) {
			return nil
		}
		v.enter(stacking)
		if v.take(MuteSTACK) {
			return nil
		}
		return ack
	case c[0] == 0x36 && inEscrow:
		v.enter(returning)
		return ack
	case c[0] == 0x38 && inEscrow:
		v.enter(escrow)
		v.held = true
		return ack
	}
	return wrong
}

// status is the answer to POLL.
func (v *Validator) status() []byte {
	if v.phase == initial && v.take(StaleReset) {
		return v.stale
	}
	return v.now()
}

func (v *Validator) now() []byte {
	switch {
	case v.event != nil:
		return v.event
	case v.phase == powerUp && v.tooFar:
		return []byte{0x12}
	case v.phase == powerUp && v.bill >= 0:
		return []byte{0x11}
	case v.phase == powerUp:
		return []byte{0x10}
	case v.phase == initial:
		return []byte{0x13}
	case v.state == 0x47:
		return []byte{0x47, 0x50}
	case v.state != 0:
		return []byte{v.state}
	case v.phase == rest && v.mask == [3]byte{}:
		return []byte{0x19}
	case v.phase == rest:
		return []byte{0x14}
	case v.phase == accepting:
		return []byte{0x15}
	case v.phase == escrow && v.held:
		return []byte{0x1A}
	case v.phase == escrow:
		return []byte{0x80, byte(v.bill)}
	case v.phase == stacking:
		return []byte{0x17}
	}
	return []byte{0x18}
}

func (v *Validator) tableBytes() []byte {
	out := make([]byte, 24*5)
	for i, b := range v.table {
		out[i*5], out[i*5+4] = b.Digits, b.Exp
		copy(out[i*5+1:], b.Country)
	}
	return out
}
