package session_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/penjire/penjire/firmware/session"
)

// TestBlocksAreProblems: what blocks requests may come in the middle of a visit, and
// is then a page of its own. The pages for a key that fails and for an outbox that
// was put back had no words.
func TestBlocksAreProblems(t *testing.T) {
	for _, b := range session.Blocks {
		if !slices.Contains(session.Problems, strings.TrimPrefix(b, "blocked.")) {
			t.Errorf("%s: there is no problem page of that name", b)
		}
	}
}
