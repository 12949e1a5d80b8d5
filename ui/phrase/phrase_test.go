package phrase_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/ui/phrase"
)

var hole = regexp.MustCompile(`\{\d\}`)

// Every phrase is there in every language, says the same things, and has the
// plural forms that its language needs.
func TestComplete(t *testing.T) {
	tk := phrase.In("tk")
	if len(tk.Keys()) < 200 {
		t.Fatalf("Keys = %d phrases, want the screens' hundreds", len(tk.Keys()))
	}
	forms := map[string][]string{"tk": {"one", "other"}, "ru": {"few", "many", "one", "other"}, "en": {"one", "other"}}
	for _, lang := range phrase.Langs {
		b := phrase.In(lang)
		if got, want := b.Keys(), tk.Keys(); !slices.Equal(got, want) {
			t.Errorf("%s has other keys than tk: %v", lang, diff(got, want))
		}
		for _, k := range b.Keys() {
			f, of := b.Forms(k), tk.Forms(k)
			if (len(f) > 1) != (len(of) > 1) {
				t.Errorf("%s %s: has plural forms in one language only", lang, k)
			}
			if got := slices.Sorted(maps.Keys(f)); len(f) > 1 && !slices.Equal(got, forms[lang]) {
				t.Errorf("%s %s: got forms %v, want %v", lang, k, got, forms[lang])
			}
			for form, s := range f {
				if got, want := holes(s), holes(of["other"]); got != want {
					t.Errorf("%s %s %s: got places %s, want %s as in Turkmen", lang, k, form, got, want)
				}
				if strings.TrimSpace(s) != s || s == "" {
					t.Errorf("%s %s: got %q, want words without spaces around them", lang, k, s)
				}
			}
		}
	}
}

func holes(s string) string {
	h := hole.FindAllString(s, -1)
	slices.Sort(h)
	return strings.Join(slices.Compact(h), "")
}

func diff(a, b []string) (d []string) {
	for _, k := range a {
		if !slices.Contains(b, k) {
			d = append(d, k)
		}
	}
	for _, k := range b {
		if !slices.Contains(a, k) {
			d = append(d, k)
		}
	}
	return d
}

// Sentences are short (checklist 9).
func TestSentencesAreShort(t *testing.T) {
	end := regexp.MustCompile(`[.!?:] `)
	for _, lang := range phrase.Langs {
		b := phrase.In(lang)
		for _, k := range b.Keys() {
			for _, s := range b.Forms(k) {
				for _, sentence := range end.Split(s, -1) {
					if n := len(strings.Fields(sentence)); n > 15 {
						t.Errorf("%s %s: a sentence has %d words, want at most 15: %q", lang, k, n, sentence)
					}
				}
			}
		}
	}
}

// The official terms of REQUIREMENTS.md are used, and their near misses are not.
func TestOfficialTerms(t *testing.T) {
	tk := phrase.In("tk")
	for key, term := range map[string]string{
		"home.apply": "Sargytnama", "pin.sign.text": "Elektron sanly gol", "service.regulation": "Dessur",
		"check.intermediary": "dellal", "title.requests": "sargytnama", "answer.answered.title": "Jogap",
	} {
		if s := tk.Get(key); !strings.Contains(s, term) {
			t.Errorf("tk %s = %q, want the term %q in it", key, s, term)
		}
	}
	for _, k := range tk.Keys() {
		for _, s := range tk.Forms(k) {
			for _, no := range []string{"arza", "elektron gol ", "elektron imza", "reglament"} {
				if strings.Contains(strings.ToLower(s), no) {
					t.Errorf("tk %s = %q, which says %q instead of the official term", k, s, no)
				}
			}
		}
	}
}

var literal = regexp.MustCompile(`"([a-z]+(?:[.-][a-z0-9-]+)*\.?)"`)

// Every phrase is said by some page: a key that the pages' sources do not name,
// whole or by its beginning, is a leftover.
func TestEveryPhraseIsUsed(t *testing.T) {
	named := map[string]bool{}
	var files []string
	for _, p := range []string{"../screen/*.go", "../screen/tpl/*.html", "../panel/*.go"} {
		m, err := filepath.Glob(p)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, m...)
	}
	if len(files) < 20 {
		t.Fatalf("found %d sources of pages, want all", len(files))
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range literal.FindAllSubmatch(b, -1) {
			named[string(m[1])] = true
		}
	}
	// Keys that the kiosk names: notices, reasons and what the verifier says.
	for _, k := range []string{"notice.", "blocked.", "track.fault.", "verify.", "reason."} {
		named[k] = true
	}
	for _, k := range phrase.In("tk").Keys() {
		used := named[k] || named[strings.TrimSuffix(k, ".text")] // help steps
		for i := range k {
			used = used || k[i] == '.' && named[k[:i+1]]
		}
		// The script's words are asked for by the last part of their key.
		last := k[strings.LastIndexByte(k, '.')+1:]
		if !used && !(strings.HasPrefix(k, "osk.") && named[last]) {
			t.Errorf("no page says %s", k)
		}
	}
}

func TestGet(t *testing.T) {
	ru := phrase.In("ru")
	for n, want := range map[int]string{1: "1 заявка", 3: "3 заявки", 5: "5 заявок", 21: "21 заявка", 11: "11 заявок"} {
		if got := ru.Get("light.unsent", n); !strings.HasPrefix(got, want) {
			t.Errorf("Get(light.unsent, %d) = %q, want it to begin with %q", n, got, want)
		}
	}
	if got := phrase.In("tk").Get("no.such.phrase"); got != "⟦no.such.phrase⟧" {
		t.Errorf("Get of a missing phrase = %q", got)
	}
	if got := phrase.In("xx").Lang(); got != "tk" {
		t.Errorf("In(xx) = %s, want tk, the state language", got)
	}
	if got, want := phrase.In("tk").Number(1234567), "1\u00a0234\u00a0567"; got != want {
		t.Errorf("Number = %q, want %q", got, want)
	}
}

func TestDates(t *testing.T) {
	late := time.Date(2026, 11, 22, 20, 30, 0, 0, time.UTC) // the next day in Ashgabat
	if got := phrase.In("tk").DateTime(late); got != "23.11.2026, 01:30" {
		t.Errorf("DateTime = %q, want 23.11.2026, 01:30", got)
	}
	if got := phrase.In("en").Date(late); got != "23 Nov 2026" {
		t.Errorf("Date = %q, want 23 Nov 2026", got)
	}
	if got := phrase.In("ru").Date(time.Time{}); got != "—" {
		t.Errorf("Date of no time = %q, want —", got)
	}
}

func ExampleBook_Get() {
	b := phrase.In("ru")
	fmt.Println(b.Get("service.term.days", 5))
	fmt.Println(b.Get("service.term.days", 2))
	// Output:
	// 5 рабочих дней
	// 2 рабочих дня
}
