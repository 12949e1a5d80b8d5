// Package pn532emu is a PN532 reader chip in software, for the far end of a
// line: it has moods, loses its settings with its power, and takes faults on
// order. It is checked against libnfc, which did not write it.
//
// # Reference
//
// NXP UM0701-02 "PN532 User Manual", and the commands libnfc 1.8 was seen to
// send.
package pn532emu

import (
	"io"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/pn532"
)

// Card is a contactless card that can be held to the chip. Its methods are
// called one at a time.
type Card interface {
	// Activate is what the card says when it is found. It resets the card: a
	// PIN given before counts no more. No ats means a card without APDUs.
	Activate() (uid, ats []byte)
	// Transmit answers one command APDU.
	Transmit(apdu []byte) []byte
}

// Fault is something that goes wrong with the next APDU, once.
type Fault int

// The faults.
const (
	PullBefore  Fault = 1 // the card leaves before it gets the command
	PullAfter   Fault = 2 // the card carries the command out, leaves, and the answer is lost
	Mute        Fault = 3 // the chip never answers
	NoACK       Fault = 4 // the chip does not take the command
	DamageOnce  Fault = 5 // the answer has a wrong checksum, and is right when asked for again
	DamageTwice Fault = 6 // it is wrong the second time as well
	Stale       Fault = 7 // the answer to another command comes first
	Late        Fault = 8 // the answer comes when nobody waits for it any more: with the next command
	Garbage     Fault = 9 // the answer has no status, no length, and no sense
)

// Chip is the chip. Its zero value has no card and is ready to be served.
type Chip struct {
	mu     sync.Mutex
	card   Card
	gen    uint64        // of what is in the field: the same card put back is another
	change chan struct{} // closed when card changes
	faults []planned
	count  int // APDUs the card has been given
}

// Insert holds c to the reader; a card that was there is taken away first.
func (ch *Chip) Insert(c Card) { ch.set(c) }

// Remove takes the card away, in the middle of whatever it does.
func (ch *Chip) Remove() { ch.set(nil) }

// Card returns the card that is there, or nil.
func (ch *Chip) Card() Card {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.card
}

func (ch *Chip) set(c Card) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.card = c
	ch.gen++
	if ch.change != nil {
		close(ch.change)
		ch.change = nil
	}
}

// planned is a fault and the APDU that it waits for.
type planned struct {
	f   Fault
	any bool
	ins byte // unless any
}

// Inject makes f happen to the next APDU that has no fault yet.
func (ch *Chip) Inject(f Fault) { ch.plan(planned{f: f, any: true}) }

// InjectAt makes f happen to the next APDU with that instruction byte that has
// no fault yet.
func (ch *Chip) InjectAt(ins byte, f Fault) { ch.plan(planned{f: f, ins: ins}) }

// Planned returns how many faults have not happened yet.
func (ch *Chip) Planned() int {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return len(ch.faults)
}

func (ch *Chip) plan(p planned) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.faults = append(ch.faults, p)
}

// Count returns how many APDUs cards have been given: a driver that repeats one
// by itself shows here.
func (ch *Chip) Count() int {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.count
}

