package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/ui/phrase"
)

// TestEveryFailureHasItsScreen breaks one thing after the other. Each has a page
// that says so in the citizen's language, whichever of the three it is; nothing
// accepted is lost; and the next citizen can work.
func TestEveryFailureHasItsScreen(t *testing.T) {
	c := &cuts{bench: startBench(t, "-speed", "300")}
	run := func(name string, fail func(c *cuts)) {
		t.Run(name, func(t *testing.T) {
			whole := c.bench
			defer func() { c.bench = whole }()
			c.bench = whole.in(t)
			fail(c)
			c.next()
		})
	}
	run("paper out before the visit", (*cuts).paperOut)
	run("cover open while the receipt prints", func(c *cuts) { c.brokenPrint("cover", "open", "closed") })
	run("printer unplugged while the receipt prints", func(c *cuts) { c.brokenPrint("link", "unplugged", "plugged") })
	run("card pulled before it signs", func(c *cuts) { c.cardPulled("pull-before") })
	run("card pulled after it signed", func(c *cuts) { c.cardPulled("pull-after") })
	run("reader unplugged at the signature", (*cuts).readerUnplugged)
	run("PIN wrong three times", (*cuts).wrongPIN)
	for _, card := range []string{"foreign", "expired", "suspended"} {
		run("card is "+card, func(c *cuts) { c.badCard(card) })
	}
	run("portal with another's certificate", (*cuts).impostor)
	run("clock set to 1970 while it runs", (*cuts).clockStepped)
	run("clock in 1970 after a power cut without a network", (*cuts).clockLost)
}

// inEvery wants the page to say all of keys in each language, and leaves it in
// the one it was in.
func (c *cuts) inEvery(p *person, keys ...string) {
	c.t.Helper()
	was := lang(p.body)
	for _, l := range append(slices.Clone(phrase.Langs), was) {
		p.act("lang", "lang", l)
		for _, k := range keys {
			p.says(phrase.In(l).Get(k))
		}
	}
}

// lang returns the language of a page.
func lang(body string) string {
	_, after, _ := strings.Cut(body, `<html lang="`)
	l, _, _ := strings.Cut(after, `"`)
	return l
}

// startSays waits until the start page, which speaks all languages at once, has
// the phrase in each of them.
func (c *cuts) startSays(key string) {
	c.t.Helper()
	p := &person{b: c.bench, c: http.Client{Timeout: patience}, path: c.state().Kiosk.URL + "/"}
	for _, l := range phrase.Langs {
		p.says(phrase.In(l).Get(key))
	}
}

// next is the next citizen: a whole visit, a printed receipt, and everything
// that was accepted so far at the portal once.
func (c *cuts) next() {
	c.t.Helper()
	papers := c.state().Devices.Printer.Papers
	p := c.ask("citizen-3", "tk")
	c.signed(p)
	p.says(phrase.In("tk").Get("paper.printed"))
	if now := c.state().Devices.Printer.Papers; now != papers+1 {
		c.t.Errorf("the next citizen's visit printed %d papers, want 1", now-papers)
	}
	p.leave("citizen-3")
	c.arrived()
}

func (c *cuts) paperOut() {
	c.printer("paper", "out")
	c.startSays("notice.printer")
	p := c.ask("citizen-1", "ru")
	c.signed(p)
	c.inEvery(p, "paper.failed", "paper.why.out", "done.code")
	papers := c.state().Devices.Printer.Papers
	c.printer("paper", "ok")
	p.says(phrase.In("ru").Get("paper.printed")) // by itself
	if now := c.state().Devices.Printer.Papers; now != papers+1 {
		c.t.Errorf("with paper again %d papers came out, want 1", now-papers)
	}
	p.leave("citizen-1")
}

// brokenPrint breaks a printer in the middle of a receipt: nobody can say what
// is out, so a marked copy is offered, and comes when the printer is mended.
func (c *cuts) brokenPrint(what, broken, mended string) {
	p := c.ask("citizen-2", "tk")
	c.do("/api/printer", map[string]any{what: broken, "after_mm": 20})
	c.signed(p)
	c.inEvery(p, "paper.unknown", "done.code")
	c.printer(what, mended)
	c.wait("the printer is mended", func(s state) bool { return s.Kiosk.Says != nil && s.Kiosk.Says.Devices.Printer == "good" })
	p.act("reprint").says(phrase.In("tk").Get("paper.printed"))
	p.leave("citizen-2")
}

