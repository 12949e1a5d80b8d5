package e2e

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/outbox"
)

var seed = flag.Uint64("seed", 0, "of the moments at which the power is cut; 0: a new one")

// cuts is a bench whose power is cut again and again, and everything that was
// promised at it so far.
type cuts struct {
	*bench
	rng    *rand.Rand
	size   int64         // of the journal, when last seen
	root   [32]byte      // its root
	codes  []string      // shown on a done page
	queued int           // the most requests that a queue count spoke of
	accept time.Duration // from the PIN to the done page
	boot   time.Duration // from power on to a kiosk that answers
}

// TestPromise_NothingTwice_PowerCuts pulls the plug at every kind of moment in
// the life of a request. After each restart what was accepted is there, the
// portal has it once, a paper that may be out comes again only with a mark, and
// the journal goes on where it was.
func TestPromise_NothingTwice_PowerCuts(t *testing.T) {
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("moments by -seed=%d", s)
	c := &cuts{bench: startBench(t, "-speed", "300"), rng: rand.New(rand.NewPCG(s, 0))}
	run := func(name string, cut func(c *cuts)) bool {
		return t.Run(name, func(t *testing.T) {
			whole := c.bench
			defer func() { c.bench = whole }()
			c.bench = whole.in(t)
			cut(c)
			c.arrived()
			if t.Failed() {
				t.Logf("replay with -seed=%d", s)
			}
		})
	}
	run("nothing is cut", (*cuts).measure)
	run("a question is open", (*cuts).atQuestion)
	run("the PIN is asked for", (*cuts).atPIN)
	run("the card signs", (*cuts).atSigning)
	const moments = 8
	for i := range moments {
		run(fmt.Sprintf("into accepting, %d of %d", i+1, moments), func(c *cuts) { c.intoAccepting(i, moments) })
	}
	run("done page without a network", (*cuts).atDone)
	run("sending on a slow network", (*cuts).whileSending)
	run("between the portal's commit and its receipt", (*cuts).beforeTheReceipt)
	run("the receipt prints", (*cuts).whilePrinting)
	run("the paper is out and not confirmed", (*cuts).beforeTheConfirmation)
	run("the receipt waits for paper", (*cuts).whileWaitingForPaper)
	run("the answer comes down", (*cuts).whileTheAnswerComes)
	run("the certified copy prints", (*cuts).whileTheCopyPrints)
	run("the kiosk starts", (*cuts).whileStarting)
	run("the portal, between intake and decision", (*cuts).portalBeforeDeciding)
}

// ask walks a citizen to the PIN page.
func (c *cuts) ask(card, lang string) *person {
	c.t.Helper()
	c.card("insert", card)
	return c.begin(lang).choose("residence-certificate").fill(answers).act("confirm").on("pin")
}

// signed gives the PIN, waits for the done page, and notes what it promises.
func (c *cuts) signed(p *person) string {
	c.t.Helper()
	return c.promised(p.act("pin", "pin", specimenPIN))
}

func (c *cuts) promised(p *person) string {
	c.t.Helper()
	code, err := edoc.ParseCode(p.done())
	if err != nil {
		c.t.Fatal(err)
	}
	c.codes = append(c.codes, code)
	c.seen()
	return code
}

// seen notes what the kiosk says of its journal and its queue.
func (c *cuts) seen() {
	c.t.Helper()
	s := c.wait("the kiosk says how it is", func(s state) bool { return s.Journal != nil })
	if s.Journal.Size < c.size {
		c.t.Errorf("the journal has %d entries, it had %d", s.Journal.Size, c.size)
	}
	c.size = s.Journal.Size
	if n, err := hex.Decode(c.root[:], []byte(s.Journal.Root)); err != nil || n != len(c.root) {
		c.t.Fatalf("root %q: %v", s.Journal.Root, err)
	}
	n := 0
	for _, k := range s.Queue {
		n += k
	}
	c.queued = max(c.queued, n)
}

// cut pulls the plug and looks at what the disk holds.
func (c *cuts) cut() disk {
	c.t.Helper()
	c.power("cut")
	return c.disk()
}

