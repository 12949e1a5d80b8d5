package portal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/wire"
)

// alarms returns whose the last alarm of each code was.
func (w *world) alarms() map[string]string {
	w.t.Helper()
	all, err := w.l.Alarms(context.Background(), 100)
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]string{}
	for _, a := range all {
		out[a.Code] = a.Kiosk
	}
	return out
}

func (s *sink) witnessed() (heads, against []*journal.Head) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heads), slices.Clone(s.against)
}

// TestHostileJournals lets a kiosk work, changes its journal as somebody would
// who has its disk and its keys, and connects it again. The portal refuses each
// such journal with the alarm that fits and shows the kiosk what it
// contradicts; the kiosk takes nothing new under that journal, and goes on under
// a new epoch when it is opened again. What citizens had asked for arrives all
// the same.
func TestHostileJournals(t *testing.T) {
	for _, tt := range []struct {
		name, code string
		older      bool // an older copy of the whole file instead
		change     func(t *testing.T, e [][]byte) [][]byte
	}{
		{"one record dropped", ledger.AlarmForked, false, func(t *testing.T, e [][]byte) [][]byte {
			i := outboxtest.Signed(t, e)
			return slices.Delete(e, i, i+1)
		}},
		{"two records swapped", ledger.AlarmForked, false, func(t *testing.T, e [][]byte) [][]byte {
			i := outboxtest.Signed(t, e)
			e[i], e[i+1] = e[i+1], e[i]
			return e
		}},
		{"one record changed", ledger.AlarmForked, false, func(t *testing.T, e [][]byte) [][]byte {
			i := outboxtest.Signed(t, e)
			x, err := journal.ParseEntry(e[i])
			if err != nil {
				t.Fatal(err)
			}
			x.Fields.Doc = slices.Clone(x.Fields.Doc)
			x.Fields.Doc[0] ^= 1
			if e[i], err = x.Marshal(); err != nil {
				t.Fatal(err)
			}
			return e
		}},
		{"cut off", ledger.AlarmShortened, false, func(_ *testing.T, e [][]byte) [][]byte { return e[:4] }},
		{"an older image", ledger.AlarmShortened, true, nil},
	} {
		t.Run(tt.name, func(t *testing.T) { hostile(t, tt.code, tt.older, tt.change) })
	}
}

