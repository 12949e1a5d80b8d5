package portal

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/socket"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/sync/wire"
)

// TestItems brings catalogue, trust bundle and beacons down, once.
func TestItems(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	c := k.uplinkConfig()
	c.Trust = func() *trust.Bundle { b := *w.Trust(); b.Version = 0; return &b } // as one from before
	_, stop := k.run(c)
	k.until("catalogue, bundle and beacon", func() bool {
		a, b, n := k.sink.counts()
		return a == 1 && b == 1 && n >= 1 && k.o.Cursor() == 0
	})
	stop()
	// Nothing comes twice.
	version := w.p.Catalogue().Version
	c.Catalogue, c.Trust = func() uint64 { return version }, w.Trust
	_, stop = k.run(c)
	doc := k.one("citizen-1")
	k.untilState(doc.ID(), outbox.Registered)
	if a, b, n := k.sink.counts(); a != 1 || b != 1 || n < 2 {
		t.Errorf("catalogues %d, bundles %d, beacons %d, want 1, 1 and 2 or more", a, b, n)
	}
	stop()
	// A restart of the portal with a further service brings a new catalogue; a
	// kiosk that cannot accept it goes on all the same.
	k.sink.refuse = fmt.Errorf("test: %w", uplink.ErrUnacceptable)
	s, _ := w.p.Catalogue().Service("complaint")
	more := *s
	more.ID = "another-complaint"
	w.config.Packs = []*catalog.Pack{{Schema: catalog.SchemaPack, Services: []catalog.Service{more}}}
	w.stop()
	w.serve(w.PortalTLS.TLS())
	c.URL = w.url
	u, stop := k.run(c)
	doc = k.one("citizen-1")
	k.untilState(doc.ID(), outbox.Registered)
	if st := u.Status(); st.Refused != "catalogue.invalid" {
		t.Errorf("status = %q, want catalogue.invalid", st.Refused)
	}
	stop()
}

// TestBeaconOfAnother is not believed.
func TestBeaconOfAnother(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	doc := k.one("citizen-1")
	url, stop := w.fakePortal(t, func(c *socket.Conn, f wire.Frame) wire.Frame {
		rs := f.(*wire.Records)
		for _, x := range []wire.Time{
			{Kiosk: "K-000002", Epoch: rs.Epoch, At: 1, Confirmer: "x"},
			{Kiosk: k.dev.ID, Epoch: [16]byte{1}, At: 1, Confirmer: "x"},
		} {
			b, err := wire.SignTime(x, w.PortalReceipt.Key, w.PortalReceipt.Cert)
			if err == nil {
				err = c.Send(context.Background(), &wire.Beacon{Signed: b})
			}
			if err != nil {
				t.Error(err)
			}
		}
		b, err := wire.SignTime(wire.Time{Kiosk: k.dev.ID, Epoch: rs.Epoch, At: 1, Confirmer: "x"}, w.Register.Key, w.Register.Cert)
		if err == nil {
			err = c.Send(context.Background(), &wire.Beacon{Signed: b})
		}
		if err != nil {
			t.Error(err)
		}
		return grouped(t, rs.Epoch, w.durable(k, rs.Epoch, rs.Records[0]))
	})
	defer stop()
	c := k.uplinkConfig()
	c.URL = url
	u, end := k.run(c)
	k.untilState(doc.ID(), outbox.Delivered)
	if _, _, n := k.sink.counts(); n != 0 || u.Status().Refused != "beacon.invalid" {
		t.Errorf("beacons taken = %d, status %q, want none and beacon.invalid", n, u.Status().Refused)
	}
	end()
}

