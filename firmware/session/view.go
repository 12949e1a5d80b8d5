package session

import (
	"slices"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/ui/phrase"
	"github.com/penjire/penjire/ui/screen"
)

// The phrase keys that a visit uses besides those of the pages themselves. A
// test of package phrase's languages wants every one of them.
var (
	// CardStates complete "card.": what is wrong with the card in the reader.
	CardStates = []string{
		"wanted", "removed", "reading", "unreadable", "unsupported", "foreign", "expired", "not-yet",
		"suspended", "revoked", "untrusted", "fake", "clock", "other", "no-reader", "blocked",
		"minor", "limits", "assistant",
	}
	// Problems complete "problem.KEY.": title, kept, next.
	Problems = []string{
		"card-gone", "pin-blocked", "reader", "full", "clock", "trust", "key", "power", "restored", "not-yours",
		"answer", "too-late", "broken",
	}
	// Blocks are the reasons why no binding request is taken now.
	Blocks = []string{"blocked.clock", "blocked.trust", "blocked.full", "blocked.key", "blocked.power", "blocked.restored", "blocked.reader"}
	// TrackFaults are what is wrong with a tracking code.
	TrackFaults = []string{"track.fault.empty", "track.fault.code", "track.fault.unknown", "track.fault.scan"}
)

// View returns the page of s, without the devices and the visit's id.
func (s State) View(f Facts, idle Idle) screen.View {
	v := screen.View{
		Screen: s.Shown(), Lang: s.Lang, Back: s.CanBack(), Size: s.Size, Theme: s.Theme,
		Idle: s.Idle(idle),
	}
	if s.Apply.Service != nil {
		v.Title = s.Apply.Service.Title.In(s.Lang)
	}
	if s.Over != "" {
		v.Help = &screen.HelpView{Assist: s.Over == screen.Help && s.Page == screen.Home}
		return v
	}
	switch s.Page {
	case screen.Home:
		v.Title = ""
		v.Home = &screen.HomeView{}
		if f.Catalogue != nil {
			v.Home.Services = len(f.Catalogue.Services)
		}
	case screen.Services:
		v.Title = ""
		v.Services = &screen.ServicesView{}
		if f.Catalogue != nil {
			v.Services.List = f.Catalogue.Services
		}
	case screen.Service:
		v.Service = &screen.ServiceView{Service: *s.Apply.Service, Agency: s.Apply.Agency, Blocked: s.closed(f)}
	case screen.Rules:
		rules := s.Apply.Service.Rules
		v.Rules = &screen.RulesView{Rule: rules[s.Apply.Rule], No: s.Apply.Rule + 1, Of: len(rules)}
	case screen.Card:
		v.Card = &screen.CardView{State: s.cardState(), NoCard: s.Purpose == ForRequests}
	case screen.IsThisYou:
		p := s.Card.Holder.Person
		v.IsThisYou = &screen.IsThisYouView{Name: p.Masked(), Number: p.ID.Masked()}
	case screen.Question:
		v.Question = s.questionView()
	case screen.Check:
		v.Check = &screen.CheckView{
			Service: *s.Apply.Service, Agency: s.Apply.Agency, Lines: s.lines(), Signs: s.needsCard(),
		}
	case screen.PIN:
		v.PIN = &screen.PINView{Left: s.PIN.Left, Wrong: s.PIN.Wrong, Reason: "sign"}
		if s.Purpose != ForSigning {
			v.PIN.Reason = "open"
		}
	case screen.Working:
		v.Working = &screen.WorkingView{What: s.What}
	case screen.Done:
		v.Done = s.doneView(f)
	case screen.TakeCard:
		v.TakeCard = &screen.TakeCardView{Card: s.Card.In != 0, Paper: s.Paper, Late: s.Late}
	case screen.Requests:
		v.Requests = &screen.RequestsView{}
		for _, r := range s.List {
			v.Requests.List = append(v.Requests.List, r.line(f))
		}
	case screen.Track:
		v.Track = &screen.TrackView{
			Code: s.Track.Code.Reveal(), Fault: s.Track.Fault, Scanner: f.Scanner, Read: s.Track.Read, Scans: s.Track.Scans,
		}
	case screen.Seal:
		v.Seal = s.sealView(f)
	case screen.Status:
		v.Status = s.statusView(f)
	case screen.Answer:
		v.Answer = s.answerView(f)
	case screen.Assist:
		v.Assist = s.assistView(f)
	case screen.Problem:
		v.Problem = &screen.ProblemView{Key: s.Problem.Key, Retry: s.Problem.Retry, Code: s.Problem.Code}
	}
	return v
}

