package uplink

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/wire"
	"github.com/penjire/penjire/sync/wire/wiretest"
)

// TestTwoFramesAhead: a second frame goes before the receipts for the first have
// come, and no third.
func TestTwoFramesAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, err := specimen.New(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		o := outboxtest.Open(t)
		for i := range 20 {
			outboxtest.Accept(t, o, outboxtest.Draft(i))
		}
		c := config(t, w, o)
		near, far := wiretest.Pipe()
		c.Connect = func(context.Context) (wire.Carrier, error) { return near, nil }
		c.Batch = 5
		u, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- u.Run(ctx) }()

		receive := func() wire.Frame {
			t.Helper()
			f, err := far.Receive(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		hello, ok := receive().(*wire.Hello)
		if !ok {
			t.Fatal("no hello")
		}
		if err := far.Send(ctx, &wire.Welcome{Version: wire.Spoken.Newest, Portal: "portal.specimen", Records: wire.MaxRecords, Bytes: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		var seqs []uint64
		came := make(chan wire.Frame)
		go func() {
			defer close(came)
			for {
				f, err := far.Receive(ctx)
				if err != nil {
					return
				}
				came <- f
			}
		}()
		look := func() (frames int) {
			for {
				synctest.Wait() // nothing moves any more but by what we do
				select {
				case f := <-came:
					if r, ok := f.(*wire.Records); ok {
						frames++
						for _, r := range r.Records {
							seqs = append(seqs, r.Seq)
						}
					}
				default:
					return frames
				}
			}
		}
		if n := look(); n != 2 || len(seqs) != 10 {
			t.Fatalf("%d frames with records %v went before any receipt, want two of five", n, seqs)
		}
		for _, seq := range seqs[:5] { // the portal says something about each of the first
			if err := far.Send(ctx, &wire.Nack{Of: wire.TypeRecords, Epoch: hello.Epoch, Seq: seq, Code: "later"}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if n := look(); n != 1 || len(seqs) != 15 || seqs[14] != 15 {
			t.Errorf("%d frames after that, the records by now %v; want one, to 15", n, seqs)
		}
		cancel()
		far.Cut()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for range came {
		}
	})
}
