//go:build linux && amd64

package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/crashtest"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/ledgertest"
)

// A child takes records in and says of each that its receipt went out; the power
// is cut at every write and flush it made. A receipt that went out is there for
// ever, and the same record gets the same bytes again.

const childEnv = "PENJIRE_LEDGER_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := takeIn(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var day = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func takeIn(dir string) error {
	ctx := context.Background()
	for life := range 2 {
		d, err := Open(ctx, filepath.Join(dir, "ledger.db"))
		if err != nil {
			return err
		}
		receipt := ledgertest.Receipt()
		for i := range 20 {
			seq := uint64(life*100 + 2*i + 1)
			out, err := d.Intake(ctx, ledgertest.Kiosk, day, []ledger.Incoming{ledgertest.Incoming(seq), ledgertest.Incoming(seq + 1)}, receipt)
			if err != nil {
				return err
			}
			for j, o := range out {
				fmt.Printf("receipt %d %x\n", seq+uint64(j), o.Receipt)
			}
			if i%3 != 0 {
				continue
			}
			r := ledgertest.Incoming(seq)
			if err := ledgertest.Settle(ctx, d, ledger.Key{Kiosk: ledgertest.Kiosk, Epoch: r.Epoch, Seq: seq, Digest: r.Digest, Doc: r.Doc}, ledgertest.Registered()); err != nil {
				return err
			}
			fmt.Printf("decided %d %x\n", seq, []byte(nil))
		}
		if err := d.Close(); err != nil {
			return err
		}
	}
	return nil
}

// taker is what the judge asks.
type taker interface {
	Intake(ctx context.Context, kiosk string, at time.Time, recs []ledger.Incoming, sign func([]ledger.Incoming, time.Time) ([][]byte, error)) ([]ledger.Outcome, error)
}

// sameReceipt sends a record again, long after, and wants the bytes it got.
func sameReceipt(ctx context.Context, d taker, seq uint64, want []byte) error {
	other := func([]ledger.Incoming, time.Time) ([][]byte, error) {
		return [][]byte{[]byte("another receipt")}, nil
	}
	out, err := d.Intake(ctx, ledgertest.Kiosk, day.AddDate(1, 0, 0), []ledger.Incoming{ledgertest.Incoming(seq)}, other)
	if err != nil {
		return err
	}
	if out[0].New || !bytes.Equal(out[0].Receipt, want) {
		return fmt.Errorf("record %d was receipted and is taken for new: %q, want %q", seq, out[0].Receipt, want)
	}
	return nil
}

func judge(dir string, lines []string) (err error) {
	ctx := context.Background()
	d, err := Open(ctx, filepath.Join(dir, "ledger.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.Check(ctx); err != nil {
		return err
	}
	for _, l := range lines {
		f := strings.Fields(l)
		seq, err := strconv.ParseUint(f[1], 10, 64)
		if err != nil {
			return err
		}
		if f[0] == "decided" {
			if r, err := d.Get(ctx, ledgertest.Incoming(seq).Doc); err != nil || r.State != ledger.Registered {
				return fmt.Errorf("registered request %d is %q: %w", seq, r.State, err)
			}
			continue
		}
		want := make([]byte, len(f[2])/2)
		if _, err := fmt.Sscanf(f[2], "%x", &want); err != nil {
			return err
		}
		if err := sameReceipt(ctx, d, seq, want); err != nil {
			return err
		}
	}
	return d.Check(ctx)
}

func record(t *testing.T) []crashtest.Change {
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
	if counts['w'] < 40 || counts['s'] < 40 || counts['a'] < 80 {
		t.Fatalf("the trace is not whole: %d writes, %d flushes, %d acknowledgements", counts['w'], counts['s'], counts['a'])
	}
	return changes
}

func TestCrashStates(t *testing.T) {
	most := 150
	if testing.Short() {
		most = 40
	}
	n := uint64(time.Now().UnixNano())
	for name, p := range map[string]func(string) error{
		"PENJIRE_CRASH_STATES": func(s string) (err error) { most, err = strconv.Atoi(s); return err },
		"PENJIRE_SEED":         func(s string) (err error) { n, err = strconv.ParseUint(s, 10, 64); return err },
	} {
		if s := os.Getenv(name); s != "" {
			if err := p(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("seed: PENJIRE_SEED=%d", n)
	changes := record(t)
	states, wrong, err := crashtest.Explore(changes, 0, n, most, nil, crashtest.Folder(t), judge)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
	t.Logf("%d states after %d changes", states, len(changes))
}

// TestMutants changes what the store did in ways that must not be; each is found.
func TestMutants(t *testing.T) {
	changes := record(t)
	wal := map[int]bool{}
	for _, c := range changes {
		if c.Kind == 'c' && strings.HasSuffix(c.Name, "-wal") {
			wal[c.Inode] = true
		}
	}
	for _, m := range []struct {
		name    string
		changed []crashtest.Change
	}{
		{"a commit is not flushed", crashtest.Without(changes, func(_ int, c crashtest.Change) bool { return c.Kind == 's' && wal[c.Inode] })},
		{"the receipt goes out before the commit", crashtest.Earlier(changes, func(c crashtest.Change) bool { return c.Kind == 'w' && wal[c.Inode] })},
	} {
		_, wrong, err := crashtest.Explore(m.changed, 0, 1, 400, nil, crashtest.Folder(t), judge)
		if err != nil {
			t.Fatal(err)
		}
		if len(wrong) == 0 {
			t.Errorf("MUTANT %q was not found", m.name)
			continue
		}
		t.Logf("MUTANT %q caught by %s: %.160s", m.name, t.Name(), wrong[0])
	}

	d := &windowed{window: 24 * time.Hour, seen: map[uint64]time.Time{}, receipts: map[uint64][]byte{}}
	out, err := d.Intake(t.Context(), ledgertest.Kiosk, day, []ledger.Incoming{ledgertest.Incoming(1)}, ledgertest.Receipt())
	if err != nil {
		t.Fatal(err)
	}
	name := "what was sent twice is known for a day, not for ever"
	if err := sameReceipt(t.Context(), d, 1, out[0].Receipt); err != nil {
		t.Logf("MUTANT %q caught by %s: %v", name, t.Name(), err)
	} else {
		t.Errorf("MUTANT %q was not found", name)
	}
}

// windowed is a store that remembers what it has for a while only, as queues with
// a window against duplicates do.
type windowed struct {
	window   time.Duration
	seen     map[uint64]time.Time
	receipts map[uint64][]byte
}

func (w *windowed) Intake(_ context.Context, _ string, at time.Time, recs []ledger.Incoming, sign func([]ledger.Incoming, time.Time) ([][]byte, error)) (out []ledger.Outcome, _ error) {
	for _, r := range recs {
		if old, ok := w.seen[r.Seq]; ok && at.Sub(old) < w.window {
			out = append(out, ledger.Outcome{Receipt: w.receipts[r.Seq]})
			continue
		}
		w.seen[r.Seq] = at
		made, err := sign([]ledger.Incoming{r}, at)
		if err != nil {
			return nil, err
		}
		w.receipts[r.Seq] = made[0]
		out = append(out, ledger.Outcome{Receipt: w.receipts[r.Seq], New: true})
	}
	return out, nil
}
