package uitest_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/ui/form"
	"github.com/penjire/penjire/ui/screen"
	"github.com/penjire/penjire/ui/screen/fixture"
	"github.com/penjire/penjire/ui/uitest"
	"github.com/penjire/penjire/ui/web"
)

// walker is a kiosk whose one visit goes from page to page as a citizen's does.
type walker struct {
	mu      sync.Mutex
	lang    string
	theme   string
	visit   string
	page    string
	answers map[string]string
	did     []string
	idle    screen.Idle
	printer screen.State
	changes chan web.Change
}

func newWalker() *walker {
	return &walker{lang: "tk", page: "home", answers: map[string]string{}, printer: screen.Good, changes: make(chan web.Change, 8)}
}

func (k *walker) Begin(_ context.Context, lang string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lang, k.visit, k.page = lang, "walk", "home"
	return k.visit, nil
}

func (k *walker) Start(context.Context) screen.View { return screen.View{} }

func (k *walker) View(_ context.Context, visit string) (screen.View, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if visit != k.visit || visit == "" {
		return screen.View{}, web.ErrVisitOver
	}
	v, _ := fixture.Get(k.page, k.lang)
	v.Visit, v.Theme, v.Idle = visit, k.theme, k.idle
	v.Devices.Printer = k.printer
	if v.Question != nil {
		q := *v.Question
		q.Value = citizen.NewText(k.answers[q.Row.Name])
		v.Question = &q
	}
	return v, nil
}

// after says which page follows which.
var after = map[string]string{
	"home apply": "services", "services choose": "service", "service begin": "rules", "rules accept": "card-wanted",
	"is-this-you yes": "question-street", "check confirm": "pin", "pin pin": "working-signing", "done finish": "ended",
}

func (k *walker) Do(_ context.Context, visit string, a web.Action) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if visit != k.visit {
		return web.ErrVisitOver
	}
	k.did = append(k.did, a.Name)
	v, _ := fixture.Get(k.page, k.lang)
	if v.Question != nil && form.For(a.Values) == v.Question.Row.Name {
		k.answers[v.Question.Row.Name] = form.Read(v.Question.Row, a.Values)
	}
	switch a.Name {
	case "lang":
		k.lang = a.Values.Get("lang")
	case "theme":
		k.theme = a.Values.Get("theme")
	case "end":
		k.visit = ""
	case "pin":
		if a.Values.Get("pin") != "123456" {
			k.page = "pin-wrong"
			return nil
		}
	case "answer":
		name := v.Question.Row.Name
		switch {
		case k.answers[name] == "":
			k.page = "question-" + name + "-fault"
		case name == "street":
			k.page = "question-since"
		case name == "since":
			k.page = "question-purpose"
		default:
			k.page = "check"
		}
	}
	if to := after[strings.TrimSuffix(k.page, "-wrong")+" "+a.Name]; to != "" {
		k.page = to
	}
	return nil
}

func (k *walker) Changes(ctx context.Context) <-chan web.Change { return k.changes }

// turn changes the page by itself, as a card or the network does.
func (k *walker) turn(page string) {
	k.mu.Lock()
	k.page = page
	k.mu.Unlock()
	k.changes <- web.Change{Reload: true}
}

func (k *walker) done(name string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Contains(k.did, name)
}

func walk(t *testing.T, k *walker) (*uitest.Browser, string) {
	t.Helper()
	d := displays["1280x800"]
	srv := httptest.NewServer(web.NewServer(web.Config{Kiosk: k, MMPx: d.mm}))
	t.Cleanup(srv.Close)
	b := uitest.Open(t, d.width, d.height, d.mm)
	t.Cleanup(func() {
		for _, m := range b.Messages() {
			t.Errorf("the browser says: %s", m)
		}
	})
	return b, srv.URL
}

func key(c string) string { return `.osk button[data-ch="` + c + `"]` }

