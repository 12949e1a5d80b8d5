package portal

import (
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/wire"
)

// head signs the journal's head as it is.
func (k *kiosk) head(t *testing.T) *wire.Checkpoint {
	t.Helper()
	c := k.o.Checkpoint()
	h, err := c.Sign(k.dev.ID, k.dev.Signing.Signer(), time.Now(), false)
	if err != nil {
		t.Fatal(err)
	}
	return &wire.Checkpoint{Epoch: k.o.Stats(t.Context()).Epoch, Head: h.Marshal()}
}

// lease returns what is to be sent next.
func (k *kiosk) lease(t *testing.T, n int) *wire.Records {
	t.Helper()
	recs, err := k.o.Lease(t.Context(), n, 0)
	if err != nil || len(recs) != n {
		t.Fatalf("Lease = %d, %v, want %d", len(recs), err, n)
	}
	f := &wire.Records{Epoch: recs[0].Epoch}
	for _, r := range recs {
		f.Records = append(f.Records, record(r))
	}
	return f
}

// TestStandingStill shows the head that the portal kept, after records that have
// their entries behind it: the medium went back to exactly that moment. The same
// head is not in order because it is the same.
func TestStandingStill(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	p, _ := k.greeted(t)
	before := k.head(t)
	p.send(before)
	want[*wire.Witness](p)
	k.one("citizen-1")
	p.send(k.lease(t, 1))
	want[*wire.Receipts](p)
	p.send(before) // what was taken in this session needs no entry yet
	want[*wire.Witness](p)
	if got := w.alarms(); len(got) != 0 {
		t.Fatalf("alarms = %v, want none", got)
	}
	p.c.Cut()

	p, _ = k.greeted(t)
	p.send(before)
	if n := want[*wire.Nack](p); n.Code != ledger.AlarmMissing {
		t.Errorf("nack %+v, want %s", n, ledger.AlarmMissing)
	}
	want[*wire.Witness](p)
	if got := w.alarms(); got[ledger.AlarmMissing] != k.dev.ID {
		t.Errorf("alarms = %v, want %s", got, ledger.AlarmMissing)
	}
}

// TestSilentKiosk sends records in one session after another and never shows its
// journal, which could not be refused then.
func TestSilentKiosk(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	k.one("citizen-1")
	k.one("citizen-2")
	f := k.lease(t, 2)
	first, second := *f, *f
	first.Records, second.Records = f.Records[:1], f.Records[1:]
	p, _ := k.greeted(t)
	p.send(&first)
	want[*wire.Receipts](p)
	if got := w.alarms(); len(got) != 0 {
		t.Fatalf("alarms = %v after the first records, want none: nothing was taken before", got)
	}
	p.c.Cut()
	p, _ = k.greeted(t)
	p.send(&second)
	want[*wire.Receipts](p) // they are taken
	if got := w.alarms(); got[ledger.AlarmSilent] != k.dev.ID || len(got) != 1 {
		t.Errorf("alarms = %v, want %s", got, ledger.AlarmSilent)
	}
	p.c.Cut()

	// A kiosk that shows it raises none.
	k.run(k.uplinkConfig())
	k.untilState(k.one("citizen-1").ID(), outbox.Registered)
	if got := w.alarms(); len(got) != 1 {
		t.Errorf("alarms = %v, want no other", got)
	}
}

// TestReplacedJournal comes with an outbox file that the portal has not seen:
// whoever throws a journal away instead of changing it is seen too.
func TestReplacedJournal(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	_, stop := k.run(k.uplinkConfig())
	k.untilState(k.one("citizen-1").ID(), outbox.Registered)
	stop()
	w.p.closeSessions()
	if got := w.alarms(); len(got) != 0 {
		t.Fatalf("alarms = %v, want none", got)
	}
	k = w.kioskWith(w.Device, outboxtest.Open(t))
	k.run(k.uplinkConfig())
	k.untilState(k.one("citizen-2").ID(), outbox.Registered)
	if got := w.alarms(); got[ledger.AlarmReplaced] != k.dev.ID || len(got) != 1 {
		t.Errorf("alarms = %v, want %s", got, ledger.AlarmReplaced)
	}
}
