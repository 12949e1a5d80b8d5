// Package crt591emu is a Creator CRT-591 in software, for the far end of a line:
// a gate, a motor, a place where chips are read, a stacker and a bin, that stay
// as they are when the cable is pulled, and forget with their power what a real
// unit forgets.
//
// # Reference
//
// Creator, "CRT-591-M001 communication protocol" 1.0. No program that did not
// come with the driver has tried this emulator: the independent part is the
// specification, and its examples.
package crt591emu

import (
	"io"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/crt591"
)

// Card is a card that can be put into the unit. Its methods are called one at a
// time.
type Card interface {
	// Activate is what the card says when it is woken. It resets the card. ats is
	// without its length byte; none means a card without APDUs.
	Activate() (uid, ats []byte)
	// Transmit answers one command APDU.
	Transmit(apdu []byte) []byte
}

// Fault is something that goes wrong with one command, once.
type Fault int

// The faults. All but Deaf come after the unit has taken the command.
const (
	PullBefore  Fault = 1  // the card is pulled before it gets the command
	PullAfter   Fault = 2  // the card carries the command out and is pulled
	Mute        Fault = 3  // the unit carries the command out and never answers
	Deaf        Fault = 4  // the unit does not take the command
	DamageOnce  Fault = 5  // the answer is damaged, and right when asked for again
	DamageAll   Fault = 6  // the answer is damaged every time
	Stale       Fault = 7  // the answer to another command comes first
	Late        Fault = 8  // the answer comes with the one to the next command
	Hang        Fault = 9  // the unit takes the command and does nothing until it is stopped
	RefuseFrame Fault = 10 // the unit finds the frame damaged, once
	Short       Fault = 11 // the card's answer has no status
)

// Place is where the card is.
type Place int

// The places.
const (
	Nowhere Place = 0
	AtGate  Place = 1
	Inside  Place = 2
)

// Opts are how the unit and its cards are.
type Opts struct {
	Addr     byte
	Contacts bool // cards have no antenna
	T0       bool // and speak T=0
	TypeB    bool // cards are of type B
	HeadE    bool // negative answers begin with E
}

// Unit is the unit. Its methods are hands, and may be used from any goroutine.
type Unit struct {
	o Opts

	mu      sync.Mutex
	card    Card
	place   Place
	ready   bool // initialized since it got power
	open    bool // the gate
	reached bool // the contacts are on the card
	active  bool // the chip is
	jammed  bool
	full    bool // the bin
	stacker int
	bin     int
	issued  int // cards taken from the stacker
	moves   []byte
	faults  []planned
	codes   map[byte][]string // to be answered to a command, by CM
	count   int
}

// planned is a fault and the command that it waits for; cm 0: any APDU.
type planned struct {
	f  Fault
	cm byte
}

// New returns a unit with power, an empty stacker and no card.
func New(o Opts) *Unit { return &Unit{o: o, codes: map[byte][]string{}} }

// Insert pushes c into the gate; a card that was there is taken first. It reports
// whether the gate let it in.
func (u *Unit) Insert(c Card) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.gone()
	if !u.ready || !u.open || u.jammed {
		return false
	}
	u.card, u.place = c, Inside
	return true
}

// Remove takes the card away by hand, from wherever it is.
func (u *Unit) Remove() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.gone()
}

func (u *Unit) gone() { u.card, u.place, u.active, u.reached = nil, Nowhere, false, false }

// Take takes the card that is at the gate. It reports whether there was one.
func (u *Unit) Take() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.place != AtGate {
		return false
	}
	u.gone()
	return true
}

// Place returns where the card is.
func (u *Unit) Place() Place {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.place
}

// Jam makes the card get stuck at its next move, or lets go of it.
func (u *Unit) Jam(stuck bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.jammed = stuck
}

// PowerLoss takes the power away for a moment: the card stays where it is.
func (u *Unit) PowerLoss() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ready, u.open, u.active = false, false, false
}

// Fill puts cards into the stacker, and says whether the bin is full.
func (u *Unit) Fill(stacker int, binFull bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stacker, u.full = stacker, binFull
}

// Answer has the next command CM answered with an error code.
func (u *Unit) Answer(cm byte, code string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.codes[cm] = append(u.codes[cm], code)
}

// Inject makes f happen to the next APDU, InjectAt to the next command CM.
func (u *Unit) Inject(f Fault) { u.InjectAt(0, f) }

// InjectAt makes f happen to the next command CM.
func (u *Unit) InjectAt(cm byte, f Fault) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.faults = append(u.faults, planned{f, cm})
}

// Count returns how many APDUs cards have been given.
func (u *Unit) Count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.count
}

// Moves returns the parameters of all moves that were carried out, and how many
// cards came out of the stacker and went into the bin.
func (u *Unit) Moves() (moves []byte, issued, captured int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]byte(nil), u.moves...), u.issued, u.bin
}

// gap is how long the unit waits for the rest of a frame.
const gap = 100 * time.Millisecond

// Serve implements pty.Device.
func (u *Unit) Serve(line io.ReadWriter) {
	in, done := make(chan []byte), make(chan struct{})
	defer close(done)
	go func() {
		defer close(in)
		buf := make([]byte, 512)
		for {
			n, err := line.Read(buf)
			if n > 0 {
				select {
				case in <- append([]byte(nil), buf[:n]...):
				case <-done:
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	s := &session{u: u, line: line}
	for {
		var late <-chan time.Time
		if s.dec.Partial() {
			late = time.After(gap)
		}
		select {
		case b, ok := <-in:
			if !ok {
				return
			}
			s.dec.Push(b)
		case <-late:
			s.dec.Reset()
		}
		for {
			it, ok := s.dec.Next()
			if !ok {
				break
			}
			s.item(it)
		}
	}
}

// session is the unit on one line.
type session struct {
	u     *Unit
	line  io.ReadWriter
	dec   crt591.Decoder
	last  []byte // answer, in case it arrives damaged
	worse int    // how often it is still to arrive damaged
	late  []byte // answer that comes with the next one
}

// send writes; a line that is gone shows when it is read.
func (s *session) send(b []byte) { _, _ = s.line.Write(b) }

func (s *session) item(it crt591.Item) {
	switch it.Kind {
	case crt591.Damaged:
		s.send([]byte{crt591.NAK})
	case crt591.Nacked:
		s.answer()
	case crt591.Ended:
		s.u.mu.Lock()
		s.last = nil
		s.u.mu.Unlock()
		s.send([]byte{crt591.EOT})
	case crt591.Text:
		if it.Addr == s.u.o.Addr && it.Text[0] == crt591.HeadCommand {
			s.command(it.Text[1], it.Text[2], it.Text[3:])
		}
	}
}

// answer sends the last answer, damaged if that is planned.
func (s *session) answer() {
	if s.last == nil {
		return
	}
	b := append([]byte(nil), s.last...)
	if s.worse > 0 {
		s.worse--
		b[len(b)-3] ^= 0x10
	}
	s.send(b)
}
