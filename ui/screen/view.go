// Package screen holds the pages a citizen sees: a view model for each, and
// the templates that draw them. A view holds everything its page needs and
// nothing the page would have to ask for; drawing one touches no hardware, no
// disk and no network.
package screen

import (
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
)

// Name says which page a view is for.
type Name string

// The pages (research numbers them C00–C32; the names are what code uses).
const (
	Start     Name = "start"       // three languages; nothing of anyone
	Home      Name = "home"        // apply, my requests, status by code, help
	Services  Name = "services"    // what is offered
	Service   Name = "service"     // one service: who, what is needed, fee, term
	Rules     Name = "rules"       // rules and consent (EP-4, EP-14, EG-14.3)
	Card      Name = "card"        // insert your card
	IsThisYou Name = "is-this-you" // masked name and number
	Question  Name = "question"    // one question
	Check     Name = "check"       // check your answers
	PIN       Name = "pin"         // sign with the PIN
	Working   Name = "working"     // signing, printing: wait
	Done      Name = "done"        // accepted: the code, what happened and what has not
	TakeCard  Name = "take-card"   // take your card and paper
	Requests  Name = "requests"    // my requests (card needed)
	Track     Name = "track"       // type a tracking code
	Seal      Name = "seal"        // a printed seal that was scanned: genuine or not
	Status    Name = "status"      // one request: where it stands
	Answer    Name = "answer"      // the agency's answer; print the certified copy
	Problem   Name = "problem"     // what went wrong, what was kept, what to do
	Ended     Name = "ended"       // visit over, nothing remains
	Help      Name = "help"        // how to use; call the assistant
	Assist    Name = "assist"      // the assistant's: what waits, why, and the memory stick (ED-25)
	Away      Name = "away"        // «are you still there?»
)

// View is one page, ready to draw. Exactly the parts its Screen needs are set.
type View struct {
	Screen Name
	Lang   string // "tk", "ru" or "en"
	Visit  string // in the path of every link and form; "" on the start page
	Title  string // name of the service in the header; "" for the product's
	Back   bool   // whether there is a way back
	Size   int    // text size: 0 normal, 1 large, 2 largest
	Theme  string // "", "contrast" or "dark"
	Idle   Idle   // when this page asks whether anyone is there
	Sum    string // of the page as it stands, for the server of pages; leave it empty

	Devices Devices

	Home      *HomeView
	Services  *ServicesView
	Service   *ServiceView
	Rules     *RulesView
	Card      *CardView
	IsThisYou *IsThisYouView
	Question  *QuestionView
	Check     *CheckView
	PIN       *PINView
	Working   *WorkingView
	Done      *DoneView
	TakeCard  *TakeCardView
	Requests  *RequestsView
	Track     *TrackView
	Seal      *SealView
	Status    *StatusView
	Answer    *AnswerView
	Problem   *ProblemView
	Start     *StartView
	Help      *HelpView // nil: as it is over any other page
	Assist    *AssistView
	First     *FirstView
}

// Idle says when a page that nobody touches warns, and when it ends the visit.
// The server keeps the time; the page only shows it.
type Idle struct {
	Warn time.Duration // 0: this page never warns (start, ended)
	End  time.Duration // after the warning
}

// State of a device or link as words and pictures show it. Unknown is a state
// of its own and is never shown as good (DESIGN 1.4).
type State string

// The states. Every one has a word and an icon, not only a colour.
const (
	Good    State = "good"
	Low     State = "low"     // paper nearly out
	Out     State = "out"     // no paper
	Open    State = "open"    // cover open
	Jam     State = "jam"     // paper or mechanism stuck
	Gone    State = "gone"    // unplugged
	Down    State = "down"    // no connection
	Unknown State = "unknown" // not known: said so
)

// Devices is what the footer says. It names no one.
type Devices struct {
	Printer State `json:"printer"`
	Reader  State `json:"reader"`
	Net     State `json:"net"`     // Good, Down or Unknown
	Unsent  int   `json:"unsent"`  // requests kept here that the portal has not confirmed
	Overdue bool  `json:"overdue"` // one of them is older than it should be (ED-25: other steps)
	Days    int   `json:"days"`    // whole days that the oldest of them has waited
	// Waits is what keeps them here although the link may work, one of WaitsWindow
	// …; "" nothing does. Until is when that is over; zero: not known.
	Waits string    `json:"waits,omitempty"`
	Until time.Time `json:"until,omitzero"`
	Today bool      `json:"today,omitempty"` // Until is today
	Clock State     `json:"clock"`           // Good, or Unknown: binding requests are not taken
}

// What keeps requests from the portal: Devices.Waits. The words of the uplink.
const (
	WaitsWindow = "window" // the next time the link may be used
	WaitsBudget = "budget" // the day's bytes are used up
	WaitsRoom   = "room"   // what is left of them is too little
	WaitsPortal = "portal" // the portal said when to come back
	WaitsQuota  = "quota"  // the portal takes no more from this kiosk for now
	WaitsFull   = "full"   // the portal has no room
)

