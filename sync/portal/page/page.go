// Package page draws the portal's server-rendered pages: the common layout,
// texts in three languages, dates, security headers and static files. The
// agency desk and the public pages share it (LOOK.md, «Desk, web, fleet»).
//
// It is not the kiosk's screen: that one is ui's, in millimetres, for a finger.
// These pages are for people at a desk or with a telephone, in pixels, denser,
// with the same colours. They need no JavaScript and have none, so that the
// Content-Security-Policy allows no script at all.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed layout/*.html
var layouts embed.FS

// Base is what every page has. Page views embed it, so templates write
// {{.T "key"}}, or {{$.T "key"}} inside range and with.
type Base struct {
	Lang  string // "tk", "ru" or "en"
	Texts *Texts
	Now   time.Time
	Title string // key of the page's own title, or the title itself when TitleText
	Self  string // path of this page, for the language links; no personal data in it
	// Post is set when this page is the answer to a form that must not be in
	// an address: the language buttons then send these fields to Self again.
	Post  map[string]string
	Fault bool   // «Error:» in front of the title
	Who   string // who is signed in; "" when nobody
	Role  string // under the name: the agency
	Wide  bool   // tables need more room than text
}

// T returns the text key in the page's language, with args put in.
func (b Base) T(key string, args ...any) (string, error) {
	return b.Texts.Say(b.Lang, key, args...)
}

// N returns the form of the text key that n asks for, with n put in first.
func (b Base) N(key string, n int, args ...any) (string, error) {
	return b.Texts.Count(b.Lang, key, n, args...)
}

// Date returns t as a day, in the country's time.
func (b Base) Date(t time.Time) string { return Date(b.Lang, t) }

// Moment returns t as a day and a time of day, in the country's time.
func (b Base) Moment(t time.Time) string { return Moment(b.Lang, t) }

// ISO returns t for the datetime attribute.
func (b Base) ISO(t time.Time) string { return t.In(Zone).Format(time.RFC3339) }

// Ago says how long before now t was.
func (b Base) Ago(t time.Time) (string, error) {
	if b.Now.Sub(t) < time.Minute {
		return b.T("ago.now")
	}
	d, err := b.Span(b.Now.Sub(t))
	if err != nil {
		return "", err
	}
	return b.T("ago.before", d)
}

// Span says how long d is, in one unit, rounded down.
func (b Base) Span(d time.Duration) (string, error) {
	switch {
	case d < time.Hour:
		return b.N("span.minutes", int(d/time.Minute))
	case d < 48*time.Hour:
		return b.N("span.hours", int(d/time.Hour))
	}
	return b.N("span.days", int(d/(24*time.Hour)))
}

// Languages returns the three languages in their own names.
func (b Base) Languages() []Language { return languages }

// Sheet returns the address of the style sheet; it changes with its content.
func (b Base) Sheet() string { return sheetURL }

// Language is one entry of the language buttons.
type Language struct{ Code, Short, Name string }

var languages = []Language{
	{"tk", "TK", "Türkmençe"},
	{"ru", "RU", "Русский"},
	{"en", "EN", "English"},
}

// Set is the parsed pages of one part of the portal, by file name without
// ".html". It is safe for use by several goroutines.
type Set struct{ pages map[string]*template.Template }

// Parse reads every *.html in dir of fsys, each as one page inside the common
// layout. A page defines "main" and may define "bar". Files whose names begin
// with "_" are parts that every page of the set may use. more are functions
// for these pages beside «icon».
func Parse(fsys fs.FS, dir string, more template.FuncMap) (*Set, error) {
	names, err := fs.Glob(fsys, path.Join(dir, "*.html"))
	if err != nil {
		return nil, fmt.Errorf("page: list templates in %s: %w", dir, err)
	}
	base, err := template.New("").Option("missingkey=error").Funcs(template.FuncMap{"icon": icon}).Funcs(more).
		ParseFS(layouts, "layout/*.html")
	if err != nil {
		return nil, fmt.Errorf("page: parse the layout: %w", err)
	}
	var pages []string
	for _, n := range names {
		if !strings.HasPrefix(path.Base(n), "_") {
			pages = append(pages, n)
			continue
		}
		if base, err = base.ParseFS(fsys, n); err != nil {
			return nil, fmt.Errorf("page: parse part %s: %w", n, err)
		}
	}
	if len(pages) == 0 {
		return nil, fmt.Errorf("page: no templates in %s", dir)
	}
	s := &Set{pages: map[string]*template.Template{}}
	for _, n := range pages {
		t, err := base.Clone()
		if err != nil {
			return nil, fmt.Errorf("page: copy the layout for %s: %w", n, err)
		}
		if t, err = t.ParseFS(fsys, n); err != nil {
			return nil, fmt.Errorf("page: parse %s: %w", n, err)
		}
		s.pages[strings.TrimSuffix(path.Base(n), ".html")] = t
	}
	return s, nil
}

// Names returns the names of the pages in the set, in no order.
func (s *Set) Names() []string {
	var n []string
	for k := range s.pages {
		n = append(n, k)
	}
	return n
}

// Draw returns the page name of view as HTML. It draws into memory: a page
// that fails half way is never sent.
func (s *Set) Draw(name string, view any) ([]byte, error) {
	t, ok := s.pages[name]
	if !ok {
		return nil, fmt.Errorf("page: draw %s: there is no such page", name)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", view); err != nil {
		return nil, fmt.Errorf("page: draw %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// Send draws the page name and sends it with status. When drawing fails it
// sends a bare 500 and returns the error for the caller's log.
func (s *Set) Send(w http.ResponseWriter, status int, name string, view any) error {
	b, err := s.Draw(name, view)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err = w.Write(b)
	return err
}
