package portal

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/socket"
	"github.com/penjire/penjire/sync/wire"
)

// cutter makes connections that break after so many bytes in one direction.
type cutter struct {
	up, down int64 // bytes left; negative: no limit
}

func (c *cutter) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	cut := &cutConn{Conn: conn}
	cut.up.Store(c.up)
	cut.down.Store(c.down)
	return cut, nil
}

type cutConn struct {
	net.Conn
	up, down atomic.Int64
}

var errCut = errors.New("the line is cut")

func (c *cutConn) Write(b []byte) (int, error) {
	left := c.up.Load()
	if left < 0 {
		return c.Conn.Write(b)
	}
	n, err := c.Conn.Write(b[:min(int64(len(b)), left)])
	c.up.Store(left - int64(n))
	if err == nil && n < len(b) {
		_ = c.Close()
		err = errCut
	}
	return n, err
}

func (c *cutConn) Read(b []byte) (int, error) {
	left := c.down.Load()
	if left < 0 {
		return c.Conn.Read(b)
	}
	if left == 0 {
		_ = c.Close()
		return 0, errCut
	}
	n, err := c.Conn.Read(b[:min(int64(len(b)), left)])
	c.down.Store(left - int64(n))
	return n, err
}

// TestCuts breaks the line at many places of a session, in both directions,
// and lets the next session finish: everything arrives, and once.
func TestCuts(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	// How long is an undisturbed session?
	u, stop := k.run(k.uplinkConfig())
	k.untilState(k.one("citizen-1").ID(), outbox.Registered)
	stop()
	s := u.Status()
	if s.Sent < 1000 || s.Received < 1000 {
		t.Fatalf("a session of %d bytes up and %d down is too short to cut", s.Sent, s.Received)
	}
	asked, version := 1, w.p.Catalogue().Version
	for _, dir := range []string{"up", "down"} {
		total := s.Sent
		if dir == "down" {
			total = s.Received
		}
		for at := total % 131; at <= total; at += 131 {
			var first, dials atomic.Int64
			cut := &cutter{up: -1, down: -1}
			if dir == "up" {
				cut.up = at
			} else {
				cut.down = at
			}
			c := k.uplinkConfig()
			c.Catalogue = func() uint64 { return version } // it took what it acked
			c.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if dials.Add(1) == 1 {
					first.Add(1)
					return cut.dial(ctx, network, addr)
				}
				return new(net.Dialer).DialContext(ctx, network, addr)
			}
			doc := k.one("citizen-1")
			asked++
			_, stop := k.run(c)
			k.untilState(doc.ID(), outbox.Registered)
			stop()
			r, err := k.o.Get(t.Context(), doc.ID())
			if err != nil || r.DecidedReceipt == nil {
				t.Fatalf("cut %s after %d bytes: %v, DECIDED receipt %t, want it", dir, at, err, r.DecidedReceipt != nil)
			}
		}
	}
	if n := w.count(ledger.Registered); n != asked {
		t.Errorf("registered = %d, want %d: each once", n, asked)
	}
	ks, err := w.l.Kiosks(t.Context())
	if err != nil || len(ks) != 1 || ks[0].Records != asked || ks[0].Alarms != 0 {
		alarms, _ := w.l.Alarms(t.Context(), 9)
		t.Errorf("Kiosks = %+v, %v, want %d records and no alarm; alarms %+v", ks, err, asked, alarms)
	}
}