// HelpView is the help page where it leads on.
type HelpView struct{ Assist bool }

// AssistView is the assistant's page. It names no one.
type AssistView struct {
	Count   int       // requests without a receipt of the portal
	Oldest  time.Time // of them
	Days    int       // whole days that it has waited
	Overdue bool      // longer than it should (ED-25)
	Why     string    // completes assist.why. and assist.do.
	Until   time.Time // of Why; zero: not known
	Today   bool      // Until is today
	Blocked string    // phrase key of why no request is taken now; "" they are
	Aside   int       // what the portal said and could not be believed; it is asked for again
	Export  *ExportView
	Ticket  *TicketView
	Setup   bool // the technician's pages can be opened from here
	Update  UpdateView
}

// UpdateView is what the assistant is told of new software: what is on the stick, and
// what becomes of it.
type UpdateView struct {
	State   string // UpdateOffered …; "": there is nothing to tell
	Version string
	Running string // version that runs
	Size    int64  // bytes
	Stick   bool   // it comes from a stick, not over the network
	Percent int    // that are here; where Fetch is not 0, of what is to be fetched
	Fetch   int64  // bytes that come over the network; 0: not known yet, or it comes from a stick
	Night   string // when the kiosk installs: 02:00–05:00
	Code    string // of UpdateRefused, UpdateUnderWay and UpdateEnded; whoever makes the view knows its words
	Says    string // those words, in the page's language
	Do      string // and what to do
}

// Where new software stands: UpdateView.State.
const (
	UpdateOffered  = "offered"  // it is on the stick, and would be taken
	UpdateRefused  = "refused"  // it is on the stick, and is not taken
	UpdateCopying  = "copying"  // it comes
	UpdateNight    = "night"    // it is here and waits for the night
	UpdateSoon     = "soon"     // it is here and waits until nobody is at the kiosk
	UpdateUnderWay = "underway" // it is installed, or proves itself
	UpdateEnded    = "ended"    // how the last one ended
)

// TicketView is what became of the status ticket.
type TicketView struct {
	Code string // completes assist.ticket.: printed, unknown, failed
}

// ExportView is what became of putting everything on the memory stick.
type ExportView struct {
	Records int    // requests on it
	Left    int    // not on it
	Code    string // why it failed, as assist.stick.CODE; "": it did not
	Service string // what became of a service ticket on it, as assist.service.CODE; "": there was none
}

// StartView is the start page.
type StartView struct {
	// Waiting is for how many days a request has waited for the portal for longer
	// than it should; 0: none has.
	Waiting int
	// Unprinted is set when the power went while a receipt was being printed:
	// the page offers it again as a marked copy. It names no one.
	Unprinted bool
	Notice    string // phrase key of a notice for everyone, e.g. out of service
	Developer bool   // the software is a developer's: not for service
	Stick     string // UpdateOffered or UpdateRefused: a stick with new software is in
}

// HomeView is the home page.
type HomeView struct{ Services int }

// ServicesView lists the services.
type ServicesView struct{ List []catalog.Service }

// ServiceView is one service and whether it can be asked for now.
type ServiceView struct {
	Service catalog.Service
	Agency  catalog.Agency
	Blocked string // phrase key of the reason it cannot be asked for now; "" if it can
}

// RulesView is one rule to accept: No of Of.
type RulesView struct {
	Rule   catalog.Rule
	No, Of int
}

// CardView asks for the card, or says what is wrong with the one inserted.
type CardView struct {
	State  string // "wanted", "reading", or a problem: phrase key "card."+State
	NoCard bool   // whether going on without a card makes sense here
}

// IsThisYouView shows the holder, masked.
type IsThisYouView struct{ Name, Number string }

// QuestionView is one question with what was answered so far.
type QuestionView struct {
	Row     catalog.Row
	Choices []catalog.Choice
	Value   citizen.Text
	Fault   catalog.Text // what is wrong with Value; zero if nothing
	No, Of  int
	Private bool // whether the answers are kept under the citizen's card
}

// CheckView is everything answered, before it is signed.
type CheckView struct {
	Service catalog.Service
	Agency  catalog.Agency
	Lines   []CheckLine
	Signs   bool // true: the citizen signs with the card; false: the kiosk as intermediary (dellal)
}

// CheckLine is one answer. Name is what «change» sends back.
type CheckLine struct {
	Name  string
	Label string
	Value citizen.Text
}

// PINView asks for the PIN.
type PINView struct {
	Left   int    // tries left; -1 not known
	Wrong  bool   // the last PIN was wrong
	Reason string // "sign" or "open"
}

