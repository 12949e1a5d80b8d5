package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/sqlite"
	"github.com/penjire/penjire/sync/outbox"
)

// day is when everything happened: the machine has no clock to speak of.
var day = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

const kiosk = "K-000001"

// works is kiosk and portal on one disk, without a network between them.
type works struct {
	box *outbox.Outbox
	reg *sqlite.DB
	say func(string, ...any)
	n   int // requests made so far, in all lives of the machine

	acks atomic.Int64
	mu   sync.Mutex // one line at a time
}

func open(ctx context.Context, dir string, say func(string, ...any)) (*works, error) {
	box, err := outbox.Open(ctx, filepath.Join(dir, "outbox"), outbox.Options{Kiosk: kiosk, MaxSize: 32 << 20})
	if err != nil {
		return nil, err
	}
	reg, err := sqlite.Open(ctx, filepath.Join(dir, "ledger.db"))
	if err != nil {
		return nil, err
	}
	return &works{box: box, reg: reg, say: say}, nil
}

// tell looks through everything and says what is there.
func (w *works) tell(ctx context.Context) error {
	if err := errors.Join(w.box.Check(ctx), w.reg.Check(ctx)); err != nil {
		return err
	}
	if a := w.box.Stats(ctx).Alarms; len(a) > 0 {
		return fmt.Errorf("alarms %q", a)
	}
	waiting := map[outbox.Doc]bool{}
	recs, err := w.box.Lease(ctx, 0, 0)
	if err != nil {
		return err
	}
	for _, r := range recs {
		waiting[r.Doc] = true
	}
	// Numbers are given out in order and accepted out of order: as many as went
	// wrong at once may be missing.
	for n, missing := 0, 0; missing < 2*citizens; n++ {
		r, err := w.box.Get(ctx, draft(n).Doc)
		if errors.Is(err, outbox.ErrNotFound) {
			missing++
			continue
		}
		if err != nil {
			return err
		}
		missing, w.n = 0, n+1
		if !r.Receipted() && !waiting[r.Doc] {
			return fmt.Errorf("request %d, %v, is not sent any more", n, r.State)
		}
		w.say("HAVE accepted %d", n)
		if r.Receipted() {
			w.say("HAVE receipted %d", n)
		}
		taken, err := w.taken(ctx, r)
		if err != nil {
			return err
		}
		if r.Receipted() && !taken {
			return fmt.Errorf("request %d has a receipt and is not in the ledger", n)
		}
		if taken {
			w.say("HAVE taken %d", n)
		}
	}
	w.say("READY %d", w.n)
	return nil
}

func (w *works) taken(ctx context.Context, r outbox.Request) (bool, error) {
	_, err := w.reg.Get(ctx, ledger.Doc(r.Doc))
	if errors.Is(err, ledger.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// citizens is how many accept at once.
const citizens = 4

// work accepts, sends and receipts until the disk does what was ordered and for a
// moment longer.
func (w *works) work(ctx context.Context, o orders, disk *flakey) error {
	var next atomic.Int64
	next.Store(int64(w.n))
	var stop atomic.Bool
	var all sync.WaitGroup
	for range citizens {
		all.Go(func() {
			for !stop.Load() {
				n := int(next.Add(1) - 1)
				if _, err := w.box.Accept(ctx, draft(n)); err != nil {
					w.refused(err)
					return
				}
				w.ack("accepted %d", n)
			}
		})
	}
	all.Go(func() {
		for !stop.Load() {
			if err := w.deliver(ctx); err != nil {
				w.refused(err)
				return
			}
		}
	})
	for w.acks.Load() < int64(o.after) {
		time.Sleep(time.Millisecond) // the machine runs in its own time
	}
	r := rand.New(rand.NewPCG(o.seed, 0))
	time.Sleep(time.Duration(r.IntN(5000)) * time.Microsecond)
	if o.cut != "none" {
		w.mu.Lock()
		w.say("CUT")
		err := disk.become(o.cut + "_writes")
		w.mu.Unlock()
		if err != nil {
			return err
		}
	}
	time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
	stop.Store(true)
	return nil // what is under way goes on until there is no power
}

// deliver brings what waits to the ledger and stores the receipts.
func (w *works) deliver(ctx context.Context) error {
	recs, err := w.box.Lease(ctx, 16, 0)
	if err != nil {
		return err
	}
	if len(recs) == 0 {
		time.Sleep(time.Millisecond)
		return nil
	}
	var in []ledger.Incoming
	for _, r := range recs {
		in = append(in, ledger.Incoming{
			Epoch: ledger.Epoch(r.Epoch), Seq: r.Seq, Doc: ledger.Doc(r.Doc), Code: r.Code, Service: r.Service, Lang: r.Lang,
			Claimed: r.Claimed, Channel: ledger.ChannelKiosk, Digest: sha256.Sum256(r.Sealed), Sealed: r.Sealed,
		})
	}
	out, err := w.reg.Intake(ctx, kiosk, day, in, func(fresh []ledger.Incoming, _ time.Time) (signed [][]byte, _ error) {
		for _, r := range fresh {
			signed = append(signed, fmt.Appendf(nil, "receipt %x", r.Doc))
		}
		return signed, nil
	})
	if err != nil {
		return err
	}
	var rs []outbox.Receipt
	for i, r := range recs {
		w.ack("taken %d", number(r.Claimed))
		rs = append(rs, outbox.Receipt{Seq: r.Seq, Doc: r.Doc, Stage: outbox.Delivered, At: day, Bytes: out[i].Receipt})
	}
	if err := w.box.Receipted(ctx, rs); err != nil {
		return err
	}
	for _, r := range recs {
		w.ack("receipted %d", number(r.Claimed))
	}
	return nil
}

func (w *works) ack(format string, args ...any) {
	w.mu.Lock()
	w.say("ACK "+format, args...)
	w.mu.Unlock()
	w.acks.Add(1)
}

// refused says that something was not taken: after a cut that is as it should be.
func (w *works) refused(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.say("REFUSED %v", err)
}

// draft returns draft number n, which it says by its time.
func draft(n int) outbox.Draft {
	doc := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("doc"), uint64(n)))
	sealed := make([]byte, 0, 640)
	for h := doc; len(sealed) < 600; h = sha256.Sum256(h[:]) {
		sealed = append(sealed, h[:]...)
	}
	return outbox.Draft{
		Doc: doc, Code: fmt.Sprintf("%010d", n), Service: "complaint", ServiceVersion: 1, Lang: "tk", Owner: outbox.Owner{1},
		Sealed: sealed, Claimed: day.Add(time.Duration(n) * time.Second),
	}
}

func number(claimed time.Time) int { return int(claimed.Sub(day) / time.Second) }