func (s State) cardState() string {
	switch {
	case s.Busy != 0:
		return "reading"
	case s.Card.Problem != "":
		return s.Card.Problem
	}
	return "wanted"
}

func (s State) questionView() *screen.QuestionView {
	svc := s.Apply.Service
	row, _ := svc.Row(s.Apply.Row)
	q := &screen.QuestionView{
		Row: row, Choices: svc.ChoicesOf(row), Fault: s.Apply.Fault, Private: s.needsCard(),
	}
	q.Value = text(s.Apply.Answers.Get(row.Name))
	if s.Apply.HasTried {
		q.Value = s.Apply.Tried
	}
	rows := s.rows()
	q.Of = len(rows)
	for i, r := range rows {
		if r.Name == row.Name {
			q.No = i + 1
		}
	}
	return q
}

func (s State) lines() []screen.CheckLine {
	var out []screen.CheckLine
	for _, r := range s.rows() {
		if r.Kind() == catalog.KindNote {
			continue
		}
		v := s.Apply.Service.Display(r, s.Apply.Answers.Get(r.Name), s.Lang)
		out = append(out, screen.CheckLine{Name: r.Name, Label: r.Label.In(s.Lang), Value: text(v)})
	}
	return out
}

func (s State) doneView(f Facts) *screen.DoneView {
	r := s.Done
	return &screen.DoneView{
		Code: r.Code, Service: serviceOr(f, r.Service), Due: r.Due, Paper: r.Receipt, PaperWhy: r.Why, QR: r.QR,
		Received: r.Stage != screen.StageKept && r.Stage != screen.StageSending && r.Stage != screen.StageWithdrawn,
	}
}

func (s State) statusView(f Facts) *screen.StatusView {
	r := s.Request
	return &screen.StatusView{
		Line: r.line(f), Steps: r.Steps, Due: r.Due, Overdue: r.Overdue, Reason: text(reason(r.Reason, s.Lang)),
		Answer: r.Answer, Locked: r.Answer && s.Locked(), Correct: s.canCorrect(f), Withdraw: s.CanWithdraw(),
		Receipt: r.Receipt,
	}
}

func (s State) answerView(f Facts) *screen.AnswerView {
	a, r := s.Answer, s.Request
	v := &screen.AnswerView{
		Service: serviceOr(f, r.Service), Decision: a.Decision, Text: a.Text, Facts: a.Facts, Signer: a.Signer,
		Signed: a.Signed, Valid: a.Valid, Copy: a.Copy, CopyOver: a.CopyOver, Paper: a.Paper, PaperWhy: a.Why, PaperPlace: a.Place, Copies: a.Copies,
	}
	if f.Catalogue != nil {
		v.Agency, _ = f.Catalogue.Agency(v.Service.Agency)
	}
	v.Facts = s.labelled(a.Facts, v.Service)
	return v
}

