package form

import (
	"slices"
	"strings"

	"github.com/penjire/penjire/sync/catalog"
)

// Field is one question, ready for the template that draws it.
type Field struct {
	Name             string // of the form field, and the row's
	Kind             string // text, multiline, integer, phone, date, one, many, note
	Label            string // the question: the page's heading
	Hint             string
	Required         bool
	Value            string
	Fault            string // what is wrong with Value, in the citizen's language; "" if nothing
	Keyboard         string // layout of the on-screen keyboard: tk, ru, en, num, date, phone
	Caps             bool   // whether words begin with a capital
	Max              int    // longest answer in characters
	Pictures         bool   // draw choices as pictograms
	Options          []Option
	Day, Month, Year string // of a date
}

// Option is one choice.
type Option struct {
	ID, Name, Label, Icon string
	Chosen                bool
}

// DefaultMax is the longest answer where the row does not say (catalog.Row).
const DefaultMax = 200

// New returns the field for row in lang, filled with value.
func New(row catalog.Row, choices []catalog.Choice, value, fault, lang string) Field {
	kind, _ := split(row.Type)
	f := Field{
		Name: row.Name, Kind: kind, Label: row.Label.In(lang), Hint: row.Hint.In(lang),
		Required: row.Required, Value: value, Fault: fault,
		Keyboard: row.Keyboard, Max: row.MaxLength,
		Pictures: row.Appearance == "pictograms",
	}
	if f.Max == 0 {
		f.Max = DefaultMax
	}
	switch kind {
	case "select_one", "select_multiple":
		f.Kind = map[string]string{"select_one": "one", "select_multiple": "many"}[kind]
		chosen := strings.Fields(value)
		for _, c := range choices {
			f.Options = append(f.Options, Option{
				ID: row.Name + "-" + c.Name, Name: c.Name, Label: c.Label.In(lang), Icon: c.Icon,
				Chosen: slices.Contains(chosen, c.Name),
			})
		}
	case "date":
		f.Year, f.Month, f.Day = cutDate(value)
		f.Keyboard = or(f.Keyboard, "date")
	case "integer":
		f.Keyboard = or(f.Keyboard, "num")
	case "phone":
		f.Keyboard = or(f.Keyboard, "phone")
	case "note", "calculate":
		f.Kind = "note"
	default:
		f.Kind = "text"
		if row.Appearance == "multiline" {
			f.Kind = "multiline"
		}
		f.Keyboard = or(f.Keyboard, lang)
		// Names and addresses begin with a capital. What asks for English
		// letters is an e-mail address or a code.
		f.Caps = f.Kind == "text" && f.Keyboard != "en"
	}
	return f
}

// cutDate parts YYYY-MM-DD, and also what readDate made of half a date.
func cutDate(v string) (year, month, day string) {
	parts := strings.SplitN(v, "-", 3)
	for len(parts) < 3 {
		parts = append(parts, "")
	}
	return parts[0], parts[1], parts[2]
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
