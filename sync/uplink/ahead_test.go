package uplink

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/wire"
	"github.com/penjire/penjire/sync/wire/wiretest"
)

// portal is the other end of an uplink's session, played by hand, in a bubble of
// testing/synctest.
type portal struct {
	t     *testing.T
	far   wire.Carrier
	hello *wire.Hello
	came  chan wire.Frame
}

// play runs an uplink with c, welcomes it, and has play say the rest.
func play(t *testing.T, c Config, welcome wire.Welcome, play func(p *portal, u *Uplink)) {
	t.Helper()
	near, far := wiretest.Pipe()
	c.Connect = func(context.Context) (wire.Carrier, error) { return near, nil }
	u, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- u.Run(ctx) }()
	f, err := far.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	p := &portal{t: t, far: far, came: make(chan wire.Frame)}
	var ok bool
	if p.hello, ok = f.(*wire.Hello); !ok {
		t.Fatalf("got %s, want hello", f.Type())
	}
	welcome.Version, welcome.Portal, welcome.Records = wire.Spoken.Newest, "portal.specimen", wire.MaxRecords
	p.say(&welcome)
	go func() {
		defer close(p.came)
		for {
			f, err := far.Receive(ctx)
			if err != nil {
				return
			}
			p.came <- f
		}
	}()
	defer func() {
		cancel()
		far.Cut()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for range p.came {
		}
	}()
	play(p, u)
}

func (p *portal) say(f wire.Frame) {
	p.t.Helper()
	if err := p.far.Send(p.t.Context(), f); err != nil {
		p.t.Fatal(err)
	}
}

// heard returns everything that comes until nothing moves any more but by what we do.
func (p *portal) heard() (all []wire.Frame) {
	for {
		synctest.Wait()
		select {
		case f, ok := <-p.came:
			if !ok {
				return all
			}
			all = append(all, f)
		default:
			return all
		}
	}
}

// TestTwoFramesAhead: a second frame of records goes before the receipts for the first
// have come, and no third; also where the portal takes few bytes in a frame, so that
// it has few records.
func TestTwoFramesAhead(t *testing.T) {
	for what, most := range map[string]struct {
		batch int
		bytes uint
		each  int
	}{
		"by records": {5, 1 << 20, 5},
		"by bytes":   {0, uint(len(outboxtest.Draft(0).Sealed)), 1},
	} {
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
			c.Batch = most.batch
			play(t, c, wire.Welcome{Bytes: most.bytes}, func(p *portal, _ *Uplink) {
				var seqs []uint64
				look := func() (frames int) {
					for _, f := range p.heard() {
						if r, ok := f.(*wire.Records); ok {
							frames++
							for _, r := range r.Records {
								seqs = append(seqs, r.Seq)
							}
						}
					}
					return frames
				}
				if n := look(); n != 2 || len(seqs) != 2*most.each {
					t.Fatalf("%s: %d frames with records %v went before any receipt, want two of %d", what, n, seqs, most.each)
				}
				for _, seq := range seqs[:most.each] { // the portal says something about each of the first
					p.say(&wire.Nack{Of: wire.TypeRecords, Epoch: p.hello.Epoch, Seq: seq, Code: "later"})
					synctest.Wait()
				}
				if n := look(); n != 1 || len(seqs) != 3*most.each || seqs[len(seqs)-1] != uint64(3*most.each) {
					t.Errorf("%s: %d frames after that, the records by now %v; want one, to %d", what, n, seqs, 3*most.each)
				}
			})
		})
	}
}

// TestOtherBase: a portal that keeps another base than the kiosk gets the head again,
// without one, and the kiosk calls nothing refused (WIRE-JRN-11). Until the portal has
// read what is packed against a base, no other head goes.
func TestOtherBase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, err := specimen.New(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		o := outboxtest.Open(t)
		kept, err := o.Checkpoint().Sign(w.Device.ID, w.Device.Signing.Signer(), time.Now(), false)
		if err != nil {
			t.Fatal(err)
		}
		grow := func() { // without a request, which would have to be answered
			t.Helper()
			if _, err := o.Append(t.Context(), journal.Entry{Kind: journal.Beacon, Fields: journal.Fields{To: 1, Digest: make([]byte, 32)}}); err != nil {
				t.Fatal(err)
			}
		}
		grow()
		c := config(t, w, o)
		c.Checkpoint = time.Second
		c.Kept = func() *journal.Head { return kept }
		play(t, c, wire.Welcome{Bytes: 1 << 20, HeadSize: kept.Size, HeadName: kept.Digest()}, func(p *portal, u *Uplink) {
			heads := func() (all []*wire.Checkpoint) {
				for _, f := range p.heard() {
					if f, ok := f.(*wire.Checkpoint); ok {
						all = append(all, f)
					}
				}
				return all
			}
			one := func(want bool) {
				t.Helper()
				got := heads()
				if len(got) != 1 || got[0].From != kept.Size {
					t.Fatalf("heads = %+v, want one from %d", got, kept.Size)
				}
				if _, based := journal.Packed(got[0].Head); based != want {
					t.Errorf("it is packed against a base: %t, want %t", based, want)
				}
			}
			one(true)
			grow()
			time.Sleep(time.Minute)
			if got := heads(); len(got) != 0 {
				t.Errorf("heads before an answer = %+v, want none", got)
			}
			p.say(&wire.Nack{Of: wire.TypeCheckpoint, Epoch: p.hello.Epoch, Code: wire.CodeBase})
			one(false)
			if s := u.Status().Journal; s != "" {
				t.Errorf("the journal is called refused: %s", s)
			}
			grow()
			time.Sleep(time.Minute)
			if got := heads(); len(got) != 1 {
				t.Errorf("heads after that = %+v, want one", got)
			}
		})
	})
}