// on switches on again, compares the start page with what was being printed,
// and prints what it offers if it does.
func (c *cuts) on(d disk) {
	c.t.Helper()
	if c.start0(d) {
		c.reprint()
	}
}

// start0 switches on and says whether the start page offers a receipt.
func (c *cuts) start0(d disk) bool {
	c.t.Helper()
	began := time.Now()
	c.power("on")
	c.boot = time.Since(began)
	c.seen()
	offers := strings.Contains(c.startPage(), `formaction="/reprint"`)
	if want := d.interrupted > 0; offers != want {
		c.t.Errorf("the start page offers a receipt: %v; receipts cut off while they printed: %d", offers, d.interrupted)
	}
	return offers
}

func (c *cuts) startPage() string {
	c.t.Helper()
	p := &person{b: c.bench, c: http.Client{Timeout: patience}, path: c.state().Kiosk.URL + "/"}
	p.look()
	return p.body
}

// reprint takes the start page's offer and waits for the paper. That it was
// marked the journal says at the next look.
func (c *cuts) reprint() {
	c.t.Helper()
	before := c.state().Devices.Printer.Papers
	p := &person{b: c.bench, c: http.Client{Timeout: patience}}
	p.post(c.state().Kiosk.URL+"/reprint", url.Values{})
	c.wait("the marked copy", func(s state) bool {
		return s.Devices.Printer.Papers > before && s.Kiosk.Says != nil && s.Kiosk.Says.Queue.Prints == 0
	})
	if strings.Contains(c.startPage(), `formaction="/reprint"`) {
		c.t.Error("the start page offers it again")
	}
}

// arrived ends every moment: the network is up, everything goes to the portal
// by itself, and is there once.
func (c *cuts) arrived() {
	c.t.Helper()
	c.power("on") // it is, unless a moment failed
	c.network("up")
	c.wait("everything is sent and printed", func(s state) bool {
		return s.Kiosk.Says != nil && s.Kiosk.Says.Queue.Unsent == 0 && s.Kiosk.Says.Queue.Prints == 0 &&
			s.Queue["delivered"] == 0
	})
	c.card("remove", "")
	c.seen()
	rs, total := c.requests(), 0
	for doc, ks := range c.records() {
		if total++; len(ks) != 1 {
			c.t.Errorf("the portal took request %s in %d times", doc, len(ks))
		}
	}
	if total != c.queued || len(rs) != c.queued {
		c.t.Errorf("the portal took in %d and registered %d requests, the kiosk accepted %d", total, len(rs), c.queued)
	}
	c.oneOfEach(c.queued)
	at := map[string]bool{}
	for _, r := range rs {
		at[r.Code] = true
	}
	for _, code := range c.codes {
		if !at[code] {
			c.t.Errorf("request %s, whose code was shown, is not at the portal", code)
		}
	}
}

func (c *cuts) measure() {
	p := c.ask("citizen-1", "tk")
	began := time.Now()
	p.act("pin", "pin", specimenPIN)
	for p.page == "working" {
		p.look()
	}
	c.accept = time.Since(began)
	c.promised(p)
	p.leave("citizen-1")
	c.wait("the receipt", func(s state) bool { return s.Devices.Printer.Papers == 1 })
	c.on(c.cut())
}

// nothingNew cuts, and expects that nothing was accepted.
func (c *cuts) nothingNew(when string) {
	c.t.Helper()
	had := c.queued
	d := c.cut()
	if len(d.docs) != had {
		c.t.Errorf("%s: the disk holds %d requests, want the %d of before", when, len(d.docs), had)
	}
	c.on(d)
}

func (c *cuts) atQuestion() {
	c.card("insert", "citizen-1")
	p := c.begin("ru").choose("residence-certificate")
	row, _ := strings.CutPrefix(p.page, "question/")
	p.act("answer", "row", row, row, answers[row])
	if !strings.HasPrefix(p.page, "question/") || p.page == "question/"+row {
		c.t.Fatalf("after the first answer the page is %s, want the second question", p.page)
	}
	c.nothingNew("at a question")
	if r, err := http.Get(p.path); err != nil {
		c.t.Error(err)
	} else {
		_ = r.Body.Close()
		if strings.HasPrefix(r.Request.URL.Path, "/v/") {
			c.t.Errorf("the visit of before the cut still has a page: %s", r.Request.URL.Path)
		}
	}
}

