package page_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/portal/page"
)

func textFS(tk, ru, en string) fs.FS {
	return fstest.MapFS{
		"x/tk.json": {Data: []byte(tk)}, "x/ru.json": {Data: []byte(ru)}, "x/en.json": {Data: []byte(en)},
	}
}

func load(t *testing.T) *page.Texts {
	t.Helper()
	n := `{"n": {"one": "%d одна", "few": "%d две", "many": "%d пять", "other": "%d доля"}}`
	texts, err := page.Load(textFS(n, n, n), "x")
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct{ name, tk, ru, en, want string }{
		{"a missing key", `{"a": "x"}`, `{"a": "x"}`, `{}`, "[a]"},
		{"a key too many", `{}`, `{"b": "x"}`, `{}`, "[b]"},
		{"an empty text", `{"a": ""}`, `{"a": "x"}`, `{"a": "x"}`, "is empty"},
		{"a common key again", `{"skip": "x"}`, `{"skip": "x"}`, `{"skip": "x"}`, "twice"},
		{"broken JSON", `{`, `{}`, `{}`, "read texts"},
	} {
		if _, err := page.Load(textFS(c.tk, c.ru, c.en), "x"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Load with %s = %v, want %q", c.name, err, c.want)
		}
	}
}

func TestPlurals(t *testing.T) {
	texts := load(t)
	for _, c := range []struct {
		lang string
		n    int
		want string
	}{
		{"ru", 1, "1 одна"},
		{"ru", 2, "2 две"},
		{"ru", 5, "5 пять"},
		{"ru", 11, "11 пять"},
		{"ru", 12, "12 пять"},
		{"ru", 21, "21 одна"},
		{"ru", 22, "22 две"},
		{"ru", 111, "111 пять"},
		{"ru", 0, "0 пять"},
		{"en", 1, "1 одна"},
		{"en", 21, "21 доля"},
		{"tk", 2, "2 доля"},
	} {
		if got, err := texts.Count(c.lang, "n", c.n); got != c.want || err != nil {
			t.Errorf("Count(%s, %d) = %q, %v, want %q", c.lang, c.n, got, err, c.want)
		}
	}
	if s, err := texts.Say("en", "no.such.text"); err == nil {
		t.Errorf("Say of an unknown key = %q, want an error", s)
	}
}

func TestDates(t *testing.T) {
	at := time.Date(2026, 11, 22, 20, 30, 0, 0, time.UTC) // the next day in the country
	for lang, want := range map[string]string{"tk": "23.11.2026, 01:30", "ru": "23.11.2026, 01:30", "en": "23 November 2026, 01:30"} {
		if got := page.Moment(lang, at); got != want {
			t.Errorf("Moment(%s) = %q, want %q", lang, got, want)
		}
	}
	if got := page.Date("tk", time.Time{}); got != "–" {
		t.Errorf("Date of the zero time = %q, want a dash", got)
	}
}

func TestTerm(t *testing.T) {
	last := time.Date(2026, 11, 27, 0, 0, 0, 0, page.Zone)
	want := time.Date(2026, 11, 28, 0, 0, 0, 0, page.Zone)
	for _, due := range []time.Time{last, last.UTC(), last.Add(23 * time.Hour)} {
		if got := page.Term(due); !got.Equal(want) {
			t.Errorf("Term(%v) = %v, want %v", due, got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	b := page.Base{Lang: "ru", Texts: load(t), Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	for d, want := range map[time.Duration]string{
		20 * time.Second: "только что", 5 * time.Minute: "5 мин. назад", 47 * time.Hour: "47 часов назад", 49 * time.Hour: "2 дня назад",
	} {
		if got, err := b.Ago(b.Now.Add(-d)); got != want || err != nil {
			t.Errorf("Ago(%v) = %q, %v, want %q", d, got, err, want)
		}
	}
}

// TestReasons holds that every reason a verification can give has its words:
// one without them would reach an officer or a citizen as a bare code.
func TestReasons(t *testing.T) {
	texts := load(t)
	re := regexp.MustCompile(`Reason\w+\s+= "([^"]+)"`)
	n := 0
	look := func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return err
		}
		b, err := os.ReadFile(p)
		for _, m := range re.FindAllSubmatch(b, -1) {
			n++
			if code := string(m[1]); code != "ok" && !texts.Has("reason."+code) {
				t.Errorf("%s: reason %q has no words in page/texts", p, code)
			}
		}
		return err
	}
	err := errors.Join(filepath.WalkDir("../../edoc", look), filepath.WalkDir("..", look))
	if err != nil || n < 30 {
		t.Fatalf("found %d reasons, %v, want many", n, err)
	}
}

func TestLang(t *testing.T) {
	for _, c := range []struct{ query, cookie, accept, want string }{
		{"", "", "", "tk"},
		{"", "", "ru-RU,ru;q=0.9", "ru"},
		{"", "", "en-GB,en;q=0.9", "en"},
		{"", "", "fr-FR,fr;q=0.9", "tk"},
		{"", "", "not a header;;;", "tk"},
		{"", "ru", "en", "ru"},
		{"?lang=en", "ru", "ru", "en"},
		{"?lang=xx", "ru", "en", "ru"},
	} {
		r := httptest.NewRequest("GET", "/"+c.query, nil)
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: "lang", Value: c.cookie})
		}
		r.Header.Set("Accept-Language", c.accept)
		w := httptest.NewRecorder()
		if got := page.Lang(w, r); got != c.want {
			t.Errorf("Lang(%+v) = %q, want %q", c, got, c.want)
		}
		if set := w.Header().Get("Set-Cookie") != ""; set != (c.query == "?lang=en") {
			t.Errorf("Lang(%+v) set a cookie: %t", c, set)
		}
	}
}

