package screen_test

import (
	"strings"
	"testing"

	"github.com/penjire/penjire/ui/screen"
)

// The answer's page says that a copy was printed only when one was, not while
// it is printing or nobody knows (DESIGN 1.4).
func TestAnswerCountsOnlyPrintedCopies(t *testing.T) {
	for paper, want := range map[screen.PaperState]bool{
		screen.PaperNone: true, screen.PaperPrinted: true,
		screen.PaperPrinting: false, screen.PaperUnknown: false, screen.PaperFailed: false,
	} {
		var b strings.Builder
		v := screen.View{Screen: screen.Answer, Lang: "en", Answer: &screen.AnswerView{
			Decision: "answered", Valid: "verify.valid", Copy: true, Copies: 1, Paper: paper, PaperWhy: screen.Out,
		}}
		if err := screen.Draw(&b, v); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), "1 copy "); got != want {
			t.Errorf("paper %q: says that a copy was printed: %v, want %v", paper, got, want)
		}
	}
}

// At a kiosk with two printers the page says on which of them a copy comes out, in
// each of the languages; at one with one printer it says nothing of that.
func TestAnswerSaysWhichPrinter(t *testing.T) {
	for lang, words := range map[string][2]string{
		"en": {"(A4)", "narrow"}, "ru": {"(A4)", "узкой"}, "tk": {"(A4)", "dar kagyz"},
	} {
		for place, want := range map[screen.PaperPlace][2]bool{
			screen.PlaceUnsaid: {}, screen.PlaceSheets: {true, false}, screen.PlaceRoll: {false, true},
		} {
			for _, paper := range []screen.PaperState{screen.PaperPrinting, screen.PaperPrinted, screen.PaperUnknown, screen.PaperFailed} {
				var b strings.Builder
				v := screen.View{Screen: screen.Answer, Lang: lang, Answer: &screen.AnswerView{
					Decision: "answered", Valid: "verify.valid", Copy: true, Paper: paper, PaperPlace: place,
				}}
				if err := screen.Draw(&b, v); err != nil {
					t.Fatal(err)
				}
				for i, w := range words {
					if got := strings.Contains(b.String(), w); got != want[i] {
						t.Errorf("%s, %q at %q: says %q: %v, want %v", lang, paper, place, w, got, want[i])
					}
				}
			}
		}
	}
}
