package kiosk

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/penjire/penjire/drivers/emulator/firmataemu"
	"github.com/penjire/penjire/drivers/emulator/pivcard"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/firmware/demo/wan"
	"github.com/penjire/penjire/firmware/identity/cardtest"
	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/sqlite"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/ui/screen"
	"github.com/penjire/penjire/ui/web"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// rig is a kiosk with everything around it: emulated devices at the far ends of
// pseudo-terminals, a real portal, and hands.
type rig struct {
	t       testing.TB
	dir     string
	w       *specimen.World
	chip    *pn532emu.Chip
	opened  func(*Kiosk)   // before it runs; nil: nothing
	updates *Updates       // nil: a machine without slots
	level   *slog.LevelVar // of the log; nil: it has one level
	paper   *printer.Printer
	reader  *pty.Port
	cable   *pty.Port // of the printer
	io      *firmataemu.Board
	wires   *pty.Port // of the I/O board
	cards   map[string]*pivcard.Card
	log     *logBuffer

	signed []byte          // catalogue
	packs  []*catalog.Pack // further services at the portal
	l      *sqlite.DB
	addr   string                 // where the kiosk finds the portal
	there  atomic.Pointer[string] // where the portal is; "" nowhere
	portal *portal.Portal
	cut    func() // takes the portal off the network

	k       *Kiosk // nil while the kiosk is another process (child_test.go)
	control string // its socket
	base    string // its address, while it is another process
	stop    func()
	live    context.Context

	// Called by the portal, once each: after records are durable and before the
	// kiosk hears of it, and before a request is decided.
	taken, deciding atomic.Pointer[func()]

	visit string
}

// hooked is a ledger that tells the rig where the portal is.
type hooked struct {
	ledger.Ledger
	r *rig
}

// Intake implements ledger.Ledger.
func (h hooked) Intake(ctx context.Context, kiosk string, now time.Time, recs []ledger.Incoming, sign func([]ledger.Incoming, time.Time) ([][]byte, error)) ([]ledger.Outcome, error) {
	out, err := h.Ledger.Intake(ctx, kiosk, now, recs, sign)
	if f := h.r.taken.Swap(nil); f != nil {
		(*f)()
	}
	return out, err
}

// Decide implements ledger.Ledger.
func (h hooked) Decide(ctx context.Context, vs []ledger.Verdict, sign func([]ledger.Decided) ([][]byte, error)) error {
	if f := h.r.deciding.Swap(nil); f != nil {
		(*f)()
	}
	return h.Ledger.Decide(ctx, vs, sign)
}

// logBuffer is what the kiosk logs, for the search for personal data.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newRig makes the world. Neither portal nor kiosk run yet.
func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), chip: new(pn532emu.Chip), paper: printer.New(printer.Opts{}), cards: map[string]*pivcard.Card{}, log: new(logBuffer)}
	var err error
	r.w, err = specimen.New(time.Now())
	r.must(err)
	cat, err := packs.Catalogue(3)
	r.must(err)
	payload, err := cat.Marshal()
	r.must(err)
	r.signed, err = trust.SignObjectAt(trust.KindCatalogue, payload, r.w.Register.Signer(), r.w.Made)
	r.must(err)
	for name, data := range map[string][]byte{
		"tls.crt": r.w.Device.TLS.CertPEM(), "tls.key": r.w.Device.TLS.KeyPEM(),
		"doc.crt": r.w.Device.Signing.CertPEM(), "doc.key": r.w.Device.Signing.KeyPEM(),
		"roots.pem": r.w.RootPEM(), "trust": r.w.Bundle(), "catalogue": r.signed,
	} {
		r.must(os.WriteFile(filepath.Join(r.dir, name), data, 0o600))
	}
	r.must(os.MkdirAll(filepath.Join(r.dir, "ports"), 0o700))
	r.reader, err = pty.Attach(filepath.Join(r.dir, "ports", "reader"), r.chip)
	r.must(err)
	r.cable, err = pty.Attach(filepath.Join(r.dir, "ports", "printer"), r.paper)
	r.must(err)
	r.io = new(firmataemu.Board)
	r.switches(false, false, true)
	r.wires, err = pty.Attach(filepath.Join(r.dir, "ports", "io"), r.io)
	r.must(err)
	t.Cleanup(func() {
		r.must(r.reader.Close())
		r.must(r.cable.Close())
		r.must(r.wires.Close())
	})
	// The kiosk's way to the portal keeps its address while there is no portal.
	way, err := wan.Listen("127.0.0.1:0", func() string { return *r.there.Load() })
	r.must(err)
	r.there.Store(new(string))
	r.addr = way.Addr()
	t.Cleanup(func() { r.must(way.Close()) })
	t.Cleanup(r.lookForLeaks)
	return r
}