func (s State) sealView(f Facts) *screen.SealView {
	x := s.Seal
	svc := serviceOr(f, x.Service)
	v := &screen.SealView{
		Kind: x.Kind, Verdict: x.Verdict, Heading: x.Heading, Found: x.Found, Means: x.Means, Service: svc.Title,
		Issuer: catalog.Text{TK: x.Issuer, RU: x.Issuer, EN: x.Issuer}, Signer: x.Signer, Subject: x.Subject,
		Facts: s.labelled(x.Facts, svc), Total: x.Total, Date: x.Date, Expires: x.Expires, Number: x.Number, Days: x.Days,
		Scanner: f.Scanner,
	}
	if f.Catalogue != nil {
		if a, ok := f.Catalogue.Agency(x.Issuer); ok && x.Kind == "copy" {
			v.Issuer = a.Name
		}
	}
	return v
}

// labelled returns the facts under the labels of this visit's language, whatever
// that of the request was.
func (s State) labelled(facts []screen.CheckLine, svc catalog.Service) []screen.CheckLine {
	out := slices.Clone(facts)
	for i := range out {
		for _, f := range svc.Result.Facts {
			if f.Name == out[i].Name {
				out[i].Label = f.Label.In(s.Lang)
			}
		}
	}
	return out
}

// Reasons are the phrase keys for why the portal refused a request.
var Reasons = []string{
	"reason.expired", "reason.suspended", "reason.revoked", "reason.foreign", "reason.certificate", "reason.sender",
	"reason.identification", "reason.limits", "reason.minor", "reason.powers", "reason.service", "reason.damaged",
	"reason.answer", "reason.doubt", "reason.other",
}

// ReasonKey is the phrase key for a code that the portal refused a request
// with: those of packages trust and edoc, and the portal's own. Codes that mean
// the same to whoever stands here share their words. They are written out here
// since the session links nothing that can reach a network; "reason.other" is
// for those of a newer portal.
func ReasonKey(code string) string {
	switch code {
	case "cert.expired", "cert.expired_since", "cert.expired_between", "cert.not_yet_valid":
		return "reason.expired"
	case "cert.suspended", "cert.suspended_then", "cert.suspended_since":
		return "reason.suspended"
	case "cert.revoked", "cert.revoked_since", "cert.revoked_between", "cert.hold_over":
		return "reason.revoked"
	case "cert.foreign", "centre.suspended", "centre.ended", "centre.ended_since", "centre.path", "centre.revoked":
		return "reason.foreign"
	case "cert.wrong_use", "cert.weak_key", "cert.malformed", "signer.missing", "signer.unreadable":
		return "reason.certificate"
	case "limit.service", "limit.amount", "limit.representative":
		return "reason.limits"
	case "limit.minor", "limit.guardian":
		return "reason.minor"
	case "limit.powers", "limit.expired":
		return "reason.powers"
	case "signer.not_sender":
		return "reason.sender"
	case "signer.identification":
		return "reason.identification"
	case "service.unknown":
		return "reason.service"
	case "content.changed", "signature.broken", "envelope.unreadable", "container.malformed", "container.other",
		"document.no_request", "document.other_kiosk":
		return "reason.damaged"
	case "answer_to.unusable":
		return "reason.answer"
	case "verification.undecided", "crl.none", "crl.stale", "crl.late", "ocsp.unknown", "limit.unjudged", "counter.not_entitled",
		"not.asked":
		return "reason.doubt"
	}
	return "reason.other"
}

// reason says a refusal's code in words.
func reason(code, lang string) string {
	if code == "" {
		return ""
	}
	return phrase.In(lang).Get(ReasonKey(code), code)
}

func (r Request) line(f Facts) screen.RequestLine {
	return screen.RequestLine{
		Ref: r.Ref(), Service: serviceOr(f, r.Service).Title, Code: r.Code, Made: r.Made, Stage: r.Stage, Waits: r.Waits,
	}
}

// serviceOr returns the service, or, when the catalogue no longer has it, one
// that has at least its id for a title.
func serviceOr(f Facts, id string) catalog.Service {
	if s, ok := service(f, id); ok {
		return *s
	}
	return catalog.Service{ID: id, Title: catalog.Text{TK: id, RU: id, EN: id}}
}

func text(s string) citizen.Text { return citizen.NewText(s) }
