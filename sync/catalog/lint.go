package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Problem is what the linter has against one place of a definition.
type Problem struct {
	Path string // "services[0].survey[3].label"
	What string
}

// Error implements error.
func (p Problem) Error() string { return p.Path + ": " + p.What }

func asError(ps []Problem) error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// linter collects problems; its methods take the path of what they look at.
type linter struct{ problems []Problem }

func (l *linter) add(path, format string, a ...any) {
	l.problems = append(l.problems, Problem{path, fmt.Sprintf(format, a...)})
}

func (l *linter) oneOf(path, got string, want ...string) {
	if !slices.Contains(want, got) {
		l.add(path, "got %q, want one of %s", got, strings.Join(want, ", "))
	}
}

// text wants all three languages, or none of them where that is allowed.
func (l *linter) text(path string, t Text, required bool) {
	if t.IsZero() && !required {
		return
	}
	for _, lang := range []string{"tk", "ru", "en"} {
		s := t.TK
		switch lang {
		case "ru":
			s = t.RU
		case "en":
			s = t.EN
		}
		if strings.TrimSpace(s) == "" {
			l.add(path+"."+lang, "there is no text")
		} else if strings.TrimSpace(s) != s || !printable(s, true) {
			l.add(path+"."+lang, "stray spaces or characters that cannot be shown")
		}
	}
}

func (l *linter) id(path, got string) {
	if !isID(got) {
		l.add(path, "got %q, want small letters, digits, - and _", got)
	}
}

func (l *linter) day(path, got string) {
	if _, err := time.Parse(time.DateOnly, got); err != nil {
		l.add(path, "got %q, want YYYY-MM-DD", got)
	}
}

// Lint returns everything that is wrong with the catalogue; none: it may be
// published.
func (c *Catalogue) Lint() []Problem {
	l := new(linter)
	l.oneOf("schema", c.Schema, SchemaCatalogue)
	if c.Version == 0 {
		l.add("version", "got 0, want 1 or more")
	}
	for i, h := range c.Holidays {
		l.day(fmt.Sprintf("holidays[%d]", i), h)
	}
	known := l.agencies(c.Agencies)
	l.services(c.Services)
	for i, s := range c.Services {
		if !known[s.Agency] {
			l.add(fmt.Sprintf("services[%d].agency", i), "there is no agency %q", s.Agency)
		}
	}
	return l.problems
}

// Lint returns everything that is wrong with the pack by itself.
func (p *Pack) Lint() []Problem {
	l := new(linter)
	l.oneOf("schema", p.Schema, SchemaPack)
	l.agencies(p.Agencies)
	l.services(p.Services)
	if len(p.Agencies)+len(p.Services) == 0 {
		l.add("services", "the pack is empty")
	}
	return l.problems
}

// Lint returns everything that is wrong with the service by itself.
func (s *Service) Lint() []Problem {
	l := new(linter)
	l.service("", s)
	return l.problems
}

func (l *linter) agencies(as []Agency) map[string]bool {
	seen := map[string]bool{}
	for i, a := range as {
		at := fmt.Sprintf("agencies[%d]", i)
		l.id(at+".id", a.ID)
		if seen[a.ID] {
			l.add(at+".id", "%q is there twice", a.ID)
		}
		seen[a.ID] = true
		l.text(at+".name", a.Name, true)
		l.text(at+".position", a.Position, true)
		l.text(at+".address", a.Address, true)
	}
	return seen
}

func (l *linter) services(ss []Service) {
	seen := map[string]bool{}
	for i := range ss {
		at := fmt.Sprintf("services[%d].", i)
		if seen[ss[i].ID] {
			l.add(at+"id", "%q is there twice", ss[i].ID)
		}
		seen[ss[i].ID] = true
		l.service(at, &ss[i])
	}
}

