package session

import (
	"testing"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/ui/screen"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func tx(s string) catalog.Text { return catalog.Text{TK: s, RU: s, EN: s} }

func facts() Facts {
	return Facts{Now: noon, Catalogue: &catalog.Catalogue{
		Agencies: []catalog.Agency{{ID: "office", Name: tx("Office")}},
		Services: []catalog.Service{
			{
				ID: "certificate", Version: 3, Kind: "interactive", Agency: "office", Title: tx("Certificate"),
				Identification: catalog.IdentifyCard,
				Rules:          []catalog.Rule{{ID: "terms", Version: 2}, {ID: "data", Version: 1}},
				Survey: []catalog.Row{
					{Type: "text", Name: "surname", Label: tx("Surname"), Required: true, Prefill: "card.surname"},
					{Type: "select_one yesno", Name: "children", Label: tx("Children?"), Required: true},
					{Type: "integer", Name: "count", Label: tx("How many?"), Required: true, Relevant: "${children} = 'yes'"},
					{Type: "note", Name: "thanks", Label: tx("Thanks")},
				},
				Choices: map[string][]catalog.Choice{"yesno": {{Name: "yes", Label: tx("Yes")}, {Name: "no", Label: tx("No")}}},
			},
			{
				ID: "complaint", Version: 1, Kind: "interactive", Agency: "office", Title: tx("Complaint"),
				Identification: catalog.IdentifyNone,
				Survey:         []catalog.Row{{Type: "text", Name: "what", Label: tx("What?"), Required: true}},
			},
		},
	}}
}

func holder(gen uint64, card byte) *Holder {
	id, _ := citizen.ParseID("SPEC000001")
	return &Holder{Gen: gen, Card: [32]byte{card}, Tries: 3, Person: citizen.Person{
		ID: id, Surname: citizen.NewText("Nusgaýewa"), Name: citizen.NewText("Aýna"),
	}}
}

func act(name string) Act       { return Act{Name: name} }
func arg(name, a string) Act    { return Act{Name: name, Arg: a} }
func say(name, text string) Act { return Act{Name: name, Text: citizen.NewText(text)} }

// play feeds events and returns the state and the last event's effects.
func play(t *testing.T, s State, f Facts, es ...Event) (State, []Effect) {
	t.Helper()
	var out []Effect
	for _, e := range es {
		s, out = Next(s, e, f)
		s.View(f, Idle{})
	}
	return s, out
}

func want(t *testing.T, s State, page screen.Name) {
	t.Helper()
	if s.Shown() != page {
		t.Fatalf("page: got %s, want %s (problem %q)", s.Shown(), page, s.Problem.Key)
	}
}

// toPIN is a visit that stands at the PIN page of the certificate.
func toPIN(t *testing.T, f Facts) State {
	t.Helper()
	s := Begin("tk", 0)
	s, _ = play(t, s, f, act("apply"), arg("choose", "certificate"), act("begin"), act("accept"), act("accept"))
	want(t, s, screen.Card)
	s, out := play(t, s, f, CardIn{Gen: 7})
	read, ok := out[0].(ReadCard)
	if !ok || read.Gen != 7 {
		t.Fatalf("effect of a card coming in: got %+v, want ReadCard of 7", out)
	}
	s, _ = play(t, s, f, CardRead{Job: read.Job, Holder: holder(7, 1)})
	want(t, s, screen.IsThisYou)
	s, _ = play(t, s, f, act("yes"))
	want(t, s, screen.Question)
	if got := s.Apply.Answers.Get("surname"); got != "Nusgaýewa" {
		t.Errorf("answer filled in from the card: got %q, want Nusgaýewa", got)
	}
	s, _ = play(t, s, f, say("answer", "Nusgaýewa"), say("answer", "no"), act("answer"))
	want(t, s, screen.Check)
	s, _ = play(t, s, f, act("confirm"))
	want(t, s, screen.PIN)
	return s
}

func submitted(t *testing.T, out []Effect) Submit {
	t.Helper()
	if len(out) != 1 {
		t.Fatalf("effects: got %d, want Submit", len(out))
	}
	sub, ok := out[0].(Submit)
	if !ok {
		t.Fatalf("effect: got %T, want Submit", out[0])
	}
	return sub
}

func TestApplyWithCard(t *testing.T) {
	f := facts()
	s := toPIN(t, f)
	s, out := play(t, s, f, say("pin", "123456"))
	sub := submitted(t, out)
	want(t, s, screen.Working)
	if got := sub.PIN.Reveal(); got != "123456" {
		t.Errorf("PIN in the effect: got %q, want 123456", got)
	}
	if got := len(sub.Draft.Consents); got != 2 {
		t.Errorf("consents: got %d, want 2", got)
	}
	if sub.Draft.Holder == nil || sub.Draft.Holder.Gen != 7 {
		t.Error("the draft does not name the card's holder")
	}
	s, _ = play(t, s, f, Accepted{Job: sub.Job, Request: Request{Code: "K7M4P·29QDX", Service: "certificate", Stage: screen.StageKept}})
	want(t, s, screen.Done)
	if v := s.View(f, Idle{}).Done; v.Received || v.Code != "K7M4P·29QDX" {
		t.Errorf("Done = received %v, code %q; want not received, K7M4P·29QDX", v.Received, v.Code)
	}
	if got := s.Apply.Answers.Names(); len(got) != 0 {
		t.Errorf("answers after acceptance: got %v, want none", got)
	}
	s, out = play(t, s, f, act("finish"))
	want(t, s, screen.TakeCard)
	if len(out) != 1 || out[0] != (Forget{}) {
		t.Errorf("effects of finish: got %v, want Forget", out)
	}
	s, _ = play(t, s, f, CardOut{})
	want(t, s, screen.Ended)
}

func TestApplyWithoutCard(t *testing.T) {
	f := facts()
	s, out := play(t, Begin("en", 0), f, act("apply"), arg("choose", "complaint"), act("begin"), say("answer", "Noise"), act("confirm"))
	if d := submitted(t, out).Draft; d.Holder != nil || d.Answers.Get("what") != "Noise" {
		t.Errorf("draft: holder %v; want the kiosk as intermediary and the answer", d.Holder != nil)
	}
	want(t, s, screen.Working)
}

// Only what a change makes necessary is asked again, then «check» comes back.
func TestChangeAsksWhatBecomesRelevant(t *testing.T) {
	f := facts()
	s := toPIN(t, f)
	s, _ = play(t, s, f, act("back"), arg("change", "children"), say("answer", "yes"))
	want(t, s, screen.Question)
	if s.Apply.Row != "count" {
		t.Fatalf("question after the change: got %q, want count", s.Apply.Row)
	}
	s, _ = play(t, s, f, say("answer", "many"))
	if s.Apply.Fault.IsZero() {
		t.Error("a word was taken for a number")
	}
	s, _ = play(t, s, f, say("answer", "2"))
	want(t, s, screen.Check)
}

func TestWhatGoesWrongWhileSigning(t *testing.T) {
	for _, tt := range []struct {
		name    string
		why     Failed
		page    screen.Name
		problem string
	}{
		{"wrong PIN", Failed{Why: WrongPIN, Left: 2}, screen.PIN, ""},
		{"wrong PIN for the last time", Failed{Why: WrongPIN, Left: 0}, screen.Problem, "pin-blocked"},
		{"blocked PIN", Failed{Why: BlockedPIN}, screen.Problem, "pin-blocked"},
		{"card taken", Failed{Why: CardGone}, screen.Problem, "card-gone"},
		{"another card", Failed{Why: OtherCard}, screen.Card, ""},
		{"certificate expired", Failed{Why: BadCard, Card: "expired"}, screen.Card, ""},
		{"reader unplugged", Failed{Why: NoReader}, screen.Problem, "reader"},
		{"disk full", Failed{Why: Full}, screen.Problem, "full"},
		{"clock lost", Failed{Why: NoTime}, screen.Problem, "clock"},
		{"anything else", Failed{Why: Broken}, screen.Problem, "broken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := facts()
			s, out := play(t, toPIN(t, f), f, say("pin", "123456"))
			tt.why.Job = submitted(t, out).Job
			s, _ = play(t, s, f, tt.why)
			want(t, s, tt.page)
			if s.Problem.Key != tt.problem {
				t.Errorf("problem: got %q, want %q", s.Problem.Key, tt.problem)
			}
			if got := s.Apply.Answers.Get("children"); got != "no" {
				t.Errorf("answers after the failure: got %q, want them kept", got)
			}
		})
	}
}

