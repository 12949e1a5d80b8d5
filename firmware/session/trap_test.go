package session

import (
	"flag"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/ui/screen"
)

// TestMain walks more often than rapid does by itself: a hundred walks do not
// always come to every page.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("1000"); err != nil {
			panic(err)
		}
	}
	m.Run()
}

const secretPIN = "864209"

// TestNoTrap walks visits at random: whatever happened, the page can be drawn,
// the PIN is not kept, the visit can be ended by hand and ends by itself, and
// nothing of anyone is left when it has ended.
func TestNoTrap(t *testing.T) {
	f := facts()
	seen := map[screen.Name]bool{}
	rapid.Check(t, func(t *rapid.T) {
		s, gen := Begin("tk", 0), uint64(0)
		for range rapid.IntRange(0, 80).Draw(t, "steps") {
			e := drawEvent(t, s, &gen)
			s, _ = Next(s, e, f)
			seen[s.Shown()] = true
			s.View(f, Idle{})
			if holds(reflect.ValueOf(s), secretPIN) {
				t.Fatalf("the PIN is kept in the state after %T", e)
			}
			if s.Page == screen.Working && s.Busy == 0 {
				t.Fatalf("after %T the page waits for nothing", e)
			}
			mustEnd(t, s, f)
		}
	})
	for _, p := range []screen.Name{
		screen.Home, screen.Services, screen.Service, screen.Rules, screen.Card, screen.IsThisYou, screen.Question,
		screen.Check, screen.PIN, screen.Working, screen.Done, screen.TakeCard, screen.Requests, screen.Track,
		screen.Status, screen.Answer, screen.Problem, screen.Ended, screen.Help, screen.Away, screen.Assist, screen.Seal,
	} {
		if !seen[p] {
			t.Errorf("the walks never came to the page %s: they prove nothing of it", p)
		}
	}
}

// mustEnd ends the visit by hand, and by nobody's hand, after what is being
// waited for has failed.
func mustEnd(t *rapid.T, s State, f Facts) {
	byHand, byTime := s, s
	if s.Page == screen.Working {
		byHand, _ = Next(byHand, Failed{Job: s.Busy, Why: Broken}, f)
		byTime = byHand
	}
	byHand, _ = Next(byHand, Act{Name: "end"}, f)
	if byHand.Page == screen.TakeCard {
		empty(t, byHand)
		byHand, _ = Next(byHand, Act{Name: "end"}, f)
	}
	for range 3 {
		byTime, _ = Next(byTime, IdleWarn{}, f)
		byTime, _ = Next(byTime, IdleEnd{}, f)
	}
	for _, e := range []State{byHand, byTime} {
		if !e.Ended() {
			t.Fatalf("from %s (over it %q) the visit does not end: it stays at %s", s.Page, s.Over, e.Page)
		}
		empty(t, e)
	}
}

// empty fails unless s holds nothing but how pages look and what to take away.
func empty(t *rapid.T, s State) {
	s.Page, s.Lang, s.Size, s.Theme, s.Job, s.Card.In, s.Paper, s.Late = "", "", 0, "", 0, 0, false, false
	if !reflect.DeepEqual(s, State{PIN: PIN{Left: -1}}) {
		t.Fatalf("the ended visit still holds something: %#v", s)
	}
}

// holds reports whether a citizen.Text with that data is anywhere in v.
func holds(v reflect.Value, data string) bool {
	if v.CanInterface() {
		switch x := v.Interface().(type) {
		case citizen.Text:
			return x.Reveal() == data
		case citizen.Answers:
			for _, a := range x.Reveal() {
				if a == data {
					return true
				}
			}
			return false
		}
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && holds(v.Elem(), data)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && holds(v.Field(i), data) {
				return true
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if holds(v.Index(i), data) {
				return true
			}
		}
	}
	return false
}

// scannedCopy is a paper copy that was held to the scanner.
var scannedCopy = Scanned{Seal: &Seal{Kind: "copy", Verdict: "yes", Service: "certificate", Issuer: "office", Subject: citizen.NewText("A")}}

