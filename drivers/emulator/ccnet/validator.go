// Package ccnet is a bill validator in software, for the far end of a line: a head
// that holds bills, a stacker, a cassette that can be taken out, and a power switch
// that leaves a bill wherever it is. It repeats what is not acknowledged, as a real
// one does, and takes faults on order.
//
// # Reference
//
// CashCode, "CashCode NET Interface", MAN_CCNET rev. 2.3.1: states and commands of
// bill validators, section 5; credit recovery after a power cut, section 5.5.
package ccnet

import (
	"sync"
	"time"
)

// Step is a point on the way of a bill into the cassette.
type Step int

// The steps, in order.
const (
	StepEscrow   Step = 1 // it is in escrow, and about to say so
	StepOrdered  Step = 2 // STACK came; nothing has moved
	StepMoving   Step = 3 // it has left escrow and can still be given back
	StepTooFar   Step = 4 // it cannot be given back any more
	StepInside   Step = 5 // it is in the cassette, and nobody has been told
	StepReported Step = 6 // it was told; no ACK yet
	StepAcked    Step = 7 // ACK came
)

// Fault is something that goes wrong once or a few times.
type Fault int

// The faults.
const (
	DeafToACK   Fault = 1 // "stacked" is repeated three times after its ACK
	Damage      Fault = 2 // an answer has a wrong checksum, and is right when asked for again
	DamageLong  Fault = 3 // … and is wrong three times more
	Mute        Fault = 4 // answers nothing, until Heal
	MuteSTACK   Fault = 5 // obeys STACK and does not say so
	DeafToSTACK Fault = 6 // does not hear STACK
	StaleReset  Fault = 7 // says the state before RESET twice more
	WrongWorth  Fault = 8 // says another type when stacked than in escrow
	StacksAlone Fault = 9 // stacks a bill without having been told
)

// How long the mechanics take; a bill in escrow is given back after escrowTime.
const (
	acceptTime = 300 * time.Millisecond
	stackTime  = 600 * time.Millisecond
	returnTime = 300 * time.Millisecond
	initTime   = 500 * time.Millisecond
	escrowTime = 10 * time.Second
)

// phase is what the mechanics are doing.
type phase int

const (
	powerUp phase = iota + 1
	initial
	rest // idling or disabled
	accepting
	escrow
	stacking
	returning
)

// Bill is a type in the table: digits, country and power of ten.
type Bill struct {
	Digits, Exp byte
	Country     string
}

// Manats are the bills of Turkmenistan, 1 to 100 manat.
var Manats = []Bill{{1, 0, "TKM"}, {5, 0, "TKM"}, {1, 1, "TKM"}, {2, 1, "TKM"}, {5, 1, "TKM"}, {1, 2, "TKM"}}

// Validator is the validator. Make it with New.
type Validator struct {
	table []Bill
	haste time.Duration

	mu     sync.Mutex
	off    bool
	phase  phase
	since  time.Time
	held   bool
	bill   int // type of the bill inside and not in the cassette; -1: none
	stage  int // of stacking
	tooFar bool
	todo   []func() // what hands are to do at the steps that were passed
	mask   [3]byte
	event  []byte // reported until acknowledged
	state  byte   // full, removed, jam …; 0: fine

	cassette, back []int
	steps          map[Step]func()
	faults         map[Fault]int
	last           []byte // answer
	stale          []byte
	mute           bool
	heard          map[byte]int // commands, by code
}

// New returns a validator that has just got power, with these types of bills. Its
// mechanics are haste times as fast as real ones.
func New(table []Bill, haste int) *Validator {
	return &Validator{table: table, haste: time.Duration(max(1, haste)), phase: powerUp, bill: -1, steps: map[Step]func(){}, faults: map[Fault]int{}, heard: map[byte]int{}}
}

// At has f done when a bill is at that step, once.
func (v *Validator) At(s Step, f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.steps[s] = f
}

