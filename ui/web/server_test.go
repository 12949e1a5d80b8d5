package web_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/penjire/penjire/ui/screen"
	"github.com/penjire/penjire/ui/screen/fixture"
	"github.com/penjire/penjire/ui/web"
)

// kiosk is a kiosk of one visit that shows one fixture after another.
type kiosk struct {
	mu      sync.Mutex
	visit   string
	page    string
	devices screen.Devices
	done    []web.Action
	fail    error
	changes chan web.Change
}

func (k *kiosk) Begin(_ context.Context, lang string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return "", k.fail
	}
	k.visit, k.page = "v-"+lang, "home"
	return k.visit, nil
}

func (k *kiosk) Start(context.Context) screen.View {
	return screen.View{Devices: screen.Devices{Printer: screen.Good}}
}

func (k *kiosk) View(_ context.Context, visit string) (screen.View, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if visit != k.visit || visit == "" {
		return screen.View{}, web.ErrVisitOver
	}
	v, ok := fixture.Get(k.page, strings.TrimPrefix(visit, "v-"))
	if !ok {
		return screen.View{}, errors.New("no such fixture")
	}
	v.Visit, v.Devices = visit, k.devices
	return v, nil
}

func (k *kiosk) Do(_ context.Context, visit string, a web.Action) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.done = append(k.done, a)
	if k.fail != nil {
		return k.fail
	}
	if visit != k.visit && visit != "" {
		return web.ErrVisitOver
	}
	if a.Name == "end" {
		k.visit = ""
	}
	return nil
}

func (k *kiosk) Changes(context.Context) <-chan web.Change { return k.changes }

func (k *kiosk) show(page string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.page = page
}

func (k *kiosk) last(t *testing.T) web.Action {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.done) == 0 {
		t.Fatal("nothing was done")
	}
	return k.done[len(k.done)-1]
}

// serve starts a server and returns it, its kiosk, its log, and a client that
// does not follow redirects.
func serve(t *testing.T, c web.Config) (*httptest.Server, *kiosk, *bytes.Buffer, *http.Client) {
	t.Helper()
	k := &kiosk{changes: make(chan web.Change, 8), devices: screen.Devices{Printer: screen.Good, Reader: screen.Good, Net: screen.Good, Clock: screen.Good}}
	var logged bytes.Buffer
	c.Kiosk, c.Log = k, slog.New(slog.NewTextHandler(&logged, nil))
	srv := httptest.NewServer(web.NewServer(c))
	t.Cleanup(srv.Close)
	client := *srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return srv, k, &logged, &client
}

func get(t *testing.T, c *http.Client, u string) (*http.Response, string) {
	t.Helper()
	r, err := c.Get(u)
	if err != nil {
		t.Fatal(err)
	}
	return r, body(t, r)
}