func hostile(t *testing.T, code string, older bool, change func(*testing.T, [][]byte) [][]byte) {
	w := newWorld(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "outbox.db")
	open := func() *outbox.Outbox {
		t.Helper()
		o, err := outbox.Open(t.Context(), dir, outbox.Options{Kiosk: w.Device.ID})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	shut := func(o *outbox.Outbox) {
		t.Helper()
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
	k := w.kioskWith(w.Device, open())
	first := k.one("citizen-1")
	shut(k.o)
	image, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	k = w.kioskWith(w.Device, open())
	_, stop := k.run(k.uplinkConfig())
	docs := []*edoc.Container{first, k.one("citizen-1"), k.one("citizen-2"), k.one("citizen-1")}
	for _, d := range docs {
		k.untilState(d.ID(), outbox.Registered)
	}
	stop()
	w.p.closeSessions() // it has read all that the kiosk had sent
	epoch := k.o.Stats(t.Context()).Epoch
	kept, err := w.l.Head(t.Context(), w.Device.ID, epoch)
	if err != nil || kept.Size < 8 || kept.Stamp == nil {
		t.Fatalf("Head of %d, %v, want a stamped one of 8 entries or more", kept.Size, err)
	}
	waiting := k.one("citizen-2") // nobody but the citizen and the disk has it
	shut(k.o)

	if older {
		if err := os.WriteFile(file, image, 0o600); err != nil {
			t.Fatal(err)
		}
	} else {
		outboxtest.Rewrite(t, file, epoch, func(e [][]byte) [][]byte { return change(t, e) })
	}
	k = w.kioskWith(w.Device, open())
	if k.o.Stats(t.Context()).Epoch != epoch {
		t.Fatal("the changed file was set aside: it is not in order by itself")
	}
	if older {
		waiting = k.one("citizen-2") // under a sequence that the portal knows already
	}
	u, stop := k.run(k.uplinkConfig())
	k.untilState(waiting.ID(), outbox.Registered)
	k.until("the portal's head", func() bool { return slices.Contains(k.o.Stats(t.Context()).Alarms, outbox.AlarmRestored) })
	stop()
	if got := w.alarms(); got[code] != w.Device.ID {
		t.Errorf("alarms = %v, want %s", got, code)
	}
	if got := u.Status().Journal; got != code {
		t.Errorf("Status.Journal = %q, want %s", got, code)
	}
	if _, against := k.sink.witnessed(); len(against) == 0 || against[0].Size != kept.Size || against[0].Root != kept.Root {
		t.Errorf("the kiosk was shown %v, want the head of %d", against, kept.Size)
	}
	if now, err := w.l.Head(t.Context(), w.Device.ID, epoch); err != nil || now.Size != kept.Size || now.Root != kept.Root {
		t.Errorf("the head kept is of %d, %v, want that of %d still", now.Size, err, kept.Size)
	}
	if _, err := k.o.Accept(t.Context(), outboxtest.Draft(1)); !errors.Is(err, outbox.ErrRestored) {
		t.Errorf("Accept = %v, want ErrRestored", err)
	}
	shut(k.o)

	k = w.kioskWith(w.Device, open())
	defer func() { shut(k.o) }()
	if e, err := k.o.Entry(t.Context(), 0); err != nil || e.Kind != journal.Quarantine || e.Fields.Reason != outbox.AlarmRestored || k.o.Stats(t.Context()).Epoch == epoch {
		t.Errorf("first entry = %+v, %v in epoch %x, want quarantine in a new one", e, err, k.o.Stats(t.Context()).Epoch)
	}
	u, stop = k.run(k.uplinkConfig())
	k.untilState(k.one("citizen-1").ID(), outbox.Registered)
	stop()
	if got := u.Status().Journal; got != "" {
		t.Errorf("in the new epoch Status.Journal = %q, want none", got)
	}
}

// TestMissingEntries has a journal that is consistent with what the portal has
// seen and smaller than what was sent out of it: the medium went back to a moment
// before that, and nobody had seen a head since.
func TestMissingEntries(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	p, _ := k.greeted(t)
	k.one("citizen-1")
	k.one("citizen-2")
	recs, err := k.o.Lease(t.Context(), 10, 0)
	if err != nil || len(recs) != 2 {
		t.Fatalf("Lease = %d, %v", len(recs), err)
	}
	e := k.o.Stats(t.Context()).Epoch
	p.send(&wire.Records{Epoch: e, Records: []wire.Record{record(recs[0]), record(recs[1])}})
	want[*wire.Receipts](p)
	p.c.Cut()
	p, _ = k.greeted(t)
	cp := k.o.Checkpoint()
	if cp.Size != 5 {
		t.Fatalf("the journal has %d entries, want boot, two signed, two sent", cp.Size)
	}
	root, err := k.o.RootAt(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	less := cp
	less.Size, less.Root = 4, root
	for _, tt := range []struct {
		c    journal.Checkpoint
		kept bool
	}{{less, false}, {cp, true}} {
		h, err := tt.c.Sign(k.dev.ID, k.dev.Signing.Signer(), time.Now(), false)
		if err != nil {
			t.Fatal(err)
		}
		p.send(&wire.Checkpoint{Epoch: e, Head: h.Marshal()})
		if tt.kept {
			want[*wire.Witness](p)
		} else if n := want[*wire.Nack](p); n.Code != ledger.AlarmMissing {
			t.Errorf("nack %+v, want %s", n, ledger.AlarmMissing)
		}
	}
	if got := w.alarms(); got[ledger.AlarmMissing] != k.dev.ID {
		t.Errorf("alarms = %v, want %s", got, ledger.AlarmMissing)
	}
}

// counter counts as a chip would.
type counter uint64

func (c *counter) Increment(context.Context) (uint64, error) {
	*c++
	return uint64(*c), nil
}

// TestCounter copies a medium into another machine: the journal is in order, and
// the number of its heads goes back, or is gone.
func TestCounter(t *testing.T) {
	for name, other := range map[string]journal.Counter{"another chip": new(counter), "no chip": nil} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			k := w.kiosk()
			c := k.uplinkConfig()
			own := counter(40)
			c.Counter = &own
			_, stop := k.run(c)
			k.untilState(k.one("citizen-1").ID(), outbox.Registered)
			stop()
			w.p.closeSessions()
			e := k.o.Stats(t.Context()).Epoch
			kept, err := w.l.Head(t.Context(), k.dev.ID, e)
			if err != nil || kept.Counter <= 40 {
				t.Fatalf("the counter of the head kept is %d, %v, want above 40", kept.Counter, err)
			}
			c = k.uplinkConfig()
			c.Counter = other
			u, stop := k.run(c)
			k.untilState(k.one("citizen-1").ID(), outbox.Registered)
			stop()
			if got := w.alarms(); got[ledger.AlarmRewound] != k.dev.ID || u.Status().Journal != ledger.AlarmRewound {
				t.Errorf("alarms = %v, status %q, want %s", got, u.Status().Journal, ledger.AlarmRewound)
			}
		})
	}
}

// TestCounterAfterLostWitness loses the first witness on its way: the kiosk's
// counter has gone on when it comes back, and it has not the head that was
// signed. It gets that with both signatures, for one of them proves nothing.
func TestCounterAfterLostWitness(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	sign := func(n uint64) *wire.Checkpoint {
		t.Helper()
		c := k.o.Checkpoint()
		c.Counter = n
		h, err := c.Sign(k.dev.ID, k.dev.Signing.Signer(), time.Now(), false)
		if err != nil {
			t.Fatal(err)
		}
		return &wire.Checkpoint{Epoch: k.o.Stats(t.Context()).Epoch, Head: h.Marshal()}
	}
	p, _ := k.greeted(t)
	p.send(sign(41))
	want[*wire.Witness](p) // and lost
	p.c.Cut()

	c := k.uplinkConfig()
	own := counter(41)
	c.Counter, c.Witnessed = &own, func() int64 { return 0 }
	_, stop := k.run(c)
	k.until("the witness", func() bool { heads, _ := k.sink.witnessed(); return len(heads) > 0 })
	stop()
	heads, _ := k.sink.witnessed()
	if heads[0].Counter != 41 {
		t.Errorf("the witnessed head has the counter %d, want 41", heads[0].Counter)
	}
	w.stamped(t, heads[0], true)
	if got := w.alarms(); len(got) != 0 {
		t.Errorf("alarms = %v, want none", got)
	}
}
