// Package firmataemu is an I/O board in software, which speaks StandardFirmata at
// the far end of a line. Its pins can be set and seen by hand.
//
// # Reference
//
// github.com/firmata/protocol, protocol.md (2.5), and what StandardFirmata 2.5 does
// with it: an output that is made one goes low; a report that is asked for is given
// at once; a board that starts says its version and its firmware's name.
package firmataemu

import (
	"io"
	"sync"
)

// pins is how many there are.
const pins = 20

// Modes of a pin.
const (
	ModeInput  = 0x00
	ModeOutput = 0x01
	ModePullUp = 0x0B
)

// Board is an emulated board. The zero value is ready; its methods may be called
// from any goroutine.
type Board struct {
	mu     sync.Mutex
	hand   [pins]*bool // what is wired to the pin; nil: nothing
	out    [pins]bool
	mode   [pins]byte
	report [3]bool
	deaf   bool
	mute   bool
	stuck  bool          // outputs do not take a level
	said   []byte        // and not sent yet
	saying chan struct{} // to the writer of the line that is plugged in; nil: none
	boots  int
	turns  [pins]int
}

// Set wires a level to a pin.
func (b *Board) Set(pin int, high bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hand[pin] = &high
	if b.report[pin/8] && !b.deaf {
		b.tell(pin / 8)
	}
}

// Output returns the level that a pin is set to; ok is false for one that is no
// output.
func (b *Board) Output(pin int) (high, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.out[pin], b.mode[pin] == ModeOutput
}

// Turns returns how often an output changed.
func (b *Board) Turns(pin int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.turns[pin]
}

// Deaf keeps the board from telling changes by itself.
func (b *Board) Deaf(deaf bool) { b.mu.Lock(); b.deaf = deaf; b.mu.Unlock() }

// Mute keeps it from saying anything.
func (b *Board) Mute(mute bool) { b.mu.Lock(); b.mute = mute; b.mu.Unlock() }

// Stick keeps its outputs as they are, whatever it is told.
func (b *Board) Stick(stuck bool) { b.mu.Lock(); b.stuck = stuck; b.mu.Unlock() }

// Reset is a brown-out: the board starts anew, and its cable stays where it is.
func (b *Board) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.boot()
}

// Serve implements the life of the board from power-on to unplugging. What it
// says goes out by itself: a slow line holds nothing up.
func (b *Board) Serve(line io.ReadWriter) {
	saying := make(chan struct{}, 1)
	b.mu.Lock()
	b.saying, b.said = saying, nil
	b.boot()
	b.mu.Unlock()
	var sent sync.WaitGroup
	sent.Go(func() { b.send(line, saying) })
	defer sent.Wait()
	defer func() {
		b.mu.Lock()
		if b.saying == saying { // else it was plugged in again meanwhile
			b.saying = nil
		}
		b.mu.Unlock()
		close(saying)
	}()
	var cmd []byte
	buf := make([]byte, 256)
	for {
		n, err := line.Read(buf)
		if err != nil {
			return
		}
		for _, x := range buf[:n] {
			if x >= 0x80 && x != 0xF7 {
				cmd = nil
			}
			if cmd = append(cmd, x); b.do(cmd) || len(cmd) > 64 {
				cmd = nil
			}
		}
	}
}

// send writes what the board says, until saying is closed.
func (b *Board) send(line io.Writer, saying <-chan struct{}) {
	for range saying {
		b.mu.Lock()
		p := b.said
		b.said = nil
		b.mu.Unlock()
		if len(p) > 0 {
			_, _ = line.Write(p) // nobody there: lost, as on a cable
		}
	}
}

// boot forgets everything. b.mu is held.
func (b *Board) boot() {
	b.boots++
	b.mode, b.out, b.report = [pins]byte{}, [pins]bool{}, [3]bool{}
	b.say(0xF9, 2, 5, 0xF0, 0x79, 2, 5, 'P', 0, 0xF7)
}

// say says something. b.mu is held.
func (b *Board) say(p ...byte) {
	if b.saying == nil || b.mute {
		return
	}
	b.said = append(b.said, p...)
	select {
	case b.saying <- struct{}{}:
	default:
	}
}

// level is what an input reads; one with nothing wired to it has its pull-up, or
// hums, which is low here. b.mu is held.
func (b *Board) level(pin int) bool {
	if h := b.hand[pin]; h != nil {
		return *h
	}
	return b.mode[pin] == ModePullUp
}

// tell reports a port. b.mu is held.
func (b *Board) tell(port int) {
	var bits byte
	for i := range 8 {
		if pin := port*8 + i; pin < pins && b.mode[pin] != ModeOutput && b.level(pin) {
			bits |= 1 << i
		}
	}
	b.say(0x90|byte(port), bits&0x7F, bits>>7)
}

// do carries out a command if it is whole, and reports whether it was.
func (b *Board) do(cmd []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	arg := func(i int) int { return int(cmd[i]) }
	switch c := cmd[0]; {
	case c == 0xF9:
		b.say(0xF9, 2, 5)
	case c == 0xFF:
		b.boot()
	case c&0xF0 == 0xD0:
		if len(cmd) < 2 {
			return false
		}
		if port := int(c & 0x0F); port < len(b.report) {
			if b.report[port] = cmd[1] != 0; b.report[port] {
				b.tell(port)
			}
		}
	case c&0xF0 == 0x90:
		if len(cmd) < 3 {
			return false
		}
		for i := range 8 {
			pin := int(c&0x0F)*8 + i
			if pin < pins && b.mode[pin] == ModeOutput && !b.stuck {
				b.drive(pin, (cmd[1]|cmd[2]<<7)>>i&1 == 1)
			}
		}
	case c == 0xF4:
		if len(cmd) < 3 {
			return false
		}
		if arg(1) < pins {
			b.mode[arg(1)] = cmd[2]
			b.drive(arg(1), false)
		}
	case c == 0xF5:
		if len(cmd) < 3 {
			return false
		}
		if arg(1) < pins && b.mode[arg(1)] == ModeOutput && !b.stuck {
			b.drive(arg(1), cmd[2] != 0)
		}
	case c == 0xF0:
		if cmd[len(cmd)-1] != 0xF7 {
			return false
		}
		b.tellSelf(cmd[1])
		if len(cmd) == 4 && cmd[1] == 0x6D && arg(2) < pins {
			var v byte
			if b.out[arg(2)] {
				v = 1
			}
			b.say(0xF0, 0x6E, cmd[2], b.mode[arg(2)], v, 0xF7)
		}
	}
	return true
}

// tellSelf answers the questions for what the board is: its firmware, what its pins
// can do, and which of them are analog. b.mu is held.
func (b *Board) tellSelf(question byte) {
	switch question {
	case 0x79:
		b.say(0xF0, 0x79, 2, 5, 'P', 0, 0xF7)
	case 0x6B:
		b.say(0xF0, 0x6C)
		for range pins {
			b.say(ModeInput, 1, ModeOutput, 1, ModePullUp, 1, 0x7F)
		}
		b.say(0xF7)
	case 0x69:
		b.say(0xF0, 0x6A)
		for range pins {
			b.say(0x7F)
		}
		b.say(0xF7)
	}
}

// drive sets an output. b.mu is held.
func (b *Board) drive(pin int, high bool) {
	if b.out[pin] != high {
		b.turns[pin]++
	}
	b.out[pin] = high
}