func TestGuard(t *testing.T) {
	h := page.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("in")) }))
	get := httptest.NewRecorder()
	h.ServeHTTP(get, httptest.NewRequest("GET", "/", nil))
	for k, want := range map[string]string{
		"Content-Security-Policy": page.Policy, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
	} {
		if got := get.Header().Get(k); got != want {
			t.Errorf("%s = %q, want %q", k, got, want)
		}
	}
	if strings.Contains(page.Policy, "unsafe") || !strings.Contains(page.Policy, "default-src 'none'") {
		t.Errorf("Policy = %q, want no unsafe-* and nothing by default", page.Policy)
	}
	for site, want := range map[string]int{"same-origin": 200, "cross-site": 403} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("a post from %s = %d, want %d", site, w.Code, want)
		}
	}
}

func TestAssets(t *testing.T) {
	h := page.Assets(fstest.MapFS{"font/a.woff2": {Data: []byte("font")}, "secret.go": {Data: []byte("package x")}})
	for path, want := range map[string]struct {
		status int
		media  string
	}{
		"/asset/portal.css":    {200, "text/css; charset=utf-8"},
		"/asset/font/a.woff2":  {200, "font/woff2"},
		"/asset/secret.go":     {404, ""},
		"/asset/../secret.go":  {404, ""},
		"/asset/font":          {404, ""},
		"/asset/none.css":      {404, ""},
		"/asset/../static.css": {400, ""},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		h.ServeHTTP(w, r)
		if w.Code != want.status || want.media != "" && w.Header().Get("Content-Type") != want.media {
			t.Errorf("%s = %d %s, want %d %s", path, w.Code, w.Header().Get("Content-Type"), want.status, want.media)
		}
	}
	w := httptest.NewRecorder()
	page.Assets(nil).ServeHTTP(w, httptest.NewRequest("GET", "/asset/font/a.woff2", nil))
	if w.Code != 404 {
		t.Errorf("a font without assets = %d, want 404", w.Code)
	}
}

func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := page.NewLimiter(time.Second, 3)
		from := func(a string) *http.Request { return &http.Request{RemoteAddr: a} }
		for i, want := range []bool{true, true, true, false} {
			if got := l.Allow(from("192.0.2.1:1000")); got != want {
				t.Errorf("try %d = %t, want %t", i+1, got, want)
			}
		}
		if !l.Allow(from("192.0.2.2:1000")) {
			t.Error("another address is held back too")
		}
		for _, a := range []string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1"} {
			l.Allow(from(a))
		}
		if !l.Spent(from("[2001:db8::ffff]:9")) || l.Spent(from("[2001:db8:0:1::1]:9")) {
			t.Error("want one allowance for one IPv6 network of 64 bits")
		}
		time.Sleep(time.Second)
		if !l.Allow(from("192.0.2.1:1000")) || l.Allow(from("192.0.2.1:1000")) {
			t.Error("after a second, want one more try and not two")
		}
	})
}

func TestLimiterMemory(t *testing.T) {
	l := page.NewLimiter(time.Hour, 1)
	for i := range 25_000 {
		a := "10." + strconv.Itoa(i>>16) + "." + strconv.Itoa(i>>8&255) + "." + strconv.Itoa(i&255) + ":1"
		l.Allow(&http.Request{RemoteAddr: a})
		if n := l.Len(); n > 10_000 {
			t.Fatalf("after %d addresses it keeps %d, want at most 10000", i+1, n)
		}
	}
}
