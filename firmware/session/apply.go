package session

import (
	"slices"
	"strings"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/ui/screen"
)

// choosing is everything before the questions: home, services, rules.
func (s State) choosing(a Act, f Facts) (State, []Effect) {
	switch {
	case a.Name == "apply" && s.Page == screen.Home:
		s.Page = screen.Services
	case a.Name == "requests" && s.Page == screen.Home:
		s.Purpose = ForRequests
		return s.wantCard(f)
	case (a.Name == "track" || a.Name == "no" && s.Page == screen.Card) && (s.Page == screen.Home || s.Page == screen.Card && s.Purpose == ForRequests):
		s.Page, s.Track = screen.Track, Track{}
	case a.Name == "choose" && (s.Page == screen.Services || s.Page == screen.Home):
		if svc, ok := service(f, a.Arg); ok {
			s.Apply = application(svc, f)
			s.Page = screen.Service
		}
	case a.Name == "begin" && s.Page == screen.Service:
		if s.closed(f) != "" {
			return s, nil
		}
		s.Apply.Rule, s.Apply.Consents = 0, nil
		if len(s.Apply.Service.Rules) > 0 {
			s.Page = screen.Rules
			return s, nil
		}
		return s.afterRules(f)
	case a.Name == "accept" && s.Page == screen.Rules:
		return s.accept(f)
	case a.Name == "decline" && s.Page == screen.Rules:
		s.Page = screen.Service
		s.Apply.Consents = nil
	}
	return s, nil
}

func service(f Facts, id string) (*catalog.Service, bool) {
	if f.Catalogue == nil {
		return nil, false
	}
	return f.Catalogue.Service(id)
}

func application(svc *catalog.Service, f Facts) Application {
	ag, _ := f.Catalogue.Agency(svc.Agency)
	return Application{Service: svc, Agency: ag}
}

// blocked returns the phrase key of why the chosen service cannot be asked for.
// An information service binds no one.
func (s State) blocked(f Facts) string {
	if s.Apply.Service == nil || s.Apply.Service.Kind == "information" {
		return ""
	}
	return f.Blocked
}

// closed is blocked, or that there is no reader for a service that wants a
// card. A reader that goes later is waited for instead.
func (s State) closed(f Facts) string {
	if b := s.blocked(f); b != "" {
		return b
	}
	if f.NoReader && s.needsCard() {
		return "blocked.reader"
	}
	return ""
}

// refuse is the problem page for a reason that blocks binding requests.
func (s State) refuse(blocked string) State {
	return s.problem(strings.TrimPrefix(blocked, "blocked."), true, "")
}

// accept takes the rule shown and goes to the next, or on.
func (s State) accept(f Facts) (State, []Effect) {
	rules := s.Apply.Service.Rules
	if s.Apply.Rule >= len(rules) {
		return s.afterRules(f)
	}
	r := rules[s.Apply.Rule]
	cs := slices.DeleteFunc(slices.Clone(s.Apply.Consents), func(c Consent) bool { return c.Rule == r.ID })
	s.Apply.Consents = append(cs, Consent{Rule: r.ID, Version: r.Version, At: f.Now})
	if s.Apply.Rule+1 < len(rules) {
		s.Apply.Rule++
		return s, nil
	}
	return s.afterRules(f)
}

// needsCard reports whether the service wants the applicant identified.
func (s State) needsCard() bool {
	return s.Apply.Service != nil && s.Apply.Service.Identification != catalog.IdentifyNone
}

func (s State) afterRules(f Facts) (State, []Effect) {
	if !s.needsCard() {
		return s.questions(), nil
	}
	s.Purpose = ForQuestions
	return s.wantCard(f)
}

// questions begins the questions, filled in with what is known already.
func (s State) questions() State {
	if s.needsCard() && s.Card.Holder != nil {
		for _, r := range s.Apply.Service.Survey {
			if v := r.PrefillFrom(s.Card.Holder.Person); v != "" && s.Apply.Answers.Get(r.Name) == "" {
				s.Apply.Answers = s.Apply.Answers.With(r.Name, v)
			}
		}
	}
	rows := s.rows()
	if len(rows) == 0 {
		s.Page = screen.Check
		return s
	}
	return s.ask(rows[0].Name)
}

// rows returns the questions to ask under the answers so far.
func (s State) rows() []catalog.Row {
	if s.Apply.Service == nil {
		return nil
	}
	return s.Apply.Service.Pages(s.Apply.Answers)
}

func (s State) ask(name string) State {
	s.Page, s.Apply.Row = screen.Question, name
	s.Apply.Fault, s.Apply.Tried, s.Apply.HasTried = catalog.Text{}, citizen.Text{}, false
	return s
}