// switches sets what is on the I/O board of the bench.
func (r *rig) switches(open, broken, power bool) {
	r.io.Set(2, open)
	r.io.Set(3, broken)
	r.io.Set(4, !power)
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// noneOf fails when what is called so holds a name, an identifier or a PIN.
func (r *rig) noneOf(what, text string) {
	for _, c := range r.w.Cards {
		for _, s := range []string{c.PIN, c.Holder.ID.Reveal(), c.Holder.Surname.Reveal(), c.Holder.Name.Reveal()} {
			if len(s) > 3 && strings.Contains(text, s) {
				r.t.Errorf("%s holds personal data of %s", what, c.Name)
			}
		}
	}
}

// lookForLeaks fails when the log holds a name, an identifier or a PIN.
func (r *rig) lookForLeaks() {
	log := r.log.String()
	r.noneOf("the log", log)
	if r.t.Failed() {
		r.t.Logf("log of the kiosk:\n%s", log)
	}
}

// settings are the kiosk's.
func (r *rig) settings() settings.Settings {
	s, err := settings.Parse([]byte(`{
		"kiosk": "K-000001", "place": {"tk": "Nusga obasy", "ru": "Село Нусга", "en": "Nusga village"},
		"board": "bench", "ports": "ports", "state": "state", "listen": "127.0.0.1:0",
		"portal": {"url": "wss://`+r.addr+`/sync", "public_url": "https://portal.specimen", "server_name": "portal.specimen"},
		"identity": {"cert": "tls.crt", "key": "tls.key"}, "signing": {"cert": "doc.crt", "key": "doc.key"},
		"roots": "roots.pem", "trust": "trust", "catalogue": "catalogue"
	}`), r.dir)
	r.must(err)
	// A temporary folder's name may be too long for a socket.
	sock, err := os.MkdirTemp("", "pk")
	r.must(err)
	r.t.Cleanup(func() { _ = os.RemoveAll(sock) })
	s.Control = filepath.Join(sock, "c")
	return s
}

// start opens and runs the kiosk.
func (r *rig) start() { r.startWith(r.settings()) }

func (r *rig) startWith(s settings.Settings) {
	r.t.Helper()
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	k, err := Open(context.Background(), Options{Settings: s, Version: "test", Boot: "boot", Log: log, Level: r.level, Updates: r.updates})
	r.must(err)
	if r.opened != nil {
		r.opened(k)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	r.k, r.control, r.live, r.visit = k, s.Control, ctx, ""
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, ErrDecommissioned) {
			r.t.Errorf("Run = %v", err)
		}
	})
	r.t.Cleanup(r.stop)
	r.until("the devices to be looked at", func() bool {
		d := k.Start(ctx).Devices
		return d.Printer != screen.Unknown && d.Reader != screen.Unknown
	})
}