// Inject plans a fault.
func (v *Validator) Inject(f Fault) {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := 1
	switch f {
	case DeafToACK, DamageLong:
		n = 3
	case StaleReset:
		n = 2
	case Mute:
		v.mute = true
	}
	v.faults[f] = n
}

// Heal ends Mute.
func (v *Validator) Heal() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.mute = false
}

// take says whether f is planned, and uses it up once.
func (v *Validator) take(f Fault) bool {
	if v.faults[f] == 0 {
		return false
	}
	v.faults[f]--
	return true
}

// Heard returns how often a command came: 0x33 POLL, 0xFF NAK …
func (v *Validator) Heard(code byte) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.heard[code]
}

// Insert holds a bill to the slot. It says whether the rollers drew it in.
func (v *Validator) Insert(kind int) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.advance()
	if v.off || v.phase != rest || v.mask == [3]byte{} || v.state != 0 || v.event != nil {
		return false
	}
	v.bill = kind
	v.enter(accepting)
	return true
}

// Cassette returns the types of the bills in the cassette, oldest first.
func (v *Validator) Cassette() []int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]int(nil), v.cassette...)
}

// Back returns the types of the bills given back.
func (v *Validator) Back() []int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]int(nil), v.back...)
}

// Trouble sets a state that keeps it from working, 0x41 to 0x47; 0 mends it.
func (v *Validator) Trouble(state byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state = state
}

// Cheat is somebody pulling at a bill by a string.
func (v *Validator) Cheat() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.event = []byte{0x45}
}

// PowerOff cuts the power: everything stands still.
func (v *Validator) PowerOff() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.advance()
	v.off, v.event, v.held, v.mask = true, nil, false, [3]byte{}
}

// PowerOn brings it back. A bill is where it was.
func (v *Validator) PowerOn() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.off {
		v.off = false
		v.enter(powerUp)
	}
}

func (v *Validator) enter(p phase) { v.phase, v.since, v.stage = p, time.Now(), 0 }

// passed has done what was to be done at step p, as soon as nobody holds mu.
func (v *Validator) passed(p Step) {
	if f := v.steps[p]; f != nil {
		delete(v.steps, p)
		v.todo = append(v.todo, f)
	}
}

// advance moves the mechanics to where they are by now, at most one step.
func (v *Validator) advance() {
	if v.off {
		return
	}
	gone := time.Since(v.since) * v.haste
	switch {
	case v.phase == initial && gone >= initTime:
		v.enter(rest)
		if v.tooFar { // credit recovery
			v.drop()
		}
	case v.phase == accepting && gone >= acceptTime:
		switch {
		case v.take(StacksAlone):
			v.enter(stacking)
		case v.mask[2-v.bill/8]>>(v.bill%8)&1 == 0:
			v.event = []byte{0x1C, 0x68}
			v.giveBack()
			v.enter(rest)
		default:
			v.enter(escrow)
			v.passed(StepEscrow)
		}
	case v.phase == escrow && gone >= escrowTime*v.haste:
		v.enter(returning)
	case v.phase == stacking && v.stage == 0:
		v.stage++
		v.passed(StepMoving)
	case v.phase == stacking && v.stage == 1 && gone >= stackTime/2:
		v.stage++
		v.tooFar = true
		v.passed(StepTooFar)
	case v.phase == stacking && v.stage == 2 && gone >= stackTime:
		v.drop()
		v.enter(rest)
	case v.phase == returning && gone >= returnTime:
		v.event = []byte{0x82, byte(v.bill)}
		v.giveBack()
		v.enter(rest)
	}
}

// drop lets the bill fall into the cassette.
func (v *Validator) drop() {
	said := byte(v.bill)
	if v.take(WrongWorth) {
		said = byte(v.bill+1) % byte(len(v.table))
	}
	v.event = []byte{0x81, said}
	v.cassette = append(v.cassette, v.bill)
	v.bill, v.tooFar = -1, false
	v.passed(StepInside)
}

func (v *Validator) giveBack() {
	v.back = append(v.back, v.bill)
	v.bill, v.held = -1, false
}