// TestReceiptLost has the portal commit and the receipt get lost: what the
// kiosk gets later, even from a portal that was started again, is the same
// receipt to the byte.
func TestReceiptLost(t *testing.T) {
	w := newWorld(t)
	w.stop()
	w.idle = true // else DECIDED could come first, and DURABLE would not be asked for any more
	w.serve(w.PortalTLS.TLS())
	k := w.kiosk()
	doc := k.one("citizen-1")
	recs, err := k.o.Lease(t.Context(), 10, 0)
	if err != nil || len(recs) != 1 {
		t.Fatalf("Lease = %d, %v, want 1", len(recs), err)
	}
	p, _ := k.greeted(t)
	f := &wire.Records{Epoch: recs[0].Epoch, Records: []wire.Record{record(recs[0])}}
	p.send(f)
	first := w.opened(want[*wire.Receipts](p).Groups, wire.Durable, f.Records...)[0].Bytes
	p.c.Cut() // the kiosk never sees it

	w.stop()
	w.serve(w.PortalTLS.TLS())
	p, _ = k.greeted(t)
	p.send(f)
	if again := w.opened(want[*wire.Receipts](p).Groups, wire.Durable, f.Records...)[0].Bytes; !bytes.Equal(again, first) {
		t.Errorf("the receipt of the second time differs: got %x, want %x", again, first)
	}
	p.c.Cut()

	_, end := k.run(k.uplinkConfig())
	k.untilState(doc.ID(), outbox.Delivered)
	end()
	w.stop()
	w.idle = false
	w.serve(w.PortalTLS.TLS())
	k.run(k.uplinkConfig())
	k.untilState(doc.ID(), outbox.Registered)
	r, err := k.o.Get(t.Context(), doc.ID())
	if err != nil || !bytes.Equal(r.DurableReceipt, first) {
		t.Errorf("the receipt that is kept differs: got %x, %v, want %x", r.DurableReceipt, err, first)
	}
	if n := w.count(ledger.Registered); n != 1 {
		t.Errorf("registered = %d, want 1", n)
	}
}

// TestFork sends two different requests under one number, as a copied card
// would: both are kept, the second receipt names the first, and there is an alarm.
func TestFork(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	a, b := k.one("citizen-1"), k.one("citizen-2")
	recs, err := k.o.Lease(t.Context(), 10, 0)
	if err != nil || len(recs) != 2 {
		t.Fatalf("Lease = %d, %v, want 2", len(recs), err)
	}
	p, _ := k.greeted(t)
	second := record(recs[1])
	second.Seq = recs[0].Seq
	p.send(&wire.Records{Epoch: recs[0].Epoch, Records: []wire.Record{record(recs[0])}})
	want[*wire.Receipts](p)
	p.send(&wire.Records{Epoch: recs[0].Epoch, Records: []wire.Record{second}})
	r := w.opened(want[*wire.Receipts](p).Groups, wire.Durable, second)[0]
	if !bytes.Equal(r.Fork, recs[0].SealedDigest[:]) || r.Digest != recs[1].SealedDigest {
		t.Errorf("receipt of the second = %+v, want one that names the first", r)
	}
	p.c.Cut()
	al, err := w.l.Alarms(t.Context(), 10)
	if err != nil || len(al) != 1 || al[0].Code != "kiosk.fork" {
		t.Errorf("Alarms = %+v, %v, want kiosk.fork", al, err)
	}
	// The second request, under its own number too, is still one request.
	k.run(k.uplinkConfig())
	k.untilState(a.ID(), outbox.Registered)
	k.untilState(b.ID(), outbox.Registered)
	if n := w.count(ledger.Registered); n != 2 {
		t.Errorf("registered = %d, want 2", n)
	}
}

