package outbox_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// A child process works on an outbox and says on its standard output what was
// acknowledged to it; its parent kills it, or cuts its power in thought, and
// compares what is left with what was acknowledged.

// childEnv says what the test binary, run again, is to do.
const childEnv = "PENJIRE_OUTBOX_CHILD"

// moreChildren are the works that exist on some systems only.
var moreChildren = map[string]func(dir string, seed uint64) error{}

func child(what string) int {
	dir := os.Getenv("PENJIRE_OUTBOX_DIR")
	seed, err := strconv.ParseUint(os.Getenv("PENJIRE_OUTBOX_SEED"), 10, 64)
	steps, err2 := strconv.Atoi(os.Getenv("PENJIRE_OUTBOX_STEPS"))
	if err := errors.Join(err, err2); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	switch what {
	case "work":
		err = work(dir, seed, steps, os.Stdout)
	case "open":
		var o *outbox.Outbox
		if o, err = outbox.Open(context.Background(), dir, outbox.Options{Kiosk: outboxtest.Kiosk}); err == nil {
			err = o.Close()
		}
	default:
		fn, ok := moreChildren[what]
		if !ok {
			err = fmt.Errorf("unknown child %q", what)
			break
		}
		err = fn(dir, seed)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// work does steps random things to the outbox in dir. Each line it writes is
// one acknowledgement; a line that begins with "try" announces what must not
// be wrong if it happened without being acknowledged.
func work(dir string, seed uint64, steps int, out io.Writer) error {
	ctx := context.Background()
	o, err := outbox.Open(ctx, dir, outbox.Options{Kiosk: outboxtest.Kiosk, MaxSize: 8 << 20})
	if err != nil {
		return err
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	size, root := o.Head()
	say("head %d %x", size, root)
	r := rand.New(rand.NewPCG(seed, 0))
	s := o.Stats(ctx)
	n := 0
	for _, c := range s.ByState {
		n += c
	}
	item := o.Cursor()
	for range steps {
		switch k := r.IntN(10); {
		case k < 4:
			d := outboxtest.Draft(n)
			if r.IntN(8) == 0 {
				for len(d.Sealed) < 30_000 {
					d.Sealed = append(d.Sealed, d.Sealed...)
				}
			}
			q, err := o.Accept(ctx, d)
			if err != nil {
				return err
			}
			say("accepted %d %d %d %x", n, q.Seq, q.TreeSize, q.Root)
			n++
		case k == 4:
			recs, err := o.Lease(ctx, 4, 0)
			if err != nil {
				return err
			}
			for _, rec := range recs {
				say("leased %x", rec.Doc)
			}
		case k < 7:
			recs, err := o.Lease(ctx, 1+r.IntN(4), 0)
			if err != nil {
				return err
			}
			var rs []outbox.Receipt
			for _, rec := range recs {
				rs = append(rs, outbox.Receipt{Seq: rec.Seq, Doc: rec.Doc, Stage: outbox.Delivered, At: outboxtest.Day, Bytes: []byte("durable")})
			}
			if err := o.Receipted(ctx, rs); err != nil {
				return err
			}
			for _, rec := range rs {
				say("receipted %x", rec.Doc)
			}
		case k == 7:
			if n == 0 {
				continue
			}
			d := outboxtest.Draft(n - 1).Doc
			switch err := o.Withdraw(ctx, d); {
			case err == nil:
				say("withdrawn %x", d)
			case !errors.Is(err, outbox.ErrSent):
				return err
			}
		case k == 8:
			j, ok, err := o.NextPrint(ctx)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if err := o.StartPrint(ctx, j.ID); err != nil {
				return err
			}
			say("printing %x", j.Doc)
			if err := o.EndPrint(ctx, j.ID, outbox.Printed, ""); err != nil {
				return err
			}
			say("printed %x", j.Doc)
		case k == 9:
			if n == 0 {
				continue
			}
			item++
			d := outboxtest.Draft(r.IntN(n)).Doc
			if err := o.PutItem(ctx, outbox.Item{ID: item, Kind: 1, Doc: d, Stage: outbox.Answered, At: outboxtest.Day, Bytes: d[:]}); err != nil {
				return err
			}
			say("item %d", item)
		}
	}
	return o.Close()
}

// acks is what a child was told, in order.
type acks struct {
	sizes  []int64 // journal heads
	roots  [][32]byte
	drafts map[int]uint64 // draft number: sequence
	leased, receipted, withdrawn,
	printing, printed map[outbox.Doc]bool
	cursor uint64
}

func readAcks(r io.Reader) (*acks, error) {
	a := &acks{
		drafts: map[int]uint64{}, leased: map[outbox.Doc]bool{}, receipted: map[outbox.Doc]bool{},
		withdrawn: map[outbox.Doc]bool{}, printing: map[outbox.Doc]bool{}, printed: map[outbox.Doc]bool{},
	}
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		if err := a.add(sc.Text()); err != nil {
			return nil, err
		}
	}
	return a, sc.Err()
}

func (a *acks) add(line string) error {
	f := strings.Fields(line)
	if len(f) < 2 {
		return fmt.Errorf("acknowledgement %q", line)
	}
	hash := func(s string) (h [32]byte) {
		b, err := hex.DecodeString(s)
		if err != nil || len(b) != 32 {
			panic("acknowledgement " + line)
		}
		return [32]byte(b)
	}
	number := func(s string) uint64 {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			panic("acknowledgement " + line)
		}
		return n
	}
	switch f[0] {
	case "head":
		a.sizes, a.roots = append(a.sizes, int64(number(f[1]))), append(a.roots, hash(f[2]))
	case "accepted":
		a.drafts[int(number(f[1]))] = number(f[2])
		a.sizes, a.roots = append(a.sizes, int64(number(f[3]))), append(a.roots, hash(f[4]))
	case "leased":
		a.leased[hash(f[1])] = true
	case "receipted":
		a.receipted[hash(f[1])] = true
	case "withdrawn":
		a.withdrawn[hash(f[1])] = true
	case "printing":
		a.printing[hash(f[1])] = true
	case "printed":
		a.printed[hash(f[1])] = true
	case "item":
		a.cursor = number(f[1])
	default:
		return fmt.Errorf("acknowledgement %q", line)
	}
	return nil
}

// compare opens what is left in dir and says what was acknowledged and is not
// so. It leaves the outbox closed.
func (a *acks) compare(dir string) (err error) {
	ctx := context.Background()
	o, err := outbox.Open(ctx, dir, outbox.Options{Kiosk: outboxtest.Kiosk, MaxSize: 128 << 20})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	if err := o.Check(ctx); err != nil {
		return err
	}
	if s := o.Stats(ctx); len(s.Alarms) > 0 {
		return fmt.Errorf("alarms %v", s.Alarms)
	}
	if c := o.Cursor(); c < a.cursor {
		return fmt.Errorf("cursor %d, acknowledged %d", c, a.cursor)
	}
	size, root := o.Head()
	for i, old := range a.sizes {
		if i < len(a.sizes)-3 && i%16 != 0 {
			continue // enough of them
		}
		p, err := o.Consistency(ctx, old, size)
		if err != nil {
			return err
		}
		if err := journal.CheckConsistency(p, old, size, a.roots[i], root); err != nil {
			return err
		}
	}
	waiting := map[outbox.Doc]bool{}
	recs, err := o.Lease(ctx, 0, 0)
	if err != nil {
		return err
	}
	for _, r := range recs {
		waiting[r.Doc] = true
	}
	for n, seq := range a.drafts {
		d := outboxtest.Draft(n)
		q, err := o.Get(ctx, d.Doc)
		if err != nil {
			return fmt.Errorf("accepted request %d: %w", seq, err)
		}
		if q.Seq != seq {
			return fmt.Errorf("accepted request %d is %d now", seq, q.Seq)
		}
		gone := q.Receipted() || q.State == outbox.Withdrawn
		switch {
		case !gone && !waiting[d.Doc]:
			return fmt.Errorf("request %d, %v, is not leased any more", seq, q.State)
		case a.receipted[d.Doc] && !q.Receipted():
			return fmt.Errorf("request %d lost its receipt", seq)
		case a.withdrawn[d.Doc] && q.State != outbox.Withdrawn:
			return fmt.Errorf("request %d was withdrawn and is %v", seq, q.State)
		case a.leased[d.Doc] && q.State == outbox.Withdrawn:
			return fmt.Errorf("request %d was leased and is withdrawn", seq)
		case a.printed[d.Doc] && q.Receipt != outbox.Printed:
			return fmt.Errorf("request %d was printed, its receipt is %v", seq, q.Receipt)
		case a.printing[d.Doc] && q.Receipt != outbox.Printed && q.Receipt != outbox.Unknown:
			return fmt.Errorf("request %d was printing, its receipt is %v", seq, q.Receipt)
		case q.Receipt == outbox.Printing:
			return fmt.Errorf("request %d still claims to be printing", seq)
		}
	}
	return nil
}

// seed of a random test: PENJIRE_SEED, or the time, and said in the log.
func seed(t *testing.T) uint64 {
	t.Helper()
	n := uint64(time.Now().UnixNano())
	if s := os.Getenv("PENJIRE_SEED"); s != "" {
		var err error
		if n, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed: PENJIRE_SEED=%d", n)
	return n
}
