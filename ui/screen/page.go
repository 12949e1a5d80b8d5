package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/ui/form"
	"github.com/penjire/penjire/ui/phrase"
)

// page is what the templates see: the view, and the words to say it with.
type page struct {
	View
	book  *phrase.Book
	Field form.Field // of a Question
}

// newPage checks that the part which v.Screen draws is there.
func newPage(v View) (*page, error) {
	p := &page{View: v, book: phrase.In(v.Lang)}
	p.Lang = p.book.Lang()
	missing := map[Name]bool{
		Home: v.Home == nil, Services: v.Services == nil, Service: v.Service == nil, Rules: v.Rules == nil,
		Card: v.Card == nil, IsThisYou: v.IsThisYou == nil, Question: v.Question == nil, Check: v.Check == nil,
		PIN: v.PIN == nil, Working: v.Working == nil, Done: v.Done == nil, TakeCard: v.TakeCard == nil,
		Requests: v.Requests == nil, Track: v.Track == nil, Status: v.Status == nil, Answer: v.Answer == nil,
		Seal: v.Seal == nil, Problem: v.Problem == nil, Assist: v.Assist == nil,
		FirstList: v.First == nil, FirstChoose: v.First == nil, FirstField: v.First == nil,
	}
	if missing[v.Screen] {
		return nil, fmt.Errorf("screen: draw %q: the view has no %s part", v.Screen, v.Screen)
	}
	if v.Screen == Start && v.Start == nil {
		p.Start = &StartView{}
	}
	if q := v.Question; q != nil {
		p.Field = form.New(q.Row, q.Choices, q.Value.Reveal(), q.Fault.In(p.Lang), p.Lang)
	}
	return p, nil
}

// T says the phrase key.
func (p *page) T(key string, args ...any) string { return p.book.Get(key, args...) }

// TL says the phrase key in another language: the start page speaks all three.
func (p *page) TL(lang, key string, args ...any) string { return phrase.In(lang).Get(key, args...) }

// TLOr is TOr in another language.
func (p *page) TLOr(lang, key, other string) string {
	if b := phrase.In(lang); b.Has(key) {
		return b.Get(key)
	}
	return p.TL(lang, other)
}

// Cat joins the parts of a phrase key.
func (p *page) Cat(parts ...string) string { return strings.Join(parts, "") }

// TOr says the phrase key, or the phrase other where a new kind of trouble has
// no words of its own yet: a citizen never sees a code instead of a sentence.
func (p *page) TOr(key, other string, args ...any) string {
	if !p.book.Has(key) {
		key = other
	}
	return p.book.Get(key, args...)
}

// C says a text of the catalogue.
func (p *page) C(t catalog.Text) string { return t.In(p.Lang) }

// X reveals personal data on the page of the one it belongs to.
func (p *page) X(t citizen.Text) string { return t.Reveal() }

// D and DT say a day, and a day with its time.
func (p *page) D(t time.Time) string  { return p.book.Date(t) }
func (p *page) DT(t time.Time) string { return p.book.DateTime(t) }

// Day says a day that the catalogue writes as YYYY-MM-DD.
func (p *page) Day(s string) string {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return s
	}
	return p.book.Date(t)
}

// Manat says an amount of tenge.
func (p *page) Manat(tenge int) string {
	if tenge == 0 {
		return p.T("fee.none")
	}
	return p.T("fee.manat", fmt.Sprintf("%s,%02d", p.book.Number(tenge/100), tenge%100))
}

// Langs are the languages of the header.
func (p *page) Langs() []string { return phrase.Langs }

// Act is the path that an action of this visit is sent to.
func (p *page) Act(action string) string {
	if p.Visit == "" {
		return "/" + action
	}
	return "/v/" + p.Visit + "/" + action
}

// Key names the page in a way that two pages share only if what one types on
// the first may be kept on the second. It holds nothing personal.
func (p *page) Key() string { return PageKey(p.View) }

// PageKey returns the page's name and, for a question, which one; where a code was
// scanned, which scan.
func PageKey(v View) string {
	if v.Screen == Question && v.Question != nil {
		return string(v.Screen) + "/" + v.Question.Row.Name
	}
	if v.Screen == Track && v.Track != nil && v.Track.Scans > 0 {
		return fmt.Sprintf("%s/%d", v.Screen, v.Track.Scans)
	}
	return firstKey(v)
}

// Waits reports whether the page goes on by itself; without JavaScript it asks
// again every two seconds.
func (p *page) Waits() bool {
	switch p.Screen {
	case Working, Card, TakeCard, Ended:
		return true
	case FirstList, FirstChoose:
		return p.First.Waits
	case Done:
		return p.Done.Paper == PaperPrinting
	case Answer:
		return p.Answer.Paper == PaperPrinting
	}
	return false
}

