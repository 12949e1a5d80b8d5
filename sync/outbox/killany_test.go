//go:build linux

package outbox_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

func init() { moreChildren["full"] = workFull }

// fullRound is how many requests are more than half of a file that is worth
// compacting.
const fullRound = 2 * (4 << 20) / outbox.MaxInline

// workFull fills an outbox and empties it, with a mirror that has to be caught up
// with, so that nearly each Open compacts the file. It says "opening" before.
func workFull(dir string, seed uint64) error {
	ctx := context.Background()
	r := rand.New(rand.NewPCG(seed, 0))
	for {
		fmt.Println("opening")
		o, err := outbox.Open(ctx, filepath.Join(dir, "outbox"), outbox.Options{
			Kiosk: outboxtest.Kiosk, MaxSize: 128 << 20, Mirror: filepath.Join(dir, "mirror"), MirrorWait: -1,
		})
		if err != nil {
			return err
		}
		n := 0
		for _, c := range o.Stats(ctx).ByState {
			n += c
		}
		for range fullRound {
			d := outboxtest.Draft(n)
			for len(d.Sealed) < outbox.MaxInline {
				d.Sealed = append(d.Sealed, d.Sealed...)
			}
			d.Sealed = d.Sealed[:outbox.MaxInline]
			q, err := o.Accept(ctx, d)
			if err != nil {
				return err
			}
			fmt.Printf("accepted %d %d %d %x\n", n, q.Seq, q.TreeSize, q.Root)
			n++
		}
		if r.IntN(2) == 0 {
			if err := o.Mirrored(ctx); err != nil {
				return err
			}
		}
		for {
			recs, err := o.Lease(ctx, 16, 0)
			if err != nil {
				return err
			}
			if len(recs) == 0 {
				break
			}
			var rs []outbox.Receipt
			for _, rec := range recs {
				rs = append(rs, outbox.Receipt{Seq: rec.Seq, Doc: rec.Doc, Stage: outbox.Delivered, At: outboxtest.Day, Bytes: []byte("durable")})
			}
			if err := o.Receipted(ctx, rs); err != nil {
				return err
			}
			for _, rec := range rs {
				fmt.Printf("receipted %x\n", rec.Doc)
			}
		}
		if err := o.Close(); err != nil {
			return err
		}
	}
}

// TestKilledAtAnyMoment kills the process not after what it says but at any
// moment: while it opens and compacts, while the mirror catches up, while it
// writes. PENJIRE_KILLS is how often.
func TestKilledAtAnyMoment(t *testing.T) {
	rounds := kills(t, 12)
	n := seed(t)
	r := rand.New(rand.NewPCG(n, 1))
	dir := t.TempDir()
	box, mirror := filepath.Join(dir, "outbox"), filepath.Join(dir, "mirror")
	if err := os.Mkdir(mirror, 0o700); err != nil {
		t.Fatal(err)
	}
	all, err := readAcks(strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	opening := 0
	for round := range rounds {
		cmd := childCommand("full", dir, r.Uint64(), 0)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		// Half of the kills come when it opens again, with a file to compact and a
		// mirror behind; the others anywhere.
		again, after := r.IntN(2) == 0, 1+r.IntN(3*fullRound)
		wait := time.Duration(r.Int64N(int64(30 * time.Millisecond)))
		last, seen, killed := "", 0, false
		for lines.Scan() {
			switch last = lines.Text(); last {
			case "opening":
				seen++
			default:
				if err := all.add(last); err != nil {
					t.Fatal(err)
				}
			}
			after--
			if !killed && (again && seen == 2 || !again && after == 0) {
				<-time.After(wait) // this is the moment
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				killed = true
			}
		}
		if err := cmd.Wait(); err == nil || !killed {
			t.Fatalf("round %d: the child ended by itself (%v)", round, err)
		}
		if last == "opening" {
			opening++
		}
		if err := all.compare(box); err != nil {
			t.Fatalf("round %d, killed after %q: %v", round, last, err)
		}
		restored := t.TempDir()
		if _, err := outbox.Restore(t.Context(), restored, outbox.Options{Kiosk: outboxtest.Kiosk, MaxSize: 128 << 20}, mirror); err != nil {
			t.Fatalf("round %d, killed after %q: the mirror: %v", round, last, err)
		}
	}
	t.Logf("%d kills, %d of them while it opened, %d requests accepted", rounds, opening, len(all.drafts))
}

// kills returns PENJIRE_KILLS, or what is usual.
func kills(t *testing.T, usual int) int {
	t.Helper()
	s := os.Getenv("PENJIRE_KILLS")
	if s == "" {
		return usual
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
