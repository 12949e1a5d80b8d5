package session

import (
	"slices"

	"github.com/penjire/penjire/ui/screen"
)

// Next returns the state that follows s after e, and what is to be done. It
// does nothing else. An event that has no meaning in s changes nothing.
func Next(s State, e Event, f Facts) (State, []Effect) {
	if s.Ended() {
		return s, nil
	}
	switch e.(type) {
	case Act, CardIn, CardOut, Scanned:
		s.Left = false // whatever the sensor sees: this was somebody
	}
	switch e := e.(type) {
	case Act:
		return s.act(e, f)
	case CardIn:
		return s.cardIn(e.Gen)
	case CardOut:
		return s.cardOut()
	case CardRead:
		return s.cardRead(e, f)
	case Failed:
		return s.failed(e)
	case Accepted:
		return s.accepted(e)
	case Listed:
		return s.listed(e)
	case Found:
		return s.found(e)
	case Opened:
		return s.opened(e, f)
	case Scanned:
		return s.scanned(e), nil
	case Updated:
		return s.updated(e.Request), nil
	case CopyPaper:
		return s.copyPaper(e), nil
	case Exported:
		return s.exported(e)
	case Ticketed:
		return s.ticketed(e)
	case UpdateTaken:
		if s.mine(e.Job) {
			s.Page = screen.Assist
		}
		return s, nil
	case IdleWarn:
		if i := s.Idle(Idle{Warn: 1, End: 1, Alone: 1, Left: 1, LeftEnd: 1, Take: 1}); i.Warn > 0 {
			s.Over = screen.Away
		}
		return s, nil
	case IdleEnd:
		return s.idleEnd()
	case Present:
		s.Left = !e.There && s.Page != screen.TakeCard // there nothing of anyone is left
		return s, nil
	case CardLeft:
		s.Late = s.Page == screen.TakeCard && s.Card.In != 0
		return s, nil
	}
	return s, nil
}

// act is a touch. What lies over the page goes away with it.
func (s State) act(a Act, f Facts) (State, []Effect) {
	if !a.Text.IsZero() && s.Over == "" && slices.Contains([]string{"lang", "size", "theme", "help"}, a.Name) {
		s = s.typed(a)
	}
	switch a.Name {
	case "lang":
		s.Lang = language(a.Arg)
		return s, nil
	case "size":
		s.Size = size(a.Arg, s.Size)
		return s, nil
	case "theme":
		if slices.Contains([]string{"", "contrast", "dark"}, a.Arg) {
			s.Theme = a.Arg
		}
		return s, nil
	case "end":
		return s.end()
	case "help":
		if s.Page != screen.TakeCard {
			s.Over = screen.Help
		}
		return s, nil
	}
	if s.Over == screen.Help && s.Page == screen.Home && a.Name == "assist" {
		s.Over, s.Page, s.Export, s.Ticket = "", screen.Assist, nil, nil
		return s, nil
	}
	if s.Over != "" { // any other button on an overlay only takes it away
		s.Over = ""
		return s, nil
	}
	if s.Page == screen.Working {
		return s, nil
	}
	switch a.Name {
	case "back":
		return s.back()
	case "home":
		return s.home()
	case "finish":
		return s.finish()
	case "retry":
		return s.retry(f)
	}
	switch s.Page {
	case screen.Home, screen.Card:
		return s.choosing(a, f)
	case screen.Services, screen.Service, screen.Rules:
		return s.choosing(a, f)
	case screen.IsThisYou:
		return s.isThisYou(a, f)
	case screen.Question, screen.Check:
		return s.asking(a, f)
	case screen.PIN:
		return s.pin(a, f)
	case screen.Assist:
		return s.assist(a, f)
	case screen.Done, screen.Track, screen.Requests, screen.Status, screen.Answer:
		return s.looking(a, f)
	}
	return s, nil
}

// typed keeps what stands in the field while something else is touched.
func (s State) typed(a Act) State {
	switch s.Page {
	case screen.Question:
		s.Apply.Tried, s.Apply.HasTried = a.Text, true
	case screen.Track:
		s.Track.Code, s.Track.Read = a.Text, s.Track.Read && s.Track.Code.Equal(a.Text)
	}
	return s
}