// online brings the portal onto the network, showing cert if it is not nil.
func (r *rig) online(cert *tls.Certificate) {
	r.t.Helper()
	if r.l == nil {
		l, err := sqlite.Open(context.Background(), filepath.Join(r.dir, "ledger.db"))
		r.must(err)
		r.l = l
		r.t.Cleanup(func() {
			if r.cut != nil {
				r.cut()
			}
			if err := l.Check(context.Background()); err != nil {
				r.t.Errorf("Check of the ledger = %v", err)
			}
			r.must(l.Close())
		})
	}
	id, err := age.ParseX25519Identity(r.w.AgeIdentity)
	r.must(err)
	tsa, err := tsp.NewAuthority(r.w.TSA.Signer(), time.Now)
	r.must(err)
	c := portal.Config{
		Ledger: hooked{r.l, r}, Name: "portal.specimen", PublicURL: "https://portal.specimen", Roots: r.w.Roots(), Trust: r.w.Bundle(),
		Catalogue: r.signed, Receipt: r.w.PortalReceipt.Signer(), Register: r.w.Register.Signer(),
		Packs: r.packs, Agencies: map[string]edoc.Signer{}, Identities: []age.Identity{id}, Stamper: tsa,
	}
	for name, a := range r.w.Agencies {
		c.Agencies[name] = a.Signer()
	}
	p, err := portal.New(context.Background(), c)
	r.must(err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	r.must(err)
	there := ln.Addr().String()
	r.there.Store(&there)
	ctx, cancel := context.WithCancel(context.Background())
	mux := http.NewServeMux()
	mux.Handle("/sync", p.SyncHandler())
	srv := &http.Server{Handler: mux, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)}
	shown := r.w.PortalTLS.TLS()
	if cert != nil {
		shown = *cert
	}
	var wg sync.WaitGroup
	wg.Go(func() { p.Run(ctx) })
	wg.Go(func() {
		if err := srv.Serve(tls.NewListener(ln, portal.TLSConfig(shown, r.w.Pool()))); !errors.Is(err, http.ErrServerClosed) {
			r.t.Errorf("Serve = %v", err)
		}
	})
	r.portal = p
	r.cut = sync.OnceFunc(func() {
		r.there.Store(new(string))
		cancel()
		_ = srv.Close()
		wg.Wait()
	})
	if r.k != nil {
		r.k.up.Kick()
	}
}

// until waits for what must become true, looking again whenever the kiosk says
// that something is new.
func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.live, patience)
	defer cancel()
	var changes <-chan web.Change // of another process nothing is told
	again := 20 * time.Millisecond
	if r.k != nil {
		changes, again = r.k.Changes(ctx), 100*time.Millisecond
	}
	for !ok() {
		t := time.NewTimer(again)
		select {
		case <-changes:
		case <-t.C:
		}
		t.Stop()
		if ctx.Err() != nil {
			r.t.Fatalf("waited %v for %s; the page is %s", patience, what, r.page())
		}
	}
}

// begin begins a visit.
func (r *rig) begin(lang string) {
	r.t.Helper()
	if r.k == nil {
		r.visit = r.post("/begin", "lang", lang)
		return
	}
	id, err := r.k.Begin(context.Background(), lang)
	r.must(err)
	r.visit = id
}

// do is a touch; the pairs are what the page's form holds.
func (r *rig) do(action string, pairs ...string) {
	r.t.Helper()
	if r.k == nil {
		r.post(r.visit+"/"+action, pairs...)
		return
	}
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	if err := r.k.Do(context.Background(), r.visit, web.Action{Name: action, Values: v}); err != nil && !errors.Is(err, web.ErrVisitOver) {
		r.t.Fatalf("Do %s = %v", action, err)
	}
}

// view is the page, drawn too: what cannot be drawn is no page.
func (r *rig) view() screen.View {
	r.t.Helper()
	v, err := r.k.View(context.Background(), r.visit)
	r.must(err)
	if err := screen.Draw(new(bytes.Buffer), v); err != nil {
		r.t.Fatalf("page %s cannot be drawn: %v", v.Screen, err)
	}
	return v
}

func (r *rig) page() screen.Name {
	if r.k == nil {
		return r.state().Visits.Page
	}
	v, err := r.k.View(context.Background(), r.visit)
	if err != nil {
		return screen.Start
	}
	return v.Screen
}

// on waits for the page.
func (r *rig) on(p screen.Name) screen.View {
	r.t.Helper()
	r.until("the page "+string(p), func() bool { return r.page() == p })
	return r.view()
}

// insert puts a specimen card onto the reader; the same card keeps its tries.
func (r *rig) insert(name string) {
	r.t.Helper()
	if r.cards[name] == nil {
		c, ok := r.w.Card(name)
		if !ok {
			r.t.Fatalf("there is no card %q", name)
		}
		card, err := cardtest.New(c)
		r.must(err)
		r.cards[name] = card
	}
	r.chip.Insert(r.cards[name])
}

func (r *rig) pin(name string) string {
	c, _ := r.w.Card(name)
	return c.PIN
}

// answers are what the tests answer.
var answers = map[string]string{
	"purpose": "work", "at_registered": "yes", "family": "2", "phone": "+99365123456", "since": "2020-01-15",
	"subject": "", "body": "Nusga edarasy", "what": "Garaşdyrýarlar", "email": "nusga@example.tm",
}

