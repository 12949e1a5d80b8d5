// Package phrase holds every text that the screens say by themselves, in
// Turkmen, Russian and English, and forms numbers and dates in the way of each.
//
// Browsers know no Turkmen: plurals, numbers and dates are all made here, on
// the server (research of the screens, facts 2 and 3). The official terms of
// the laws stand in the texts as REQUIREMENTS.md lists them. Texts of services
// come from the catalogue and are not here.
package phrase

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Langs are the languages of the screens, the state language first.
var Langs = []string{"tk", "ru", "en"}

//go:embed tk.json ru.json en.json
var files embed.FS

// entry is one phrase: its plural forms by name, "other" always among them.
type entry map[string]string

// UnmarshalJSON reads a text, or an object of plural forms.
func (e *entry) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*e = entry{"other": s}
		return nil
	}
	var m map[string]string
	if err := json.Unmarshal(b, &m); err != nil {
		return fmt.Errorf("phrase: want a text or an object of plural forms: %w", err)
	}
	*e = m
	return nil
}

// Book is all phrases of one language. Its methods may be called at once from
// several goroutines.
type Book struct {
	lang    string
	tag     language.Tag
	printer *message.Printer
	entries map[string]entry
}

var books = load()

func load() map[string]*Book {
	all := map[string]*Book{}
	for _, lang := range Langs {
		raw, err := files.ReadFile(lang + ".json")
		if err != nil {
			panic("phrase: embedded " + lang + ".json: " + err.Error())
		}
		b := &Book{lang: lang, tag: language.MustParse(lang)}
		b.printer = message.NewPrinter(b.tag)
		if err := json.Unmarshal(raw, &b.entries); err != nil {
			panic("phrase: embedded " + lang + ".json: " + err.Error())
		}
		all[lang] = b
	}
	return all
}

// In returns the phrases of lang; any unknown language gives Turkmen.
func In(lang string) *Book {
	if b := books[lang]; b != nil {
		return b
	}
	return books["tk"]
}

// Lang returns the language of the book: "tk", "ru" or "en".
func (b *Book) Lang() string { return b.lang }

// Has reports whether there is a phrase with that key.
func (b *Book) Has(key string) bool { return b.entries[key] != nil }

// Get returns the phrase with that key. {0}, {1} … in it are replaced by args;
// integers are grouped as the language does it. Where the phrase has plural
// forms, args[0] must be an int and chooses among them. A key that is missing
// comes back as ⟦key⟧, which the tests of the screens look for.
func (b *Book) Get(key string, args ...any) string {
	e := b.entries[key]
	if e == nil {
		return "⟦" + key + "⟧"
	}
	s := e["other"]
	if len(e) > 1 && len(args) > 0 {
		if n, ok := args[0].(int); ok {
			if f, ok := e[b.form(n)]; ok {
				s = f
			}
		}
	}
	for i, a := range args {
		s = strings.ReplaceAll(s, "{"+strconv.Itoa(i)+"}", b.word(a))
	}
	return s
}

// form names the plural form that n takes.
func (b *Book) form(n int) string {
	if n < 0 {
		n = -n
	}
	switch plural.Cardinal.MatchPlural(b.tag, n, 0, 0, 0, 0) {
	case plural.One:
		return "one"
	case plural.Few:
		return "few"
	case plural.Many:
		return "many"
	}
	return "other"
}

func (b *Book) word(a any) string {
	switch v := a.(type) {
	case int:
		return b.Number(v)
	case time.Time:
		return b.Date(v)
	case string:
		return v
	}
	return fmt.Sprint(a)
}

// Number returns n grouped as the language does it.
func (b *Book) Number(n int) string { return b.printer.Sprintf("%d", n) }

// Ashgabat is the time of the screens: UTC+5 all year.
var Ashgabat = time.FixedZone("TMT", 5*60*60)

// Date returns the day of t in Ashgabat: 22.11.2026, in English 22 Nov 2026,
// since there 11.12. and 12.11. are read both ways. The zero time gives "—".
func (b *Book) Date(t time.Time) string {
	switch {
	case t.IsZero():
		return "—"
	case b.lang == "en":
		return t.In(Ashgabat).Format("2 Jan 2006")
	}
	return t.In(Ashgabat).Format("02.01.2006")
}

// DateTime returns the day and the minute of t in Ashgabat.
func (b *Book) DateTime(t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	return b.Date(t) + ", " + t.In(Ashgabat).Format("15:04")
}

// Moment returns the minute of t in Ashgabat, with its day unless that is today.
func (b *Book) Moment(t time.Time, today bool) string {
	if today && !t.IsZero() {
		return t.In(Ashgabat).Format("15:04")
	}
	return b.DateTime(t)
}

// Keys returns the keys of all phrases of the book, sorted.
func (b *Book) Keys() []string { return slices.Sorted(maps.Keys(b.entries)) }

// Forms returns the plural forms of a phrase by name; a phrase without plural
// forms has "other" alone. For tests and translators' tools.
func (b *Book) Forms(key string) map[string]string { return maps.Clone(b.entries[key]) }
