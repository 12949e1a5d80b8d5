package simulation

import "testing"

// TestReplays plays seeds twice: a seed that fails is worth nothing if it cannot be
// told again.
func TestReplays(t *testing.T) {
	w := begin(t)
	for seed := *first; seed < *first+24; seed++ {
		one, two := play(t, w, seed, nil).story, play(t, w, seed, nil).story
		for i := range max(len(one), len(two)) {
			if i >= len(one) || i >= len(two) || one[i] != two[i] {
				t.Errorf("seed %d: the story differs in line %d:\n%s\n%s", seed, i, at(one, i), at(two, i))
				break
			}
		}
	}
}

func at(story []string, i int) string {
	if i >= len(story) {
		return "(it is over)"
	}
	return story[i]
}