// TestWalk goes through a visit by touch: the keyboard on the screen, a fault
// and its correction, a change of language with a half-typed answer, a page
// that changes by itself, live lights.
func TestWalk(t *testing.T) {
	k := newWalker()
	b, u := walk(t, k)
	b.Go(u + "/")
	b.Click(`button[value="tk"]`)
	for _, c := range []string{".p-home .tile.first", `button[value="residence-certificate"]`, ".p-service .acts .btn", ".p-rules .acts .btn:last-child"} {
		b.Click(c)
	}
	b.Wait(".p-card .round")
	k.turn("is-this-you")
	b.Wait(".p-is-this-you")
	b.Click(".p-is-this-you .acts .btn:last-child")
	b.Wait(".p-question .osk button")

	b.Click(".p-question .acts .btn") // no answer
	b.Wait(".wrong")
	if got := uitest.Eval[string](b, "document.title"); !strings.HasPrefix(got, "Ýalňyşlyk:") {
		t.Errorf("title of a fault = %q, want it to begin with Ýalňyşlyk:", got)
	}
	for _, c := range []string{"Ý", "a", "ň"} { // the first is a capital by itself
		b.Click(key(c))
	}
	b.Click(`.osk button[data-act="BACK"]`)
	b.Click(key("ş"))
	if got := uitest.Eval[string](b, "document.getElementById('f').value"); got != "Ýaş" {
		t.Errorf("typed %q, want Ýaş", got)
	}
	b.Click(`.tool[value="ru"]`) // keeps what was typed
	b.Wait(`html[lang="ru"] .osk button`)
	if got := uitest.Eval[string](b, "document.getElementById('f').value"); got != "Ýaş" {
		t.Errorf("after the change of language the field holds %q, want Ýaş", got)
	}
	k.mu.Lock()
	k.printer = screen.Out
	k.mu.Unlock()
	b.Click(key("ä")) // the field now differs from what the server knows
	k.changes <- web.Change{}
	b.Wait(`.light[data-kind="bad"]`)
	if got := uitest.Eval[string](b, "document.getElementById('f').value"); got != "Ýaşä" {
		t.Errorf("after the lights changed the field holds %q, want Ýaşä", got)
	}
	b.Click(".acts .btn")
	b.Wait("#f-day")
	for _, c := range []string{"0", "1", "0", "9", "2", "0", "1", "8"} { // the fields follow one another
		b.Click(key(c))
	}
	b.Click(".acts .btn")
	b.Click(".choice:nth-child(2)")
	b.Click(".acts .btn")
	b.Wait(".p-check")
	k.mu.Lock()
	got := k.answers["street"] + "|" + k.answers["since"] + "|" + k.answers["purpose"]
	k.mu.Unlock()
	if want := "Ýaşä|2018-09-01|school"; got != want {
		t.Errorf("answers = %s, want %s", got, want)
	}
	b.Click(".p-check .acts .btn")
	b.Wait(".p-pin .osk button")
	b.Click(key("1"))
	b.Click(".acts .btn")
	b.Wait(".p-pin .wrong")
	for c := range strings.SplitSeq("123456", "") {
		b.Click(key(c))
	}
	b.Click(".acts .btn")
	b.Wait(".p-working")
	k.turn("done")
	b.Wait(".p-done #code")
	if got := uitest.Eval[float64](b, "document.querySelector('#code').getBoundingClientRect().height"); got/4.2 < 12 {
		t.Errorf("the code is %.1f mm high, want at least 12 (checklist 23)", got/4.2)
	}
	if got := uitest.Eval[int](b, "localStorage.length + sessionStorage.length + document.cookie.length"); got != 0 {
		t.Errorf("the browser keeps %d things of the visit, want none", got)
	}
	b.Click(".p-done .acts .btn")
	b.Wait(".p-ended")
	k.mu.Lock()
	k.visit = ""
	k.mu.Unlock()
	k.changes <- web.Change{}
	b.Wait(".p-start")
}

