package portal

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/postgres"
	"github.com/penjire/penjire/sync/ledger/postgrestest"
	"github.com/penjire/penjire/sync/ledger/sqlite"
	"github.com/penjire/penjire/sync/wire"
	"github.com/penjire/penjire/sync/wire/wiretest"
)

// BenchmarkIntake has a kiosk send records in full frames, as after an outage, and
// ends when each was taken in, receipted, opened, verified, stamped, registered and
// receipted again: the portal's whole path but for the network. The floor is what
// one core checks of ECDSA signatures (P-256) alone, measured in the same run.
//
// Both are measured turn about on all cores, so other work disturbs them alike.
// «x-floor-of-a-core» is records per second of the whole machine, with PostgreSQL's
// server on it, over what one core checks; «x-floor-of-all-cores» over what all do.
//
// «verifies/record» is what a record costs in processor time, in signatures checked:
// by the portal with its kiosk, and by the server. «x-floor-of-a-core-busy» is what
// follows for a machine that does nothing else and never waits for its disk.
func BenchmarkIntake(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		l, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "ledger.db"))
		if err != nil {
			b.Fatal(err)
		}
		benchIntake(b, l, func() time.Duration { return 0 })
	})
	b.Run("postgres", func(b *testing.B) {
		server := postgrestest.Start(b)
		l, err := postgres.Open(b.Context(), server.Database(b))
		if err != nil {
			b.Fatal(err)
		}
		benchIntake(b, l, func() time.Duration { return server.Spent(b) })
	})
}

// ofOne is how many records are sent in one turn.
const ofOne = 16 * wire.MaxRecords

func benchIntake(b *testing.B, l ledger.Ledger, server func() time.Duration) {
	w := makeWorld(b)
	w.t = b
	count := &untilDecided{Ledger: l, all: make(chan struct{}, 1)}
	w.config.Ledger = count
	defer func() {
		if err := l.Check(context.Background()); err != nil {
			b.Error(err)
		}
		if err := l.Close(); err != nil {
			b.Error(err)
		}
	}()
	var err error
	if w.p, err = New(b.Context(), w.config); err != nil {
		b.Fatal(err)
	}
	k := &kiosk{w: w, dev: w.Device}
	card, _ := w.Card("citizen-1")
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { w.p.Run(ctx) })
	near, far := wiretest.Pipe()
	wg.Go(func() { _ = w.p.Serve(ctx, Peer{w.Device.ID, w.Device.TLS.Cert}, far) })
	if err := near.Send(ctx, &wire.Hello{Kiosk: w.Device.ID, Epoch: [16]byte{1}, Oldest: wire.Oldest, Newest: wire.Version, Software: "bench"}); err != nil {
		b.Fatal(err)
	}
	var durable atomic.Int64
	wg.Go(func() {
		for {
			f, err := near.Receive(ctx)
			if err != nil {
				return
			}
			switch f := f.(type) {
			case *wire.Receipts:
				for _, g := range f.Groups {
					durable.Add(int64(len(g.Slips)))
				}
			case *wire.Items:
				_ = near.Send(ctx, &wire.ItemAck{ID: f.Last()})
			case *wire.Bye:
				b.Errorf("the portal says bye: %s", f.Code)
			}
		}
	})
	seq := uint64(0)
	var spent, floor, own, theirs, floorOwn time.Duration
	var checked int64
	for b.Loop() {
		b.StopTimer()
		var frames []*wire.Records
		for range ofOne / wire.MaxRecords {
			f := &wire.Records{Epoch: [16]byte{1}}
			for range wire.MaxRecords {
				seq++
				f.Records = append(f.Records, k.record(b, seq, card))
			}
			frames = append(frames, f)
		}
		count.left.Store(ofOne)
		runtime.GC()
		b.StartTimer()
		begin, mine, other := time.Now(), worked(b), server()
		for _, f := range frames {
			if err := near.Send(ctx, f); err != nil {
				b.Fatal(err)
			}
		}
		select {
		case <-count.all:
		case <-time.After(2 * time.Minute):
			b.Fatalf("%d records are not decided; %d durable", count.left.Load(), durable.Load())
		}
		spent += time.Since(begin)
		b.StopTimer()
		own, theirs, mine = own+worked(b)-mine, theirs+server()-other, worked(b)
		n, d := checkSignatures(b, card.Slots[specimen.SlotSign].Key)
		checked, floor, floorOwn = checked+n, floor+d, floorOwn+worked(b)-mine
		b.StartTimer()
	}
	rate, all := float64(seq)/spent.Seconds(), float64(checked)/floor.Seconds()
	b.ReportMetric(rate, "records/s")
	b.ReportMetric(all, "verify/s-of-all-cores")
	b.ReportMetric(rate/all*float64(runtime.GOMAXPROCS(0)), "x-floor-of-a-core")
	b.ReportMetric(rate/all, "x-floor-of-all-cores")
	one := floorOwn.Seconds() / float64(checked) // of a core's time
	b.ReportMetric(own.Seconds()/float64(seq)/one, "verifies/record-portal")
	b.ReportMetric(theirs.Seconds()/float64(seq)/one, "verifies/record-server")
	b.ReportMetric(float64(runtime.GOMAXPROCS(0))*one*float64(seq)/(own+theirs).Seconds(), "x-floor-of-a-core-busy")
	b.ReportMetric(0, "ns/op")
}

// record is a request of a citizen as his kiosk sends it.
func (k *kiosk) record(b *testing.B, seq uint64, card specimen.Card) wire.Record {
	d := k.document(card)
	d.Name = fmt.Sprintf("Certificate of residence %d", seq)
	c, err := edoc.Sign(d, card.Slots[specimen.SlotSign].Signer(), d.Made)
	if err != nil {
		b.Fatal(err)
	}
	sealed, err := envelope.NewDictionary(k.w.p.Catalogue().Dictionary()).Seal(c.Bytes(), k.w.AgeRecipient)
	if err != nil {
		b.Fatal(err)
	}
	return wire.Record{Seq: seq, Doc: c.ID(), Service: d.Service, Lang: d.Lang, Claimed: d.Made.Unix(), Sealed: sealed}
}

// checkSignatures checks signatures on every core for a while, and returns how many
// and how long it took.
func checkSignatures(b *testing.B, key *ecdsa.PrivateKey) (n int64, d time.Duration) {
	sum := sha256.Sum256(make([]byte, 600))
	sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	var all atomic.Int64
	begin := time.Now()
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for time.Since(begin) < 200*time.Millisecond {
				for range 64 {
					if !ecdsa.VerifyASN1(&key.PublicKey, sum[:], sig) {
						b.Error("the floor is wrong")
					}
				}
				all.Add(64)
			}
		})
	}
	wg.Wait()
	return all.Load(), time.Since(begin)
}

// worked is how long this process has worked on all cores.
func worked(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// untilDecided is a ledger that says when everything was decided.
type untilDecided struct {
	ledger.Ledger
	left atomic.Int64
	all  chan struct{}
}

func (c *untilDecided) Decide(ctx context.Context, vs []ledger.Verdict, sign func([]ledger.Decided) ([][]byte, error)) error {
	err := c.Ledger.Decide(ctx, vs, sign)
	if err == nil && c.left.Add(-int64(len(vs))) == 0 {
		c.all <- struct{}{}
	}
	return err
}