// WorkingView waits: for "signing", "printing", "reading" or "opening".
type WorkingView struct{ What string }

// PaperState says what came of the paper, in the words of promise 1 and 4.
type PaperState string

// What came of the paper.
const (
	PaperNone     PaperState = ""
	PaperPrinting PaperState = "printing"
	PaperPrinted  PaperState = "printed" // the printer confirmed the end of the job
	PaperUnknown  PaperState = "unknown" // it may or may not be out: a marked copy is offered
	PaperFailed   PaperState = "failed"  // it did not print: Why says the reason
)

// PaperPlace says where a certified copy comes out, at a kiosk with two printers.
type PaperPlace string

// The places.
const (
	PlaceUnsaid PaperPlace = "" // there is one printer, or it is not known yet
	PlaceRoll   PaperPlace = "roll"
	PlaceSheets PaperPlace = "sheets" // A4
)

// DoneView is shown only after the request is durable (DESIGN 1.1).
type DoneView struct {
	Code     string // tracking code, grouped for reading
	Service  catalog.Service
	Received bool // the portal's receipt has been verified: «received», else «kept safely»
	Due      time.Time
	Paper    PaperState
	PaperWhy State  // Out, Open, Jam, Gone
	QR       []byte // what the QR code says (its text, not a picture); empty: none is shown
}

// TakeCardView asks to take card and paper.
type TakeCardView struct {
	Card, Paper bool
	Late        bool // the card has been there for too long
}

// RequestLine is one request of the citizen whose card is in the reader.
type RequestLine struct {
	Ref     string // opaque, for «open»
	Service catalog.Text
	Code    string
	Made    time.Time
	Stage   Stage
	Waits   bool // for the portal's confirmation, for longer than it should (ED-25)
}

// Stage is where a request stands, in the order of its life (DESIGN 5).
type Stage string

// The stages.
const (
	StageKept       Stage = "kept"       // accepted, not sent
	StageSending    Stage = "sending"    // sent: cannot be recalled any more
	StageReceived   Stage = "received"   // the portal has it durably
	StageRegistered Stage = "registered" // taken on by the agency
	StageRefused    Stage = "refused"
	StageReturned   Stage = "returned" // for correction
	StageAnswered   Stage = "answered"
	StageWithdrawn  Stage = "withdrawn"
)

// RequestsView lists them.
type RequestsView struct{ List []RequestLine }

// TrackView asks for a tracking code.
type TrackView struct {
	Code    string
	Fault   string // phrase key
	Scanner bool   // a receipt can be scanned instead
	Read    bool   // Code was read off a receipt
	Scans   int    // that were read on this page so far: what is typed goes with the next
}

// SealView is a printed seal that was scanned. Facts are for comparing with the
// paper; what a forgery says is not shown.
type SealView struct {
	Kind                  string // "receipt" or "copy"
	Verdict               string // "yes", "no" or "unknown"
	Heading, Found, Means catalog.Text
	Service, Issuer       catalog.Text
	Signer                string
	Subject               citizen.Text
	Facts                 []CheckLine
	Total                 int // of the document's facts, where Facts are not all; else 0
	Date, Expires         time.Time
	Number                string // check number
	Days                  int    // how old the knowledge of cancelled seals is; -1: there is none
	Scanner               bool   // another paper can be scanned
}

// StatusStep is one line of the timeline.
type StatusStep struct {
	Stage Stage
	At    time.Time // zero: not known, or not yet
	Done  bool
	Now   bool
}

// StatusView is one request.
type StatusView struct {
	Line     RequestLine
	Steps    []StatusStep
	Due      time.Time
	Overdue  bool
	Reason   citizen.Text // of a refusal or a return, when it may be shown
	Answer   bool         // there is an answer to open
	Locked   bool         // opening it needs the card and PIN
	Correct  bool         // it can be corrected and sent again
	Withdraw bool         // it can still be withdrawn (ED-24.2)
	Receipt  PaperState   // of its receipt; unknown or failed offers a marked copy
}

// AnswerView is the answer, read from its verified e-document.
type AnswerView struct {
	Service  catalog.Service
	Agency   catalog.Agency
	Decision string // "answered", "refused", "returned"
	Text     citizen.Text
	Facts    []CheckLine
	Signer   string // who signed, as the certificate says
	Signed   time.Time
	Valid    string // phrase key of the verifier's answer
	Copy     bool   // a certified copy can be printed
	CopyOver bool   // none can any more: its seal was cancelled, or its term is over
	Paper    PaperState
	PaperWhy State
	// PaperPlace is where it came out, or is to.
	PaperPlace PaperPlace
	Copies     int // how many were printed, or may have been
}

// ProblemView says what went wrong, what was kept and what to do next.
type ProblemView struct {
	Key   string // phrase keys: problem.KEY.title, .kept, .next
	Retry bool
	Code  string // for the assistant; names no one
}
