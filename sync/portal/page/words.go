package page

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/explain"
)

//go:embed texts/*.json
var common embed.FS

// Zone is the country's time, UTC+5 all the year.
var Zone = time.FixedZone("+05", 5*60*60)

// Codes are the languages of every page.
var Codes = []string{"tk", "ru", "en"}

// Texts are the words of a set of pages in three languages: the common ones
// and the set's own. They are read once and not changed.
type Texts struct{ words map[string]map[string]phrase }

// phrase is one text; forms other than other are for counted things.
type phrase struct{ One, Few, Many, Other string }

func (p *phrase) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &p.Other)
	}
	type forms phrase
	return json.Unmarshal(b, (*forms)(p))
}

// Load reads tk.json, ru.json and en.json of dir in fsys beside the common
// texts and, as "reason.CODE" and "means.CODE", what package explain says of the
// reasons of a check. A key that is missing in one language, is there twice or says nothing
// is an error: no page is ever half translated.
func Load(fsys fs.FS, dir string) (*Texts, error) {
	t := &Texts{words: map[string]map[string]phrase{}}
	for _, lang := range Codes {
		t.words[lang] = map[string]phrase{}
		for _, code := range explain.Reasons() {
			x, _ := explain.Reason(lang, code)
			t.words[lang]["reason."+code], t.words[lang]["means."+code] = phrase{Other: x.Found}, phrase{Other: x.Means}
		}
		for _, src := range []struct {
			fs  fs.FS
			dir string
		}{{common, "texts"}, {fsys, dir}} {
			b, err := fs.ReadFile(src.fs, src.dir+"/"+lang+".json")
			if err != nil {
				return nil, fmt.Errorf("page: read texts: %w", err)
			}
			var m map[string]phrase
			if err := json.Unmarshal(b, &m); err != nil {
				return nil, fmt.Errorf("page: read texts %s/%s.json: %w", src.dir, lang, err)
			}
			for k, p := range m {
				if _, ok := t.words[lang][k]; ok {
					return nil, fmt.Errorf("page: text %q (%s) is there twice", k, lang)
				}
				if p.Other == "" {
					return nil, fmt.Errorf("page: text %q (%s) is empty", k, lang)
				}
				t.words[lang][k] = p
			}
		}
	}
	want := t.Keys()
	for _, lang := range Codes {
		if got := slices.Sorted(maps.Keys(t.words[lang])); !slices.Equal(got, want) {
			return nil, fmt.Errorf("page: texts in %s differ from tk: %v", lang, difference(got, want))
		}
	}
	return t, nil
}

// difference returns what is in exactly one of a and b.
func difference(a, b []string) []string {
	var d []string
	for _, x := range a {
		if !slices.Contains(b, x) {
			d = append(d, x)
		}
	}
	for _, x := range b {
		if !slices.Contains(a, x) {
			d = append(d, x)
		}
	}
	return d
}

// Keys returns the keys of all texts, sorted.
func (t *Texts) Keys() []string { return slices.Sorted(maps.Keys(t.words["tk"])) }

// Has reports whether there is a text key.
func (t *Texts) Has(key string) bool {
	_, ok := t.words["tk"][key]
	return ok
}

// Say returns the text key in lang with args put in as fmt does. A key that
// does not exist is an error, never an empty place on the page.
func (t *Texts) Say(lang, key string, args ...any) (string, error) {
	p, ok := t.words[lang][key]
	if !ok {
		return "", fmt.Errorf("page: there is no text %q in %q", key, lang)
	}
	if len(args) == 0 {
		return p.Other, nil
	}
	return fmt.Sprintf(p.Other, args...), nil
}

// Count returns the form of the text key for n things, with n put in first.
func (t *Texts) Count(lang, key string, n int, args ...any) (string, error) {
	p, ok := t.words[lang][key]
	if !ok {
		return "", fmt.Errorf("page: there is no text %q in %q", key, lang)
	}
	return fmt.Sprintf(p.form(lang, n), append([]any{n}, args...)...), nil
}

// form picks the plural form by the rules of CLDR for whole numbers.
func (p phrase) form(lang string, n int) string {
	n = max(n, -n)
	s := p.Other
	switch {
	case lang != "ru":
		if n == 1 {
			s = p.One
		}
	case n%10 == 1 && n%100 != 11:
		s = p.One
	case n%10 >= 2 && n%10 <= 4 && (n%100 < 12 || n%100 > 14):
		s = p.Few
	default:
		s = p.Many
	}
	if s == "" {
		return p.Other
	}
	return s
}

var months = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}

// Date returns the day of t in the country's time: 22.11.2026, in English
// 22 November 2026 (an English reader may take 11.12. for either day). The
// zero time gives a dash.
func Date(lang string, t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	t = t.In(Zone)
	if lang == "en" {
		return fmt.Sprintf("%d %s %d", t.Day(), months[t.Month()-1], t.Year())
	}
	return t.Format("02.01.2006")
}

// Moment returns the day and the time of day of t in the country's time.
func Moment(lang string, t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return Date(lang, t) + ", " + t.In(Zone).Format("15:04")
}

// Term returns the end of the day of due in the country's time: an answer on
// the last day of the term is in time (catalog.Catalogue.Due gives that day).
func Term(due time.Time) time.Time {
	y, m, d := due.In(Zone).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, Zone)
}