func (c *cuts) atPIN() {
	c.ask("citizen-2", "en")
	c.nothingNew("at the PIN page")
}

// atSigning has the reader fall silent when the card is to sign.
func (c *cuts) atSigning() {
	p := c.ask("citizen-3", "tk")
	c.do("/api/reader", map[string]any{"fault": "mute", "at": "sign"})
	if p.act("pin", "pin", specimenPIN); p.page != "working" {
		c.t.Fatalf("while the card signs the page is %s, want working", p.page)
	}
	for began := time.Now(); c.state().Devices.Reader.Faults > 0; { // without a pause: the silence ends with the driver's patience
		if time.Since(began) > patience {
			c.t.Fatal("the card was not asked to sign")
		}
	}
	c.nothingNew("while the card signs")
}

// intoAccepting cuts somewhere between the PIN and a little after the time that
// the done page took to come. Either the request is there whole, or not at all.
func (c *cuts) intoAccepting(i, of int) {
	p := c.ask(fmt.Sprintf("citizen-%d", i%3+1), []string{"tk", "ru", "en"}[i%3])
	had := c.queued
	part := (float64(i) + c.rng.Float64()) / float64(of) // squared: most of what matters is early
	at := time.Duration(part * part * float64(max(c.accept*3/2, 60*time.Millisecond)))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		r, err := http.PostForm(p.path+"/pin", url.Values{"pin": {specimenPIN}})
		if err == nil {
			_ = r.Body.Close()
		}
	}()
	<-time.After(at) // not to wait for something: this is the moment
	d := c.cut()
	<-sent
	c.t.Logf("cut %v after the PIN: accepted %d", at.Round(time.Millisecond), len(d.docs)-had)
	if n := len(d.docs) - had; n != 0 && n != 1 {
		c.t.Errorf("the disk holds %d new requests, want one or none", n)
	}
	c.on(d)
}

// atDone cuts at the done page, with the network down and the receipt on paper.
func (c *cuts) atDone() {
	c.network("down")
	papers := c.state().Devices.Printer.Papers
	code := c.signed(c.ask("citizen-1", "en"))
	c.wait("the receipt", func(s state) bool {
		return s.Devices.Printer.Papers > papers && s.Kiosk.Says != nil && s.Kiosk.Says.Queue.Prints == 0
	})
	d := c.cut()
	c.on(d)
	if s := c.state(); s.Queue["accepted"] != 1 {
		c.t.Errorf("queue = %v, want the one accepted", s.Queue)
	}
	p := c.begin("en").act("track").act("track", "code", code).on("status")
	p.says("Kept here")
	p.leave("")
}

// whileSending cuts when the first bytes of the record are on a slow line.
func (c *cuts) whileSending() {
	c.network("slow")
	p := c.ask("citizen-2", "ru")
	sent := c.state().Network.Sent
	c.signed(p)
	c.wait("the record is on its way", func(s state) bool { return s.Queue["sending"] == 1 && s.Network.Sent > sent+256 })
	c.on(c.cut())
}

// beforeTheReceipt cuts when the portal has committed and nothing of it has come
// back.
func (c *cuts) beforeTheReceipt() {
	c.wait("the connection", func(s state) bool { return s.Kiosk.Says != nil && s.Kiosk.Says.Devices.Net == "good" })
	p := c.ask("citizen-3", "tk")
	c.network("mute")
	c.signed(p)
	had := len(c.codes)
	c.until("the portal's commit", func() bool { return len(c.records()) >= c.queued }, func() string { return fmt.Sprint(len(c.records())) })
	d := c.cut()
	r := d.requests[d.docs[len(d.docs)-1]]
	if r.State != outbox.Sending || r.Receipted() {
		c.t.Errorf("on the disk the request is %v, receipted %v; want sending and not", r.State, r.Receipted())
	}
	if len(c.codes) != had {
		c.t.Fatal("another request came in between")
	}
	c.network("up")
	c.on(d)
}

