package e2e

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/penjire/penjire/ui/uitest"
)

// onKeys are the answers as the keyboard of the page can type them.
func onKeys() map[string]string {
	a := maps.Clone(answers)
	a["phone"] = "+99365123456"
	return a
}

// TestBrowser_FromTouchToCertifiedCopy is the whole way through Chromium: the
// citizen touches, types Turkmen letters on the screen's keyboard and the PIN
// on its digits; the officer answers on the desk's pages; the citizen comes
// back for the copy; anyone checks its seal. Every page that is passed is
// examined: axe (WCAG 2.2 AA), the policy of the page, errors of scripts.
func TestBrowser_FromTouchToCertifiedCopy(t *testing.T) {
	b := startBench(t)
	f := b.finger()
	code := f.ask("tk", "residence-certificate", "citizen-1")
	f.answer(code)
	f.collect("tk", "citizen-1")
	f.public(code)
	f.Go(b.url)
	f.Wait("#cards button")
	f.examine("the bench")
	b.oneOfEach(1)
	for _, page := range []string{
		"start", "home", "services", "service", "rules", "card", "is-this-you", "question/street", "check", "pin", "done", "take-card",
		"requests", "status", "answer",
	} {
		if f.seen["kiosk: "+page] == 0 {
			t.Errorf("the visit did not pass the page %s", page)
		}
	}
	t.Logf("%d pages examined", len(f.seen))
}

// ask is a visit from the start page to the card that is taken; it returns the
// tracking code.
func (f *finger) ask(lang, service, card string) string {
	f.b.t.Helper()
	f.begin(lang)
	f.toQuestions(service, card)
	f.fill(onKeys())
	f.picture("check")
	if f.act("confirm") == "pin" {
		f.write("#f", specimenPIN)
		f.act("pin")
	}
	code := f.eyes.done()
	f.b.wait("the receipt is printed and the portal has the request", func(s state) bool {
		return s.Queue["registered"] == 1 && s.Kiosk.Says != nil && s.Kiosk.Says.Queue.Prints == 0 && !s.Kiosk.Says.Devices.Printing
	})
	f.shown()
	f.picture("done")
	f.leave("finish", card)
	return code
}

// leave ends the visit, takes the card when the screen says so, and looks at
// what is shown to the next citizen.
func (f *finger) leave(action, card string) {
	f.b.t.Helper()
	page := f.act(action)
	if page == "take-card" {
		f.b.card("remove", card)
		page = f.after("take-card")
	}
	if page == "ended" {
		page = f.act("finish")
	}
	if page != "start" {
		f.b.t.Errorf("after the visit the screen shows %s:\n%s", page, f.eyes.text)
	}
}

// answer signs in at the desk, opens the request with that code and answers it.
func (f *finger) answer(code string) {
	f.b.t.Helper()
	portal := f.b.state().Portal.URL
	f.Go(portal + "/desk/?lang=tk")
	f.examine("desk: sign in")
	f.Type("#officer", "registry")
	f.Type("#password", officerPassword)
	f.Touch("form.card button")
	f.Wait("table")
	f.examine("desk: requests")
	f.Touch(fmt.Sprintf(`a[href="/desk/requests/%s"]`, f.b.request(code).Doc))
	f.Wait(`a[href$="/return"]`)
	if whole := uitest.Eval[int](f.Browser, `document.querySelectorAll(".mark--yes").length`); whole < 3 {
		f.b.t.Errorf("the desk says «yes» to %d of the three questions of verification", whole)
	}
	f.examine("desk: request")
	f.picture("desk")
	for _, other := range []string{"return", "refuse"} {
		f.Touch(fmt.Sprintf(`a[href$="/%s"]`, other))
		f.Wait("#text")
		f.examine("desk: " + other)
		f.Touch("a.back")
		f.Wait(`a[href$="/return"]`)
	}
	f.Touch(`a[href$="/answer"]`)
	f.Wait("#text")
	f.examine("desk: answer")
	f.Touch(`button[value="check"]`)
	f.Wait(`button[value="sign"]`)
	f.examine("desk: what will be signed")
	f.Touch(`button[value="sign"]`)
	f.Wait(".note--good")
	f.examine("desk: answered")
	f.b.wait("the answer at the kiosk", func(s state) bool { return s.Queue["answered"] == 1 })
}

// collect is the second visit: the answer is opened with the card and printed.
func (f *finger) collect(lang, card string) {
	f.b.t.Helper()
	f.b.card("insert", card)
	f.begin(lang)
	page := f.act("requests")
	if page == "card" { // it is being read
		page = f.after(page)
	}
	if page == "is-this-you" {
		page = f.act("yes")
	}
	if page != "requests" {
		f.b.t.Fatalf("asked for my requests, got page %s:\n%s", page, f.eyes.text)
	}
	f.act("open")
	if f.act("open") == "pin" {
		f.write("#f", specimenPIN)
		f.act("pin")
	}
	papers := f.b.state().Devices.Printer.Papers
	f.Touch(button("print"))
	f.b.wait("the copy is printed", func(s state) bool {
		return s.Devices.Printer.Papers > papers && s.Kiosk.Says != nil && s.Kiosk.Says.Queue.Prints == 0 && !s.Kiosk.Says.Devices.Printing
	})
	f.shown()
	f.leave("finish", card)
}

// public looks at the portal's pages as anyone: the front page, a service, the
// request's status by its code, and the check of the seal on the last paper.
func (f *finger) public(code string) {
	f.b.t.Helper()
	portal := f.b.state().Portal.URL
	for _, path := range []string{"/?lang=tk", "/service/residence-certificate", "/status", "/check", "/trust", "/no/such/page"} {
		f.Go(portal + path)
		if path == "/no/such/page" {
			f.Messages() // the browser says that there is none
		}
		f.examine("portal: " + path)
	}
	f.Go(portal + "/status")
	f.Type("#code", strings.ToLower(code))
	f.Touch("form.card button")
	f.Wait(".timeline, ol")
	f.examine("portal: status of a request")
	seal := f.b.paper()
	at := strings.Index(seal, "/V/")
	if at < 0 {
		f.b.t.Fatalf("the code on the copy says %q, want an address with /V/", seal)
	}
	f.Go(portal + seal[at:])
	f.Wait(".verdict--yes")
	f.examine("portal: a genuine seal")
	f.picture("seal")
	other := "A"
	if strings.HasSuffix(seal[:len(seal)-8], other) {
		other = "B"
	}
	f.Go(portal + seal[at:len(seal)-9] + other + seal[len(seal)-8:]) // one letter of the signature is another
	f.Wait(".verdict--no")
	f.examine("portal: a seal that is none")
}

// TestBrowser_WithoutScripts registers a job seeker with JavaScript switched
// off: every page works as a form, and goes on by itself where the kiosk works.
func TestBrowser_WithoutScripts(t *testing.T) {
	b := startBench(t)
	f := b.finger()
	f.plain = true
	f.Scripts(false)
	f.begin("ru")
	if f.has("#osk button") {
		t.Error("the screen's keyboard is there: scripts are not off")
	}
	f.toQuestions("job-seeker", "citizen-2")
	f.fill(answers)
	if page := f.act("confirm"); page != "pin" {
		t.Fatalf("after the answers: page %s, want pin", page)
	}
	f.write("#f", specimenPIN)
	f.act("pin")
	f.eyes.done()
	b.wait("registered", func(s state) bool { return s.Queue["registered"] == 1 })
	f.leave("finish", "citizen-2")
	b.oneOfEach(1)
}
