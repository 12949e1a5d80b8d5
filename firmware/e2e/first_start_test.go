package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/ui/uitest"
)

// TestBrowser_FirstStart is a technician at a new kiosk with one finger: they see what
// is in it and that the way to the portal is open, type the code that the operator
// made, the power goes once, every device is tested, the ticket comes out, and the
// kiosk is in service when they say so. Later an assistant's card brings the pages
// back. Every page on the way is examined with axe.
func TestBrowser_FirstStart(t *testing.T) {
	b := startBench(t, "-fresh")
	f := b.finger()
	f.seeFirst()
	code := strings.ReplaceAll(f.makeCode(), "-", "")
	start := b.state().Kiosk.URL + "/"
	f.Go(start)
	f.step("start", "start")
	f.Touch(`button[formaction="/begin"][lang="ru"]`)
	f.Wait(`body[data-page="first-list/hardware"] .checks`)
	f.step("first-list/hardware", "hardware")
	f.act1("next", "first-list/network", "network")
	f.Touch(button("next"))
	f.Wait(`body[data-page="first-list/check"] .note svg use[href$="#check"]`) // the way is open
	f.step("first-list/check", "check-good")
	f.Touch(button("next"))
	f.Wait(button("code"))
	f.step("first-list/enrol", "enrol")

	f.cut = true // also later: one program hands the screen to the other
	b.do("/api/power", map[string]any{"action": "cut", "what": "kiosk"})
	b.do("/api/power", map[string]any{"action": "on", "what": "kiosk"})
	b.until("the kiosk is on again", func() bool { return b.alive(start) }, func() string { return "" })
	f.Go(start)
	f.Touch(`button[formaction="/begin"][lang="tk"]`)
	f.Wait(button("code"))
	f.step("first-list/enrol", "enrol-again") // where it was
	f.act1("code", "first-field/code", "code")
	f.keys("K7M4")
	f.Touch(button("set"))
	f.Wait("#wrong")
	f.step("first-field/code", "code-wrong")
	f.keys(code)
	f.Touch(button("set"))
	f.Wait(`body[data-page="first-list/test"]`)
	b.until("all devices but the unplugged one are well", func() bool {
		return uitest.Eval[int](f.Browser, `document.querySelectorAll(".checks .chip:not(.bad, .warn)").length`) >= 8
	}, func() string { return uitest.Eval[string](f.Browser, `document.body.innerText`) })
	f.step("first-list/test", "test-done")
	if s := b.state(); s.Kiosk.Says == nil || s.Kiosk.Says.Kiosk != newKiosk {
		t.Fatalf("the kiosk says %+v, want that it is enrolled", s.Kiosk.Says)
	}
	papers := b.state().Devices.Printer.Papers
	f.Touch(button("next"))
	f.Wait(`body[data-page="first-list/ready"]`)
	b.wait("the status ticket", func(s state) bool { return s.Devices.Printer.Papers > papers })
	f.Wait(`.checks li:nth-child(4) svg use[href$="#check"]`)
	f.step("first-list/ready", "ready-printed")
	if got := b.state().Devices.Printer.Papers; got != papers+1 {
		t.Errorf("%d papers came out, want one ticket", got-papers)
	}
	f.act1("serve", "start", "service")
	if uitest.Eval[bool](f.Browser, `document.querySelector(".note.warn") !== null && document.body.innerText.includes("Tehnik")`) {
		t.Error("the start page in service still asks for a technician")
	}

	// Back to it: an assistant's card, from the help of the home page.
	f.Touch(`button[formaction="/begin"][lang="en"]`)
	f.Wait(`body[data-page="home"]`)
	f.Touch(button("help"))
	f.Wait(`body[data-page="help"]`)
	f.Touch(button("assist"))
	f.Wait(`body[data-page="assist"]`)
	f.Touch(button("setup"))
	f.Wait(`body[data-page="card"]`)
	b.card("insert", "assistant")
	f.step("start", "reopened")
	b.card("remove", "")
	f.Touch(`button[formaction="/begin"][lang="en"]`)
	f.Wait(`body[data-page="first-list/hardware"] .checks`)
	f.step("first-list/hardware", "hardware-again")
	for page, at := range b.files("new", "log") {
		if strings.Contains(at, code) {
			t.Errorf("%s has the one-time code in it", page)
		}
	}
}

// seeFirst has pictures of the first start written where PENJIRE_PICTURES_FIRST says.
func (f *finger) seeFirst() {
	dir := os.Getenv("PENJIRE_PICTURES_FIRST")
	if dir == "" {
		return
	}
	n := 0
	f.snap = func(name string) {
		n++
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d-%s.png", n, name)), f.Picture(), 0o644); err != nil {
			f.b.t.Fatal(err)
		}
	}
}

// step waits for a page of the first start, examines it, and takes a picture.
func (f *finger) step(page, name string) {
	f.b.t.Helper()
	f.Wait(fmt.Sprintf("body[data-page=%q]", page))
	f.examine("first start: " + page)
	f.picture(name)
}

// act1 presses a button of the first start and waits for that page.
func (f *finger) act1(action, page, name string) {
	f.b.t.Helper()
	f.Touch(button(action))
	f.step(page, name)
}

// files are the texts of the world's files below these folders that are not secret
// stores of their own.
func (b *bench) files(folders ...string) map[string]string {
	b.t.Helper()
	out := map[string]string{}
	for _, d := range folders {
		names, err := filepath.Glob(filepath.Join(b.dir, d, "*"))
		if err != nil {
			b.t.Fatal(err)
		}
		for _, n := range names {
			if text, err := os.ReadFile(n); err == nil {
				out[n] = string(text)
			}
		}
	}
	return out
}
