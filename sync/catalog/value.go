package catalog

import (
	"math"
	"strconv"
	"time"
)

// A value of the expression language is a text, a number or a truth value.
// Dates are texts of the form YYYY-MM-DD; where both sides are dates they are
// compared and subtracted as dates.
type value struct {
	kind byte // 't', 'n' or 'b'
	t    string
	n    float64
	b    bool
}

func text(s string) value    { return value{kind: 't', t: s} }
func number(f float64) value { return value{kind: 'n', n: f} }
func truth(b bool) value     { return value{kind: 'b', b: b} }

// bool is XPath's boolean(): a text is true when it is not empty, a number when
// it is neither zero nor not-a-number.
func (v value) bool() bool {
	switch v.kind {
	case 'b':
		return v.b
	case 'n':
		return v.n != 0 && !math.IsNaN(v.n)
	}
	return v.t != ""
}

// num is XPath's number(): not-a-number where there is none.
func (v value) num() float64 {
	switch v.kind {
	case 'n':
		return v.n
	case 'b':
		if v.b {
			return 1
		}
		return 0
	}
	// ParseFloat also reads "Inf", "0x1p-2" and "1_000": an answer is none of those.
	for _, c := range v.t {
		if (c < '0' || c > '9') && c != '.' && c != '-' {
			return math.NaN()
		}
	}
	f, err := strconv.ParseFloat(v.t, 64)
	if err != nil {
		return math.NaN()
	}
	return f
}

// text is XPath's string(), but a number that is not one is the empty text:
// people read it.
func (v value) text() string {
	switch v.kind {
	case 't':
		return v.t
	case 'b':
		if v.b {
			return "true"
		}
		return "false"
	}
	if math.IsNaN(v.n) || math.IsInf(v.n, 0) {
		return ""
	}
	return strconv.FormatFloat(v.n, 'f', -1, 64)
}

// date returns the day v names; only a text can.
func (v value) date() (time.Time, bool) {
	if v.kind != 't' || len(v.t) != len(time.DateOnly) {
		return time.Time{}, false
	}
	d, err := time.Parse(time.DateOnly, v.t)
	return d, err == nil
}

// equal is "=" with XPath 1.0's conversions.
func equal(a, b value) bool {
	switch {
	case a.kind == 'b' || b.kind == 'b':
		return a.bool() == b.bool()
	case a.kind == 'n' || b.kind == 'n':
		return a.num() == b.num()
	}
	return a.t == b.t
}

// order returns -1, 0 or 1, and whether a and b can be ordered at all.
func order(a, b value) (int, bool) {
	if d, ok := a.date(); ok {
		if e, ok := b.date(); ok {
			return d.Compare(e), true
		}
		return 0, false
	}
	x, y := a.num(), b.num()
	switch {
	case math.IsNaN(x) || math.IsNaN(y):
		return 0, false
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}

// maxDays keeps date arithmetic within the years 0001 to 9999.
const maxDays = 4_000_000

// add is "+" and, with a negated number, "-": a date moves by whole days.
func add(a, b value) value {
	d, isDate := a.date()
	if !isDate {
		if d, isDate = b.date(); isDate {
			a, b = b, a
		}
	}
	if !isDate {
		return number(a.num() + b.num())
	}
	days := b.num()
	if math.IsNaN(days) || math.Abs(days) > maxDays {
		return text("")
	}
	d = d.AddDate(0, 0, int(days))
	if d.Year() < 1 || d.Year() > 9999 {
		return text("")
	}
	return text(d.Format(time.DateOnly))
}

// sub is "-": two dates give the days between them.
func sub(a, b value) value {
	if d, ok := a.date(); ok {
		if e, ok := b.date(); ok {
			return number(math.Round(d.Sub(e).Hours() / 24))
		}
		return add(a, number(-b.num()))
	}
	return number(a.num() - b.num())
}
