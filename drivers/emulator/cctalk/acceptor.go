// Package cctalk is a coin acceptor in software, for the far end of a single wire: it
// hears and repeats everything that is said on it, counts coins and mishaps, remembers
// the last five, and forgets all of it with its power.
//
// # Reference
//
// Money Controls, "ccTalk Generic Specification", issue 4.7, parts 1 to 3.
package cctalk

import (
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/cctalk"
)

// Step is a point on the way of a coin.
type Step int

// The steps, in order.
const (
	StepInside   Step = 1 // it has fallen and was counted; the answer that says so is not out yet
	StepReported Step = 2 // the answer is out
	StepAcked    Step = 3 // the next question came
)

// Fault is something that goes wrong once.
type Fault int

// The faults.
const (
	Stale  Fault = 1 // the answer before the last coin is given once more after it
	Damage Fault = 2 // an answer has a wrong checksum
	Mute   Fault = 3 // nothing is answered, until Heal
)

// fallTime is how long a coin takes from the slot to the cash box.
const fallTime = 300 * time.Millisecond

// Opts are what an acceptor is made with.
type Opts struct {
	Coins  []string // names, "TM100A"; position 1 first
	Check  cctalk.Check
	NoEcho bool // two wires
	Haste  int  // times as fast as a real one; 0: 1
}

// Acceptor is the acceptor. Make it with New.
type Acceptor struct {
	o Opts

	mu       sync.Mutex
	off      bool
	master   bool // not inhibited
	mask     uint16
	count    uint8
	buffer   [5][2]byte
	falling  int // position; 0: none
	since    time.Time
	inside   []int
	back     []int
	steps    map[Step]func()
	todo     []func()
	faults   map[Fault]bool
	old      []byte // the answer before the last event
	fresh    bool   // a coin was counted since the last question
	reported bool
}

// New returns an acceptor that has just got power.
func New(o Opts) *Acceptor {
	o.Haste = max(1, o.Haste)
	return &Acceptor{o: o, steps: map[Step]func(){}, faults: map[Fault]bool{}}
}

// At has f done when a coin is at that step, once.
func (a *Acceptor) At(s Step, f func()) { a.mu.Lock(); defer a.mu.Unlock(); a.steps[s] = f }

// Inject plans a fault; Heal ends all.
func (a *Acceptor) Inject(f Fault) { a.mu.Lock(); defer a.mu.Unlock(); a.faults[f] = true }

// Heal takes all faults back.
func (a *Acceptor) Heal() { a.mu.Lock(); defer a.mu.Unlock(); clear(a.faults) }

// Insert lets a coin into the slot. It says whether it did not come straight back.
func (a *Acceptor) Insert(position int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.advance()
	if a.off || !a.master || a.falling != 0 {
		return false
	}
	a.falling, a.since = position, time.Now()
	return true
}

// Rain drops n coins at once, faster than anyone can ask.
func (a *Acceptor) Rain(position, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for range n {
		a.inside = append(a.inside, position)
		a.event(byte(position), 0)
	}
}

// Trouble counts an error event, as of a coin on a string (20).
func (a *Acceptor) Trouble(code byte) { a.mu.Lock(); defer a.mu.Unlock(); a.event(0, code) }

// Inside and Back return the positions of the coins in the cash box, and of those
// that came back.
func (a *Acceptor) Inside() []int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]int(nil), a.inside...)
}

// Back is with Inside.
func (a *Acceptor) Back() []int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]int(nil), a.back...)
}

// PowerOff cuts the power: what was counted is forgotten.
func (a *Acceptor) PowerOff() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.off, a.master, a.mask, a.count, a.buffer, a.falling = true, false, 0, 0, [5][2]byte{}, 0
}

// PowerOn brings it back.
func (a *Acceptor) PowerOn() { a.mu.Lock(); defer a.mu.Unlock(); a.off = false }

// event counts one.
func (a *Acceptor) event(p, code byte) {
	a.old = a.credit()
	copy(a.buffer[1:], a.buffer[:4])
	a.buffer[0] = [2]byte{p, code}
	if a.count++; a.count == 0 {
		a.count = 1
	}
}

// advance lets a coin fall that has had the time.
func (a *Acceptor) advance() {
	if a.falling == 0 || a.off || time.Since(a.since)*time.Duration(a.o.Haste) < fallTime {
		return
	}
	p := a.falling
	a.falling = 0
	if a.mask>>(p-1)&1 == 0 {
		a.back = append(a.back, p)
		a.event(0, 2) // inhibited coin
		return
	}
	a.inside = append(a.inside, p)
	a.event(byte(p), 1)
	a.fresh = true
}

// pass has done what was to be done at step s, as soon as nobody holds mu.
func (a *Acceptor) pass(s Step) {
	if f := a.steps[s]; f != nil {
		delete(a.steps, s)
		a.todo = append(a.todo, f)
	}
}
