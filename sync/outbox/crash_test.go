//go:build linux && amd64

package outbox_test

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/crashtest"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// A power cut leaves what was flushed, and of what was not any part, in any
// order. The changes that a working child made are replayed up to each write
// and flush; there the folder is rebuilt in several of the forms it may have,
// opened, checked and compared with what was acknowledged until then.

func compareAcks(dir string, lines []string) error {
	a, err := readAcks(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		return err
	}
	return a.compare(dir)
}

func recordWork(t *testing.T, seed uint64, steps int) []crashtest.Change {
	t.Helper()
	dir := crashtest.Folder(t)
	changes, _ := crashtest.Trace(t, childCommand("work", dir, seed, steps), dir)
	counts := map[byte]int{}
	for _, c := range changes {
		counts[c.Kind]++
	}
	if counts['w'] < steps || counts['s'] < steps || counts['d'] < 1 || counts['r'] != 1 || counts['a'] < steps/2 {
		t.Fatalf("the trace of %d steps is not whole: %d writes, %d flushes, %d folder flushes, %d renames, %d acknowledgements",
			steps, counts['w'], counts['s'], counts['d'], counts['r'], counts['a'])
	}
	return changes
}

func TestCrashStates(t *testing.T) {
	most := 600
	if testing.Short() {
		most = 100
	}
	if s := os.Getenv("PENJIRE_CRASH_STATES"); s != "" {
		var err error
		if most, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	n := seed(t)
	changes := recordWork(t, n, 150)
	states, wrong, err := crashtest.Explore(changes, 0, n, most, nil, crashtest.Folder(t), compareAcks)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
	t.Logf("%d states after %d changes", states, len(changes))
}

// TestCrashStatesOfASalvage cuts the power while a damaged file is being set
// aside and salvaged: what could be sent before can be sent after.
func TestCrashStatesOfASalvage(t *testing.T) {
	n := seed(t)
	dir := crashtest.Folder(t)
	path := filled(t, dir)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(whole[:8192])
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	changes, old := crashtest.Trace(t, childCommand("open", dir, n, 0), dir)
	states, wrong, err := crashtest.Explore(changes, old, n, 1000, nil, crashtest.Folder(t), func(dir string, _ []string) error {
		o, err := outbox.Open(context.Background(), dir, outbox.Options{Kiosk: outboxtest.Kiosk})
		if err != nil {
			return err
		}
		recs, err := o.Lease(context.Background(), 0, 0)
		if err == nil && len(recs) != 25 {
			err = fmt.Errorf("%d requests are sent, want 25", len(recs))
		}
		if err == nil {
			err = o.Check(context.Background())
		}
		if a := o.Stats(context.Background()).Alarms; err == nil && !slices.Contains(a, outbox.AlarmQuarantined) {
			err = fmt.Errorf("alarms %v", a)
		}
		return errors.Join(err, o.Close())
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
	if states < 30 {
		t.Errorf("%d states after %d changes, want more", states, len(changes)-old)
	}
	t.Logf("%d states after %d changes", states, len(changes)-old)
}

// TestCrashMutants changes what the outbox did in ways that must not be: each is
// found. If one were not, the exploration would not see anything. A broken tree may
// kill the process that looks at it, so a child looks.
func TestCrashMutants(t *testing.T) {
	n := seed(t)
	changes := recordWork(t, n, 60)
	flushes := 0
	for _, m := range []struct {
		name    string
		changed []crashtest.Change
	}{
		// bbolt flushes data, then the meta page: leave out the first of each pair.
		{"a commit's pages are not flushed before its meta page", crashtest.Without(changes, func(_ int, c crashtest.Change) bool {
			if c.Kind != 's' && c.Kind != 'd' {
				return false
			}
			flushes++
			return c.Kind == 's' && flushes%2 == 0
		})},
		{"nothing is flushed", crashtest.Without(changes, func(_ int, c crashtest.Change) bool { return c.Kind == 's' })},
		{"the new file is renamed before it is flushed", crashtest.RenamedFirst(changes)},
		{"the folder is not flushed", crashtest.Without(changes, func(_ int, c crashtest.Change) bool { return c.Kind == 'd' })},
		{"accepted is said before the commit", crashtest.Earlier(changes, func(c crashtest.Change) bool { return c.Kind == 'w' })},
	} {
		dir := crashtest.Folder(t)
		f, err := os.Create(filepath.Join(dir, "changes"))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(gob.NewEncoder(f).Encode(m.changed), f.Close()); err != nil {
			t.Fatal(err)
		}
		cmd := childCommand("explore", dir, n, 0)
		cmd.Stderr = nil
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Errorf("MUTANT %q was not found", m.name)
			continue
		}
		t.Logf("MUTANT %q caught by %s: %.160s", m.name, t.Name(), out)
	}
}

func init() { moreChildren["explore"] = exploreMutated }

func exploreMutated(dir string, seed uint64) error {
	f, err := os.Open(filepath.Join(dir, "changes"))
	if err != nil {
		return nil // not a finding
	}
	var changes []crashtest.Change
	if err := errors.Join(gob.NewDecoder(f).Decode(&changes), f.Close()); err != nil {
		return nil
	}
	states, wrong, err := crashtest.Explore(changes, 0, seed, 3000, nil, dir, compareAcks)
	if err != nil || len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%d states: %s", states, strings.Join(wrong, "; "))
}