// A card pulled while signing: put back, it is recognized and the PIN asked
// again, without a question repeated; another card is not taken instead.
func TestCardPulledAndPutBack(t *testing.T) {
	f := facts()
	s, out := play(t, toPIN(t, f), f, say("pin", "123456"))
	job := submitted(t, out).Job
	s, _ = play(t, s, f, CardOut{}, Failed{Job: job, Why: CardGone})
	want(t, s, screen.Problem)
	s, out = play(t, s, f, CardIn{Gen: 8})
	s, _ = play(t, s, f, CardRead{Job: out[0].(ReadCard).Job, Holder: holder(8, 2)})
	want(t, s, screen.Card)
	if s.Card.Problem != "other" {
		t.Errorf("another card: got %q, want other", s.Card.Problem)
	}
	s, out = play(t, s, f, CardOut{}, CardIn{Gen: 9})
	s, _ = play(t, s, f, CardRead{Job: out[0].(ReadCard).Job, Holder: holder(9, 1)})
	want(t, s, screen.PIN)
	s, out = play(t, s, f, say("pin", "123456"))
	if got := submitted(t, out).Draft.Answers.Get("children"); got != "no" {
		t.Errorf("answers after the card came back: got %q, want no", got)
	}
	want(t, s, screen.Working)
}

