package portal

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/sync/wire"
	"github.com/penjire/penjire/sync/wire/wiretest"
)

// quiet is a world in a bubble: the portal decides, and kiosks reach it by pipes.
func quiet(t *testing.T, set func(*Config)) *world {
	t.Helper()
	w := makeWorld(t)
	set(&w.config)
	w.open(filepath.Join(t.TempDir(), "ledger.db"))
	w.runs()
	t.Cleanup(func() { w.stop() })
	return w
}

// runs makes the portal anew on its ledger, as after a restart.
func (w *world) runs() {
	w.t.Helper()
	if w.stop != nil {
		w.stop()
	}
	var err error
	if w.p, err = New(context.Background(), w.config); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	p := w.p
	wg.Go(func() { p.Run(ctx) })
	w.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
}

// calm is an uplink's settings over pipes, as slow as a real one.
func (k *kiosk) calm() uplink.Config {
	c := k.piped(k.uplinkConfig())
	c.MinBackoff, c.MaxBackoff, c.Checkpoint = time.Second, 30*time.Second, time.Minute
	c.Catalogue = func() uint64 { return k.w.p.Catalogue().Version }
	return c
}

// delivered counts what the kiosk has a receipt for.
func (k *kiosk) delivered() (n int) {
	for s, m := range k.o.Stats(context.Background()).ByState {
		if s >= outbox.Delivered && s != outbox.Withdrawn {
			n += m
		}
	}
	return n
}

// TestQuota: a kiosk that brings more than it may keeps what is over, comes again
// when it is told to and not before, and loses nothing; what comes down to it, and
// what other kiosks bring, does not wait; a restart of the portal gives nobody
// more (WIRE-LIM-1, WIRE-LIM-2).
func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quiet(t, func(c *Config) {
			c.Quota.Records = Allowance{Burst: 10, Day: 240} // ten an hour
			c.Jitter = func(time.Duration) time.Duration { return 0 }
		})
		k := w.kiosk()
		docs := k.queue(25)
		c := k.calm()
		c.Jitter = func(time.Duration) time.Duration { return 0 }
		u, stop := k.run(c)
		time.Sleep(time.Minute)
		if n := k.delivered(); n != 10 {
			t.Fatalf("%d requests are delivered, want the 10 that may come", n)
		}
		st := u.Status()
		if left := time.Until(st.Until); st.Waits != uplink.WaitsQuota || !st.Connected || left < 50*time.Minute || left > time.Hour {
			t.Errorf("Status waits for %q, %s more, connected %t; want the quota, about an hour, connected", st.Waits, left, st.Connected)
		}
		if w.alarms()[ledger.AlarmQuota] != k.dev.ID {
			t.Errorf("alarms are %v, want %s of the kiosk", w.alarms(), ledger.AlarmQuota)
		}

		dev, err := w.NewDevice("K-000002")
		if err != nil {
			t.Fatal(err)
		}
		other := w.kioskWith(dev, outboxtest.Open(t))
		doc := other.one("citizen-2").ID()
		_, stopOther := other.run(other.calm())
		defer stopOther()
		time.Sleep(time.Minute)
		if s := other.state(doc); s != outbox.Registered {
			t.Errorf("another kiosk's request is %s, want registered", s)
		}
		first := docs[0]
		if _, err := w.p.Answer(t.Context(), "civil-registry", first, AnswerDraft{Decision: ledger.Answered, Facts: w.residenceFacts(), By: "NUSGA"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if s := k.state(first); s != outbox.Answered {
			t.Errorf("a request of the kiosk that waits is %s, want its answer to have come", s)
		}

		stop()
		w.runs()
		_, stop = k.run(c)
		time.Sleep(10 * time.Minute)
		if n := k.delivered(); n > 13 {
			t.Errorf("after a restart %d requests are delivered, want what came back in that time and no more", n)
		}
		time.Sleep(4 * time.Hour)
		k.registeredBut(docs, first)
		stop()
	})
}

// registeredBut wants all registered; the first is answered.
func (k *kiosk) registeredBut(docs [][32]byte, first [32]byte) {
	k.w.t.Helper()
	for _, d := range docs {
		if s := k.state(d); s != outbox.Registered && d != first {
			k.w.t.Errorf("a request is %s in the end, want registered", s)
		}
	}
}

