package session

import (
	"testing"

	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/ui/phrase"
)

// Whatever a visit can say has words in every language.
func TestPhrasesExist(t *testing.T) {
	var keys []string
	for _, s := range CardStates {
		keys = append(keys, "card."+s+".title", "card."+s+".text")
	}
	for _, p := range Problems {
		keys = append(keys, "problem."+p+".title", "problem."+p+".kept", "problem."+p+".next")
	}
	keys = append(keys, Blocks...)
	keys = append(keys, TrackFaults...)
	keys = append(keys, Reasons...)
	for _, c := range health.All {
		if c.Notice != "" {
			keys = append(keys, c.Notice)
		}
	}
	for _, lang := range phrase.Langs {
		for _, k := range keys {
			if !phrase.In(lang).Has(k) {
				t.Errorf("%s: there is no phrase %q", lang, k)
			}
		}
	}
}
