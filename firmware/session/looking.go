package session

import (
	"cmp"
	"encoding/hex"
	"slices"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/ui/screen"
)

// Ref returns what a page sends back to name the request: the beginning of its
// identity, which names no one.
func (r Request) Ref() string { return hex.EncodeToString(r.Doc[:8]) }

// looking is everything about requests that were made before.
func (s State) looking(a Act, f Facts) (State, []Effect) {
	switch {
	case a.Name == "track" && s.Page == screen.Track:
		s.Track = Track{Code: a.Text, Scans: s.Track.Scans}
		if a.Text.IsZero() {
			s.Track.Fault = "track.fault.empty"
			return s, nil
		}
		s.Job++
		s.Busy = s.Job
		return s, []Effect{Lookup{Job: s.Busy, Code: a.Text}}
	case a.Name == "open" && s.Page == screen.Requests:
		if i := slices.IndexFunc(s.List, func(r Request) bool { return r.Ref() == a.Arg }); i >= 0 {
			r := s.List[i]
			s.Request, s.ByCode, s.Page = &r, false, screen.Status
		}
	case a.Name == "open" && s.Page == screen.Status && s.Request.Answer:
		s.Purpose = ForOpening
		return s.openRequest(f)
	case a.Name == "correct" && s.Page == screen.Status && s.canCorrect(f):
		s.Purpose = ForCorrect
		return s.openRequest(f)
	case a.Name == "correct" && s.Page == screen.Answer && s.canCorrect(f):
		return s.correct(f)
	case a.Name == "withdraw" && s.Page == screen.Status && s.CanWithdraw():
		doc := s.Request.Doc
		s = s.wait("reading")
		return s, []Effect{Withdraw{Job: s.Busy, Doc: doc}}
	case a.Name == "reprint" && s.Page != screen.Answer:
		return s.reprint()
	case (a.Name == "print" || a.Name == "reprint") && s.Page == screen.Answer && s.Answer.Copy && s.Answer.Paper != screen.PaperPrinting:
		ans := *s.Answer
		ans.Paper, ans.Why = screen.PaperPrinting, ""
		s.Answer, s.Paper = &ans, true
		return s, []Effect{PrintCopy{Doc: ans.Doc}}
	}
	return s, nil
}

// CanWithdraw reports whether the open request may be taken back here and now:
// it has not been sent, and whoever asks is who made it. Whoever took their card
// has left: what they made is not the next one's to take back.
func (s State) CanWithdraw() bool {
	return s.Request != nil && s.Request.Withdraw && (s.Request.Anonymous || !s.ByCode && s.Card.Ready())
}

// Locked reports whether opening the answer needs the card and its PIN.
func (s State) Locked() bool { return s.Request != nil && !s.Request.Anonymous }

// canCorrect reports whether the open request was returned and can be made anew.
func (s State) canCorrect(f Facts) bool {
	if s.Request == nil || s.Request.Stage != screen.StageReturned || !s.Request.Answer {
		return false
	}
	_, ok := service(f, s.Request.Service)
	return ok
}

func (s State) reprint() (State, []Effect) {
	switch {
	case s.Page == screen.Done && offer(s.Done.Receipt):
		r := *s.Done
		r.Receipt, r.Why = screen.PaperPrinting, ""
		s.Done, s.Paper = &r, true
		return s, []Effect{r.print()}
	case s.Page == screen.Status && offer(s.Request.Receipt):
		r := *s.Request
		r.Receipt, r.Why = screen.PaperPrinting, ""
		s.Request, s.Paper = &r, true
		return s, []Effect{r.print()}
	}
	return s, nil
}

// print has the receipt printed once more.
func (r Request) print() PrintReceipt {
	p := PrintReceipt{Doc: r.Doc}
	if r.Anonymous {
		p.Code = citizen.NewText(r.Code)
	}
	return p
}

// offer reports whether paper in that state is offered once more.
func offer(p screen.PaperState) bool { return p == screen.PaperUnknown || p == screen.PaperFailed }

