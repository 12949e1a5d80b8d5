// Package uitest looks at pages through a real browser: it walks them, asks
// axe-core for violations of WCAG 2.2 AA, measures targets in millimetres of
// the kiosk's display, and takes pictures.
//
// It wraps chromedp so that the rest of the project does not see that
// library's interface, which changes often. A browser that is missing skips the
// test, saying so; with PENJIRE_PEERS=require, as in CI, it fails it.
package uitest

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// axe is axe-core 4.14.1 (MPL-2.0, testdata/axe.LICENSE), unchanged. It is
// used in tests only and is part of no product binary.
//
//go:embed testdata/axe.min.js
var axe string

// Names under which a browser is looked for, after $PENJIRE_BROWSER.
var browsers = []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"}

// Browser is one tab of a browser that the test owns; it ends with the test.
type Browser struct {
	t   testing.TB
	ctx context.Context
	mm  float64

	mu       sync.Mutex
	messages []string
}

// Find returns the path of a browser, or "".
func Find() string {
	for _, n := range append([]string{os.Getenv("PENJIRE_BROWSER")}, browsers...) {
		if p, err := exec.LookPath(n); n != "" && err == nil {
			return p
		}
	}
	return ""
}

// Open starts a browser for t with a window of that many pixels. mm is how many
// of them a millimetre of the kiosk's display has.
func Open(t testing.TB, width, height int, mm float64) *Browser {
	t.Helper()
	path := Find()
	if path == "" {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("no browser found: install one of %s, or set PENJIRE_BROWSER", strings.Join(browsers, ", "))
		}
		t.Skipf("NOT LOOKED AT IN A BROWSER: install one of %s", strings.Join(browsers, ", "))
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WindowSize(width, height))
	if os.Geteuid() == 0 { // in containers; the kiosk's own browser keeps its sandbox
		opts = append(opts, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	b := &Browser{t: t, mm: mm}
	ctx, stop = chromedp.NewContext(ctx, chromedp.WithListener(b.listen))
	t.Cleanup(stop)
	b.ctx = ctx
	b.do("start the browser", chromedp.EmulateViewport(int64(width), int64(height)))
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatalf("listen to the browser's log: %v", err)
	}
	return b
}

// listen keeps what the browser complains about: broken rules of the
// Content-Security-Policy, missing files, errors of scripts.
func (b *Browser) listen(ev any) {
	m := complaint(ev)
	if e, ok := ev.(*log.EventEntryAdded); ok && (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) {
		m = fmt.Sprintf("%s %s", e.Entry.Text, e.Entry.URL)
	}
	if m != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.messages = append(b.messages, m)
	}
}

// Messages returns what the browser has complained about since the last call.
func (b *Browser) Messages() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.messages
	b.messages = nil
	return m
}

func (b *Browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, time.Minute)
	if what == "start the browser" { // its first context must not end before the test
		ctx = b.ctx
	}
	defer stop()
	err := chromedp.Do(ctx, steps...)
	// An element can be found in a page that is just being replaced; nothing
	// has been touched then, so it is looked for again.
	for try := 0; err != nil && strings.Contains(err.Error(), "Could not find node with given id") && try < 5; try++ {
		err = chromedp.Do(ctx, steps...)
	}
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// Go opens an address and waits for the page and its fonts.
func (b *Browser) Go(url string) {
	b.t.Helper()
	b.do("open "+url, chromedp.Navigate(url))
	Eval[bool](b, `document.fonts.ready.then(() => true)`)
}

// Click clicks the first element that the CSS selector finds.
func (b *Browser) Click(css string) {
	b.t.Helper()
	b.do("click "+css, chromedp.Click(chromedp.CSS(css)))
}

// Type types text into the element.
func (b *Browser) Type(css, text string) {
	b.t.Helper()
	b.do("type into "+css, chromedp.SendKeys(chromedp.CSS(css), text))
}

// Wait waits until the element is visible.
func (b *Browser) Wait(css string) {
	b.t.Helper()
	b.do("wait for "+css, chromedp.WaitVisible(chromedp.CSS(css)))
}

// Resize gives the window another size, with mm pixels to the millimetre.
func (b *Browser) Resize(width, height int, mm float64) {
	b.t.Helper()
	b.mm = mm
	b.do("resize", chromedp.EmulateViewport(int64(width), int64(height)))
}

// Scripts switches JavaScript on or off for the pages opened from now on.
func (b *Browser) Scripts(on bool) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}); err != nil {
		b.t.Fatalf("switch scripts: %v", err)
	}
}

// Picture returns the window as PNG.
func (b *Browser) Picture() []byte {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, time.Minute)
	defer stop()
	r, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{})
	if err != nil {
		b.t.Fatalf("take a picture: %v", err)
	}
	return r.Data
}

// Eval runs an expression in the page and returns what it, or the promise it
// gives, comes to.
func Eval[T any](b *Browser, expression string) T {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, time.Minute)
	defer stop()
	for {
		v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
		switch {
		case err == nil:
			return v
		case ctx.Err() == nil && strings.Contains(err.Error(), "Inspected target navigated"):
			// The page was drawn anew meanwhile, by itself: the question is for the new one.
		default:
			b.t.Fatalf("evaluate in the page: %v", err)
		}
	}
}
