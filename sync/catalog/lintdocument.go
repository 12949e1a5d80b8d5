package catalog

import "strings"

// document wants the result to be something that may be an e-document. By the
// law on electronic documents, article 10, part 5 (ED-10.5), never is: a
// certificate of the right to inheritance, a document that may exist in one
// original only, and what another law keeps on paper.
func (l *linter) document(at string, s *Service) {
	switch s.Result.Document {
	case "certificate":
		if inherits(s.Result.Title) {
			l.add(at+"document", "a certificate by this title is one of the right to inheritance, which can never be an e-document (ED-10.5); if it is not, the title says so")
		}
	case "extract", "registration", "reply":
	case "inheritance-certificate":
		l.add(at+"document", "a certificate of the right to inheritance can never be an e-document (ED-10.5): the service cannot be offered here")
	case "sole-original":
		l.add(at+"document", "a document that may exist in one original only can never be an e-document, of which every copy is an original (ED-10.5, ED-8): the service cannot be offered here")
	case "paper-only":
		l.add(at+"document", "a document that a law keeps on paper can never be an e-document (ED-10.5): the service cannot be offered here")
	default:
		l.add(at+"document", "got %q, want one of certificate, extract, registration, reply", s.Result.Document)
	}
}

// inherits reports whether a title speaks of inheritance, in any language.
func inherits(t Text) bool {
	for text, stem := range map[string]string{t.TK: "miras", t.RU: "наслед", t.EN: "inherit"} {
		if strings.Contains(strings.ToLower(text), stem) {
			return true
		}
	}
	return false
}