// whilePrinting cuts in the middle of the paper, and again in the middle of the
// marked copy.
func (c *cuts) whilePrinting() {
	p := c.ask("citizen-1", "tk")
	c.do("/api/power", map[string]any{"action": "cut", "after_mm": 20})
	p.c.Timeout = time.Second
	go func() { _, _ = http.PostForm(p.path+"/pin", url.Values{"pin": {specimenPIN}}) }()
	for range 2 {
		c.wait("no power", func(s state) bool { return !s.Kiosk.Running })
		d := c.disk()
		if d.interrupted != 1 {
			c.t.Errorf("receipts cut off while they printed: %d, want 1", d.interrupted)
		}
		if d.interrupted == 0 || !c.start0(d) {
			return
		}
		c.do("/api/power", map[string]any{"action": "cut", "after_mm": 30})
		q := &person{b: c.bench, c: http.Client{Timeout: patience}}
		q.post(c.state().Kiosk.URL+"/reprint", url.Values{})
	}
	c.wait("no power", func(s state) bool { return !s.Kiosk.Running })
	c.on(c.disk())
}

// beforeTheConfirmation cuts when the whole paper is out and the printer has
// not said so. The citizen asks for a copy at the request's own page.
func (c *cuts) beforeTheConfirmation() {
	papers := c.state().Devices.Printer.Papers
	c.do("/api/printer", map[string]any{"lie": "never-confirms"})
	code := c.signed(c.ask("citizen-2", "en"))
	c.wait("the paper", func(s state) bool { return s.Devices.Printer.Papers > papers })
	d := c.cut()
	c.do("/api/printer", map[string]any{"lie": "none"})
	if d.interrupted != 1 {
		c.t.Fatalf("receipts without a confirmation: %d, want 1", d.interrupted)
	}
	c.start0(d)
	papers = c.state().Devices.Printer.Papers
	p := c.begin("en").act("track").act("track", "code", code).on("status")
	p.says("It is not known if the receipt came out. A marked copy can be printed.")
	p.act("reprint").says("The receipt is printed.")
	c.wait("one paper more", func(s state) bool { return s.Devices.Printer.Papers > papers })
	p.leave("")
	d = c.cut()
	if r := d.requests[d.docs[len(d.docs)-1]]; r.Copies != 2 || r.Receipt != outbox.Printed {
		c.t.Errorf("papers that came out or may have: %d, the last %v; want 2, printed", r.Copies, r.Receipt)
	}
	c.on(d)
}

// whileWaitingForPaper: a receipt of which nothing was printed prints by itself,
// without a mark and without being offered.
func (c *cuts) whileWaitingForPaper() {
	papers := c.state().Devices.Printer.Papers
	c.printer("paper", "out")
	p := c.ask("citizen-3", "ru")
	c.signed(p)
	p.says("Закончилась бумага.")
	d := c.cut()
	if r := d.requests[d.docs[len(d.docs)-1]]; r.Receipt != outbox.Queued {
		c.t.Errorf("on the disk the receipt is %v, want queued", r.Receipt)
	}
	c.printer("paper", "ok")
	c.on(d)
	c.wait("the receipt, by itself", func(s state) bool {
		return s.Devices.Printer.Papers == papers+1 && s.Kiosk.Says != nil && s.Kiosk.Says.Queue.Prints == 0
	})
}

// registered is a certificate of residence that the desk can answer.
func (c *cuts) registered() filed {
	c.t.Helper()
	for _, r := range c.requests() {
		if r.Service == "residence-certificate" && r.State == "registered" {
			return r
		}
	}
	c.t.Fatal("no registered request at the desk")
	return filed{}
}

// whileTheAnswerComes cuts when half of the answer is on a slow line.
func (c *cuts) whileTheAnswerComes() {
	c.wait("the connection", func(s state) bool { return s.Kiosk.Says != nil && s.Kiosk.Says.Devices.Net == "good" })
	answered := c.state().Queue["answered"]
	c.network("slow")
	came := c.state().Network.Received
	c.answerAs(c.registered(), "answer", "")
	s := c.wait("the answer's first bytes", func(s state) bool { return s.Network.Received > came+1024 })
	if s.Queue["answered"] != answered {
		c.t.Errorf("the answer was there before it was cut: queue = %v", s.Queue)
	}
	d := c.cut()
	for _, r := range d.requests {
		if r.State == outbox.Answered {
			answered--
		}
	}
	if answered != 0 {
		c.t.Errorf("the disk holds %d answers more than were seen before the cut", -answered)
	}
	answered = s.Queue["answered"]
	c.network("up")
	c.on(d)
	c.wait("the answer, once", func(s state) bool { return s.Queue["answered"] == answered+1 })
}