func (s State) openRequest(f Facts) (State, []Effect) {
	if s.Request.Anonymous {
		return s.open(citizen.Text{})
	}
	s.PIN.Wrong = false
	return s.wantCard(f)
}

func (s State) listed(e Listed) (State, []Effect) {
	if s.mine(e.Job) {
		s.List, s.Page, s.Request, s.Answer = e.List, screen.Requests, nil, nil
	}
	return s, nil
}

func (s State) found(e Found) (State, []Effect) {
	if !s.mine(e.Job) {
		return s, nil
	}
	if s.Page == screen.Working { // the answer to Withdraw
		s.Page = screen.Status
		if s.Request == nil {
			s.Page = screen.Home
		}
		if e.Request != nil {
			s = s.updated(*e.Request)
		}
		return s, nil
	}
	if s.Page != screen.Track {
		return s, nil
	}
	if e.Request == nil {
		s.Track.Fault = cmp.Or(e.Fault, "track.fault.unknown")
		return s, nil
	}
	r := *e.Request
	s.Request, s.ByCode, s.Page, s.Answer, s.Track = &r, true, screen.Status, nil, Track{}
	return s, nil
}

// scanned takes what the scanner read. A code is filled in for its owner to send
// off; nothing of anyone is opened by a scan.
func (s State) scanned(e Scanned) State {
	if !s.Scans() || s.Busy != 0 {
		return s // the page has changed since
	}
	if e.Seal != nil {
		seal := *e.Seal
		s.Seal, s.Page, s.Track = &seal, screen.Seal, Track{Scans: s.Track.Scans + 1}
		return s
	}
	t := Track{Code: e.Code, Read: !e.Code.IsZero(), Scans: s.Track.Scans + 1}
	if !t.Read {
		t.Code, t.Fault = s.Track.Code, "track.fault.scan"
	}
	s.Page, s.Seal, s.Track = screen.Track, nil, t
	return s
}

func (s State) opened(e Opened, f Facts) (State, []Effect) {
	if !s.mine(e.Job) {
		return s, nil
	}
	if s.Request == nil {
		s.Page = screen.Home
		return s, nil
	}
	a := e.Answer
	s.Answer, s.Page = &a, screen.Answer
	if s.Purpose == ForCorrect && s.canCorrect(f) {
		return s.correct(f)
	}
	return s, nil
}

// correct makes the returned request anew, with the answers given then.
func (s State) correct(f Facts) (State, []Effect) {
	svc, ok := service(f, s.Request.Service)
	if !ok || s.Answer == nil {
		return s, nil
	}
	doc := s.Request.Doc
	s.Apply = application(svc, f)
	s.Apply.Corrects = &doc
	s.Apply.Answers = citizen.NewAnswers(s.Answer.Answers.Reveal())
	if b := s.blocked(f); b != "" {
		return s.refuse(b), nil
	}
	s.Page = screen.Service
	return s, nil
}

// updated puts what is new about a request wherever the visit shows it. The code
// of a request without a card comes once: with the request, or from a hand.
func (s State) updated(r Request) State {
	news := func(old *Request) *Request {
		n := r
		if n.Code == "" {
			n.Code = old.Code
		}
		return &n
	}
	if s.Done != nil && s.Done.Doc == r.Doc {
		s.Done = news(s.Done)
	}
	if s.Request != nil && s.Request.Doc == r.Doc {
		s.Request = news(s.Request)
	}
	if i := slices.IndexFunc(s.List, func(o Request) bool { return o.Doc == r.Doc }); i >= 0 {
		s.List = slices.Clone(s.List)
		s.List[i] = r
	}
	return s
}

func (s State) copyPaper(e CopyPaper) State {
	if s.Answer != nil && s.Answer.Doc == e.Doc {
		a := *s.Answer
		a.Paper, a.Why, a.Place, a.Copies = e.State, e.Why, e.Place, e.Copies
		s.Answer = &a
	}
	return s
}