// cardPulled: the answers stay, and the same card goes on where it was.
func (c *cuts) cardPulled(how string) {
	had := c.queued
	p := c.ask("citizen-1", "en")
	c.do("/api/reader", map[string]any{"fault": how, "at": "sign"})
	p.act("pin", "pin", specimenPIN).on("problem")
	c.inEvery(p, "problem.card-gone.title", "problem.card-gone.kept", "problem.card-gone.next")
	if c.seen(); c.queued != had {
		c.t.Errorf("without a signature %d requests were accepted", c.queued-had)
	}
	c.card("insert", "citizen-2")
	p.on("card").says(phrase.In("en").Get("card.other.title"))
	c.card("insert", "citizen-1")
	c.signed(p.on("pin"))
	p.says(phrase.In("en").Get("paper.printed"))
	p.leave("citizen-1")
}

func (c *cuts) readerUnplugged() {
	reader := func(link string) { c.do("/api/reader", map[string]any{"link": link}) }
	p := c.ask("citizen-1", "ru")
	reader("unplugged")
	p.act("pin", "pin", specimenPIN).on("problem", "card")
	if p.page == "card" { // the kiosk noticed before the PIN came
		c.inEvery(p, "card.no-reader.title")
	} else {
		c.inEvery(p, "problem.reader.title", "problem.reader.kept")
	}
	reader("plugged")
	c.wait("the reader", func(s state) bool { return s.Kiosk.Says != nil && s.Kiosk.Says.Devices.Reader == "good" })
	c.card("insert", "citizen-1")
	if p.look() == "problem" {
		p.act("retry")
	}
	c.signed(p.on("pin"))
	p.says(phrase.In("ru").Get("paper.printed"))
	p.leave("citizen-1")
}

func (c *cuts) wrongPIN() {
	p := c.ask("citizen-2", "tk")
	for left := 2; left > 0; left-- {
		p.act("pin", "pin", "654321").on("pin")
		for _, l := range []string{"tk", "ru", "en", "tk"} {
			p.act("lang", "lang", l).says(phrase.In(l).Get("pin.wrong.left", left))
		}
	}
	p.act("pin", "pin", "654321").on("problem")
	c.inEvery(p, "problem.pin-blocked.title", "problem.pin-blocked.kept", "problem.pin-blocked.next")
	p.leave("citizen-2")

	// The card stays blocked, and says so before anything is filled in again.
	c.card("insert", "citizen-2")
	p = c.begin("ru").act("apply").act("choose", "service", "residence-certificate").act("begin")
	for p.page == "rules" {
		p.act("accept")
	}
	p.on("card").says(phrase.In("ru").Get("card.blocked.title"))
	c.inEvery(p, "card.blocked.title", "card.blocked.text")
	p.leave("citizen-2")
	c.card("restore", "citizen-2")
}

// badCard: the page says what is wrong with the card; another one goes on.
func (c *cuts) badCard(card string) {
	c.card("insert", card)
	p := c.begin("ru").act("apply").act("choose", "service", "residence-certificate").act("begin")
	for p.page == "rules" {
		p.act("accept")
	}
	p.on("card")
	c.inEvery(p, "card."+card+".title", "card."+card+".text")
	c.card("insert", "citizen-1")
	p.on("is-this-you").act("yes")
	if !strings.HasPrefix(p.page, "question/") {
		c.t.Errorf("with a good card the page is %s, want a question", p.page)
	}
	p.leave("citizen-1")
}

