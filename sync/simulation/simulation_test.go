package simulation

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	oneSeed = flag.Uint64("seed", 0, "play this seed only, and tell its story")
	skipped = flag.String("skip", "", "steps of -seed to leave out, like 3-17,22")
	howMany = flag.Int("seeds", 0, "how many seeds to play; 0: PENJIRE_SEEDS, or 60")
	first   = flag.Uint64("first", 1, "the first of them")
	quiet   = flag.Bool("quiet", false, "say only which seed fails, and why")
)

// seeds returns how many seeds to play.
func seeds(t *testing.T) int {
	if *howMany > 0 {
		return *howMany
	}
	if e := os.Getenv("PENJIRE_SEEDS"); e != "" {
		n, err := strconv.Atoi(e)
		if err != nil {
			t.Fatalf("PENJIRE_SEEDS = %q, want a number", e)
		}
		return n
	}
	return 60
}

// play plays one seed.
func play(t *testing.T, w *world, seed uint64, skip map[int]bool) (s *sim) {
	synctest.Test(t, func(*testing.T) {
		s = newSim(w, seed, skip)
		s.run()
	})
	return s
}

// TestSeeds plays seeds until one breaks an invariant.
func TestSeeds(t *testing.T) {
	w, err := makeWorld()
	if err != nil {
		t.Fatal(err)
	}
	if *oneSeed != 0 {
		s := play(t, w, *oneSeed, parseSkip(t, *skipped))
		fmt.Println(s.tale())
		if s.fault != nil {
			t.Errorf("seed %d: %s is broken at step %d: %s", *oneSeed, s.fault.name, s.fault.step, s.fault.what)
		}
		return
	}
	n := uint64(seeds(t))
	start := time.Now()
	var next, played, steps atomic.Uint64
	var mu sync.Mutex
	var failed *sim
	t.Run("all", func(t *testing.T) {
		for i := range runtime.GOMAXPROCS(0) {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				for {
					k := next.Add(1)
					mu.Lock()
					over := failed != nil
					mu.Unlock()
					if k > n || over {
						return
					}
					s := play(t, w, *first+k-1, nil)
					played.Add(1)
					steps.Add(uint64(s.step))
					if s.fault != nil {
						mu.Lock()
						if failed == nil || s.seed < failed.seed {
							failed = s
						}
						mu.Unlock()
					}
				}
			})
		}
	})
	took := time.Since(start)
	t.Logf("%d seeds, %d steps in %s: %.0f seeds a second", played.Load(), steps.Load(), took.Round(time.Millisecond), float64(played.Load())/took.Seconds())
	if failed != nil {
		tell(t, w, failed)
	}
}

// tell shrinks a failing seed and tells its story.
func tell(t *testing.T, w *world, s *sim) {
	t.Helper()
	if *quiet {
		t.Errorf("seed %d: INVARIANT %s is broken: %s", s.seed, s.fault.name, s.fault.what)
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
			try := map[int]bool{}
			for k := range skip {
				try[k] = true
			}
			for i := at; i < at+size && i < s.plan.steps; i++ {
				try[i] = true
			}
			if len(try) > len(skip) && fails(try) {
				skip = try
			}
		}
	}
	cmd := fmt.Sprintf("go test ./sync/simulation -run TestSeeds -seed %d", s.seed)
	t.Errorf("seed %d: INVARIANT %s is broken: %s\n\n%s\n\nplay it again:   %s\nonly what matters: %s -skip %s", s.seed, best.fault.name, best.fault.what, brief(best.story), cmd, cmd, showSkip(skip))
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