func TestCardProblemThenNextCard(t *testing.T) {
	f := facts()
	s, out := play(t, Begin("ru", 0), f, act("requests"), CardIn{Gen: 3})
	s, _ = play(t, s, f, CardRead{Job: out[0].(ReadCard).Job, Problem: "foreign"})
	if got := s.View(f, Idle{}).Card.State; got != "foreign" {
		t.Errorf("card page: got %q, want foreign", got)
	}
	s, _ = play(t, s, f, CardOut{})
	if got := s.View(f, Idle{}).Card.State; got != "wanted" {
		t.Errorf("card page after the card left: got %q, want wanted", got)
	}
}

func TestBlockedServiceCannotBegin(t *testing.T) {
	f := facts()
	f.Blocked = "blocked.clock"
	s, _ := play(t, Begin("tk", 0), f, act("apply"), arg("choose", "certificate"))
	if got := s.View(f, Idle{}).Service.Blocked; got != "blocked.clock" {
		t.Errorf("Blocked: got %q, want blocked.clock", got)
	}
	s, _ = play(t, s, f, act("begin"))
	want(t, s, screen.Service)
	// The clock may be lost while the questions are answered, too.
	ok := facts()
	s, out := play(t, toPIN(t, ok), f, say("pin", "123456"))
	want(t, s, screen.Problem)
	if len(out) != 0 {
		t.Errorf("effects with an unknown clock: got %v, want none", out)
	}
	s, _ = play(t, s, ok, act("retry"))
	want(t, s, screen.PIN)
}

func TestStaleResultsChangeNothing(t *testing.T) {
	f := facts()
	s := toPIN(t, f)
	for _, e := range []Event{
		Accepted{Job: 1},
		Failed{Job: 99, Why: Broken},
		Listed{Job: 1},
		Opened{Job: 4},
		Found{Job: 2},
		CardRead{Job: 1, Holder: holder(7, 9)},
	} {
		got, out := Next(s, e, f)
		if got.Page != screen.PIN || len(out) != 0 {
			t.Errorf("%T of a job nobody waits for: got page %s, %d effects; want pin, none", e, got.Page, len(out))
		}
	}
}