// TestNameWithoutDocument sends a record that names another's document and holds
// something else: it is refused, and its receipt does not say that its bytes
// were registered.
func TestNameWithoutDocument(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	doc := k.one("citizen-1")
	k.run(k.uplinkConfig())
	k.untilState(doc.ID(), outbox.Registered)
	r, err := w.l.Get(t.Context(), ledger.Doc(doc.ID()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.p.Answer(t.Context(), r.Agency, ledger.Doc(doc.ID()), AnswerDraft{
		Decision: ledger.Refused, Text: citizen.NewText("No."), By: "officer",
	}); err != nil {
		t.Fatal(err)
	}

	dev, err := w.NewDevice("K-000002")
	if err != nil {
		t.Fatal(err)
	}
	other := w.kioskWith(dev, outboxtest.Open(t))
	p, _ := other.greeted(t)
	p.send(&wire.Records{Epoch: other.hello().Epoch, Records: []wire.Record{{
		Seq: 1, Doc: doc.ID(), Service: "residence-certificate", Lang: "en", Claimed: time.Now().Unix(), Sealed: []byte("nothing"),
	}}})
	for {
		f, err := p.c.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		its, ok := f.(*wire.Items)
		if !ok {
			continue
		}
		if its.Count() != 1 || len(its.Decisions) != 1 || its.Decisions[0].Slips[0].Stage != wire.StageRefused {
			t.Errorf("it gets %+v, want one refusal", its)
		}
		return
	}
}

// TestOneDocumentTwoRecords sends one document under two numbers: it is
// registered once, and both numbers get that decision.
func TestOneDocumentTwoRecords(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	k.one("citizen-1")
	recs, err := k.o.Lease(t.Context(), 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := k.greeted(t)
	again := record(recs[0])
	again.Seq += 100
	p.send(&wire.Records{Epoch: recs[0].Epoch, Records: []wire.Record{record(recs[0]), again}})
	if n := want[*wire.Receipts](p).Count(); n != 2 {
		t.Fatalf("receipts = %d, want 2", n)
	}
	seen := map[uint64]uint8{}
	for len(seen) < 2 {
		f, err := p.c.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		its, ok := f.(*wire.Items)
		if !ok {
			t.Fatalf("got %s, want items", f.Type())
		}
		for _, r := range w.opened(its.Decisions, wire.Decided, record(recs[0]), again) {
			seen[r.Seq] = r.Stage
		}
		p.send(&wire.ItemAck{ID: its.Last()})
	}
	for seq, stage := range seen {
		if stage != wire.StageRegistered {
			t.Errorf("record %d is at stage %d, want registered", seq, stage)
		}
	}
	if n := w.count(ledger.Registered); n != 1 {
		t.Errorf("registered = %d, want 1", n)
	}
	k.run(k.uplinkConfig())
	k.untilState(recs[0].Doc, outbox.Registered)
}

// TestNoHeadOfLine has the portal turn down one record of a frame: the others
// get their receipts.
func TestNoHeadOfLine(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	card, _ := w.Card("citizen-1")
	p, _ := k.greeted(t)
	large := wire.Record{Seq: 1, Doc: [32]byte{1}, Service: "complaint", Lang: "tk", Sealed: make([]byte, wire.MaxSealed+1)}
	small := wire.Record{Seq: 2, Doc: [32]byte{2}, Service: "complaint", Lang: "tk", Sealed: []byte("sealed")}
	e := k.o.Stats(t.Context()).Epoch
	p.send(&wire.Records{Epoch: e, Records: []wire.Record{large, small}})
	if n := want[*wire.Nack](p); n.Seq != 1 || n.Epoch != e || n.Code != "record.too_large" {
		t.Errorf("nack = %+v, want record.too_large of 1", n)
	}
	if n := want[*wire.Receipts](p).Count(); n != 1 {
		t.Errorf("receipts = %d, want 1", n)
	}
	p.c.Cut()

	// And a kiosk that gets a nack goes on with the rest.
	bad := k.ask(k.document(card), card.Slots[specimen.SlotSign].Signer())
	var nacked atomic.Int64
	url, stop := w.fakePortal(t, func(c *socket.Conn, f wire.Frame) wire.Frame {
		rs := f.(*wire.Records)
		var out [][]byte
		for _, r := range rs.Records {
			if r.Doc == bad.ID() {
				nacked.Add(1)
				if err := c.Send(context.Background(), &wire.Nack{Of: wire.TypeRecords, Epoch: rs.Epoch, Seq: r.Seq, Code: "record.test"}); err != nil {
					return nil
				}
				continue
			}
			out = append(out, w.durable(k, rs.Epoch, r))
		}
		if len(out) == 0 {
			return nil
		}
		return grouped(t, rs.Epoch, out...)
	})
	defer stop()
	c := k.uplinkConfig()
	c.URL, c.Batch = url, 1
	u, end := k.run(c)
	good := k.one("citizen-2")
	k.untilState(good.ID(), outbox.Delivered)
	late := k.one("citizen-3")
	k.untilState(late.ID(), outbox.Delivered)
	if s := k.state(bad.ID()); s != outbox.Sending || nacked.Load() != 1 || u.Status().Refused != "record.test" {
		t.Errorf("the nacked one is %s after %d nacks, status %q, want kept after one", s, nacked.Load(), u.Status().Refused)
	}
	end()
	k.run(k.uplinkConfig())
	k.untilState(bad.ID(), outbox.Registered)
}
