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
