package simulation

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"
)

var (
	oneSeed = flag.Uint64("seed", 0, "play this seed only, and tell its story")
	skipped = flag.String("skip", "", "steps of -seed to leave out, like 3-17,22")
	howMany = flag.Int("seeds", 0, "how many seeds to play; 0: PENJIRE_SEEDS, or 2000; with -short 100")
	first   = flag.Uint64("first", 1, "the first of them")
	with    = flag.String("with", "", "faults that every seed has, like torn,clone")
	quiet   = flag.Bool("quiet", false, "say only which seed fails, and why")
	goOn    = flag.Bool("go-on", false, "play on after a seed that fails, and list all that do")
	share   = flag.String("share", "", "play the i-th of n shares of the seeds, as i/n, and write what came of it to -report")
	report  = flag.String("report", "", "the file for that")
)

// enough are the seeds from which on every fault must have happened.
const enough = 1500

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
	if testing.Short() {
		return 100
	}
	return 2000
}

// begin makes the world. All that is random comes from seeds, so that a seed means
// the same in every process; and one goroutine runs at a time, so that it takes the
// same way each time.
func begin(t *testing.T) *world {
	t.Helper()
	procs := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(procs) })
	cryptotest.SetGlobalRandom(t, 0)
	w, err := makeWorld()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// longest is how long a seed may take, on a clock on a wall.
const longest = 3 * time.Minute

// play plays one seed.
func play(t *testing.T, w *world, seed uint64, skip map[int]bool) (s *sim) {
	t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, seed)
		started := make(chan *sim, 1)
		watch := time.AfterFunc(longest, func() {
			s := <-started
			s.mu.Lock()
			defer s.mu.Unlock()
			fmt.Printf("%s\nseed %d: INVARIANT ItEnds is broken: it plays since %s\n%s\n",
				brief(s.story), seed, longest, replay(seed, skip))
			os.Exit(3)
		})
		defer watch.Stop()
		synctest.Test(t, func(*testing.T) {
			s = newSim(w, seed, skip)
			started <- s
			s.run()
		})
	})
	return s
}

// TestSeeds plays seeds until one breaks an invariant.
func TestSeeds(t *testing.T) {
	switch {
	case *oneSeed != 0:
		s := play(t, begin(t), *oneSeed, parseSkip(t, *skipped))
		fmt.Println(s.tale())
		if s.fault != nil {
			t.Errorf("seed %d: %s is broken at step %d: %s", *oneSeed, s.fault.name, s.fault.step, s.fault.what)
		}
	case *share != "":
		playShare(t)
	default:
		playShares(t)
	}
}

// playShares has as many processes as there are processors play the seeds.
func playShares(t *testing.T) {
	n := uint64(seeds(t))
	start := time.Now()
	sum := shares(t, *first, n)
	took := time.Since(start)
	t.Logf("%d seeds, %d steps in %s: %.1f seeds a second", sum.Played, sum.Steps, took.Round(time.Millisecond), float64(sum.Played)/took.Seconds())
	if len(sum.Failed) > 0 {
		f := sum.first()
		if !*quiet {
			w := begin(t)
			tell(t, w, play(t, w, f.Seed, nil), f)
		}
		for _, f := range sum.Failed {
			t.Errorf("seed %d: INVARIANT %s is broken: %s", f.Seed, f.Name, f.What)
		}
		return
	}
	t.Logf("how often what happened:\n%s", sum.Counts.table())
	if n < enough {
		return
	}
	for _, what := range sum.Counts.missing(n) {
		t.Errorf("in %d seeds it never happened: %s", n, what)
	}
}
