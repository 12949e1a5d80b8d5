//go:build linux && amd64

package cashbook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/sync/crashtest"
)

// A child takes bills and says of each call that it returned; the power is cut at
// every write and flush it made. What was said is there for ever; what is there was
// at least asked for.

const childEnv = "PENJIRE_CASHBOOK_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := takeBills(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func takeBills(dir string) error {
	ctx := context.Background()
	for life := range 2 {
		b, err := Open(filepath.Join(dir, "cash.book"))
		if err != nil {
			return err
		}
		for i := range 12 {
			n, err := b.Stacking(ctx, fmt.Sprintf("tx-%d", life), ten)
			if err != nil {
				return err
			}
			fmt.Printf("stacking %d\n", n)
			if i%4 == 3 {
				continue // left open
			}
			if err := b.Settled(ctx, n, device.CashStacked); err != nil {
				return err
			}
			fmt.Printf("settled %d\n", n)
		}
		if err := b.Close(); err != nil {
			return err
		}
	}
	return nil
}

func judge(dir string, lines []string) (err error) {
	b, err := Open(filepath.Join(dir, "cash.book"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	stacking, settled := 0, map[uint64]bool{}
	for _, l := range lines {
		var n uint64
		if _, err := fmt.Sscanf(l, "settled %d", &n); err == nil {
			settled[n] = true
		} else {
			stacking++
		}
	}
	got := b.bills(func(device.CashEvent) bool { return true })
	if len(got) < stacking || len(got) > stacking+1 {
		return fmt.Errorf("%d bills after %d were confirmed", len(got), stacking)
	}
	more := 0
	for _, e := range got {
		switch {
		case settled[e.Bill] && e.Kind != device.CashStacked:
			return fmt.Errorf("bill %d is %s, and was confirmed as stacked", e.Bill, e.Kind)
		case !settled[e.Bill] && e.Kind == device.CashStacked:
			more++
		}
	}
	if more > 1 {
		return fmt.Errorf("%d bills are credited that were not confirmed, want at most the one under way", more)
	}
	_, err = b.Stacking(context.Background(), "tx-9", ten)
	return err
}

func traced(t *testing.T) []crashtest.Change {
	t.Helper()
	dir := crashtest.Folder(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = os.Stderr
	changes, _ := crashtest.Trace(t, cmd, dir)
	counts := map[byte]int{}
	for _, c := range changes {
		counts[c.Kind]++
	}
	if counts['w'] < 40 || counts['s'] < 40 || counts['a'] < 40 {
		t.Fatalf("the trace is not whole: %d writes, %d flushes, %d acknowledgements", counts['w'], counts['s'], counts['a'])
	}
	return changes
}

func TestCrashStates(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed: %d", seed)
	states, wrong, err := crashtest.Explore(traced(t), 0, seed, 400, nil, crashtest.Folder(t), judge)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
	t.Logf("%d states", states)
}

// TestMutants: a book that does not flush, or confirms before it writes, is found.
func TestMutants(t *testing.T) {
	changes := traced(t)
	for name, changed := range map[string][]crashtest.Change{
		"is not flushed":           crashtest.Without(changes, func(_ int, c crashtest.Change) bool { return c.Kind == 's' }),
		"confirms before it wrote": crashtest.Earlier(changes, func(c crashtest.Change) bool { return c.Kind == 'w' }),
		"does not keep its name":   crashtest.Without(changes, func(_ int, c crashtest.Change) bool { return c.Kind == 'd' }),
	} {
		_, wrong, err := crashtest.Explore(changed, 0, 1, 400, nil, crashtest.Folder(t), judge)
		if err != nil {
			t.Fatal(err)
		}
		if len(wrong) == 0 {
			t.Errorf("MUTANT a book that %s was not found", name)
		}
	}
}
