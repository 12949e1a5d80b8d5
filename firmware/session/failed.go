package session

import "github.com/penjire/penjire/ui/screen"

// failed says what went wrong. The answers stay: whatever can be tried again is.
func (s State) failed(e Failed) (State, []Effect) {
	if !s.mine(e.Job) {
		return s, nil
	}
	switch e.Why {
	case WrongPIN:
		if e.Left == 0 {
			return s.problem("pin-blocked", false, e.Code), nil
		}
		s.Page, s.PIN = screen.PIN, PIN{Left: e.Left, Wrong: true}
		if s.Card.In == 0 { // taken while the answer came
			s.Page = screen.Card
		}
	case BlockedPIN:
		return s.problem("pin-blocked", false, e.Code), nil
	case CardGone:
		s = s.problem("card-gone", true, e.Code)
		if s.Card.In != 0 && !s.Card.Ready() { // back already, as a new insertion
			s.Page = screen.Card
			return s.read()
		}
		return s, nil
	case OtherCard:
		s.Page, s.Card.Problem = screen.Card, "other"
	case BadCard:
		s.Page, s.Card.Problem = screen.Card, e.Card
	case NoReader:
		return s.problem("reader", true, e.Code), nil
	case Full:
		return s.problem("full", true, e.Code), nil
	case NoTime:
		return s.problem("clock", true, e.Code), nil
	case NotYours:
		return s.problem("not-yours", false, e.Code), nil
	case BadAnswer:
		return s.problem("answer", false, e.Code), nil
	case TooLate:
		return s.problem("too-late", false, e.Code), nil
	default:
		return s.problem("broken", true, e.Code), nil
	}
	return s, nil
}

func (s State) problem(key string, retry bool, code string) State {
	s.Page, s.Problem = screen.Problem, Problem{Key: key, Retry: retry, Code: code}
	return s
}

// retry does again what failed.
func (s State) retry(f Facts) (State, []Effect) {
	switch {
	case s.Page == screen.Card:
		return s.read()
	case s.Page != screen.Problem || !s.Problem.Retry:
		return s, nil
	}
	switch s.Purpose {
	case ForSigning:
		if s.Apply.Service != nil {
			return s.goOn(f)
		}
	case ForOpening, ForCorrect:
		if s.Request != nil {
			return s.openRequest(f)
		}
	case ForRequests, ForQuestions:
		return s.wantCard(f)
	case ForExport, ForTicket, ForSetup:
		return s.wantAssistant(s.Purpose)
	}
	s.Page = screen.Home
	return s, nil
}