func post(t *testing.T, c *http.Client, u string, v url.Values) (*http.Response, string) {
	t.Helper()
	r, err := c.PostForm(u, v)
	if err != nil {
		t.Fatal(err)
	}
	return r, body(t, r)
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func wantRedirect(t *testing.T, r *http.Response, to string) {
	t.Helper()
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != to {
		t.Errorf("got %d to %q, want 303 to %q", r.StatusCode, r.Header.Get("Location"), to)
	}
}

func TestVisit(t *testing.T) {
	srv, k, _, c := serve(t, web.Config{})
	r, page := get(t, c, srv.URL+"/")
	if r.StatusCode != 200 || !strings.Contains(page, "Türkmençe") || !strings.Contains(page, "Русский") || !strings.Contains(page, "English") {
		t.Errorf("start page: %d, want 200 and three languages", r.StatusCode)
	}
	r, _ = post(t, c, srv.URL+"/begin", url.Values{"lang": {"ru"}})
	wantRedirect(t, r, "/v/v-ru")
	if _, page = get(t, c, srv.URL+"/v/v-ru"); !strings.Contains(page, `lang="ru"`) || !strings.Contains(page, "Подать заявку") {
		t.Error("the visit's page is not the home page in Russian")
	}
	r, _ = post(t, c, srv.URL+"/v/v-ru/choose", url.Values{"service": {"complaint"}})
	wantRedirect(t, r, "/v/v-ru")
	if a := k.last(t); a.Name != "choose" || a.Values.Get("service") != "complaint" {
		t.Errorf("Do got %q", a.Name)
	}
	r, _ = post(t, c, srv.URL+"/v/v-ru/end", nil)
	wantRedirect(t, r, "/v/v-ru")
	r, page = get(t, c, srv.URL+"/v/v-ru")
	wantRedirect(t, r, "/")
	if strings.Contains(page, "заявк") {
		t.Error("the page of a visit that is over shows something of it")
	}
	r, _ = post(t, c, srv.URL+"/v/v-ru/apply", nil)
	wantRedirect(t, r, "/")
}

func TestUnknownLanguageIsTurkmen(t *testing.T) {
	srv, _, _, c := serve(t, web.Config{})
	r, _ := post(t, c, srv.URL+"/begin", url.Values{"lang": {"<x>"}})
	wantRedirect(t, r, "/v/v-tk")
}

// While someone types the script says so; it gets no page back.
func TestBeat(t *testing.T) {
	srv, k, _, c := serve(t, web.Config{})
	post(t, c, srv.URL+"/begin", url.Values{"lang": {"tk"}})
	req, err := http.NewRequest(http.MethodPost, srv.URL+"/v/v-tk/stay", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Penjire-Beat", "1")
	r, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if body(t, r); r.StatusCode != http.StatusNoContent || k.last(t).Name != "stay" {
		t.Errorf("got %d and %q, want 204 and stay", r.StatusCode, k.last(t).Name)
	}
}

func TestReprint(t *testing.T) {
	srv, k, _, c := serve(t, web.Config{})
	r, _ := post(t, c, srv.URL+"/reprint", nil)
	wantRedirect(t, r, "/")
	if k.last(t).Name != "reprint" {
		t.Errorf("Do got %q, want reprint", k.last(t).Name)
	}
}

// What fails is said in words, in the log by its error, and nowhere by what
// the citizen entered.
func TestFailure(t *testing.T) {
	srv, k, logged, c := serve(t, web.Config{})
	post(t, c, srv.URL+"/begin", url.Values{"lang": {"en"}})
	k.fail = errors.New("the disk is away")
	r, page := post(t, c, srv.URL+"/v/v-en/pin", url.Values{"pin": {"123456"}})
	if r.StatusCode != 500 || strings.Contains(page, "disk") || !strings.Contains(page, "web.do") {
		t.Errorf("got %d, want 500, a code, and nothing of the error", r.StatusCode)
	}
	if s := logged.String(); !strings.Contains(s, "the disk is away") || strings.Contains(s, "123456") {
		t.Errorf("the log says %q", s)
	}
	k.fail = nil
	k.show("no-such-page")
	if r, page = get(t, c, srv.URL+"/v/v-en"); r.StatusCode != 500 || !strings.Contains(page, "web.view") {
		t.Errorf("a view that fails: got %d", r.StatusCode)
	}
	k.fail = errors.New("full")
	r, _ = post(t, c, srv.URL+"/begin", nil)
	wantRedirect(t, r, "/")
}

func TestHeaders(t *testing.T) {
	srv, _, _, c := serve(t, web.Config{})
	for _, p := range []string{"/", "/v/none", "/device.css", "/asset/js/app.js", "/nowhere"} {
		r, _ := get(t, c, srv.URL+p)
		csp := r.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy %q lacks %s", p, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", p, r.Header)
		}
	}
	if r, _ := get(t, c, srv.URL+"/"); r.Header.Get("Cache-Control") != "no-store" {
		t.Error("a page may be kept by the browser")
	}
	srv, _, _, c = serve(t, web.Config{Frame: "http://127.0.0.1:8080"})
	if r, _ := get(t, c, srv.URL+"/"); !strings.Contains(r.Header.Get("Content-Security-Policy"), "frame-ancestors http://127.0.0.1:8080;") {
		t.Error("the bench may not show the screen")
	}
}