// TestHeads lets the journal grow, and then shrink behind the portal's back.
func TestHeads(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	_, stop := k.run(k.uplinkConfig())
	k.untilState(k.one("citizen-1").ID(), outbox.Registered)
	k.untilState(k.one("citizen-1").ID(), outbox.Registered)
	e := k.o.Stats(t.Context()).Epoch
	head := func() ledger.Head {
		t.Helper()
		h, err := w.l.Head(t.Context(), k.dev.ID, e)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	stop()
	// Now by hand: heads that do not follow from the one that is kept.
	p, welcome := k.greeted(t)
	before := head()
	if before.Size == 0 || before.Stamp == nil {
		t.Fatalf("head = %+v, want one with a time stamp", before)
	}
	if kept, err := journal.ParseHead(before.Note); err != nil || welcome.HeadSize != before.Size || welcome.HeadName != kept.Digest() {
		t.Errorf("welcome has head %d, want %d", welcome.HeadSize, before.Size)
	}
	if _, err := k.o.Append(t.Context(), journal.Entry{Kind: journal.ClockStep}); err != nil {
		t.Fatal(err)
	}
	sign := func(c journal.Checkpoint, s cms.Signer) []byte {
		t.Helper()
		h, err := c.Sign(k.dev.ID, s, time.Now(), true)
		if err != nil {
			t.Fatal(err)
		}
		return h.Marshal()
	}
	own := k.dev.Signing.Signer()
	now := k.o.Checkpoint()
	other, small, same, foreign := now, now, now, now
	other.Root, other.Size = [32]byte{1}, before.Size+1
	same.Root, same.Size = [32]byte{1}, before.Size
	small.Size = 1
	foreign.Origin = "K-000002/00"
	for _, tt := range []struct {
		name, code string
		f          *wire.Checkpoint
	}{
		{"another root", ledger.AlarmForked, &wire.Checkpoint{Epoch: e, Head: sign(other, own), From: before.Size}},
		{"as many with another root", ledger.AlarmForked, &wire.Checkpoint{Epoch: e, Head: sign(same, own), From: before.Size}},
		{"not from what is kept", ledger.AlarmForked, &wire.Checkpoint{Epoch: e, Head: sign(now, own), From: 0}},
		{"a smaller tree", ledger.AlarmShortened, &wire.Checkpoint{Epoch: e, Head: sign(small, own), From: before.Size}},
		{"another journal", ledger.AlarmSignature, &wire.Checkpoint{Epoch: e, Head: sign(foreign, own), From: before.Size}},
		{"signed by the register", ledger.AlarmSignature, &wire.Checkpoint{Epoch: e, Head: sign(now, w.Register.Signer()), From: before.Size}},
		{"signed by the kiosk's TLS key", ledger.AlarmSignature, &wire.Checkpoint{Epoch: e, Head: sign(now, k.dev.TLS.Signer()), From: before.Size}},
		{"another epoch", ledger.AlarmSignature, &wire.Checkpoint{Epoch: [16]byte{9}, Head: sign(now, own), From: before.Size}},
		{"no note", ledger.AlarmSignature, &wire.Checkpoint{Epoch: e, Head: []byte("x"), From: before.Size}},
	} {
		p.send(tt.f)
		if n := want[*wire.Nack](p); n.Of != wire.TypeCheckpoint || n.Code != tt.code {
			t.Errorf("%s: nack %+v, want %s", tt.name, n, tt.code)
		}
		if tt.code != ledger.AlarmSignature { // the portal shows what the head contradicts
			if f := want[*wire.Witness](p); !bytes.Equal(f.Head, before.Note) {
				t.Errorf("%s: the portal shows %q, want the head kept", tt.name, f.Head)
			}
		}
		if h := head(); h.Size != before.Size || h.Root != before.Root {
			t.Errorf("%s: the head kept is %d now, want %d", tt.name, h.Size, before.Size)
		}
	}
	got := w.alarms()
	for _, code := range []string{ledger.AlarmForked, ledger.AlarmShortened, ledger.AlarmSignature} {
		if got[code] != k.dev.ID {
			t.Errorf("alarms = %v, want %s of %s", got, code, k.dev.ID)
		}
	}
	// What citizens asked for is taken all the same, in the same session.
	doc := k.one("citizen-1")
	recs, err := k.o.Lease(t.Context(), 10, 0)
	if err != nil || len(recs) != 1 {
		t.Fatalf("Lease = %d, %v, want 1", len(recs), err)
	}
	p.send(&wire.Records{Epoch: e, Records: []wire.Record{record(recs[0])}})
	want[*wire.Receipts](p)
	p.c.Cut()
	k.run(k.uplinkConfig())
	k.untilState(doc.ID(), outbox.Registered)
}
