package catalog

import (
	"strings"
	"time"

	"github.com/penjire/penjire/sync/citizen"
)

// The kinds of row (Row.Kind).
const (
	KindText           = "text"
	KindInteger        = "integer"
	KindDate           = "date"
	KindPhone          = "phone"
	KindSelectOne      = "select_one"
	KindSelectMultiple = "select_multiple"
	KindNote           = "note"
	KindCalculate      = "calculate"
)

// Kind returns the first word of the row's type: "select_one" of
// "select_one streets".
func (r Row) Kind() string {
	k, _, _ := strings.Cut(r.Type, " ")
	return k
}

// List returns the name of the row's list of choices, or "".
func (r Row) List() string {
	_, l, _ := strings.Cut(r.Type, " ")
	return strings.TrimSpace(l)
}

// Limit returns how many characters an answer may have.
func (r Row) Limit() int {
	if r.MaxLength > 0 {
		return r.MaxLength
	}
	return 200
}

// Row returns the row of the survey with that name.
func (s *Service) Row(name string) (Row, bool) {
	for _, r := range s.Survey {
		if r.Name == name {
			return r, true
		}
	}
	return Row{}, false
}

// ChoicesOf returns the choices of a select row; nil for any other row.
func (s *Service) ChoicesOf(r Row) []Choice {
	switch r.Kind() {
	case KindSelectOne, KindSelectMultiple:
		return s.Choices[r.List()]
	}
	return nil
}

// PrefillFrom returns what the row is filled with before the applicant touches it,
// from who the card says its holder is. "" when there is nothing.
func (r Row) PrefillFrom(p citizen.Person) string { return prefill(r.Prefill, p) }

func prefill(key string, p citizen.Person) string {
	switch key {
	case "card.surname":
		return p.Surname.Reveal()
	case "card.name":
		return p.Name.Reveal()
	case "card.patronymic":
		return p.Patronymic.Reveal()
	case "card.id":
		return p.ID.Reveal()
	}
	return ""
}

// Fault is what is wrong with one answer, in words for the applicant. It holds
// no part of the answer.
type Fault struct {
	Name string // of the row
	Text Text
}

// Pages returns the rows to ask, in order: one page each. Rows that are not
// relevant under a, and calculations, are left out; notes are pages without an
// answer.
func (s *Service) Pages(a citizen.Answers) []Row {
	var out []Row
	// No expression of a relevant row may depend on today() (the linter sees to
	// it), so the pages of one visit do not change at midnight.
	s.walk(a, time.Time{}, func(r Row, _ string, _ func(string) string) bool {
		if r.Kind() != KindCalculate {
			out = append(out, r)
		}
		return true
	})
	return out
}

// walk visits the relevant rows from top to bottom with the value each has:
// what was answered, or what its calculation gives. see returns false to stop.
// get reads the values of the rows already visited.
//
// One pass is enough: a row may refer only to rows above it.
func (s *Service) walk(a citizen.Answers, now time.Time, see func(r Row, v string, get func(string) string) bool) {
	values := map[string]string{}
	get := func(name string) string { return values[name] }
	for _, r := range s.Survey {
		e := env{get: get, today: now}
		if r.Relevant != "" {
			// An expression that cannot be evaluated hides nothing: better to
			// ask too much than to lose a question.
			if x, err := parseExpr(r.Relevant); err == nil {
				if v, err := x.eval(e); err == nil && !v.bool() {
					continue
				}
			}
		}
		v := ""
		switch r.Kind() {
		case KindNote:
		case KindCalculate:
			v = calculate(r, e)
		default:
			v = a.Get(r.Name)
		}
		values[r.Name] = v
		if !see(r, v, get) {
			return
		}
	}
}

func calculate(r Row, e env) string {
	x, err := parseExpr(r.Calculation)
	if err != nil {
		return ""
	}
	v, err := x.eval(e)
	if err != nil {
		return ""
	}
	return v.text()
}

// Final returns the answers that go into the request: checked, calculated, and
// without those that are not relevant (ODK's rule) or unknown to the survey.
// With faults the answers must not be sent. now gives today().
func (s *Service) Final(a citizen.Answers, now time.Time) (citizen.Answers, []Fault) {
	out, faults := map[string]string{}, []Fault(nil)
	s.walk(a, now, func(r Row, v string, get func(string) string) bool {
		switch r.Kind() {
		case KindNote:
			return true
		case KindCalculate:
		default:
			if t := s.check(r, v, env{self: v, get: get, today: now}); !t.IsZero() {
				faults = append(faults, Fault{r.Name, t})
			}
		}
		if v != "" {
			out[r.Name] = v
		}
		return true
	})
	return citizen.NewAnswers(out), faults
}

// CheckRow says what is wrong with value as the answer to row when the other
// answers are a; the zero Text means that nothing is. now gives today().
func (s *Service) CheckRow(row Row, value string, a citizen.Answers, now time.Time) Text {
	e := env{self: value, get: func(string) string { return "" }, today: now}
	s.walk(a, now, func(r Row, _ string, get func(string) string) bool {
		e.get = get
		return r.Name != row.Name
	})
	return s.check(row, value, e)
}
