package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tell shrinks a failing seed and tells its story.
func tell(t *testing.T, w *world, s *sim, f failed) {
	t.Helper()
	if s.fault == nil {
		t.Errorf("seed %d: INVARIANT %s is broken: %s\n(and the second time it is not)\n%s", f.Seed, f.Name, f.What, brief(s.story))
		return
	}
	skip := map[int]bool{}
	best := s
	fails := func(skip map[int]bool) bool {
		again := play(t, w, s.seed, skip)
		if again.fault == nil || again.fault.name != s.fault.name {
			return false
		}
		best = again
		return true
	}
	start := time.Now()
	for size := max(1, s.fault.step/2); size >= 1 && time.Since(start) < 20*time.Second; size /= 2 {
		for at := 0; at < s.plan.steps && time.Since(start) < 20*time.Second; at += size {
			try := maps.Clone(skip)
			for i := at; i < at+size && i < s.plan.steps; i++ {
				try[i] = true
			}
			if len(try) > len(skip) && fails(try) {
				skip = try
			}
		}
	}
	t.Errorf("seed %d: INVARIANT %s is broken: %s\n\n%s\n\nplay it again:     %s\nonly what matters: %s",
		s.seed, best.fault.name, best.fault.what, brief(best.story), replay(s.seed, nil), replay(s.seed, skip))
}

// replay is the command that plays a seed again.
func replay(seed uint64, skip map[int]bool) string {
	cmd := fmt.Sprintf("go test ./sync/simulation -run TestSeeds -seed %d", seed)
	if *with != "" {
		cmd += " -with " + strconv.Quote(*with)
	}
	if len(skip) > 0 {
		cmd += " -skip " + showSkip(skip)
	}
	return cmd
}

func parseSkip(t *testing.T, text string) map[int]bool {
	t.Helper()
	out := map[int]bool{}
	for part := range strings.SplitSeq(text, ",") {
		if part == "" {
			continue
		}
		a, b, isRange := strings.Cut(part, "-")
		if !isRange {
			b = a
		}
		from, err := strconv.Atoi(a)
		if err != nil {
			t.Fatalf("-skip %q: %v", text, err)
		}
		to, err := strconv.Atoi(b)
		if err != nil {
			t.Fatalf("-skip %q: %v", text, err)
		}
		for i := from; i <= to; i++ {
			out[i] = true
		}
	}
	return out
}

func showSkip(skip map[int]bool) string {
	var all []int
	for i := range skip {
		all = append(all, i)
	}
	slices.Sort(all)
	var parts []string
	for i := 0; i < len(all); {
		j := i
		for j+1 < len(all) && all[j+1] == all[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, strconv.Itoa(all[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", all[i], all[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}

// brief leaves out most of what an endless end repeats.
func brief(story []string) string {
	for i, l := range story {
		if strings.Contains(l, "FROM HERE ON") && len(story) > i+60 {
			return strings.Join(story[:i+50], "\n") + fmt.Sprintf("\n      … and %d lines like these", len(story)-i-50)
		}
	}
	return strings.Join(story, "\n")
}