// whileTheCopyPrints cuts in the middle of a certified copy. It is personal: no
// start page offers it, and only card and PIN bring it again, marked.
func (c *cuts) whileTheCopyPrints() {
	c.answerAll()
	c.card("insert", "citizen-1")
	p := c.begin("en").open()
	c.do("/api/power", map[string]any{"action": "cut", "after_mm": 20})
	p.act("print")
	c.wait("no power", func(s state) bool { return !s.Kiosk.Running })
	d := c.disk()
	if d.copies != 1 || d.interrupted != 0 {
		c.t.Errorf("cut off while they printed: %d copies, %d receipts; want 1 and 0", d.copies, d.interrupted)
	}
	papers := c.state().Devices.Printer.Papers
	c.on(d)
	p = c.begin("en").open().says("It is not known if the copy came out. A marked one can be printed.")
	p.act("reprint").says("The copy is printed.")
	c.wait("one whole paper more", func(s state) bool { return s.Devices.Printer.Papers > papers })
	p.leave("citizen-1")
	c.on(c.cut())
}

// answerAll has the registry answer every certificate that waits.
func (c *cuts) answerAll() {
	c.t.Helper()
	n := 0
	for _, r := range c.requests() {
		if r.Service == "residence-certificate" && r.State == "registered" {
			c.answerAs(r, "answer", "")
			n++
		}
	}
	if n == 0 {
		c.t.Fatal("nothing to answer")
	}
	c.wait("the answers", func(s state) bool { return s.Queue["registered"] == 0 })
}

// whileStarting cuts four times before the kiosk is up, with a request unsent.
func (c *cuts) whileStarting() {
	c.network("down")
	c.signed(c.ask("citizen-2", "tk"))
	c.wait("the receipt", func(s state) bool { return s.Kiosk.Says != nil && s.Kiosk.Says.Queue.Prints == 0 })
	d := c.cut()
	c.on(d)
	took := c.boot
	d = c.cut()
	for i := range 4 {
		on := make(chan struct{})
		go func() {
			defer close(on)
			r, err := http.Post(c.url+"/api/power", "application/json", bytes.NewReader([]byte(`{"action":"on"}`)))
			if err == nil { // 409: it was cut before it was ready
				_ = r.Body.Close()
			}
		}()
		<-time.After(time.Duration((float64(i) + c.rng.Float64()) / 4 * float64(took))) // this is the moment
		c.power("cut")
		<-on
		c.power("cut") // in case the first came before the start
		d = c.disk()
	}
	c.on(d)
}

// portalBeforeDeciding kills the portal when it has taken requests in and not
// decided all of them.
func (c *cuts) portalBeforeDeciding() {
	const rounds, batch = 4, 8
	portal := func(action string) { c.do("/api/power", map[string]any{"action": action, "what": "portal"}) }
	for round := range rounds {
		c.network("down")
		for i := range batch {
			// Each in other words: the same words in the same second are the same document.
			words := maps.Clone(answers)
			words["what"] += fmt.Sprintf(" %d.%d", round, i)
			p := c.begin("ru").choose("complaint").fill(words)
			c.promised(p.act("confirm"))
			p.leave("")
		}
		had := c.queued - batch
		c.network("up")
		for began := time.Now(); len(c.records()) <= had; { // without a pause: the decisions follow at once
			if time.Since(began) > patience {
				c.t.Fatal("nothing came to the portal")
			}
		}
		portal("cut")
		left := undecided(c.records())
		portal("on")
		c.arrived()
		if left > 0 {
			c.t.Logf("the portal was killed with %d requests taken in and not decided", left)
			return
		}
	}
	c.t.Errorf("in %d rounds the portal was never caught between intake and decision", rounds)
}
