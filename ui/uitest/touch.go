package uitest

import (
	"context"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Finger makes the window a touch screen: from now on Touch works.
func (b *Browser) Finger() {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true}); err != nil {
		b.t.Fatalf("make the window a touch screen: %v", err)
	}
}

// Touch waits until the first element that the CSS selector finds is visible,
// and taps the middle of it with a finger. What lies on top of it gets the
// touch, as on a kiosk.
func (b *Browser) Touch(css string) {
	b.t.Helper()
	b.do("touch "+css, chromedp.Tap(chromedp.CSS(css)))
}

// Sees reports whether the element is visible, now or within a moment. A page
// that is just being replaced shows nothing.
func (b *Browser) Sees(css string, moment time.Duration) bool {
	ctx, stop := context.WithTimeout(b.ctx, moment)
	defer stop()
	return chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(css))) == nil
}

// complaint returns what an event of the page's scripts complains about: an
// error that nobody caught, or what a script wrote to the console; "" nothing.
func complaint(ev any) string {
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		return text + " " + e.ExceptionDetails.URL
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeWarning && e.Type != runtime.ConsoleAPICalledTypeAssert {
			return ""
		}
		var words []string
		for _, a := range e.Args {
			words = append(words, strings.Trim(string(a.Value), `"`)+a.Description)
		}
		return "console: " + strings.Join(words, " ")
	}
	return ""
}