func TestMyRequestsAndAnswer(t *testing.T) {
	f := facts()
	s, out := play(t, Begin("tk", 5), f, act("requests"))
	s, _ = play(t, s, f, CardRead{Job: out[0].(ReadCard).Job, Holder: holder(5, 1)})
	s, out = play(t, s, f, act("yes"))
	r := Request{Doc: [32]byte{1, 2}, Code: "K7M4P·29QDX", Service: "certificate", Stage: screen.StageReturned, Answer: true}
	s, _ = play(t, s, f, Listed{Job: out[0].(ListRequests).Job, List: []Request{r}})
	want(t, s, screen.Requests)
	s, _ = play(t, s, f, arg("open", r.Ref()))
	want(t, s, screen.Status)
	if v := s.View(f, Idle{}).Status; !v.Locked || !v.Correct {
		t.Errorf("Status: locked %v, correct %v; want both", v.Locked, v.Correct)
	}
	s, _ = play(t, s, f, act("open"))
	want(t, s, screen.PIN)
	s, out = play(t, s, f, say("pin", "123456"))
	open := out[0].(OpenAnswer)
	s, _ = play(t, s, f, Opened{Job: open.Job, Answer: Answer{
		Doc: r.Doc, Decision: "returned", Copy: true, Answers: citizen.NewAnswers(map[string]string{"surname": "N", "children": "yes", "count": "3"}),
	}})
	want(t, s, screen.Answer)
	s, out = play(t, s, f, act("print"), act("print"))
	if len(out) != 0 || s.Answer.Paper != screen.PaperPrinting {
		t.Errorf("second touch of print: got %v, want nothing while it prints", out)
	}
	s, _ = play(t, s, f, CopyPaper{Doc: r.Doc, State: screen.PaperPrinted, Copies: 1}, act("correct"), act("begin"), act("accept"), act("accept"))
	want(t, s, screen.Question)
	s, _ = play(t, s, f, say("answer", "N"), say("answer", "yes"), say("answer", "3"), act("answer"), act("confirm"))
	want(t, s, screen.PIN)
	_, out = play(t, s, f, say("pin", "123456"))
	if d := submitted(t, out).Draft; d.Corrects == nil || *d.Corrects != r.Doc {
		t.Errorf("Corrects: got %v, want the returned request", d.Corrects)
	}
}

func TestWithdrawOnlyByWhoMadeIt(t *testing.T) {
	f := facts()
	mine := Request{Doc: [32]byte{1}, Withdraw: true}
	s := State{Page: screen.Status, Request: &mine, ByCode: true}
	if s.CanWithdraw() {
		t.Error("a code alone withdraws a request that was made with a card")
	}
	s.ByCode = false
	s.Card = Card{In: 5, Known: true, Holder: holder(5, 1)}
	gone, out := play(t, s, f, CardOut{}, act("withdraw"))
	if len(out) != 0 || gone.CanWithdraw() {
		t.Error("a request is withdrawn after its maker took the card")
	}
	_, out = play(t, s, f, act("withdraw"))
	if len(out) != 1 {
		t.Fatal("whoever made the request cannot withdraw it")
	}
}

// The name of somebody who took the card does not stay on the screen.
func TestCardLeavesAtIsThisYou(t *testing.T) {
	f := facts()
	s, out := play(t, Begin("tk", 5), f, act("requests"))
	s, _ = play(t, s, f, CardRead{Job: out[0].(ReadCard).Job, Holder: holder(5, 1)}, CardOut{})
	want(t, s, screen.Card)
	if s.Card.Holder != nil {
		t.Error("the holder is kept after the card left")
	}
}

