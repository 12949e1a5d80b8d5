package cctalk

import (
	"io"
	"time"

	"github.com/penjire/penjire/drivers/cctalk"
)

// Serve answers on line until it is unplugged. The cable is not the power.
func (a *Acceptor) Serve(line io.ReadWriter) {
	var got []byte
	buf := make([]byte, 256)
	last := time.Now()
	for {
		n, err := line.Read(buf)
		if err != nil {
			return
		}
		if time.Since(last) > 50*time.Millisecond {
			got = nil // half a frame, long ago
		}
		last = time.Now()
		if !a.o.NoEcho {
			if _, err := line.Write(buf[:n]); err != nil {
				return
			}
		}
		got = append(got, buf[:n]...)
		for {
			f, n, err := cctalk.ParseFrame(got, a.o.Check)
			if err == cctalk.ErrShort {
				break
			}
			if err != nil {
				got = nil // until the line is quiet
				break
			}
			got = got[n:]
			if f.Destination != 2 {
				continue
			}
			answer, after := a.hear(f)
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
func (a *Acceptor) hear(f cctalk.Frame) (answer []byte, after func()) {
	a.mu.Lock()
	a.advance()
	if f.Header == 229 {
		if a.reported {
			a.reported = false
			a.pass(StepAcked)
		}
		if a.fresh {
			a.pass(StepInside)
		}
	}
	do := a.todo
	a.todo = nil
	a.mu.Unlock()
	for _, f := range do {
		f()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.off || a.faults[Mute] {
		return nil, nil
	}
	data, ok := a.obey(f)
	if !ok {
		return nil, nil // what it does not know, it does not answer
	}
	if f.Header == 229 && a.fresh {
		a.fresh, a.reported = false, true
		after = a.steps[StepReported]
		delete(a.steps, StepReported)
	}
	out := cctalk.AppendFrame(nil, a.o.Check, 1, 2, 0, data...)
	if a.faults[Damage] {
		delete(a.faults, Damage)
		out[len(out)-1] ^= 0x10
	}
	return out, after
}

func (a *Acceptor) credit() []byte {
	out := []byte{a.count}
	for _, e := range a.buffer {
		out = append(out, e[0], e[1])
	}
	return out
}

func (a *Acceptor) obey(f cctalk.Frame) (data []byte, ok bool) {
	switch f.Header {
	case 254:
		return nil, true
	case 246:
		return []byte("PNJ"), true
	case 245:
		return []byte("Coin Acceptor"), true
	case 244:
		return []byte("SPECIMEN"), true
	case 232:
		return []byte{0}, true
	case 184:
		name := "......"
		if len(f.Data) == 1 && f.Data[0] >= 1 && int(f.Data[0]) <= len(a.o.Coins) {
			name = a.o.Coins[f.Data[0]-1]
		}
		return []byte(name), true
	case 227:
		if a.master {
			return []byte{1}, true
		}
		return []byte{0}, true
	case 231:
		if len(f.Data) == 2 {
			a.mask = uint16(f.Data[0]) | uint16(f.Data[1])<<8
			return nil, true
		}
	case 228:
		if len(f.Data) == 1 {
			a.master = f.Data[0]&1 != 0
			return nil, true
		}
	case 229:
		if a.faults[Stale] && a.old != nil && a.reported {
			delete(a.faults, Stale)
			return a.old, true
		}
		return a.credit(), true
	}
	return nil, false
}
