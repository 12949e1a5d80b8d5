package session

import (
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/ui/screen"
)

// Event is something that happened. The kinds are the types of this file.
type Event interface{ event() }

// Act is what a hand did on the page: the name of an action of web.Action, with
// an argument that is no one's (a language, a service, a row) or a text that is
// someone's (an answer, a PIN, a tracking code).
type Act struct {
	Name string
	Arg  string
	Text citizen.Text
}

// CardIn says that a card came into the reader.
type CardIn struct{ Gen uint64 }

// CardOut says that the card left it.
type CardOut struct{}

// CardRead answers [ReadCard]: the holder, or why the card cannot be used.
type CardRead struct {
	Job     uint64
	Holder  *Holder
	Problem string
}

// Failed answers any effect with a Job that did not succeed.
type Failed struct {
	Job  uint64
	Why  Why
	Left int    // PIN tries left, with WrongPIN; -1 not known
	Card string // with BadCard: as Card.Problem
	Code string // for the assistant; names no one
}

// Accepted answers [Submit]: the request is durable.
type Accepted struct {
	Job     uint64
	Request Request
}

// Listed answers [ListRequests].
type Listed struct {
	Job  uint64
	List []Request
}

// Found answers [Lookup]; nil: there is no such request here.
type Found struct {
	Job     uint64
	Request *Request
	Fault   string // phrase key, when Request is nil; "": not known here
}

// Opened answers [OpenAnswer].
type Opened struct {
	Job    uint64
	Answer Answer
}

// Scanned says what the code scanner read while the page was one that [State.Scans]:
// a tracking code, or a seal, or neither.
type Scanned struct {
	Code citizen.Text
	Seal *Seal
}

// Updated says that a request stands differently from before: a receipt came,
// a page was printed, it was withdrawn.
type Updated struct{ Request Request }

// CopyPaper says what became of a certified copy.
type CopyPaper struct {
	Doc    [32]byte
	State  screen.PaperState
	Why    screen.State
	Place  screen.PaperPlace
	Copies int
}

// IdleWarn and IdleEnd are the two ends of the idle time that [State.Idle] gives.
type (
	IdleWarn struct{}
	IdleEnd  struct{}
)

// Present says that the kiosk's sensor sees somebody again, or nobody any more. Where
// there is no sensor, or it does not answer, nothing is said.
type Present struct{ There bool }

// CardLeft says that «take your card» has been shown for long.
type CardLeft struct{}

func (Act) event()       {}
func (CardIn) event()    {}
func (CardOut) event()   {}
func (CardRead) event()  {}
func (Failed) event()    {}
func (Accepted) event()  {}
func (Listed) event()    {}
func (Found) event()     {}
func (Opened) event()    {}
func (Scanned) event()   {}
func (Updated) event()   {}
func (CopyPaper) event() {}
func (IdleWarn) event()  {}
func (IdleEnd) event()   {}
func (CardLeft) event()  {}
func (Present) event()   {}

// Why says why an effect failed, as far as the visit goes on differently.
type Why int

// The reasons.
const (
	Broken     Why = 1  // something inside: the code says what
	WrongPIN   Why = 2  // Left tries remain
	BlockedPIN Why = 3  // none remains
	CardGone   Why = 4  // the card was taken in the middle
	OtherCard  Why = 5  // another card than the one recognized
	BadCard    Why = 6  // Card says why
	NoReader   Why = 7  // the reader does not answer
	Full       Why = 8  // no room for another request
	NoTime     Why = 9  // the clock is not trustworthy
	NotYours   Why = 10 // the answer is sealed to another card
	BadAnswer  Why = 11 // the answer does not verify
	TooLate    Why = 12 // sent already: cannot be withdrawn
)
