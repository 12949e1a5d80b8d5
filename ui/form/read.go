// Package form is the question part of a page: which control a row of the
// survey is drawn with, and how what the citizen entered is read back into the
// text that XLSForm keeps for it.
//
// It checks nothing: whether an answer will do is for the catalogue's rules
// (sync/catalog). It forgives what people type and reads it as they meant it:
// spaces in numbers, hyphens in telephone numbers, single-digit days.
package form

import (
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/penjire/penjire/sync/catalog"
)

// RowField is the form field that says which row the page asked: a page that
// was sent twice must not answer the next question.
const RowField = "row"

// For returns the name of the row that the values answer, or "".
func For(values url.Values) string { return values.Get(RowField) }

// Names of the three fields of a date, after the row's own.
const (
	daySuffix   = ".day"
	monthSuffix = ".month"
	yearSuffix  = ".year"
)

// Read returns the answer to row that the values of a submitted page hold, as
// XLSForm writes it: a date as YYYY-MM-DD, several choices with spaces between
// them. "" is no answer. What cannot be read as the row's type is returned as
// it was typed, for the rules to refuse and the page to show again.
func Read(row catalog.Row, values url.Values) string {
	kind, _ := split(row.Type)
	switch kind {
	case "date":
		return readDate(row.Name, values)
	case "integer":
		return drop(values.Get(row.Name), func(r rune) bool { return unicode.IsSpace(r) })
	case "phone":
		return drop(values.Get(row.Name), func(r rune) bool {
			return unicode.IsSpace(r) || strings.ContainsRune("-()./", r)
		})
	case "select_one":
		return strings.TrimSpace(values.Get(row.Name))
	case "select_multiple":
		return strings.Join(strings.Fields(strings.Join(values[row.Name], " ")), " ")
	case "note", "calculate":
		return ""
	}
	s := norm.NFC.String(strings.ReplaceAll(values.Get(row.Name), "\r\n", "\n"))
	if row.Appearance == "multiline" {
		return strings.TrimSpace(drop(s, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }))
	}
	return strings.Join(strings.Fields(drop(s, func(r rune) bool {
		return unicode.IsControl(r) && !unicode.IsSpace(r)
	})), " ")
}

func readDate(name string, values url.Values) string {
	part := func(suffix string) string {
		return drop(values.Get(name+suffix), func(r rune) bool { return unicode.IsSpace(r) || r == '-' })
	}
	d, m, y := part(daySuffix), part(monthSuffix), part(yearSuffix)
	if d == "" && m == "" && y == "" {
		return ""
	}
	return y + "-" + pad(m) + "-" + pad(d)
}

// pad makes 5 into 05; what is not one digit stays.
func pad(s string) string {
	if len(s) == 1 && s[0] >= '0' && s[0] <= '9' {
		return "0" + s
	}
	return s
}

func drop(s string, bad func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if bad(r) {
			return -1
		}
		return r
	}, s)
}

// split parts "select_one LIST" into its kind and its list.
func split(typ string) (kind, list string) {
	kind, list, _ = strings.Cut(strings.TrimSpace(typ), " ")
	return kind, strings.TrimSpace(list)
}
