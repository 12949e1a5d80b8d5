package form_test

import (
	"net/url"
	"testing"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/ui/form"
)

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, typ, appearance string
		in                    url.Values
		want                  string
	}{
		{"text is trimmed and its spaces made one", "text", "", url.Values{"q": {"  Magtymguly \t şaýoly "}}, "Magtymguly şaýoly"},
		{"letters and their marks become one", "text", "", url.Values{"q": {"Y\u0301as\u0327aýan"}}, "Ýaşaýan"},
		{"control characters go", "text", "", url.Values{"q": {"a\x00b\x1bc"}}, "abc"},
		{"lines stay in long texts", "text", "multiline", url.Values{"q": {"bir\r\niki\r\n"}}, "bir\niki"},
		{"lines do not stay in short texts", "text", "", url.Values{"q": {"bir\r\niki"}}, "bir iki"},
		{"integer", "integer", "", url.Values{"q": {" 1\u00a0234 "}}, "1234"},
		{"integer that is none is left to the rules", "integer", "", url.Values{"q": {"üç"}}, "üç"},
		{"phone", "phone", "", url.Values{"q": {"+993 (65) 12-34.56"}}, "+99365123456"},
		{"date", "date", "", url.Values{"q.day": {"5"}, "q.month": {" 9"}, "q.year": {"1990"}}, "1990-09-05"},
		{"no date", "date", "", url.Values{"q.day": {""}, "q.month": {" "}}, ""},
		{"half a date is left to the rules", "date", "", url.Values{"q.day": {"5"}, "q.year": {"1990"}}, "1990--05"},
		{"a hyphen cannot move the parts of a date", "date", "", url.Values{"q.day": {"-1-"}, "q.month": {"2"}, "q.year": {"2020"}}, "2020-02-01"},
		{"one choice", "select_one list", "", url.Values{"q": {"yes"}}, "yes"},
		{"no choice", "select_one list", "", url.Values{}, ""},
		{"several choices", "select_multiple list", "", url.Values{"q": {"a", "b"}}, "a b"},
		{"a note asks nothing", "note", "", url.Values{"q": {"x"}}, ""},
		{"a calculation is not entered", "calculate", "", url.Values{"q": {"x"}}, ""},
		{"another field is not this one's", "text", "", url.Values{"other": {"x"}}, ""},
	} {
		got := form.Read(catalog.Row{Type: c.typ, Name: "q", Appearance: c.appearance}, c.in)
		if got != c.want {
			t.Errorf("%s: Read = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestFor(t *testing.T) {
	if got := form.For(url.Values{form.RowField: {"street"}}); got != "street" {
		t.Errorf("For = %q, want street", got)
	}
}

// What a page shows of an answer and sends back unchanged is that answer.
func FuzzShownIsRead(f *testing.F) {
	for _, s := range []string{"", "Magtymguly şaýoly", "2018-09-01", "2018--", "1-2-3-4", "a b", "-", "\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, typ := range []string{"text", "integer", "phone", "date", "select_one l", "select_multiple l"} {
			row := catalog.Row{Type: typ, Name: "q"}
			first := form.Read(row, url.Values{"q": {s}, "q.day": {s}, "q.month": {s}, "q.year": {s}})
			fld := form.New(row, nil, first, "", "tk")
			again := form.Read(row, url.Values{"q": {fld.Value}, "q.day": {fld.Day}, "q.month": {fld.Month}, "q.year": {fld.Year}})
			if again != first {
				t.Errorf("%s: shown and read again: got %q, want %q", typ, again, first)
			}
		}
	})
}

func TestNew(t *testing.T) {
	choices := []catalog.Choice{{Name: "a", Label: catalog.Text{TK: "A"}}, {Name: "b"}, {Name: "ab"}}
	f := form.New(catalog.Row{Type: "select_multiple l", Name: "q"}, choices, "b a", "", "tk")
	if f.Kind != "many" || !f.Options[0].Chosen || !f.Options[1].Chosen || f.Options[2].Chosen || f.Options[0].Label != "A" {
		t.Errorf("New of several choices = %+v", f)
	}
	f = form.New(catalog.Row{Type: "date", Name: "q"}, nil, "2018-09-", "", "ru")
	if f.Year != "2018" || f.Month != "09" || f.Day != "" {
		t.Errorf("New of half a date = %q %q %q, want 2018 09 and nothing", f.Year, f.Month, f.Day)
	}
	for typ, want := range map[string]string{"text": "ru", "integer": "num", "phone": "phone", "date": "date"} {
		if f := form.New(catalog.Row{Type: typ, Name: "q"}, nil, "", "", "ru"); f.Keyboard != want {
			t.Errorf("New(%s).Keyboard = %q, want %q", typ, f.Keyboard, want)
		}
	}
	if f := form.New(catalog.Row{Type: "text", Name: "q", Keyboard: "tk"}, nil, "", "", "ru"); f.Keyboard != "tk" || f.Max != form.DefaultMax {
		t.Errorf("New = keyboard %q, max %d, want tk, %d", f.Keyboard, f.Max, form.DefaultMax)
	}
}
