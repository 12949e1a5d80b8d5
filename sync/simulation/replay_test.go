package simulation

import (
	"regexp"
	"slices"
	"testing"
)

// chance is what differs between two runs of one seed and decides nothing: names
// of folders, digests, and what the processes log, in the order they come to it.
var chance = regexp.MustCompile(`/[^ ]*penjire-[^ ]*|[0-9a-f]{8,}`)

// TestReplays plays seeds twice: a seed that fails is worth nothing if it cannot be
// told again.
func TestReplays(t *testing.T) {
	w, err := makeWorld()
	if err != nil {
		t.Fatal(err)
	}
	for seed := uint64(1); seed <= 12; seed++ {
		one, two := told(play(t, w, seed, nil)), told(play(t, w, seed, nil))
		for i := range min(len(one), len(two)) {
			if one[i] != two[i] {
				t.Errorf("seed %d: the story differs in line %d:\n%s\n%s", seed, i, one[i], two[i])
				break
			}
		}
		if len(one) != len(two) {
			t.Errorf("seed %d: the stories have %d and %d lines", seed, len(one), len(two))
		}
	}
}

func told(s *sim) []string {
	var out []string
	for _, l := range s.story {
		if !logged.MatchString(l) {
			out = append(out, chance.ReplaceAllString(l, "…"))
		}
	}
	return slices.Clip(out)
}

var logged = regexp.MustCompile(` logs: `)
