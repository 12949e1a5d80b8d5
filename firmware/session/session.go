// Package session is one citizen's visit to the kiosk as a pure state machine:
// from a [State] and an [Event], [Next] makes the State that follows and the
// [Effect]s to carry out. It touches no card, disk, network or clock; package
// kiosk carries the effects out and feeds what came of them back as events.
//
// Every rule about what a citizen may do next is here and nowhere else: the
// pages offer buttons, and an action that the state does not allow changes
// nothing. From every state the visit can end; a test walks them all.
package session

import (
	"slices"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/ui/screen"
)

// State is where a visit stands. It is a value: Next returns a new one. It
// lives in memory only and holds personal data only in types of package
// citizen; [State.over] is what remains of it when the visit ends.
type State struct {
	Page screen.Name // the page, below what may lie over it
	Over screen.Name // Help or Away over the page; "" nothing

	Lang  string // "tk", "ru", "en"
	Size  int    // text size, 0 to 2
	Theme string // "", "contrast", "dark"

	Job  uint64 // number of the last long effect given out
	Busy uint64 // the effect being waited for; 0 none
	What string // what Working says it is doing

	Card    Card
	Purpose Purpose     // what the card is wanted for
	Apply   Application // the request being made
	PIN     PIN
	Problem Problem

	Track   Track
	Seal    *Seal     // the printed seal that was scanned
	List    []Request // my requests
	Request *Request  // the one open
	ByCode  bool      // it was found by its code, not by a card
	Answer  *Answer   // its answer, opened
	Done    *Request  // the one accepted in this visit

	Export *screen.ExportView // what became of writing to the memory stick
	Ticket *screen.TicketView // what became of the status ticket

	Left  bool // the sensor has seen whoever was here leave, and no hand since
	Paper bool // paper came out, or may have, during this visit
	Late  bool // the card has been left in the reader for long
}

// Purpose says what the card is wanted for: where the visit goes on when a
// card has been read and recognized.
type Purpose int

// The purposes.
const (
	ForNothing   Purpose = 0
	ForQuestions Purpose = 1  // begin the questions of a service
	ForSigning   Purpose = 2  // sign the request
	ForRequests  Purpose = 3  // list my requests
	ForOpening   Purpose = 4  // open an answer
	ForCorrect   Purpose = 5  // open a returned answer and correct the request
	ForExport    Purpose = 6  // put what waits on a memory stick: an assistant's card
	ForTicket    Purpose = 7  // print the kiosk's state: an assistant's card
	ForSetup     Purpose = 8  // set the kiosk up: an assistant's card
	ForUpdate    Purpose = 9  // take the stick's new software now: an assistant's card
	ForTonight   Purpose = 10 // take it, to be installed at night: an assistant's card
)

// Card is what the visit knows of cards.
type Card struct {
	In      uint64  // generation of the card in the reader; 0 none
	Problem string  // why the card in the reader cannot be used: phrase key "card."+Problem
	Holder  *Holder // who the last card read belongs to; nil when none was read
	Known   bool    // the holder said «yes, this is me»
}

// Ready reports whether the card in the reader is the one whose holder said
// «this is me».
func (c Card) Ready() bool {
	return c.Known && c.Holder != nil && c.In != 0 && c.In == c.Holder.Gen
}

// Holder is who a card, checked against the trust bundle, says its holder is.
type Holder struct {
	Gen       uint64
	Person    citizen.Person
	Card      [32]byte // digest of the signing certificate: the same card has the same
	Recipient string   // age recipient of the card's key, for answers; "" if it has none
	Tries     int      // of the PIN that are left; -1 not known
	Assistant bool     // the card is an assistant's of a telecentre
}

// Application is a request being made.
type Application struct {
	Service  *catalog.Service // as it was when chosen, though a newer catalogue may come
	Agency   catalog.Agency
	Rule     int // index of the rule shown
	Consents []Consent
	Answers  citizen.Answers
	Asked    []string     // names of the questions that were answered or passed
	Row      string       // name of the question shown
	Fault    catalog.Text // what is wrong with its answer
	Tried    citizen.Text // the answer that has the fault
	HasTried bool
	Checking bool // the question was opened from «check your answers»
	Corrects *[32]byte
}

// Consent is a rule that was accepted (EG-14.3, EP-4).
type Consent struct {
	Rule    string
	Version int
	At      time.Time
}

// PIN is what the PIN page shows.
type PIN struct {
	Left  int // tries left; -1 not known
	Wrong bool
}

// Problem is what the problem page shows.
type Problem struct {
	Key   string // phrase keys problem.KEY.…
	Retry bool
	Code  string // for the assistant; names no one
}

// Track is what the tracking page shows.
type Track struct {
	Code  citizen.Text // as typed
	Fault string       // phrase key
	Read  bool         // Code was read off a receipt
	Scans int          // that were read on the page so far
}

// Seal is what a seal printed on paper says, and whether that is genuine. The
// words are those of the verifier.
type Seal struct {
	Kind                  string // "receipt" or "copy"
	Verdict               string // "yes", "no", "unknown"
	Heading, Found, Means catalog.Text
	Service               string // id
	Issuer                string // id of the agency or kiosk
	Signer                string
	Subject               citizen.Text
	Facts                 []screen.CheckLine // to compare with the paper; Label is not set
	Total                 int                // of the document's facts, where Facts are not all; else 0
	Date, Expires         time.Time
	Number                string // check number, grouped
	Days                  int    // how old the knowledge of cancelled seals is; -1: there is none
}

