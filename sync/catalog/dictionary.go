package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// dictionarySize is the most that Dictionary returns.
const dictionarySize = 27 << 10

// Dictionary returns the texts that requests for these services are likely to
// hold, as their lean form (edoc.md, section 10.1) has them: what an envelope
// need not carry, since the kiosk and the portal both have the catalogue. The same
// catalogue always gives the same bytes, in every version of this software
// (catalog.md, section 7).
func (c *Catalogue) Dictionary() []byte {
	var pieces []string
	left := dictionarySize
	add := func(piece string) bool {
		if left -= len(piece); left < 0 {
			return false
		}
		pieces = append(pieces, piece)
		return true
	}
	agencies := map[string]bool{}
	for _, s := range c.Services {
		p := s.dictionary()
		if a, ok := c.Agency(s.Agency); ok && !agencies[a.ID] {
			agencies[a.ID] = true
			p += a.dictionary()
		}
		if !add(p) {
			break
		}
	}
	// What is nearer to the end is cheaper to point to: the first service last.
	slices.Reverse(pieces)
	out := make([]byte, 0, dictionarySize-max(left, 0))
	for _, p := range pieces {
		out = append(out, p...)
	}
	return out
}

// dictionary returns what requests for the service hold, as their lean form
// (edoc.md, section 10.1) has it: values end with a zero, names with a quote.
func (s *Service) dictionary() string {
	var out strings.Builder
	for _, lang := range []string{"en", "ru", "tk"} {
		fmt.Fprintf(&out, "%s\x001\x00%s\x00%d\x00%s, № %s, %s\x00", s.Title.In(lang), s.ID, s.Version,
			s.Regulation.Title.In(lang), s.Regulation.Number, s.Regulation.Date)
	}
	for _, r := range s.Rules {
		fmt.Fprintf(&out, "%s\x00%d\x00", r.ID, r.Version)
	}
	lists := map[string]bool{}
	names := make([]string, 0, len(s.Survey))
	for _, r := range s.Survey {
		if r.Type != "note" {
			names = append(names, r.Name)
		}
		if list := r.List(); list != "" && !lists[list] {
			lists[list] = true
			for _, ch := range s.Choices[list] {
				out.WriteString(ch.Name + "\x00")
			}
		}
	}
	slices.Sort(names) // as answers are
	for _, n := range names {
		out.WriteString(n + `"`)
	}
	return out.String()
}

// dictionary returns how requests name the agency.
func (a Agency) dictionary() string {
	var out strings.Builder
	for _, lang := range []string{"en", "ru", "tk"} {
		fmt.Fprintf(&out, "%s\x00%s\x00%s\x00", a.Name.In(lang), a.Position.In(lang), a.Address.In(lang))
	}
	return out.String()
}