// No page from elsewhere reaches the kiosk: not by another name for this
// machine, and not by a form of its own.
func TestOthersAreRefused(t *testing.T) {
	srv, k, _, c := serve(t, web.Config{})
	try := func(method, host string, h http.Header) int {
		req, err := http.NewRequest(method, srv.URL+"/begin", strings.NewReader("lang=tk"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = h.Clone()
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if host != "" {
			req.Host = host
		}
		r, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body(t, r)
		return r.StatusCode
	}
	if got := try("POST", "kiosk.example:80", http.Header{}); got != http.StatusMisdirectedRequest {
		t.Errorf("another host: got %d, want 421", got)
	}
	if got := try("POST", "", http.Header{"Sec-Fetch-Site": {"cross-site"}}); got != http.StatusForbidden {
		t.Errorf("another origin: got %d, want 403", got)
	}
	if k.visit != "" {
		t.Error("a visit began all the same")
	}
	for _, host := range []string{"localhost:80", "127.0.0.1", "[::1]:8080"} {
		if got := try("POST", host, http.Header{}); got != http.StatusSeeOther {
			t.Errorf("%s: got %d, want 303", host, got)
		}
	}
	srv, _, _, c = serve(t, web.Config{Addr: "127.0.0.1:1"})
	if r, _ := get(t, c, srv.URL+"/"); r.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("a port that is not ours: got %d, want 421", r.StatusCode)
	}
}

func TestTooMuch(t *testing.T) {
	srv, k, _, c := serve(t, web.Config{})
	post(t, c, srv.URL+"/begin", url.Values{"lang": {"tk"}})
	r, _ := post(t, c, srv.URL+"/v/v-tk/answer", url.Values{"note": {strings.Repeat("x", 100<<10)}})
	if r.StatusCode != http.StatusBadRequest || len(k.done) != 0 {
		t.Errorf("got %d and %d actions, want 400 and none", r.StatusCode, len(k.done))
	}
}

var millimetre = regexp.MustCompile(`--mm: ([0-9.]+)px`)

func TestDeviceCSS(t *testing.T) {
	srv, _, _, c := serve(t, web.Config{MMPx: 5})
	r, css := get(t, c, srv.URL+"/device.css")
	if m := millimetre.FindStringSubmatch(css); m == nil || m[1] != "5.000" {
		t.Errorf("--mm = %v, want 5.000px", m)
	}
	if !strings.Contains(css, "(max-height: 800px)") || strings.Contains(css, "(max-height: 160mm)") {
		t.Error("the millimetres of the conditions are not turned into pixels")
	}
	if r.Header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("type %q", r.Header.Get("Content-Type"))
	}
}

func TestAssets(t *testing.T) {
	srv, _, _, c := serve(t, web.Config{})
	r, js := get(t, c, srv.URL+"/asset/js/app.js")
	if r.StatusCode != 200 || !strings.Contains(js, "EventSource") || r.Header.Get("ETag") == "" {
		t.Errorf("app.js: %d", r.StatusCode)
	}
	for _, p := range []string{"/asset/", "/asset/css/", "/asset/../server.go", "/asset/css/none.css"} {
		if r, _ := get(t, c, srv.URL+p); r.StatusCode == 200 {
			t.Errorf("%s: got 200", p)
		}
	}
	if r, _ := get(t, c, srv.URL+"/asset/font/noto-sans-400.woff2"); !strings.Contains(r.Header.Get("Cache-Control"), "max-age") {
		t.Error("fonts are not kept by the browser")
	}
}