// Request is what the kiosk tells of one request. It names no one.
type Request struct {
	Doc       [32]byte
	Code      string // tracking code, grouped
	Service   string // id
	Made, Due time.Time
	Stage     screen.Stage
	Steps     []screen.StatusStep
	Overdue   bool
	Anonymous bool   // made without a card: its code opens its answer
	Answer    bool   // an answer is here to open
	Withdraw  bool   // not sent yet
	Reason    string // code of why the portal refused it; "" it did not
	Waits     bool   // for the portal's confirmation, for longer than it should
	Receipt   screen.PaperState
	Why       screen.State // why the receipt did not print
	QR        []byte       // what the receipt's code says
}

// Answer is an opened, verified answer.
type Answer struct {
	Doc      [32]byte
	Decision string // answered, refused, returned
	Text     citizen.Text
	Facts    []screen.CheckLine
	Signer   string
	Signed   time.Time
	Valid    string // phrase key of the verifier's answer
	Copy     bool   // a certified copy can be printed
	CopyOver bool   // none can any more: its seal was cancelled, or its term is over
	Answers  citizen.Answers
	Paper    screen.PaperState
	Why      screen.State
	Place    screen.PaperPlace
	Copies   int
}

// Facts are what the kiosk knows at the moment of an event.
type Facts struct {
	Now       time.Time
	Catalogue *catalog.Catalogue
	// Blocked is the phrase key of the reason why no binding request is taken
	// now (clock not known, disk full); "" when they are taken.
	Blocked string
	// Queue is what waits for the portal, for the assistant.
	Queue Queue
	// Software is what is known of new software, for the assistant; its words are not in it.
	Software screen.UpdateView
	// NoReader is set while no card reader answers.
	NoReader bool
	// Scanner is set while a code scanner may be there.
	Scanner bool
}

// Begin returns the state of a new visit in lang, with the card of generation
// card in the reader (0: none).
func Begin(lang string, card uint64) State {
	return State{Page: screen.Home, Lang: language(lang), Card: Card{In: card}, PIN: PIN{Left: -1}}
}

// Shown returns the page to show: what lies over the page, or the page.
func (s State) Shown() screen.Name {
	if s.Over != "" {
		return s.Over
	}
	return s.Page
}

// Scans reports whether the code scanner is on: only while a page shows that wants
// what it reads.
func (s State) Scans() bool { return s.Shown() == screen.Track || s.Shown() == screen.Seal }

// Ended reports whether the visit is over: it holds nothing of anyone.
func (s State) Ended() bool { return s.Page == screen.Ended }

func language(l string) string {
	if l == "ru" || l == "en" {
		return l
	}
	return "tk"
}

// over returns all that remains when the visit ends: how the pages look, and
// whether card and paper have to be taken.
func (s State) over() State {
	e := State{
		Page: screen.TakeCard, Lang: s.Lang, Size: s.Size, Theme: s.Theme,
		Job: s.Job, Card: Card{In: s.Card.In}, PIN: PIN{Left: -1}, Paper: s.Paper,
	}
	if e.Card.In == 0 && !e.Paper {
		e.Page = screen.Ended
	}
	return e
}

// Idle says how long a page may wait for a hand.
type Idle struct {
	Warn, End time.Duration
	// Alone is Warn for a page with someone's data whose card has been taken:
	// they have probably left.
	Alone time.Duration
	// Left and LeftEnd are Warn and End for a page with someone's data when the sensor
	// sees nobody: they have left it to whoever comes next.
	Left, LeftEnd time.Duration
	// Take is how long «take your card» waits.
	Take time.Duration
}

// Idle returns when the page of s asks whether anyone is there, and when it
// ends the visit; zero Warn and End: it waits for something else than a hand.
func (s State) Idle(i Idle) screen.Idle {
	switch s.Page {
	case screen.Working, screen.Ended, screen.Start:
		return screen.Idle{}
	case screen.TakeCard:
		return screen.Idle{End: i.Take}
	}
	warn, end := i.Warn, i.End
	private := []screen.Name{screen.IsThisYou, screen.Requests, screen.Answer, screen.Status}
	if slices.Contains(private, s.Page) && s.Card.Holder != nil && s.Card.In == 0 {
		warn = min(warn, i.Alone)
	}
	if s.Left && s.someones() {
		warn, end = min(warn, i.Left), min(end, i.LeftEnd)
	}
	return screen.Idle{Warn: warn, End: end}
}

// someones reports whether the visit holds, or the page may hold, something of
// someone: not while services are being looked at, before a card or a question.
func (s State) someones() bool {
	switch s.Page {
	case screen.IsThisYou, screen.Question, screen.Check, screen.PIN, screen.Done, screen.Requests, screen.Track,
		screen.Seal, screen.Status, screen.Answer:
		return true
	}
	return s.Card.Holder != nil || len(s.Apply.Asked) > 0 || s.Request != nil || s.Answer != nil || s.Seal != nil || s.Done != nil
}
