//go:build linux && amd64

package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/crashtest"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

func init() { moreChildren["mirrored"] = workMirrored }

// workMirrored accepts with a mirror beside it and says what Accept returned: then
// it is on both media. Each fifth is withdrawn, each seventh receipted.
func workMirrored(dir string, seed uint64) error {
	ctx := context.Background()
	opts := outbox.Options{Kiosk: outboxtest.Kiosk, MaxSize: 8 << 20, Mirror: filepath.Join(dir, "mirror"), MirrorWait: time.Minute}
	n := 0
	for range 2 {
		o, err := outbox.Open(ctx, filepath.Join(dir, "outbox"), opts)
		if err != nil {
			return err
		}
		if err := o.Mirrored(ctx); err != nil {
			return err
		}
		for range 15 {
			d := outboxtest.Draft(n)
			if _, err := o.Accept(ctx, d); err != nil {
				return err
			}
			fmt.Printf("accepted %d\n", n)
			switch {
			case n%5 == 4:
				if err := errors.Join(o.Withdraw(ctx, d.Doc), o.Mirrored(ctx)); err != nil {
					return err
				}
				fmt.Printf("withdrawn %d\n", n)
			case n%7 == 6:
				fmt.Printf("leasing %d\n", n)
				recs, err := o.Lease(ctx, 1, 0)
				if err != nil {
					return err
				}
				if err := o.Receipted(ctx, []outbox.Receipt{{Seq: recs[0].Seq, Doc: recs[0].Doc, Stage: outbox.Delivered, At: outboxtest.Day, Bytes: []byte("durable")}}); err != nil {
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

// judgeMirrored looks at each medium by itself, as if the other had died.
func judgeMirrored(dir string, lines []string) error {
	ctx := context.Background()
	accepted, withdrawn := map[int]bool{}, map[int]bool{}
	for _, l := range lines {
		what, number, _ := strings.Cut(l, " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			return err
		}
		switch what {
		case "accepted":
			accepted[n] = true
		case "withdrawn":
			withdrawn[n] = true
		}
	}
	look := func(where, box string) (err error) {
		o, err := outbox.Open(ctx, box, outbox.Options{Kiosk: outboxtest.Kiosk, MaxSize: 8 << 20})
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		defer func() { err = errors.Join(err, o.Close()) }()
		waiting := map[outbox.Doc]bool{}
		recs, err := o.Lease(ctx, 0, 0)
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		for _, r := range recs {
			waiting[r.Doc] = true
		}
		for n := range accepted {
			r, err := o.Get(ctx, outboxtest.Draft(n).Doc)
			switch {
			case err != nil:
				return fmt.Errorf("%s: accepted request %d: %w", where, n, err)
			case withdrawn[n] && r.State != outbox.Withdrawn:
				return fmt.Errorf("%s: withdrawn request %d is %v", where, n, r.State)
			case r.State != outbox.Withdrawn && !r.Receipted() && !waiting[r.Doc]:
				return fmt.Errorf("%s: request %d, %v, is not sent any more", where, n, r.State)
			}
		}
		if a := o.Stats(ctx).Alarms; where == "outbox" && len(a) > 0 {
			return fmt.Errorf("%s: alarms %q", where, a)
		}
		return o.Check(ctx)
	}
	if err := look("outbox", filepath.Join(dir, "outbox")); err != nil {
		return err
	}
	if len(accepted) == 0 {
		return nil
	}
	restored := filepath.Join(dir, "restored")
	if _, err := outbox.Restore(ctx, restored, outbox.Options{Kiosk: outboxtest.Kiosk, MaxSize: 8 << 20}, filepath.Join(dir, "mirror")); err != nil {
		return fmt.Errorf("mirror: %w", err)
	}
	return look("mirror", restored)
}

func recordMirrored(t *testing.T) []crashtest.Change {
	t.Helper()
	dir := crashtest.Folder(t)
	for _, name := range []string{"outbox", "mirror"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	changes, _ := crashtest.Trace(t, childCommand("mirrored", dir, 0, 0), dir)
	return changes
}

func mostStates(t *testing.T, usual int) int {
	t.Helper()
	if testing.Short() {
		usual /= 5
	}
	if s := os.Getenv("PENJIRE_CRASH_STATES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return usual
}

// TestCrashStatesOfTheMirror cuts the power of both media at once and then looks
// at each by itself: each has everything that Accept returned for, and nothing
// that was withdrawn.
func TestCrashStatesOfTheMirror(t *testing.T) {
	n := seed(t)
	changes := recordMirrored(t)
	states, wrong, err := crashtest.Explore(changes, 0, n, mostStates(t, 400), nil, crashtest.Folder(t), judgeMirrored)
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

// TestMirrorMutants changes what the mirror did in ways that must not be: each is
// found.
func TestMirrorMutants(t *testing.T) {
	changes := recordMirrored(t)
	mirror := map[int]bool{}
	for _, c := range changes {
		if c.Kind == 'c' && strings.HasPrefix(c.Name, "mirror/") {
			mirror[c.Inode] = true
		}
	}
	for _, m := range []struct {
		name   string
		mutate func() []crashtest.Change
	}{
		{"the mirror is never flushed", func() []crashtest.Change {
			return crashtest.Without(changes, func(_ int, c crashtest.Change) bool { return c.Kind == 's' && mirror[c.Inode] })
		}},
		{"the mirror's folder is never flushed", func() []crashtest.Change {
			return crashtest.Without(changes, func(_ int, c crashtest.Change) bool { return c.Kind == 'd' && c.Name == "mirror" })
		}},
		{"the mirror is said to have it before it was written", func() []crashtest.Change {
			return crashtest.Earlier(changes, func(c crashtest.Change) bool { return c.Kind == 'w' && mirror[c.Inode] })
		}},
	} {
		_, wrong, err := crashtest.Explore(m.mutate(), 0, 1, 1200, nil, crashtest.Folder(t), judgeMirrored)
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
