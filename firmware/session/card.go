package session

import (
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/ui/screen"
)

// wantCard goes on if the citizen's card is in the reader, reads the card that
// is there, or asks for one. The answers stay in the visit meanwhile.
func (s State) wantCard(f Facts) (State, []Effect) {
	if s.Card.Ready() {
		return s.cardReady(f)
	}
	s.Page, s.Card.Problem = screen.Card, s.missing()
	return s.read()
}

// missing is the state of the card page while no card is in the reader: the
// same card as before is asked back, and it says that the answers are kept.
func (s State) missing() string {
	if s.Card.Known && !s.Purpose.assistants() {
		return "removed"
	}
	return ""
}

// read begins to read the card in the reader, if there is one.
func (s State) read() (State, []Effect) {
	if s.Card.In == 0 {
		return s, nil
	}
	s.Card.Problem = ""
	s.Job++
	s.Busy = s.Job
	return s, []Effect{ReadCard{Job: s.Busy, Gen: s.Card.In, Service: s.Apply.Service}}
}

// cardReady goes on to what the card was wanted for.
func (s State) cardReady(f Facts) (State, []Effect) {
	switch s.Purpose {
	case ForQuestions:
		return s.questions(), nil
	case ForSigning, ForOpening, ForCorrect:
		s.Page = screen.PIN
		return s, nil
	case ForRequests:
		s = s.wait("reading")
		return s, []Effect{ListRequests{Job: s.Busy, Holder: s.Card.Holder}}
	}
	s.Page = screen.Home
	return s, nil
}

func (s State) cardIn(gen uint64) (State, []Effect) {
	s.Card.In = gen
	switch {
	case s.Page == screen.Card:
		return s.read()
	case s.Page == screen.Problem && s.Problem.Key == "card-gone":
		s.Page = screen.Card
		return s.read()
	}
	return s, nil
}

func (s State) cardOut() (State, []Effect) {
	s.Card.In, s.Late = 0, false
	switch s.Page {
	case screen.Card:
		s.Card.Problem = s.missing()
		s.Busy = 0 // whatever comes of reading it is no longer wanted
	case screen.PIN:
		s.Page, s.Card.Problem, s.PIN.Wrong = screen.Card, s.missing(), false
	case screen.IsThisYou: // the name of whoever left is not left on the screen
		s.Card.Holder, s.Card.Known = nil, false
		s.Page, s.Card.Problem = screen.Card, ""
	case screen.TakeCard:
		s.Page, s.Paper = screen.Ended, false
	}
	return s, nil
}

func (s State) cardRead(e CardRead, f Facts) (State, []Effect) {
	if s.Page != screen.Card || !s.mine(e.Job) {
		return s, nil
	}
	switch {
	case e.Problem != "":
		s.Card.Problem = e.Problem
		return s, nil
	case e.Holder == nil || e.Holder.Gen != s.Card.In:
		return s, nil
	case s.Purpose.assistants():
		return s.exporter(e.Holder)
	case e.Holder.Tries == 0 && s.Purpose != ForRequests:
		s.Card.Problem = "blocked"
		return s, nil
	case s.Card.Known && s.Card.Holder != nil:
		if s.Card.Holder.Card != e.Holder.Card {
			s.Card.Problem = "other"
			return s, nil
		}
		s.Card.Holder, s.PIN.Left = e.Holder, e.Holder.Tries
		return s.cardReady(f)
	}
	s.Card.Holder, s.Card.Known = e.Holder, false
	s.Page = screen.IsThisYou
	return s, nil
}

func (s State) isThisYou(a Act, f Facts) (State, []Effect) {
	switch a.Name {
	case "yes":
		s.Card.Known = true
		s.PIN = PIN{Left: s.Card.Holder.Tries}
		return s.wantCard(f)
	case "no": // not mine: nothing of this visit is theirs to see
		return s.end()
	}
	return s, nil
}

func (s State) backFromCard() State {
	s.Card.Problem, s.Busy = "", 0
	switch s.Purpose {
	case ForSigning:
		s.Page = screen.Check
	case ForQuestions:
		s.Page = screen.Service
	case ForOpening, ForCorrect:
		s.Page = screen.Status
	case ForExport, ForTicket, ForSetup, ForUpdate, ForTonight:
		s.Page = screen.Assist
	default:
		s.Page = screen.Home
	}
	return s
}

// pin takes the PIN. It goes into the effect and is not kept.
func (s State) pin(a Act, f Facts) (State, []Effect) {
	if a.Name != "pin" || a.Text.IsZero() {
		return s, nil
	}
	if !s.Card.Ready() {
		return s.wantCard(f)
	}
	if s.Purpose == ForSigning {
		if b := s.blocked(f); b != "" {
			return s.refuse(b), nil
		}
		return s.submit(a.Text, f)
	}
	return s.open(a.Text)
}

// open unseals the answer of the open request.
func (s State) open(pin citizen.Text) (State, []Effect) {
	if s.Request == nil {
		s.Page = screen.Home
		return s, nil
	}
	o := OpenAnswer{Doc: s.Request.Doc, PIN: pin}
	if s.Request.Anonymous {
		o.Code = citizen.NewText(s.Request.Code)
	} else {
		o.Holder = s.Card.Holder
	}
	s.PIN.Wrong = false
	s = s.wait("opening")
	o.Job = s.Busy
	return s, []Effect{o}
}
