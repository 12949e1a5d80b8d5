package catalog

import (
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/citizen"
)

// Months as they stand after a day's number.
var months = map[string][12]string{
	"tk": {"ýanwar", "fewral", "mart", "aprel", "maý", "iýun", "iýul", "awgust", "sentýabr", "oktýabr", "noýabr", "dekabr"},
	"ru": {"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"},
	"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
}

// Day returns the day of t in words: «7 mart 1984».
func Day(t time.Time, lang string) string {
	m, ok := months[lang]
	if !ok {
		m = months["tk"]
	}
	return strconv.Itoa(t.Day()) + " " + m[t.Month()-1] + " " + strconv.Itoa(t.Year())
}

// Display returns value as people read it in lang: the words of a choice, a
// date with its month, anything else as it is.
func (s *Service) Display(row Row, value, lang string) string {
	switch row.Kind() {
	case KindDate:
		if d, err := time.Parse(time.DateOnly, value); err == nil {
			return Day(d, lang)
		}
	case KindSelectOne, KindSelectMultiple:
		var words []string
		for v := range strings.FieldsSeq(value) {
			word := v
			for _, c := range s.Choices[row.List()] {
				if c.Name == v {
					word = c.Label.In(lang)
				}
			}
			words = append(words, word)
		}
		return strings.Join(words, ", ")
	}
	return value
}

// FactPrefill returns what the agency's form starts with for the fact f: what
// the card said, or the answers to the questions that f names, in lang's words
// and with commas between them.
func (s *Service) FactPrefill(f Fact, p citizen.Person, a citizen.Answers, lang string) string {
	var said []string
	for name := range strings.FieldsSeq(f.Prefill) {
		row, ok := s.Row(name)
		if !ok {
			return prefill(f.Prefill, p)
		}
		if v := s.Display(row, a.Get(row.Name), lang); v != "" {
			said = append(said, v)
		}
	}
	return strings.Join(said, ", ")
}