func size(arg string, old int) int {
	if len(arg) == 1 && arg[0] >= '0' && arg[0] <= '2' {
		return int(arg[0] - '0')
	}
	return old
}

// wait gives a new job its number and shows that something is being done.
func (s State) wait(what string) State {
	s.Job++
	s.Busy = s.Job
	s.Page, s.What = screen.Working, what
	return s
}

// mine reports whether the job is the one waited for, and stops waiting.
func (s *State) mine(job uint64) bool {
	if job == 0 || job != s.Busy {
		return false
	}
	s.Busy = 0
	return true
}

// end ends the visit. While something is being signed or opened no end is
// offered: the result comes in bounded time and says what was kept.
func (s State) end() (State, []Effect) {
	if s.Page == screen.Working {
		return s, nil
	}
	if s.Page == screen.TakeCard { // whoever insists may go; the card stays theirs
		s.Page, s.Paper = screen.Ended, false
		return s, nil
	}
	return s.over(), []Effect{Forget{}}
}

func (s State) idleEnd() (State, []Effect) {
	switch {
	case s.Page == screen.TakeCard:
		return s.end()
	case s.Over == screen.Away:
		s.Over = ""
		return s.end()
	}
	return s, nil
}

func (s State) finish() (State, []Effect) {
	switch s.Page {
	case screen.Done, screen.Answer, screen.TakeCard, screen.Problem, screen.Status, screen.Requests, screen.Seal:
		return s.end()
	}
	return s, nil
}

// home goes to the start of the visit; what was being made is given up, who the
// citizen is stays known.
func (s State) home() (State, []Effect) {
	switch s.Page {
	case screen.Services, screen.Service, screen.Requests, screen.Status, screen.Track, screen.Answer, screen.Done, screen.Assist, screen.Seal:
		s.Page = screen.Home
		s.Apply, s.List, s.Request, s.Answer, s.Purpose = Application{}, nil, nil, nil, ForNothing
		s.Track, s.Seal = Track{}, nil
	}
	return s, nil
}

// CanBack reports whether the page has a way back.
func (s State) CanBack() bool {
	if s.Over != "" {
		return true
	}
	switch s.Page {
	case screen.Services, screen.Service, screen.Rules, screen.Card, screen.Question, screen.Check,
		screen.PIN, screen.Requests, screen.Track, screen.Status, screen.Answer, screen.Assist, screen.Seal:
		return true
	case screen.Problem:
		return s.Apply.Service != nil || s.Request != nil
	}
	return false
}

func (s State) back() (State, []Effect) {
	if !s.CanBack() {
		return s, nil
	}
	switch s.Page {
	case screen.Services, screen.Requests, screen.Track, screen.Assist:
		return s.home()
	case screen.Service:
		s.Page = screen.Services
	case screen.Rules:
		s.Page = screen.Service
		if s.Apply.Rule > 0 {
			s.Page = screen.Rules
			s.Apply.Rule--
		}
	case screen.Card:
		return s.backFromCard(), nil
	case screen.Question:
		return s.backFromQuestion(), nil
	case screen.Check:
		if rows := s.rows(); len(rows) > 0 {
			return s.ask(rows[len(rows)-1].Name), nil
		}
		s.Page = screen.Service
	case screen.PIN, screen.Problem:
		s.PIN.Wrong = false
		s.Page = screen.Check
		if s.Purpose != ForSigning {
			s.Page = screen.Status
			if s.Request == nil {
				s.Page = screen.Home
			}
		}
		if s.Page == screen.Check && s.Apply.Service == nil {
			s.Page = screen.Home
		}
	case screen.Status:
		s.Page = screen.Requests
		if s.ByCode {
			s.Page = screen.Track
		}
		s.Answer = nil
	case screen.Answer:
		s.Page = screen.Status
	case screen.Seal:
		s.Page, s.Seal = screen.Track, nil
	}
	return s, nil
}
