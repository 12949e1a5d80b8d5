package session

import (
	"slices"
	"testing"

	"github.com/penjire/penjire/ui/screen"
)

// TestAssist: the assistant's page is reached from the home page's help alone; only
// an assistant's card writes to a stick; the page says what became of it; and the
// assistant does not become the visit's citizen.
func TestAssist(t *testing.T) {
	f := facts()
	f.Queue = Queue{Count: 3, Why: "network"}
	s := Begin("en", 0)
	do := func(e Event) (eff []Effect) {
		s, eff = Next(s, e, f)
		return eff
	}
	s.Page = screen.Services
	do(Act{Name: "help"})
	do(Act{Name: "assist"})
	if s.Shown() != screen.Services {
		t.Fatalf("from elsewhere: %s, want that it only closes the help", s.Shown())
	}
	s.Page = screen.Home
	do(Act{Name: "help"})
	if v := s.View(f, Idle{}); v.Help == nil || !v.Help.Assist {
		t.Fatal("the help of the home page does not lead to the assistant's page")
	}
	do(Act{Name: "assist"})
	if v := s.View(f, Idle{}); v.Screen != screen.Assist || v.Assist.Count != 3 || v.Assist.Export != nil || v.Card != nil {
		t.Fatalf("the page is %+v", v)
	}
	if eff := do(Act{Name: "export"}); len(eff) != 0 || s.Page != screen.Card {
		t.Fatalf("without a card: %s %v, want that it asks for one", s.Page, eff)
	}
	read := do(CardIn{Gen: 1})
	do(CardRead{Job: read[0].(ReadCard).Job, Holder: holder(1, 1)})
	if s.Page != screen.Card || s.Card.Problem != "assistant" || s.Card.Holder != nil {
		t.Fatalf("with a citizen's card: %s %q, want that it is refused", s.Page, s.Card.Problem)
	}
	do(CardOut{})
	read = do(CardIn{Gen: 2})
	h := holder(2, 2)
	h.Assistant = true
	eff := do(CardRead{Job: read[0].(ReadCard).Job, Holder: h})
	if _, ok := eff[0].(Export); !ok || s.Page != screen.Working {
		t.Fatalf("with an assistant's card: %s %v, want the export", s.Page, eff)
	}
	if eff := do(Exported{Job: s.Busy, What: screen.ExportView{Records: 3}}); len(eff) != 0 || s.Page != screen.Assist || s.Export.Records != 3 || s.Card.Known {
		t.Fatalf("after it: %s %+v", s.Page, s.Export)
	}
	do(Act{Name: "back"})
	if s.Page != screen.Home {
		t.Errorf("back leads to %s, want home", s.Page)
	}
}

// TestAssistSoftware: new software on the stick is taken with an assistant's card alone,
// now or at night as chosen; a no needs none; and where nothing is offered nothing is.
func TestAssistSoftware(t *testing.T) {
	f := facts()
	f.Software = screen.UpdateView{State: screen.UpdateOffered, Version: "0.6.2"}
	h := holder(1, 1)
	h.Assistant = true
	for name, now := range map[string]bool{"update": true, "tonight": false} {
		s := Begin("ru", 1)
		s.Page = screen.Assist
		s, eff := Next(s, Act{Name: name}, f)
		s, _ = Next(s, CardRead{Job: eff[0].(ReadCard).Job, Holder: holder(1, 1)}, f)
		if s.Card.Problem != "assistant" {
			t.Errorf("%s with a citizen's card: %q, want that it is refused", name, s.Card.Problem)
		}
		s, _ = Next(s, CardOut{}, f)
		s, eff = Next(s, CardIn{Gen: 1}, f)
		s, eff = Next(s, CardRead{Job: eff[0].(ReadCard).Job, Holder: h}, f)
		if got, ok := eff[0].(TakeUpdate); !ok || got.Now != now {
			t.Errorf("%s: %+v, want that it is taken", name, eff)
		}
		s, _ = Next(s, UpdateTaken{Job: s.Busy}, f)
		if s.Page != screen.Assist || s.Card.Known {
			t.Errorf("%s: after it %s, want the assistant's page", name, s.Page)
		}
	}
	s := Begin("ru", 0)
	s.Page = screen.Assist
	if _, eff := Next(s, Act{Name: "leave"}, f); len(eff) != 1 || eff[0] != Effect(LeaveUpdate{}) {
		t.Errorf("no: %+v, want that it is left", eff)
	}
	f.Software = screen.UpdateView{State: screen.UpdateRefused, Code: "release.older"}
	if n, eff := Next(s, Act{Name: "update"}, f); len(eff) != 0 || n.Page != screen.Assist {
		t.Errorf("what is refused: %s, %v, want that nothing happens", n.Page, eff)
	}
	if v := s.View(f, Idle{}).Assist.Update; v.Says == "" || v.Says == "release.older" {
		t.Errorf("what is refused is told as %q, want words", v.Says)
	}
}

// TestAssistAfterLooking: a service that somebody only looked at has no part in what
// is done from the home page next: neither its title, nor whom it is for.
func TestAssistAfterLooking(t *testing.T) {
	f := facts()
	for _, next := range [][]string{{"help", "assist", "export"}, {"requests"}} {
		s := Begin("en", 1)
		var eff []Effect
		do := func(a Act) { s, eff = Next(s, a, f) }
		do(Act{Name: "apply"})
		do(Act{Name: "choose", Arg: "certificate"})
		do(Act{Name: "back"})
		do(Act{Name: "back"})
		for _, name := range next {
			do(Act{Name: name})
		}
		if len(eff) != 1 || eff[0].(ReadCard).Service != nil {
			t.Errorf("%v: got %+v, want that the card is read for no service", next, eff)
		}
		if v := s.View(f, Idle{}); v.Title != "" {
			t.Errorf("%v: the title is %q, want none", next, v.Title)
		}
	}
}

// TestSetup: an assistant's card, and no other, has the technician's pages come, and
// ends the visit; where there are no such pages nothing is offered.
func TestSetup(t *testing.T) {
	f := facts()
	s := Begin("ru", 1)
	do := func(e Event) (eff []Effect) {
		s, eff = Next(s, e, f)
		return eff
	}
	s.Page = screen.Assist
	if do(Act{Name: "setup"}); s.Page != screen.Assist {
		t.Fatalf("without such pages: %s, want nothing to change", s.Page)
	}
	f.Queue.Setup = true
	if do(Act{Name: "setup"}); s.Page != screen.Card {
		t.Fatalf("the page is %s, want that it asks for a card", s.Page)
	}
	read := do(CardIn{Gen: 1})
	do(CardRead{Job: read[0].(ReadCard).Job, Holder: holder(1, 1)})
	if s.Card.Problem != "assistant" {
		t.Fatalf("with a citizen's card: %s %q, want that it is refused", s.Page, s.Card.Problem)
	}
	do(CardOut{})
	read = do(CardIn{Gen: 2})
	h := holder(2, 2)
	h.Assistant = true
	eff := do(CardRead{Job: read[0].(ReadCard).Job, Holder: h})
	if !slices.Contains(eff, Effect(Setup{Lang: "ru"})) || s.Page != screen.TakeCard {
		t.Errorf("with an assistant's card: %s %v, want the technician's pages and the card given back", s.Page, eff)
	}
}