func drawEvent(t *rapid.T, s State, gen *uint64) Event {
	// A walk that only knocks about never gets far: three times of four it does
	// what the page is there for.
	if rapid.IntRange(0, 3).Draw(t, "purposeful") > 0 {
		if e := sensible(t, s, gen); e != nil {
			return e
		}
	}
	acts := []string{
		"lang", "size", "theme", "back", "help", "end", "stay", "apply", "requests", "track", "choose", "begin",
		"accept", "decline", "yes", "no", "answer", "change", "confirm", "pin", "print", "reprint", "open",
		"correct", "withdraw", "retry", "finish", "home", "assist", "export", "ticket", "update", "tonight", "leave", "nonsense",
	}
	job := s.Busy
	req := Request{Doc: [32]byte{1}, Service: "certificate", Stage: screen.StageReturned, Answer: true, Receipt: screen.PaperUnknown}
	switch rapid.IntRange(0, 19).Draw(t, "event") {
	case 0:
		*gen++
		return CardIn{Gen: *gen}
	case 1:
		return CardOut{}
	case 2:
		return CardRead{Job: job, Problem: "foreign"}
	case 3:
		return Failed{Job: job, Why: Why(rapid.IntRange(0, 13).Draw(t, "why")), Left: rapid.IntRange(-1, 2).Draw(t, "left")}
	case 4:
		return IdleWarn{}
	case 5:
		return IdleEnd{}
	case 6:
		return CardLeft{}
	case 7:
		return Updated{Request: req}
	case 8:
		return CopyPaper{Doc: req.Doc, State: screen.PaperUnknown, Copies: 1}
	case 9:
		return Scanned{}
	case 10:
		return Scanned{Code: citizen.NewText("K7M4P29QDX")}
	case 11:
		return scannedCopy
	case 12:
		return Present{There: rapid.Bool().Draw(t, "there")}
	}
	a := Act{Name: rapid.SampledFrom(acts).Draw(t, "act"), Arg: rapid.SampledFrom([]string{"", "certificate", "complaint", "children", "2", "ru", req.Ref()}).Draw(t, "arg")}
	if rapid.Bool().Draw(t, "said") {
		a.Text = citizen.NewText(rapid.SampledFrom([]string{"yes", "no", "3", "text"}).Draw(t, "text"))
	}
	return a
}

// sensible returns what the page is there for.
func sensible(t *rapid.T, s State, gen *uint64) Event {
	req := Request{
		Doc: [32]byte{1}, Service: "certificate", Answer: true, Withdraw: rapid.Bool().Draw(t, "unsent"),
		Stage:     rapid.SampledFrom([]screen.Stage{screen.StageReturned, screen.StageAnswered, screen.StageKept}).Draw(t, "stage"),
		Anonymous: rapid.Bool().Draw(t, "anonymous"),
		Receipt:   rapid.SampledFrom([]screen.PaperState{screen.PaperPrinted, screen.PaperUnknown, screen.PaperFailed}).Draw(t, "paper"),
	}
	one := func(acts ...Act) Event { return rapid.SampledFrom(acts).Draw(t, "next") }
	if s.Over == screen.Help && s.Page == screen.Home {
		return one(act("assist"))
	}
	switch s.Page {
	case screen.Home:
		return one(act("apply"), act("apply"), act("requests"), act("track"), act("help"))
	case screen.Assist:
		return one(act("export"), act("ticket"), act("update"), act("tonight"), act("leave"))
	case screen.Services:
		return one(arg("choose", "certificate"), arg("choose", "complaint"))
	case screen.Service:
		return one(act("begin"))
	case screen.Rules:
		return one(act("accept"))
	case screen.Card:
		if s.Busy != 0 {
			return CardRead{Job: s.Busy, Holder: holder(s.Card.In, 1)}
		}
		*gen++
		return CardIn{Gen: *gen}
	case screen.IsThisYou:
		return one(act("yes"), act("yes"), act("yes"), act("no"))
	case screen.Question:
		return one(say("answer", map[string]string{"children": rapid.SampledFrom([]string{"yes", "no"}).Draw(t, "children"), "count": "2"}[s.Apply.Row]+suffix(s.Apply.Row)))
	case screen.Check:
		return one(act("confirm"), act("confirm"), arg("change", "children"))
	case screen.PIN:
		return one(say("pin", secretPIN))
	case screen.Working:
		switch s.What {
		case "signing":
			return Accepted{Job: s.Busy, Request: req}
		case "ticket":
			return Ticketed{Job: s.Busy, What: screen.TicketView{Code: "failed"}}
		case "update":
			return UpdateTaken{Job: s.Busy}
		case "exporting":
			return Exported{Job: s.Busy, What: screen.ExportView{Records: 1, Code: "stick.none"}}
		case "opening":
			return Opened{Job: s.Busy, Answer: Answer{Doc: req.Doc, Copy: true, Answers: citizen.NewAnswers(map[string]string{"children": "no"})}}
		}
		if rapid.Bool().Draw(t, "found") {
			return Found{Job: s.Busy, Request: &req}
		}
		return Listed{Job: s.Busy, List: []Request{req}}
	case screen.Done:
		return one(act("finish"), act("reprint"), act("home"))
	case screen.Track:
		if s.Busy != 0 {
			return Found{Job: s.Busy, Request: &req}
		}
		if rapid.Bool().Draw(t, "scans") {
			return scannedCopy
		}
		return one(say("track", "K7M4P29QDX"))
	case screen.Seal:
		return one(act("back"), act("finish"))
	case screen.Requests:
		return one(arg("open", req.Ref()))
	case screen.Status:
		return one(act("open"), act("correct"), act("withdraw"), act("reprint"))
	case screen.Answer:
		return one(act("print"), act("correct"), act("finish"))
	case screen.Problem:
		return one(act("retry"), act("back"))
	}
	return nil
}

func suffix(row string) string {
	if row == "surname" || row == "what" {
		return fmt.Sprint("text of ", row)
	}
	return ""
}
