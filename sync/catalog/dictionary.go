package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// dictionarySize is the most that Dictionary returns.
const dictionarySize = 28 << 10

// Dictionary returns the texts that requests for these services are likely to
// hold, as document.json (edoc.md, section 3) has them: what an envelope need
// not carry, since the kiosk and the portal both have the catalogue. The same
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

// dictionary returns what requests for the service hold.
func (s *Service) dictionary() string {
	var out strings.Builder
	for _, lang := range []string{"en", "ru", "tk"} {
		fmt.Fprintf(&out, " \"name\": \"%s\",\n", s.Title.In(lang))
		fmt.Fprintf(&out, " \"regulation\": \"%s, № %s, %s\",\n", s.Regulation.Title.In(lang), s.Regulation.Number, s.Regulation.Date)
	}
	fmt.Fprintf(&out, " \"service\": \"%s\",\n \"service_version\": %d,\n", s.ID, s.Version)
	for _, r := range s.Rules {
		fmt.Fprintf(&out, "   \"rule\": \"%s\",\n   \"version\": %d,\n", r.ID, r.Version)
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
				fmt.Fprintf(&out, "\"%s\": \"%s\",\n", r.Name, ch.Name)
			}
		}
	}
	slices.Sort(names) // as answers are
	for _, n := range names {
		fmt.Fprintf(&out, "  \"%s\": \"", n)
	}
	return out.String()
}

// dictionary returns how requests name the agency.
func (a Agency) dictionary() string {
	var out strings.Builder
	for _, lang := range []string{"en", "ru", "tk"} {
		fmt.Fprintf(&out, " \"addressee\": {\n  \"organisation\": \"%s\",\n  \"position\": \"%s\",\n  \"postal\": \"%s\"\n },\n",
			a.Name.In(lang), a.Position.In(lang), a.Address.In(lang))
	}
	return out.String()
}
