package catalog

import (
	"fmt"
	"slices"
)

// survey checks the rows and their lists of choices.
func (l *linter) survey(at string, s *Service) {
	above := map[string]Row{} // rows that an expression may refer to
	timed := map[string]bool{}
	used := map[string]bool{}
	for i, r := range s.Survey {
		p := fmt.Sprintf("%ssurvey[%d].", at, i)
		if !isName(r.Name) {
			l.add(p+"name", "got %q, want a small letter, then small letters, digits and _", r.Name)
		} else if _, ok := above[r.Name]; ok {
			l.add(p+"name", "%q is there twice", r.Name)
		}
		l.row(p, s, r)
		if r.List() != "" {
			used[r.List()] = true
		}
		l.expression(p+"relevant", r.Relevant, above, timed, false, false)
		l.expression(p+"constraint", r.Constraint, above, timed, true, true)
		if l.expression(p+"calculation", r.Calculation, above, timed, false, true) {
			timed[r.Name] = true
		}
		above[r.Name] = r
	}
	for name, cs := range s.Choices {
		p := fmt.Sprintf("%schoices[%s]", at, name)
		if !isName(name) {
			l.add(p, "the list's name must be a small letter, then small letters, digits and _")
		}
		if !used[name] {
			l.add(p, "no question uses this list")
		}
		if len(cs) < 2 {
			l.add(p, "got %d choices, want at least 2", len(cs))
		}
		seen := map[string]bool{}
		for i, c := range cs {
			l.id(fmt.Sprintf("%s[%d].name", p, i), c.Name)
			if seen[c.Name] {
				l.add(fmt.Sprintf("%s[%d].name", p, i), "%q is there twice", c.Name)
			}
			seen[c.Name] = true
			l.text(fmt.Sprintf("%s[%d].label", p, i), c.Label, true)
			if c.Icon != "" {
				l.id(fmt.Sprintf("%s[%d].icon", p, i), c.Icon)
			}
		}
	}
}

func (l *linter) row(p string, s *Service, r Row) {
	kind := r.Kind()
	switch kind {
	case KindText, KindInteger, KindDate, KindPhone, KindNote, KindCalculate:
		if r.Type != kind {
			l.add(p+"type", "got %q, want %q", r.Type, kind)
		}
	case KindSelectOne, KindSelectMultiple:
		if len(s.Choices[r.List()]) == 0 {
			l.add(p+"type", "there is no list of choices %q", r.List())
		}
	default:
		l.add(p+"type", "got %q, want text, integer, date, phone, select_one LIST, select_multiple LIST, note or calculate", r.Type)
	}
	shown := kind != KindCalculate
	asked := shown && kind != KindNote
	l.text(p+"label", r.Label, shown)
	l.text(p+"hint", r.Hint, false)
	l.text(p+"constraint_message", r.ConstraintMessage, r.Constraint != "")
	if (r.Calculation != "") != (kind == KindCalculate) {
		l.add(p+"calculation", "belongs to a calculate row, and to no other")
	}
	if !asked && (r.Required || r.Constraint != "" || r.Prefill != "") {
		l.add(p+"type", "a %s is not answered: it cannot be required, constrained or prefilled", kind)
	}
	l.oneOf(p+"appearance", r.Appearance, "", "multiline", "pictograms")
	if r.Appearance == "multiline" && kind != KindText {
		l.add(p+"appearance", "multiline belongs to text")
	}
	if r.Appearance == "pictograms" {
		for _, c := range s.ChoicesOf(r) {
			if c.Icon == "" {
				l.add(p+"appearance", "pictograms, but choice %q has no icon", c.Name)
			}
		}
	}
	l.oneOf(p+"keyboard", r.Keyboard, "", "tk", "ru", "en", "num", "date", "phone")
	l.prefill(p+"prefill", r.Prefill, s)
	if r.MaxLength < 0 || r.MaxLength > 4000 {
		l.add(p+"max_length", "got %d, want 0 to 4000", r.MaxLength)
	}
}

// expression checks one expression and reports whether what it gives depends on
// the day.
func (l *linter) expression(path, src string, above map[string]Row, timed map[string]bool, self, today bool) bool {
	if src == "" {
		return false
	}
	x, err := parseExpr(src)
	if err != nil {
		l.add(path, "%v", err)
		return false
	}
	if x.self && !self {
		l.add(path, "the value itself (.) can be used only in a constraint")
	}
	onDay := x.now || slices.ContainsFunc(x.refs, func(n string) bool { return timed[n] })
	if onDay && !today {
		l.add(path, "it depends on today(): which questions are asked must not change with the day")
	}
	for _, n := range x.refs {
		if r, ok := above[n]; !ok {
			l.add(path, "${%s} is no question above this one", n)
		} else if r.Kind() == KindNote {
			l.add(path, "${%s} is a note: it has no answer", n)
		}
	}
	return onDay
}