// impostor: someone else answers at the portal's address, with the portal's
// name from a certification centre of their own.
func (c *cuts) impostor() {
	other, err := specimen.New(time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	crt, key := filepath.Join(c.dir, "portal", "tls.crt"), filepath.Join(c.dir, "portal", "tls.key")
	swap := func(cert, k []byte) (oldCert, oldKey []byte) {
		c.t.Helper()
		c.do("/api/power", map[string]any{"action": "cut", "what": "portal"})
		for name, b := range map[string][]byte{crt: cert, key: k} {
			old, err := os.ReadFile(name)
			if err == nil {
				err = os.WriteFile(name, b, 0o600)
			}
			if err != nil {
				c.t.Fatal(err)
			}
			if name == crt {
				oldCert = old
			} else {
				oldKey = old
			}
		}
		c.do("/api/power", map[string]any{"action": "on", "what": "portal"})
		return oldCert, oldKey
	}
	cert, k := swap(other.PortalTLS.CertPEM(), other.PortalTLS.KeyPEM())
	c.wait("the kiosk says why", func(s state) bool {
		return s.Kiosk.Says != nil && s.Kiosk.Says.Devices.Portal == "portal.certificate" && s.says("portal.certificate")
	})
	c.startSays("notice.portal-certificate")
	p := c.ask("citizen-1", "en")
	c.signed(p)
	c.inEvery(p, "done.kept.title", "done.step.waiting")
	p.says(phrase.In("en").Get("paper.printed"))
	p.leave("citizen-1")
	if s := c.state(); s.Queue["accepted"] != 1 {
		c.t.Errorf("queue = %v, want one accepted and nothing sent", s.Queue)
	}
	swap(cert, k)
	c.wait("the kiosk is cured", func(s state) bool {
		return s.Kiosk.Says != nil && s.Kiosk.Says.Devices.Net == "good" && !s.says("portal.certificate") && s.Queue["registered"] == c.queued
	})
}

// says reports whether the kiosk's health has the condition.
func (s state) says(code string) bool {
	return s.Kiosk.Says != nil && slices.ContainsFunc(s.Kiosk.Says.Health, func(h struct{ Code string }) bool { return h.Code == code })
}

// the1970s steps the machine's clock back by half a century.
func (c *cuts) the1970s() { c.do("/api/clock", map[string]any{"at": "1970-01-01T00:00:00Z"}) }

func (c *cuts) trueTime() {
	c.t.Helper()
	c.do("/api/clock", map[string]any{"offset": "0s"})
}

// clockStepped: the portal's signed time was seen since the start, and holds.
func (c *cuts) clockStepped() {
	size := c.size
	c.the1970s()
	c.wait("the step in the journal", func(s state) bool { return s.Journal != nil && s.Journal.Size > size })
	p := c.ask("citizen-1", "tk")
	c.signed(p)
	p.says(phrase.In("tk").Get("paper.printed"))
	if year := fmt.Sprint(time.Now().Year()); !strings.Contains(p.text, year) || strings.Contains(p.text, "1970") {
		c.t.Errorf("the done page does not say %s:\n%s", year, p.text)
	}
	p.leave("citizen-1")
	c.trueTime()
}

// clockLost: a kiosk that does not know the time takes nothing that binds, and
// says so; the portal's signed time mends it without a touch.
func (c *cuts) clockLost() {
	c.network("down")
	d := c.cut()
	c.the1970s()
	c.on(d)
	c.wait("the clock is not known", func(s state) bool { return s.says("clock.unknown") })
	c.startSays("notice.clock")
	for _, service := range []string{"residence-certificate", "complaint"} {
		p := c.begin("tk").act("apply").act("choose", "service", service).on("service")
		c.inEvery(p, "blocked.clock", "blocked.next")
		if p.act("begin"); p.page != "service" {
			c.t.Errorf("%s: without a clock «begin» leads to %s", service, p.page)
		}
		p.leave("")
	}
	c.card("insert", "citizen-1")
	c.begin("ru").mine().leave("citizen-1") // what binds no one goes on
	if c.seen(); c.state().Kiosk.Says.Queue.Unsent != 0 {
		c.t.Error("something was accepted without a clock")
	}
	c.network("up")
	c.wait("the portal's time", func(s state) bool {
		return s.Kiosk.Says != nil && !s.says("clock.unknown") && s.Kiosk.Says.Devices.Clock == "good"
	})
	p := c.ask("citizen-1", "ru")
	c.signed(p)
	if strings.Contains(p.text, "1970") {
		c.t.Errorf("the done page speaks of 1970:\n%s", p.text)
	}
	p.says(phrase.In("ru").Get("paper.printed"))
	p.leave("citizen-1")
	c.trueTime()
}