// A page and all it needs, fonts apart, is at most 60 KiB on the wire
// (DESIGN 14).
func TestTransfer(t *testing.T) {
	srv, k, _, c := serve(t, web.Config{})
	post(t, c, srv.URL+"/begin", url.Values{"lang": {"tk"}})
	k.show("check")
	total := 0
	for _, p := range []string{"/v/v-tk", "/asset/css/token.css", "/asset/css/app.css", "/device.css", "/asset/js/app.js", "/asset/svg/gol.svg", "/asset/svg/icons.svg"} {
		req, err := http.NewRequest(http.MethodGet, srv.URL+p, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", "gzip")
		r, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b := body(t, r)
		if r.StatusCode != 200 {
			t.Fatalf("%s: %d", p, r.StatusCode)
		}
		if r.Header.Get("Content-Encoding") == "gzip" {
			if z, err := gzip.NewReader(strings.NewReader(b)); err != nil {
				t.Errorf("%s: %v", p, err)
			} else if _, err := io.Copy(io.Discard, z); err != nil {
				t.Errorf("%s: %v", p, err)
			}
		}
		total += len(b)
	}
	t.Logf("a page transfers %d bytes without fonts", total)
	if total > 60<<10 {
		t.Errorf("a page transfers %d bytes, want at most 60 KiB", total)
	}
}

// stream reads server-sent events.
func stream(t *testing.T, c *http.Client, u string) func() string {
	t.Helper()
	r, err := c.Get(u)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Body.Close() })
	s := bufio.NewScanner(r.Body)
	return func() string {
		for s.Scan() {
			if d, ok := strings.CutPrefix(s.Text(), "data: "); ok {
				return d
			}
		}
		return ""
	}
}

var sum = regexp.MustCompile(`data-sum="([0-9a-f]{16})"`)

func TestEvents(t *testing.T) {
	srv, k, _, c := serve(t, web.Config{})
	post(t, c, srv.URL+"/begin", url.Values{"lang": {"en"}})
	k.show("working-signing")
	_, page := get(t, c, srv.URL+"/v/v-en")
	m := sum.FindStringSubmatch(page)
	if m == nil {
		t.Fatal("the page has no sum")
	}
	next := stream(t, c, srv.URL+"/v/v-en/events")
	if e := next(); !strings.Contains(e, `"sum":"`+m[1]+`"`) || !strings.Contains(e, `"page":"working"`) {
		t.Errorf("the first event %s is not about the page with sum %s", e, m[1])
	}
	// A light changes: the page stays, its footer is told.
	k.mu.Lock()
	k.devices.Printer = screen.Out
	k.mu.Unlock()
	k.changes <- web.Change{Rev: 1}
	if e := next(); !strings.Contains(e, m[1]) || !strings.Contains(e, "Out of paper") {
		t.Errorf("after the paper ran out: %s", e)
	}
	// Another visit's change is nobody's business here.
	k.changes <- web.Change{Rev: 2, Visit: "v-other"}
	k.show("done")
	k.changes <- web.Change{Rev: 3, Visit: "v-en", Reload: true}
	if e := next(); strings.Contains(e, m[1]) || !strings.Contains(e, `"rev":3`) || !strings.Contains(e, `"page":"done"`) {
		t.Errorf("after signing: %s", e)
	} else if strings.Contains(e, "K7M4P") {
		t.Errorf("an event holds what is on the page: %s", e)
	}
	k.mu.Lock()
	k.visit = ""
	k.mu.Unlock()
	k.changes <- web.Change{Rev: 4}
	if e := next(); !strings.Contains(e, `"over":true`) {
		t.Errorf("after the end: %s", e)
	}
	if e := next(); e != "" {
		t.Errorf("the stream of a visit that is over goes on: %s", e)
	}
	start := stream(t, c, srv.URL+"/events")
	if e := start(); !strings.Contains(e, `"page":"start"`) || strings.Contains(e, "over") {
		t.Errorf("the start page's event: %s", e)
	}
}