// TestWalkWithoutScripts goes the same way with JavaScript off and a real
// keyboard (checklist 28).
func TestWalkWithoutScripts(t *testing.T) {
	k := newWalker()
	b, u := walk(t, k)
	b.Scripts(false)
	b.Go(u + "/")
	b.Click(`button[value="en"]`)
	for _, c := range []string{".p-home .tile.first", `button[value="residence-certificate"]`, ".p-service .acts .btn", ".p-rules .acts .btn:last-child"} {
		b.Click(c)
	}
	b.Wait(".p-card .round")
	k.mu.Lock()
	k.page = "is-this-you"
	k.mu.Unlock()
	b.Wait(".p-is-this-you") // the page asks again by itself
	b.Click(".p-is-this-you .acts .btn:last-child")
	b.Type("#f", "Magtymguly\r") // Enter is the big button, not a tool of the header
	b.Wait("#f-day")
	b.Type("#f-day", "1")
	b.Type(`[name="since.month"]`, "9")
	b.Type(`[name="since.year"]`, "2018")
	b.Click(".acts .btn")
	b.Click(".choice:nth-child(1)")
	b.Click(".acts .btn")
	b.Click(".p-check .acts .btn")
	b.Type(".p-pin #f", "123456\r")
	b.Wait(".p-working")
	k.mu.Lock()
	k.page = "done"
	got := k.answers["street"] + "|" + k.answers["since"] + "|" + k.answers["purpose"]
	k.mu.Unlock()
	if want := "Magtymguly|2018-09-01|work"; got != want {
		t.Errorf("answers = %s, want %s", got, want)
	}
	b.Click(".p-done .acts .btn")
	b.Wait(".p-ended")
}

// TestTouchWhileDaemonRestarts: a touch that falls while nobody answers is not lost
// and leaves nobody before the browser's own words; it is done when the daemon is back.
func TestTouchWhileDaemonRestarts(t *testing.T) {
	k := newWalker()
	k.visit, k.page = "walk", "home"
	d := displays["1280x800"]
	serve := func(addr string) (*http.Server, string) {
		t.Helper()
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: web.NewServer(web.Config{Kiosk: k, MMPx: d.mm}), ReadHeaderTimeout: time.Minute}
		go func() { _ = srv.Serve(l) }() // until it is closed
		t.Cleanup(func() { _ = srv.Close() })
		return srv, l.Addr().String()
	}
	srv, addr := serve("127.0.0.1:0")
	b := uitest.Open(t, d.width, d.height, d.mm) // it says that nobody answered: that is so
	b.Go("http://" + addr + "/v/walk")
	b.Wait(".p-home")
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	b.Click(".p-home [formaction$='/apply']")
	b.Wait("body.busy")
	if k.done("apply") {
		t.Fatal("the touch arrived where nobody was")
	}
	serve(addr)
	b.Wait(".p-services")
}

// TestStillThere lets a page lie: it warns, keeps what was typed, goes on by
// one touch, and ends when nobody answers (checklist 18).
func TestStillThere(t *testing.T) {
	k := newWalker()
	k.visit, k.page = "walk", "question-street"
	k.idle = screen.Idle{Warn: 700 * time.Millisecond, End: 20 * time.Second}
	b, u := walk(t, k)
	b.Go(u + "/v/walk")
	b.Click(key("Ä"))
	b.Wait("#away[open] #stay")
	if v := b.Axe(); len(v) != 0 {
		t.Errorf("the warning: %v", v)
	}
	for _, m := range b.Measure(displays["1280x800"].limits) {
		t.Errorf("the warning: %s", m)
	}
	b.Click("#stay")
	b.Wait("body:not(:has(#away[open]))")
	if !k.done("stay") {
		t.Error("the kiosk was not told that someone is there")
	}
	if got := uitest.Eval[string](b, "document.getElementById('f').value"); got != "Ä" {
		t.Errorf("after the warning the field holds %q, want Ä", got)
	}
	b.Wait("#away[open] #stay")
	k.mu.Lock()
	k.visit = "" // the kiosk keeps the time, and it is up
	k.mu.Unlock()
	k.changes <- web.Change{}
	b.Wait(".p-start")
}
