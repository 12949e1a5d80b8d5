//go:build linux && amd64

package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/crashtest"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

func init() { moreChildren["large"] = workLarge }

const largeSize = outbox.MaxInline + 20<<10

// workLarge accepts large requests and says so. Each third is withdrawn, each
// fourth gets its receipt; both let the file go.
func workLarge(dir string, _ uint64) error {
	ctx := context.Background()
	n := 0
	for range 2 {
		o, err := outbox.Open(ctx, dir, outbox.Options{Kiosk: outboxtest.Kiosk, MaxSize: 8 << 20})
		if err != nil {
			return err
		}
		for range 8 {
			d := outboxtest.Large(n, largeSize+n)
			if _, err := o.Accept(ctx, d); err != nil {
				return err
			}
			fmt.Printf("accepted %d\n", n)
			switch {
			case n%3 == 2:
				fmt.Printf("ending %d\n", n)
				if err := o.Withdraw(ctx, d.Doc); err != nil {
					return err
				}
			case n%4 == 3:
				rec, b, err := o.LeaseLarge(ctx, func(doc outbox.Doc) bool { return doc != d.Doc })
				if err != nil {
					return err
				}
				fmt.Printf("ending %d\n", n)
				if err := errors.Join(b.Close(), o.Receipted(ctx, []outbox.Receipt{{
					Seq: rec.Seq, Doc: rec.Doc, Stage: outbox.Delivered, At: outboxtest.Day, Bytes: []byte("durable"),
				}})); err != nil {
					return err
				}
			}
			n++
		}
		if err := o.Close(); err != nil {
			return err
		}
	}
	return nil
}

// judgeLarge wants every accepted request to be sent with the bytes that it was
// accepted with.
func judgeLarge(dir string, lines []string) (err error) {
	ctx := context.Background()
	accepted, ending := map[int]bool{}, map[int]bool{}
	for _, l := range lines {
		what, number, _ := strings.Cut(l, " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			return err
		}
		if what == "accepted" {
			accepted[n] = true
		} else {
			ending[n] = true
		}
	}
	o, err := outbox.Open(ctx, dir, outbox.Options{Kiosk: outboxtest.Kiosk, MaxSize: 8 << 20})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	for n := range accepted {
		d := outboxtest.Large(n, largeSize+n)
		rec, b, err := o.LeaseLarge(ctx, func(doc outbox.Doc) bool { return doc != d.Doc })
		if errors.Is(err, outbox.ErrNotFound) && ending[n] {
			continue
		}
		if err != nil {
			return fmt.Errorf("accepted request %d: %w", n, err)
		}
		got, err := io.ReadAll(io.NewSectionReader(b, 0, int64(rec.Size)))
		if err := errors.Join(err, b.Close()); err != nil {
			return err
		}
		if !bytes.Equal(got, d.Sealed) {
			return fmt.Errorf("accepted request %d would send other bytes", n)
		}
	}
	if a := o.Stats(ctx).Alarms; len(a) > 0 {
		return fmt.Errorf("alarms %q", a)
	}
	return o.Check(ctx)
}

func recordLarge(t *testing.T) []crashtest.Change {
	t.Helper()
	dir := crashtest.Folder(t)
	changes, _ := crashtest.Trace(t, childCommand("large", dir, 0, 0), dir)
	if n := len(blobInodes(changes)); n != 16 {
		t.Fatalf("%d files in the trace, want 16", n)
	}
	return changes
}

func blobInodes(changes []crashtest.Change) map[int]bool {
	in := map[int]bool{}
	for _, c := range changes {
		if c.Kind == 'c' && strings.HasPrefix(c.Name, "blob/") {
			in[c.Inode] = true
		}
	}
	return in
}

// TestCrashStatesOfLargeRequests cuts the power while large requests are accepted
// and let go.
func TestCrashStatesOfLargeRequests(t *testing.T) {
	n := seed(t)
	changes := recordLarge(t)
	states, wrong, err := crashtest.Explore(changes, 0, n, mostStates(t, 500), nil, crashtest.Folder(t), judgeLarge)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
	if states < 50 {
		t.Errorf("%d states after %d changes, want more", states, len(changes))
	}
	t.Logf("%d states after %d changes", states, len(changes))
}

// TestLargeMutants changes what was done with the files in ways that must not be:
// each is found.
func TestLargeMutants(t *testing.T) {
	changes := recordLarge(t)
	blob := blobInodes(changes)
	for _, m := range []struct {
		name   string
		mutate func() []crashtest.Change
	}{
		{"the file is not flushed", func() []crashtest.Change {
			return crashtest.Without(changes, func(_ int, c crashtest.Change) bool { return c.Kind == 's' && blob[c.Inode] })
		}},
		{"its folder is not flushed", func() []crashtest.Change {
			return crashtest.Without(changes, func(_ int, c crashtest.Change) bool { return c.Kind == 'd' && c.Name == "blob" })
		}},
		{"the file is removed before the commit that lets it go", func() []crashtest.Change {
			out := slices.Clone(changes)
			for i, c := range out {
				// Back over the commit: its flushes, and the writes before them.
				if c.Kind != 'u' || !strings.HasPrefix(c.Name, "blob/") {
					continue
				}
				j := i
				for j > 0 && out[j-1].Kind != 'a' {
					j--
				}
				copy(out[j+1:i+1], out[j:i])
				out[j] = c
			}
			return out
		}},
	} {
		_, wrong, err := crashtest.Explore(m.mutate(), 0, 1, 2000, nil, crashtest.Folder(t), judgeLarge)
		if err != nil {
			t.Fatal(err)
		}
		if len(wrong) == 0 {
			t.Errorf("MUTANT %q was not found", m.name)
			continue
		}
		t.Logf("MUTANT %q caught by %s: %.160s", m.name, t.Name(), wrong[0])
	}
}