// Typed reports whether the page holds what someone may be typing: all its
// buttons then carry it along, so that a change of language keeps it. A PIN is
// never carried anywhere but to its own action.
func (p *page) Typed() bool { return p.Screen == Question || p.Screen == Track }

// Keyboard reports whether the page has fields to type into.
func (p *page) Keyboard() bool {
	switch p.Screen {
	case PIN, Track, FirstField:
		return true
	case Question:
		switch p.Field.Kind {
		case "text", "multiline", "integer", "phone", "date":
			return true
		}
	}
	return false
}

// Pad reports whether digits are all that is typed: the keys then stand beside
// the question like those of a telephone.
func (p *page) Pad() bool {
	if p.Screen == PIN || p.Screen == FirstField && p.First.Field.Keys == "num" {
		return true
	}
	switch p.Field.Kind {
	case "integer", "phone", "date":
		return p.Screen == Question
	}
	return false
}

// Header is the name in the header.
func (p *page) Header() string {
	if p.Title != "" {
		return p.Title
	}
	return p.T("product")
}

// Heading is the page's one heading, also in the browser's title.
func (p *page) Heading() string {
	key := "title." + string(p.Screen)
	switch p.Screen {
	case Question:
		return p.Field.Label
	case Service:
		return p.C(p.Service.Service.Title)
	case Rules:
		return p.C(p.Rules.Rule.Title)
	case Card:
		return p.TOr("card."+p.Card.State+".title", "card.unreadable.title")
	case Working:
		return p.TOr("working."+p.Working.What+".title", "working.title")
	case Problem:
		return p.TOr("problem."+p.Problem.Key+".title", "problem.broken.title")
	case Done:
		if p.Done.Received {
			key = "done.received.title"
		} else {
			key = "done.kept.title"
		}
	case PIN:
		key = "pin." + p.PIN.Reason + ".title"
	case Answer:
		key = "answer." + p.Answer.Decision + ".title"
	case Seal:
		return p.C(p.Seal.Heading)
	case Status:
		return p.C(p.Status.Line.Service)
	case FirstList, FirstChoose, FirstField:
		return p.FirstTitle()
	case TakeCard:
		key = "take." + p.Take() + ".title"
	}
	return p.T(key)
}

// Take says what there is to take: "both", "card" or "paper".
func (p *page) Take() string {
	switch {
	case p.TakeCard.Card && p.TakeCard.Paper:
		return "both"
	case p.TakeCard.Paper:
		return "paper"
	}
	return "card"
}

// Fault reports what is wrong with what was entered on this page, or "".
func (p *page) Fault() string {
	switch {
	case p.Screen == Question:
		return p.Field.Fault
	case p.Screen == Track && p.Track.Fault != "":
		return p.TOr(p.Track.Fault, "track.fault.unknown")
	case p.Screen == FirstField && p.First.Field.Fault != "":
		return p.T("first.fault." + p.First.Field.Fault)
	case p.Screen == PIN && p.PIN.Wrong:
		if p.PIN.Left < 0 {
			return p.T("pin.wrong")
		}
		return p.T("pin.wrong.left", p.PIN.Left)
	}
	return ""
}

// Steps are the bars of «question 3 of 6».
func (p *page) Steps(no, of int) []bool {
	s := make([]bool, of)
	for i := range s {
		s[i] = i < no
	}
	return s
}

// Classes are the body's: text size, theme and kind of page.
func (p *page) Classes() string {
	c := []string{"p-" + string(p.Screen)}
	if p.Size > 0 && p.Size <= 2 {
		c = append(c, fmt.Sprintf("size-%d", p.Size))
	}
	if p.Theme == "contrast" || p.Theme == "dark" {
		c = append(c, p.Theme)
	}
	if p.Keyboard() {
		c = append(c, "typing")
	}
	if p.Screen == Start && (p.Start.Unprinted || p.Start.Notice != "" || p.Start.Waiting > 0 || p.Start.Stick != "") {
		c = append(c, "says")
	}
	if p.Screen == Start && p.Start.Developer {
		c = append(c, "trial")
	}
	if p.Pad() {
		c = append(c, "pad")
	}
	return strings.Join(c, " ")
}

// NextSize and NextTheme are what the header's buttons change to.
func (p *page) NextSize() int { return (p.Size + 1) % 3 }

// NextTheme is the theme after this one: paper, contrast, dark.
func (p *page) NextTheme() string {
	return map[string]string{"": "contrast", "contrast": "dark", "dark": "light"}[p.Theme]
}