// Whoever leaves a page with their data does not leave it to the next one for long;
// where nobody's data is, nothing hurries, and a hand counts more than the sensor.
func TestNobodyThere(t *testing.T) {
	f := facts()
	i := Idle{Warn: 90 * time.Second, End: 30 * time.Second, Alone: 15 * time.Second, Left: 5 * time.Second, LeftEnd: 10 * time.Second, Take: time.Minute}
	usual, short := screen.Idle{Warn: i.Warn, End: i.End}, screen.Idle{Warn: i.Left, End: i.LeftEnd}
	gone, back := Present{}, Present{There: true}
	home, _ := play(t, Begin("tk", 0), f, act("apply"), gone)
	pin := toPIN(t, f)
	left, _ := play(t, pin, f, gone)
	asked, _ := play(t, left, f, IdleWarn{})
	returned, _ := play(t, asked, f, back)
	touched, _ := play(t, asked, f, act("stay"))
	for name, v := range map[string]struct {
		s    State
		want screen.Idle
	}{
		"services, nobody there":           {home, usual},
		"PIN":                              {pin, usual},
		"PIN, nobody there":                {left, short},
		"asked whether anyone is there":    {asked, short},
		"asked, and somebody is":           {returned, usual},
		"asked, and a hand says so":        {touched, usual},
		"a question":                       {State{Page: screen.Question, Left: true}, short},
		"a tracking code":                  {State{Page: screen.Track, Left: true}, short},
		"a trouble after a card was read":  {State{Page: screen.Problem, Left: true, Card: Card{Holder: holder(1, 1)}}, short},
		"a trouble before":                 {State{Page: screen.Problem, Left: true}, usual},
		"signing: it waits for no hand":    {State{Page: screen.Working, Left: true}, screen.Idle{}},
		"the card is to be taken":          {State{Page: screen.TakeCard, Left: true}, screen.Idle{End: i.Take}},
		"an answer whose card is gone too": {State{Page: screen.Answer, Left: true, Card: Card{Holder: holder(1, 1)}}, short},
	} {
		if got := v.s.Idle(i); got != v.want {
			t.Errorf("%s: Idle = %+v, want %+v", name, got, v.want)
		}
	}
	over, out := play(t, asked, f, IdleEnd{})
	want(t, over, screen.TakeCard)
	if len(out) != 1 || over.Left {
		t.Errorf("the end of a visit that was left: effects %d, left %v, want 1 and false", len(out), over.Left)
	}
}

func TestIdle(t *testing.T) {
	i := Idle{Warn: 90 * time.Second, End: 30 * time.Second, Alone: 15 * time.Second, Take: time.Minute}
	s := State{Page: screen.Question}
	if got := s.Idle(i); got.Warn != i.Warn || got.End != i.End {
		t.Errorf("Idle on a question: got %v, want 90s, 30s", got)
	}
	s = State{Page: screen.Answer, Card: Card{Holder: holder(1, 1)}}
	if got := s.Idle(i); got.Warn != i.Alone {
		t.Errorf("Idle on an answer without its card: got %v, want 15s", got)
	}
	f := facts()
	s, _ = play(t, toPIN(t, f), f, IdleWarn{})
	want(t, s, screen.Away)
	kept, _ := play(t, s, f, act("stay"))
	want(t, kept, screen.PIN)
	gone, out := play(t, s, f, IdleEnd{})
	want(t, gone, screen.TakeCard)
	if len(out) != 1 {
		t.Error("the end of the visit forgets nothing")
	}
}

// What was typed stays when the language or the size of the letters changes.
func TestTypedIsKept(t *testing.T) {
	f := facts()
	s, _ := play(t, Begin("tk", 0), f, act("apply"), arg("choose", "complaint"), act("begin"))
	s, _ = play(t, s, f, Act{Name: "lang", Arg: "ru", Text: citizen.NewText("Noi")})
	if got := s.View(f, Idle{}).Question.Value.Reveal(); got != "Noi" || s.Lang != "ru" {
		t.Errorf("value after a change of language: got %q in %s, want Noi in ru", got, s.Lang)
	}
}