// fill answers every question until «check your answers».
func (r *rig) fill() {
	r.t.Helper()
	for range 40 {
		v := r.view()
		if v.Screen == screen.Check {
			return
		}
		if v.Screen != screen.Question {
			r.t.Fatalf("page: got %s, want a question or check", v.Screen)
		}
		row := v.Question.Row
		a := answers[row.Name]
		switch {
		case row.Kind() == "date":
			d := time.Date(2020, 1, 15, 0, 0, 0, 0, zone)
			if row.Name == "ready" {
				d = r.k.now().AddDate(0, 0, 1)
			}
			r.do("answer", "row", row.Name, row.Name+".day", d.Format("2"), row.Name+".month", d.Format("1"), row.Name+".year", d.Format("2006"))
			continue
		case (row.Kind() == "select_one" || row.Kind() == "select_multiple") && a == "":
			a = v.Question.Choices[0].Name
		case row.Kind() == "integer" && a == "":
			a = "3"
		case row.Kind() == "text" && a == "":
			a = "Nusga jogaby, ony hiç kim ýazmady"
		}
		r.do("answer", "row", row.Name, row.Name, a)
		if n := r.view(); n.Screen == screen.Question && n.Question.Row.Name == row.Name {
			r.t.Fatalf("question %s is not taken: %s", row.Name, n.Question.Fault.EN)
		}
	}
	r.t.Fatal("the questions do not end")
}

// rules accepts all of them.
func (r *rig) rules() {
	r.t.Helper()
	for r.page() == screen.Rules {
		r.do("accept")
	}
}

// toPIN is a visit of the card's holder up to the PIN of the certificate.
func (r *rig) toPIN(card string) {
	r.t.Helper()
	r.begin("tk")
	r.do("apply")
	r.do("choose", "service", "residence-certificate")
	r.do("begin")
	r.rules()
	r.on(screen.Card)
	r.insert(card)
	r.on(screen.IsThisYou)
	r.do("yes")
	r.fill()
	r.do("confirm")
	r.on(screen.PIN)
}

// apply makes a request for a certificate of residence and returns its page.
func (r *rig) apply(card string) screen.View {
	r.t.Helper()
	r.toPIN(card)
	r.do("pin", "pin", r.pin(card))
	return r.on(screen.Done)
}

// leave ends the visit and takes the card along.
func (r *rig) leave() {
	r.t.Helper()
	r.do("end")
	r.chip.Remove()
	r.until("the card to be gone", func() bool { return !r.state().Devices.Card })
	r.do("end")
}

// printed waits until the receipt of the page Done is out.
func (r *rig) printed() {
	r.t.Helper()
	r.until("the receipt to be printed", func() bool { return r.view().Done.Paper == screen.PaperPrinted })
}

// rawState asks the control socket.
func (r *rig) rawState() string {
	r.t.Helper()
	c := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", r.control)
	}}}
	defer c.CloseIdleConnections()
	res, err := c.Get("http://kiosk/state")
	r.must(err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	r.must(err)
	return string(b)
}

func (r *rig) state() (s Status) {
	r.t.Helper()
	r.must(json.Unmarshal([]byte(r.rawState()), &s))
	return s
}

// stage waits until a request is at s.
func (r *rig) stage(s outbox.State) {
	r.t.Helper()
	r.until("a request to be "+s.String(), func() bool { return r.state().Queue.ByState[s.String()] > 0 })
}

// decide answers the only registered request, as the agency's officer would.
func (r *rig) decide(d portal.AnswerDraft) {
	r.t.Helper()
	list, err := r.l.List(context.Background(), ledger.Filter{})
	r.must(err)
	for _, q := range list {
		if q.State != ledger.Registered {
			continue
		}
		if d.Decision == ledger.Answered {
			svc, _ := r.portal.Catalogue().Service(q.Service)
			for _, f := range svc.Result.Facts {
				d.Facts = append(d.Facts, portal.Fact{Name: f.Name, Value: citizen.NewText("Nusga " + f.Name)})
			}
		}
		d.By = "officer"
		if _, err := r.portal.Answer(context.Background(), q.Agency, q.Doc, d); err != nil {
			r.t.Fatalf("Answer = %v", err)
		}
		return
	}
	r.t.Fatal("the portal has no registered request")
}