func (s State) backFromQuestion() State {
	if s.Apply.Checking {
		s.Apply.Checking = false
		s.Page = screen.Check
		return s
	}
	rows := s.rows()
	i := slices.IndexFunc(rows, func(r catalog.Row) bool { return r.Name == s.Apply.Row })
	if i > 0 {
		return s.ask(rows[i-1].Name)
	}
	if s.Apply.Corrects != nil && s.Answer != nil {
		s.Page = screen.Answer
		return s
	}
	s.Page = screen.Service
	return s
}

// asking is the questions and «check your answers».
func (s State) asking(a Act, f Facts) (State, []Effect) {
	switch {
	case a.Name == "answer" && s.Page == screen.Question:
		return s.answer(a.Text, f), nil
	case a.Name == "change" && s.Page == screen.Check:
		if slices.ContainsFunc(s.rows(), func(r catalog.Row) bool { return r.Name == a.Arg }) {
			s = s.ask(a.Arg)
			s.Apply.Checking = true
		}
	case a.Name == "confirm" && s.Page == screen.Check:
		return s.confirm(f)
	}
	return s, nil
}

// answer takes the answer to the question shown, or says what is wrong with it.
func (s State) answer(v citizen.Text, f Facts) State {
	row, ok := s.Apply.Service.Row(s.Apply.Row)
	if !ok {
		return s
	}
	if row.Kind() != catalog.KindNote {
		if fault := s.Apply.Service.CheckRow(row, v.Reveal(), s.Apply.Answers, f.Now); !fault.IsZero() {
			s.Apply.Fault, s.Apply.Tried, s.Apply.HasTried = fault, v, true
			return s
		}
		s.Apply.Answers = s.Apply.Answers.With(row.Name, v.Reveal())
	}
	if !slices.Contains(s.Apply.Asked, row.Name) {
		s.Apply.Asked = append(slices.Clone(s.Apply.Asked), row.Name)
	}
	rows := s.rows()
	if s.Apply.Checking { // only what the change made necessary is asked
		for _, r := range rows {
			if !slices.Contains(s.Apply.Asked, r.Name) {
				s = s.ask(r.Name)
				s.Apply.Checking = true
				return s
			}
		}
		s.Apply.Checking = false
		s.Page = screen.Check
		return s
	}
	i := slices.IndexFunc(rows, func(r catalog.Row) bool { return r.Name == row.Name })
	if i+1 < len(rows) {
		return s.ask(rows[i+1].Name)
	}
	s.Page = screen.Check
	return s
}

// confirm ends the questions: what is missing is asked, else it is signed.
func (s State) confirm(f Facts) (State, []Effect) {
	_, faults := s.Apply.Service.Final(s.Apply.Answers, f.Now)
	for _, ft := range faults {
		if _, ok := s.Apply.Service.Row(ft.Name); ok {
			s = s.ask(ft.Name)
			s.Apply.Fault, s.Apply.Checking = ft.Text, true
			return s, nil
		}
	}
	s.Purpose = ForSigning
	return s.goOn(f)
}

// goOn begins to sign: the card and its PIN, or the kiosk by itself.
func (s State) goOn(f Facts) (State, []Effect) {
	if b := s.blocked(f); b != "" {
		return s.refuse(b), nil
	}
	if s.needsCard() {
		return s.wantCard(f)
	}
	return s.submit(citizen.Text{}, f)
}

// submit signs and queues.
func (s State) submit(pin citizen.Text, f Facts) (State, []Effect) {
	answers, faults := s.Apply.Service.Final(s.Apply.Answers, f.Now)
	if len(faults) > 0 {
		return s.confirm(f)
	}
	d := Draft{
		Service: s.Apply.Service, Agency: s.Apply.Agency, Lang: s.Lang, Answers: answers,
		Consents: slices.Clone(s.Apply.Consents), Corrects: s.Apply.Corrects,
	}
	if s.needsCard() {
		d.Holder = s.Card.Holder
	}
	s.PIN.Wrong = false
	s = s.wait("signing")
	return s, []Effect{Submit{Job: s.Busy, PIN: pin, Draft: d}}
}

// accepted shows that the request is durable, and lets go of what was answered.
func (s State) accepted(e Accepted) (State, []Effect) {
	if !s.mine(e.Job) {
		return s, nil
	}
	r := e.Request
	s.Done, s.Page, s.Paper = &r, screen.Done, true
	s.Apply = Application{Service: s.Apply.Service, Agency: s.Apply.Agency}
	s.Answer, s.Request, s.List, s.Purpose = nil, nil, nil, ForNothing
	return s, nil
}