// Serve implements pty.Device.
func (ch *Chip) Serve(line io.ReadWriter) {
	in := make(chan input)
	done := make(chan struct{})
	defer close(done)
	go func() {
		defer close(in)
		buf := make([]byte, 512)
		for {
			n, err := line.Read(buf)
			if n > 0 {
				select {
				case in <- input(append([]byte(nil), buf[:n]...)):
				case <-done:
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	s := &session{ch: ch, line: line, in: in, maxRetries: 0xFF}
	s.run()
}

// input is what one Read brought.
type input []byte

// session is the chip between power-on and power-off.
type session struct {
	ch   *Chip
	line io.ReadWriter
	in   <-chan input
	dec  pn532.Decoder

	awake      bool // has seen the long preamble
	ready      bool // has had SAMConfiguration
	maxRetries byte // MxRtyPassiveActivation
	tgt        Card // activated; may have left since
	gen        uint64
	last       []byte
	pending    []byte // APDU so far, of one that comes in pieces
	rest       []byte // response still to be fetched
	late       []byte // a frame to send with the next command
	broken     error
}

func (s *session) run() {
	for b := range s.in {
		s.feed(b)
		for {
			f, ok := s.dec.Next()
			if !ok {
				break
			}
			s.frame(f)
		}
		if s.broken != nil {
			return
		}
	}
}

// feed wakes the chip by the long preamble, and drops all that comes before.
func (s *session) feed(b input) {
	for !s.awake && len(b) > 0 {
		s.awake = b[0] == 0x55
		b = b[1:]
	}
	s.dec.Push(b)
}

func (s *session) frame(f pn532.Frame) {
	switch f.Kind {
	case pn532.ACK:
		// Abort. Nothing is under way here: commands that wait look themselves.
		s.late = nil
	case pn532.NACK:
		s.send(s.last)
	case pn532.Data:
		if f.TFI == pn532.ToChip && len(f.Data) > 0 {
			s.command(f.Data[0], f.Data[1:])
		}
	case pn532.Damaged:
		// A real chip stays silent: no ACK.
	}
}

func (s *session) send(b []byte) {
	if _, err := s.line.Write(b); err != nil {
		s.broken = err
	}
}

// reply acknowledges nothing; it sends the response frame.
func (s *session) reply(cmd byte, data ...byte) {
	s.last = pn532.AppendFrame(nil, pn532.FromChip, append([]byte{cmd + 1}, data...))
	s.send(s.last)
}

func (s *session) command(cmd byte, p []byte) {
	if cmd == cmdInDataExchange {
		s.exchange(p)
		return
	}
	s.send(pn532.AckFrame)
	if s.late != nil {
		s.send(s.late)
		s.late = nil
	}
	if cmd != cmdSAMConfig && !s.ready {
		s.send(pn532.ErrorFrame)
		return
	}
	switch cmd {
	case cmdDiagnose:
		s.diagnose(p)
	case cmdGetFirmware:
		s.reply(cmd, 0x32, 0x01, 0x06, 0x07)
	case cmdGetStatus:
		s.reply(cmd, 0x00, 0x00, 0x00, 0x80)
	case cmdReadRegister:
		s.reply(cmd, make([]byte, len(p)/2)...)
	case cmdWriteRegister, cmdSetParameters:
		s.reply(cmd)
	case cmdSAMConfig:
		s.ready = true
		s.reply(cmd)
	case cmdRFConfig:
		if len(p) == 4 && p[0] == 0x05 {
			s.maxRetries = p[3]
		}
		if len(p) == 2 && p[0] == 0x01 && p[1]&1 == 0 {
			s.tgt = nil // field off
		}
		s.reply(cmd)
	case cmdInListPassive:
		s.list(p)
	case cmdInThru:
		s.reply(cmd, 0x01) // nothing in the field answers raw frames
	case cmdInRelease, cmdInDeselect:
		s.tgt, s.pending, s.rest = nil, nil, nil
		s.reply(cmd, 0x00)
	default:
		s.send(pn532.ErrorFrame)
	}
}

// Commands, by the manual's names.
const (
	cmdDiagnose       = 0x00
	cmdGetFirmware    = 0x02
	cmdGetStatus      = 0x04
	cmdReadRegister   = 0x06
	cmdWriteRegister  = 0x08
	cmdSetParameters  = 0x12
	cmdSAMConfig      = 0x14
	cmdRFConfig       = 0x32
	cmdInDataExchange = 0x40
	cmdInThru         = 0x42
	cmdInDeselect     = 0x44
	cmdInListPassive  = 0x4A
	cmdInRelease      = 0x52
)

// diagnose knows the echo test and the card presence test.
func (s *session) diagnose(p []byte) {
	switch {
	case len(p) >= 1 && p[0] == 0x00:
		s.reply(cmdDiagnose, p...)
	case len(p) == 1 && p[0] == 0x06:
		status := byte(0x01)
		if s.tgt == nil {
			status = 0x27
		} else if s.here() {
			status = 0x00
		}
		s.reply(cmdDiagnose, status)
	default:
		s.send(pn532.ErrorFrame)
	}
}

// here reports whether the activated card is still the one in the field.
func (s *session) here() bool {
	s.ch.mu.Lock()
	defer s.ch.mu.Unlock()
	return s.tgt != nil && s.ch.gen == s.gen
}

// list is InListPassiveTarget: MaxTg, BrTy. Only type A cards are ever there.
// With endless retries it waits for a card, or for anything from the host.
func (s *session) list(p []byte) {
	if len(p) < 2 {
		s.send(pn532.ErrorFrame)
		return
	}
	s.tgt, s.pending, s.rest = nil, nil, nil
	for {
		s.ch.mu.Lock()
		card, gen := s.ch.card, s.ch.gen
		if s.ch.change == nil {
			s.ch.change = make(chan struct{})
		}
		change := s.ch.change
		s.ch.mu.Unlock()
		if p[1] == 0x00 && card != nil {
			s.found(card, gen)
			return
		}
		if s.maxRetries != 0xFF {
			s.tries()
			s.reply(cmdInListPassive, 0x00)
			return
		}
		select {
		case <-change:
		case b, ok := <-s.in: // an abort, or a command that aborts
			if ok {
				s.feed(b)
			}
			return
		}
	}
}

// tries takes about the time the chip spends on its retries.
func (s *session) tries() {
	time.Sleep(time.Duration(s.maxRetries) * time.Millisecond / 4)
}

func (s *session) found(card Card, gen uint64) {
	uid, ats := card.Activate()
	s.tgt, s.gen = card, gen
	sak := byte(0x20)
	if len(ats) == 0 {
		sak = 0x08
	}
	r := []byte{1, 1, 0x00, 0x04 | byte(len(uid)/7*0x40), sak, byte(len(uid))}
	r = append(r, uid...)
	if len(ats) > 0 {
		r = append(r, byte(len(ats)+1))
		r = append(r, ats...)
	}
	s.reply(cmdInListPassive, r...)
}
