package simulation

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// outcome is what came of a share of the seeds, or of all.
type outcome struct {
	Played, Steps uint64
	Counts        counts
	Failed        []failed
}

// failed is a seed that breaks an invariant.
type failed struct {
	Seed uint64
	Name string
	What string
}

func (o *outcome) add(more *outcome) {
	o.Played += more.Played
	o.Steps += more.Steps
	o.Counts.add(more.Counts)
	o.Failed = append(o.Failed, more.Failed...)
}

func (o *outcome) first() failed {
	return slices.MinFunc(o.Failed, func(a, b failed) int { return cmp.Compare(a.Seed, b.Seed) })
}

// shares plays n seeds from first on in as many processes as there are processors:
// in one process alone, one seed would come in another's way.
func shares(t *testing.T, first, n uint64) *outcome {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	dir := t.TempDir()
	sum := &outcome{Counts: counts{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	procs := int(min(uint64(runtime.GOMAXPROCS(0)), n))
	for i := range procs {
		wg.Go(func() {
			file := filepath.Join(dir, strconv.Itoa(i))
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestSeeds$", "-test.timeout", "0",
				"-share", fmt.Sprintf("%d/%d", i, procs), "-report", file,
				"-with", *with, "-go-on="+strconv.FormatBool(*goOn), "-seeds", strconv.FormatUint(n, 10), "-first", strconv.FormatUint(first, 10))
			said, err := cmd.CombinedOutput()
			mu.Lock()
			defer mu.Unlock()
			if ctx.Err() != nil {
				return
			}
			var o outcome
			if b, e := os.ReadFile(file); err == nil && e == nil {
				err = json.Unmarshal(b, &o)
			}
			if err != nil {
				if f := neverEnded(string(said)); f != nil && *quiet {
					sum.add(&outcome{Failed: []failed{*f}})
				} else {
					t.Errorf("a share of the seeds: %v\n%s", err, said)
				}
				stop()
				return
			}
			if sum.add(&o); len(o.Failed) > 0 && !*goOn {
				stop()
			}
		})
	}
	wg.Wait()
	return sum
}

// neverEnded finds the seed whose process gave up.
func neverEnded(said string) *failed {
	m := caught.FindStringSubmatch(said)
	if m == nil {
		return nil
	}
	seed, err := strconv.ParseUint(m[1], 10, 64)
	if err != nil {
		return nil
	}
	return &failed{seed, m[2], m[3]}
}

// playShare plays the seeds of one process.
func playShare(t *testing.T) {
	a, b, _ := strings.Cut(*share, "/")
	i, err := strconv.ParseUint(a, 10, 64)
	if err != nil {
		t.Fatalf("-share %q: %v", *share, err)
	}
	of, err := strconv.ParseUint(b, 10, 64)
	if err != nil {
		t.Fatalf("-share %q: %v", *share, err)
	}
	w := begin(t)
	o := outcome{Counts: counts{}}
	for ; i < uint64(seeds(t)) && (*goOn || len(o.Failed) == 0); i += of {
		s := play(t, w, *first+i, nil)
		o.Played++
		o.Steps += uint64(s.step)
		o.Counts.add(s.counts)
		if s.fault != nil {
			o.Failed = append(o.Failed, failed{s.seed, s.fault.name, s.fault.what})
		}
	}
	out, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*report, out, 0o600); err != nil {
		t.Fatal(err)
	}
}