func (l *linter) service(at string, s *Service) {
	l.oneOf(at+"schema", s.Schema, SchemaService)
	l.id(at+"id", s.ID)
	if s.Version < 1 {
		l.add(at+"version", "got %d, want 1 or more", s.Version)
	}
	l.oneOf(at+"kind", s.Kind, "information", "interactive")
	l.id(at+"agency", s.Agency)
	l.oneOf(at+"field", s.Field, "economic", "legal", "education", "social", "medical", "housing")
	l.oneOf(at+"direction", s.Direction, "state-citizen", "state-business", "business-citizen", "business-business")
	l.id(at+"icon", s.Icon)
	l.text(at+"title", s.Title, true)
	l.text(at+"summary", s.Summary, true)
	l.text(at+"regulation.title", s.Regulation.Title, true)
	if s.Regulation.Number == "" {
		l.add(at+"regulation.number", "there is none: every service rests on an act (EG-18)")
	}
	l.day(at+"regulation.date", s.Regulation.Date)
	if s.TermDays < 0 || s.TermDays > 365 {
		l.add(at+"term_days", "got %d, want 0 to 365", s.TermDays)
	}
	if s.Fee.Tenge < 0 {
		l.add(at+"fee.tenge", "got %d, want 0 or more", s.Fee.Tenge)
	}
	l.text(at+"fee.note", s.Fee.Note, s.Fee.Tenge > 0)
	l.oneOf(at+"identification", s.Identification, IdentifyNone, IdentifyCard)
	l.oneOf(at+"minors", s.Minors, "", MinorsAllowed, MinorsWithGuardian, MinorsNo)
	l.oneOf(at+"representatives", s.Representatives, "", RepresentAllowed, RepresentNo)
	if s.Amount != "" {
		if r, ok := s.Row(s.Amount); !ok || r.Kind() != KindInteger {
			l.add(at+"amount", "there is no row %q of type integer", s.Amount)
		}
	}
	for i, d := range s.Documents {
		l.text(fmt.Sprintf("%sdocuments[%d]", at, i), d, true)
	}
	for i, r := range s.Registers {
		l.id(fmt.Sprintf("%sregisters[%d].id", at, i), r.ID)
		l.text(fmt.Sprintf("%sregisters[%d].name", at, i), r.Name, true)
	}
	l.rules(at, s)
	l.survey(at, s)
	l.result(at, s)
}

func (l *linter) rules(at string, s *Service) {
	// Whatever is asked is personal data or may hold some: there is always
	// something to consent to (EG-14.3).
	if len(s.Rules) == 0 && len(s.Survey) > 0 {
		l.add(at+"rules", "there is none: consent to the processing of data is needed (EG-14.3)")
	}
	seen := map[string]bool{}
	for i, r := range s.Rules {
		p := fmt.Sprintf("%srules[%d].", at, i)
		l.id(p+"id", r.ID)
		if seen[r.ID] {
			l.add(p+"id", "%q is there twice", r.ID)
		}
		seen[r.ID] = true
		if r.Version < 1 {
			l.add(p+"version", "got %d, want 1 or more", r.Version)
		}
		l.text(p+"title", r.Title, true)
		l.text(p+"text", r.Text, true)
	}
}

// maxFacts is how many facts fit on the paper and into its seal.
const maxFacts = 8

func (l *linter) result(at string, s *Service) {
	at += "result."
	l.oneOf(at+"kind", s.Result.Kind, ResultInformation, ResultEDocument, ResultCertifiedCopy)
	l.text(at+"title", s.Result.Title, true)
	l.document(at, s)
	if n := len(s.Result.Facts); n > maxFacts {
		l.add(at+"facts", "got %d, want at most %d: they must fit the printed seal", n, maxFacts)
	} else if n == 0 && s.Result.Kind == ResultCertifiedCopy {
		l.add(at+"facts", "a certified copy states at least one fact")
	}
	seen := map[string]bool{}
	for i, f := range s.Result.Facts {
		p := fmt.Sprintf("%sfacts[%d].", at, i)
		if !isName(f.Name) || seen[f.Name] {
			l.add(p+"name", "got %q, want a name that is not taken", f.Name)
		}
		seen[f.Name] = true
		l.text(p+"label", f.Label, true)
		if f.Prefill != PrefillCode && !s.asks(strings.Fields(f.Prefill)) {
			l.prefill(p+"prefill", f.Prefill, s)
		}
	}
}

// asks reports whether there is at least one name and each is a row's.
func (s *Service) asks(names []string) bool {
	for _, n := range names {
		if _, ok := s.Row(n); !ok {
			return false
		}
	}
	return len(names) > 0
}

func (l *linter) prefill(path, got string, s *Service) {
	if got == "" {
		return
	}
	l.oneOf(path, got, "card.surname", "card.name", "card.patronymic", "card.id")
	if s.Identification != IdentifyCard {
		l.add(path, "%s without a card: identification is %q", got, s.Identification)
	}
}