// TestQuotaOfBytes: large ones wait, and smaller ones of the next frame may fit.
func TestQuotaOfBytes(t *testing.T) {
	at := time.Unix(1795358000, 0)
	w := purse{bucketOf(Allowance{Burst: 100, Day: 100}, at), bucketOf(Allowance{Burst: 1000, Day: 24_000}, at)}
	recs := []ledger.Incoming{{Sealed: make([]byte, 600)}, {Sealed: make([]byte, 500)}, {Sealed: make([]byte, 10)}}
	n, code, wait := w.fit(recs)
	if n != 1 || code != codeBytes || wait != 6*time.Minute {
		t.Errorf("fit = %d, %s, %s; want one, %s, 6m0s", n, code, wait, codeBytes)
	}
	w.spend(at, 1, 600)
	if n, _, _ := w.fit(recs[2:]); n != 1 {
		t.Errorf("fit of a small one = %d, want 1", n)
	}
	w.spend(at.Add(-time.Hour), 0, 0) // a clock that goes back
	w.refill(at)
	if w.bytes.left != 1000 {
		t.Errorf("%.0f bytes are left after an hour, want 1000", w.bytes.left)
	}
	if n, _, _ := w.fit([]ledger.Incoming{{Sealed: make([]byte, 4000)}}); n != 1 {
		t.Error("a record that is larger than the whole allowance never comes")
	}
	if d := (Quota{}).withDefaults(); d.Records.Burst < 2*10_000 || d.Records.Day < 500 {
		t.Errorf("defaults are %+v, want that 10,000 requests come in without a stop", d)
	}
}

// TestQuotaIgnored: a kiosk that goes on sending is cut off, with a time, and what
// it had on its way when it was told is no offence (WIRE-LIM-1).
func TestQuotaIgnored(t *testing.T) {
	w := newWorld(t)
	w.p.c.Quota.Records = Allowance{Burst: 1, Day: 1}
	k := w.kiosk()
	k.queue(2)
	p, _ := k.greeted(t)
	p.send(k.head(t))
	want[*wire.Witness](p)
	f := k.lease(t, 2)
	p.send(f)
	if n := want[*wire.Nack](p); n.Code != codeRecords || n.Seq != f.Records[1].Seq || n.Retry < 3600 {
		t.Errorf("got %+v, want a nack of the second with %s", n, codeRecords)
	}
	want[*wire.Receipts](p)
	again := &wire.Records{Epoch: f.Epoch, Records: f.Records[1:]}
	for range strikes - 1 {
		p.send(again)
		want[*wire.Nack](p)
	}
	p.send(again)
	if b := want[*wire.Bye](p); b.Code != codeRecords || b.Retry < 3600 {
		t.Errorf("got %+v, want a bye with %s", b, codeRecords)
	}
}

// TestSessionsQuota: who connects again and again is sent away with a time, and
// comes in again after it (WIRE-LIM-1).
func TestSessionsQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quiet(t, func(c *Config) { c.Quota.Sessions = Allowance{Burst: 3, Day: 24} })
		k := w.kiosk()
		connect := func() wire.Frame {
			here, there := wiretest.Pipe()
			go func() { _ = w.p.Serve(context.Background(), k.who(), there) }()
			defer here.Cut()
			if err := here.Send(t.Context(), k.hello()); err != nil {
				t.Fatal(err)
			}
			f, err := here.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		for i := range 3 {
			if f := connect(); f.Type() != wire.TypeWelcome {
				t.Fatalf("session %d got %s, want welcome", i, f.Type())
			}
		}
		b, ok := connect().(*wire.Bye)
		if !ok || b.Code != codeSessions || b.Retry != 3600 {
			t.Fatalf("one session too many got %+v, want bye %s for an hour", b, codeSessions)
		}
		time.Sleep(time.Hour)
		if f := connect(); f.Type() != wire.TypeWelcome {
			t.Errorf("after that hour: %s, want welcome", f.Type())
		}
	})
}
