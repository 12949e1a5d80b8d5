// Package preview serves every fixture of the screens through the server that
// ships, so that what is looked at and what is tested is what citizens see.
package preview

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/penjire/penjire/ui/phrase"
	"github.com/penjire/penjire/ui/screen"
	"github.com/penjire/penjire/ui/screen/fixture"
	"github.com/penjire/penjire/ui/web"
)

// New returns the handler: a list at /, each page at /show/NAME with the query
// lang, size and theme, everything else as the kiosk serves it. mm is the
// display's pixels per millimetre.
func New(mm float64) http.Handler {
	s := web.NewServer(web.Config{Kiosk: kiosk{}, MMPx: mm})
	m := http.NewServeMux()
	m.Handle("/", s)
	m.HandleFunc("GET /{$}", index)
	// Fixtures do not change, and the start page's other states are not the
	// kiosk's own: there is nothing to tell.
	quiet := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
	m.HandleFunc("GET /events", quiet)
	m.HandleFunc("GET /v/{visit}/events", quiet)
	m.HandleFunc("GET /show/{name}", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		visit := strings.Join([]string{r.PathValue("name"), q.Get("lang"), q.Get("size"), q.Get("theme")}, "~")
		r2 := r.Clone(r.Context())
		r2.URL = &url.URL{Path: "/v/" + visit}
		s.ServeHTTP(w, r2)
	})
	return m
}

func index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, "<!doctype html><html lang=en><title>Screens</title><h1>Screens</h1><table>")
	for _, f := range fixture.All("tk") {
		n := html.EscapeString(f.Name)
		fmt.Fprintf(w, "<tr><th align=left>%s", n)
		for _, l := range phrase.Langs {
			fmt.Fprintf(w, `<td><a href="/show/%s?lang=%s">%s</a>`, n, l, l)
		}
		for _, t := range []string{"contrast", "dark"} {
			fmt.Fprintf(w, `<td><a href="/show/%s?lang=tk&amp;theme=%s">%s</a>`, n, t, t)
		}
		for i := 1; i <= 2; i++ {
			fmt.Fprintf(w, `<td><a href="/show/%s?lang=tk&amp;size=%d">A%s</a>`, n, i, strings.Repeat("+", i))
		}
	}
	fmt.Fprint(w, "</table>")
}

// kiosk shows a fixture by the visit's name NAME~lang~size~theme.
type kiosk struct{}

func (kiosk) Begin(context.Context, string) (string, error) { return "home~tk~~", nil }

func (kiosk) Start(context.Context) screen.View {
	v, _ := fixture.Get("start", "tk")
	return v
}

func (kiosk) View(_ context.Context, visit string) (screen.View, error) {
	p := strings.SplitN(visit, "~", 4)
	if len(p) != 4 {
		return screen.View{}, web.ErrVisitOver
	}
	v, ok := fixture.Get(p[0], p[1])
	if !ok {
		return screen.View{}, web.ErrVisitOver
	}
	if n, err := strconv.Atoi(p[2]); err == nil {
		v.Size = n
	}
	v.Theme = p[3]
	if v.Visit != "" {
		v.Visit = visit
	}
	return v, nil
}

func (kiosk) Do(context.Context, string, web.Action) error { return web.ErrVisitOver }

func (kiosk) Changes(context.Context) <-chan web.Change { return make(chan web.Change) }
