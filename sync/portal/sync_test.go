package portal

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/sync/wire"
	"github.com/penjire/penjire/sync/wire/socket"
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
	asked := 1
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
		t.Errorf("Kiosks = %+v, %v, want %d records and no alarm", ks, err, asked)
	}
}

// peer speaks to the portal by hand.
type peer struct {
	t *testing.T
	c *socket.Conn
}

func (k *kiosk) peer(t *testing.T, cert tls.Certificate) (*peer, error) {
	t.Helper()
	tc := k.tls()
	tc.Certificates = []tls.Certificate{cert}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: tc, DisableKeepAlives: true}}
	c, err := socket.Dial(t.Context(), k.w.url, client, nil, nil)
	if err != nil {
		return nil, err
	}
	t.Cleanup(c.Cut)
	return &peer{t, c}, nil
}

// greeted is a peer that has said hello and read welcome and beacon.
func (k *kiosk) greeted(t *testing.T) (*peer, *wire.Welcome) {
	t.Helper()
	p, err := k.peer(t, k.dev.TLS.TLS())
	if err != nil {
		t.Fatal(err)
	}
	p.send(k.hello())
	welcome := want[*wire.Welcome](p)
	want[*wire.Beacon](p)
	return p, welcome
}

func (k *kiosk) hello() *wire.Hello {
	// As a kiosk that has every catalogue and bundle: nothing comes unasked.
	return &wire.Hello{Kiosk: k.dev.ID, Epoch: k.o.Stats(context.Background()).Epoch, Oldest: 1, Newest: 1, Software: "test", Catalogue: 1 << 40, Trust: 1 << 40}
}

func (p *peer) send(f wire.Frame) {
	p.t.Helper()
	if err := p.c.Send(p.t.Context(), f); err != nil {
		p.t.Fatal(err)
	}
}

// want receives frames until one of type F; items in between are acked.
func want[F wire.Frame](p *peer) F {
	p.t.Helper()
	for {
		f, err := p.c.Receive(p.t.Context())
		if err != nil {
			p.t.Fatal(err)
		}
		if got, ok := f.(F); ok {
			return got
		}
		its, ok := f.(*wire.Items)
		if !ok {
			var none F
			p.t.Fatalf("got %s %+v, want %T", f.Type(), f, none)
		}
		p.send(&wire.ItemAck{ID: its.Items[len(its.Items)-1].ID})
	}
}

func record(r outbox.Record) wire.Record {
	return wire.Record{Seq: r.Seq, Doc: r.Doc, Service: r.Service, Lang: r.Lang, Claimed: r.Claimed.Unix(), Sealed: r.Sealed}
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
	first := want[*wire.Receipts](p).Receipts[0]
	p.c.Cut() // the kiosk never sees it

	w.stop()
	w.serve(w.PortalTLS.TLS())
	p, _ = k.greeted(t)
	p.send(f)
	if again := want[*wire.Receipts](p).Receipts[0]; !bytes.Equal(again, first) {
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
	r, err := wire.ParseReceipt(want[*wire.Receipts](p).Receipts[0], w.Trust().Portals)
	if err != nil || !bytes.Equal(r.Fork, recs[0].SealedDigest[:]) || r.Digest != recs[1].SealedDigest {
		t.Errorf("receipt of the second = %+v, %v, want one that names the first", r, err)
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
	if n := len(want[*wire.Receipts](p).Receipts); n != 2 {
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
		for _, it := range its.Items {
			r, err := wire.ParseReceipt(it.Bytes, w.Trust().Portals)
			if err != nil {
				t.Fatal(err)
			}
			seen[r.Seq] = r.Stage
		}
		p.send(&wire.ItemAck{ID: its.Items[len(its.Items)-1].ID})
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
	if n := len(want[*wire.Receipts](p).Receipts); n != 1 {
		t.Errorf("receipts = %d, want 1", n)
	}
	p.c.Cut()

	// And a kiosk that gets a nack goes on with the rest.
	bad := k.ask(k.document(card), card.Slots[specimen.SlotSign].Signer())
	var nacked atomic.Int64
	url, stop := w.fakePortal(t, func(c *socket.Conn, f wire.Frame) wire.Frame {
		rs := f.(*wire.Records)
		out := &wire.Receipts{}
		for _, r := range rs.Records {
			if r.Doc == bad.ID() {
				nacked.Add(1)
				if err := c.Send(context.Background(), &wire.Nack{Of: wire.TypeRecords, Epoch: rs.Epoch, Seq: r.Seq, Code: "record.test"}); err != nil {
					return nil
				}
				continue
			}
			out.Receipts = append(out.Receipts, w.durable(k, rs.Epoch, r))
		}
		if len(out.Receipts) == 0 {
			return nil
		}
		return out
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

// durable makes the receipt that a portal would.
func (w *world) durable(k *kiosk, e [16]byte, r wire.Record) []byte {
	rec, err := k.o.Get(context.Background(), r.Doc)
	if err != nil {
		w.t.Error(err)
		return []byte{0}
	}
	b, err := wire.SignReceipt(wire.Receipt{
		Level: wire.Durable, Kiosk: k.dev.ID, Epoch: e, Seq: r.Seq, Doc: r.Doc, Digest: rec.SealedDigest,
		Stage: wire.StageDelivered, At: time.Now().Unix(), Confirmer: "portal.specimen",
	}, w.PortalReceipt.Key, w.PortalReceipt.Cert)
	if err != nil {
		w.t.Error(err)
		return []byte{0}
	}
	return b
}

// fakePortal answers records with what answer returns; nil answers nothing.
func (w *world) fakePortal(t *testing.T, answer func(*socket.Conn, wire.Frame) wire.Frame) (url string, stop func()) {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", TLSConfig(w.PortalTLS.TLS(), w.Pool()))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	srv := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		wg.Add(1)
		defer wg.Done()
		c, err := socket.Accept(rw, r, nil)
		if err != nil {
			return
		}
		defer c.Cut()
		if _, err := c.Receive(ctx); err != nil {
			return
		}
		if err := c.Send(ctx, &wire.Welcome{Version: 1, Portal: "portal.specimen", Records: 64, Bytes: 1 << 20}); err != nil {
			return
		}
		for {
			f, err := c.Receive(ctx)
			if err != nil {
				return
			}
			if f.Type() != wire.TypeRecords {
				continue
			}
			if a := answer(c, f); a != nil {
				if err := c.Send(ctx, a); err != nil {
					return
				}
			}
		}
	})}
	go func() { _ = srv.Serve(ln) }()
	return "wss://" + ln.Addr().String() + socket.Path, func() {
		cancel()
		_ = srv.Close()
		wg.Wait()
	}
}

// TestFalseReceipts has a portal answer with receipts that are not worth
// anything: the kiosk keeps what it has.
func TestFalseReceipts(t *testing.T) {
	for name, forge := range map[string]func(w *world, k *kiosk, e [16]byte, r wire.Record) []byte{
		"garbage": func(*world, *kiosk, [16]byte, wire.Record) []byte { return []byte("thanks") },
		"another signer": func(w *world, k *kiosk, e [16]byte, r wire.Record) []byte {
			real := w.PortalReceipt
			defer func() { w.PortalReceipt = real }()
			w.PortalReceipt = w.Register
			return w.durable(k, e, r)
		},
		"another digest": func(w *world, k *kiosk, e [16]byte, r wire.Record) []byte {
			b, err := wire.SignReceipt(wire.Receipt{
				Level: wire.Durable, Kiosk: k.dev.ID, Epoch: e, Seq: r.Seq, Doc: r.Doc, Digest: [32]byte{1},
				Stage: wire.StageDelivered, At: 1, Confirmer: "portal.specimen",
			}, w.PortalReceipt.Key, w.PortalReceipt.Cert)
			if err != nil {
				w.t.Error(err)
			}
			return b
		},
		"decided where durable is due": func(w *world, k *kiosk, e [16]byte, r wire.Record) []byte {
			rec, err := k.o.Get(context.Background(), r.Doc)
			if err != nil {
				w.t.Error(err)
			}
			b, err := wire.SignReceipt(wire.Receipt{
				Level: wire.Decided, Kiosk: k.dev.ID, Epoch: e, Seq: r.Seq, Doc: r.Doc, Digest: rec.SealedDigest,
				Stage: wire.StageRegistered, At: 1, Confirmer: "portal.specimen",
			}, w.PortalReceipt.Key, w.PortalReceipt.Cert)
			if err != nil {
				w.t.Error(err)
			}
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			k := w.kiosk()
			doc := k.one("citizen-1")
			refused := make(chan struct{}, 100)
			url, stop := w.fakePortal(t, func(_ *socket.Conn, f wire.Frame) wire.Frame {
				rs := f.(*wire.Records)
				select {
				case refused <- struct{}{}:
				default:
				}
				return &wire.Receipts{Receipts: [][]byte{forge(w, k, rs.Epoch, rs.Records[0])}}
			})
			defer stop()
			c := k.uplinkConfig()
			c.URL = url
			u, end := k.run(c)
			<-refused
			<-refused // it came back with the same
			end()
			r, err := k.o.Get(t.Context(), doc.ID())
			if err != nil || r.State != outbox.Sending || r.Receipted() {
				t.Errorf("the request is %s, receipted %t, want still sending", r.State, r.Receipted())
			}
			if s := u.Status(); s.Refused != "receipt.invalid" {
				t.Errorf("status = %q, want receipt.invalid", s.Refused)
			}
			k.run(k.uplinkConfig())
			k.untilState(doc.ID(), outbox.Registered)
		})
	}
}

// TestWrongPortal meets somebody else under the portal's address.
func TestWrongPortal(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	doc := k.one("citizen-1")
	stranger, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	w.stop()
	w.serve(stranger.PortalTLS.TLS())
	u, err := uplink.New(k.uplinkConfig())
	if err != nil {
		t.Fatal(err)
	}
	untilCode(t, u, uplink.CodePortalCertificate)
	if s := k.state(doc.ID()); s != outbox.Accepted {
		t.Errorf("the request is %s, want accepted: nothing may leave", s)
	}

	// The right certificate under a wrong name is no better.
	w.stop()
	w.serve(w.PortalTLS.TLS())
	c := k.uplinkConfig()
	c.TLS.ServerName = "other.specimen"
	if u, err = uplink.New(c); err != nil {
		t.Fatal(err)
	}
	untilCode(t, u, uplink.CodePortalCertificate)

	c = k.uplinkConfig()
	c.URL = "wss://127.0.0.1:1/sync"
	if u, err = uplink.New(c); err != nil {
		t.Fatal(err)
	}
	untilCode(t, u, uplink.CodeUnreachable)

	k.run(k.uplinkConfig())
	k.untilState(doc.ID(), outbox.Registered)
}

// untilCode runs u until its status has the code.
func untilCode(t *testing.T, u *uplink.Uplink, code string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for u.Status().LastError != code {
		select {
		case <-deadline:
			t.Fatalf("status = %+v, want %s", u.Status(), code)
		case <-tick.C:
		}
	}
	if s := u.Status(); s.Connected {
		t.Error("connected, want not")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestWhoMayConnect turns away what is no kiosk of ours.
func TestWhoMayConnect(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	citizen, _ := w.Card("citizen-1")
	stranger, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	revoked, err := w.NewDevice("K-000009")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Revoke(revoked.TLS.Cert, time.Now().Add(-time.Minute), false); err != nil {
		t.Fatal(err)
	}
	if err := w.ReissueAt(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := w.p.PublishTrust(t.Context(), w.Bundle()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]tls.Certificate{
		"nobody": {}, "a citizen": citizen.Slots[specimen.SlotAuth].TLS(), "a stranger's kiosk": stranger.Device.TLS.TLS(),
		"a revoked kiosk": revoked.TLS.TLS(), "the portal": w.PortalTLS.TLS(),
	} {
		if _, err := k.peer(t, c); err == nil {
			t.Errorf("%s gets in", name)
		}
	}
	if _, err := k.peer(t, k.dev.TLS.TLS()); err != nil {
		t.Errorf("the kiosk = %v, want it let in", err)
	}
	c := k.uplinkConfig()
	c.TLS.Certificates = []tls.Certificate{stranger.Device.TLS.TLS()}
	u, err := uplink.New(c)
	if err != nil {
		t.Fatal(err)
	}
	untilCode(t, u, uplink.CodeKioskCertificate)
	// The old protocol is not spoken.
	old := k.tls()
	old.MaxVersion = tls.VersionTLS12
	if conn, err := tls.Dial("tcp", w.url[len("wss://"):len(w.url)-len(socket.Path)], old); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.2 gets in")
	}
}

// TestGreeting begins sessions wrongly.
func TestGreeting(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	for name, c := range map[string]struct {
		first wire.Frame
		code  string
	}{
		"records before hello": {&wire.Records{Epoch: [16]byte{1}, Records: []wire.Record{{Seq: 1, Doc: [32]byte{1}, Service: "s", Lang: "tk", Sealed: []byte{1}}}}, "hello.expected"},
		"another kiosk's name": {&wire.Hello{Kiosk: "K-000002", Epoch: [16]byte{1}, Oldest: 1, Newest: 1}, "hello.kiosk"},
		"only newer versions":  {&wire.Hello{Kiosk: k.dev.ID, Epoch: [16]byte{1}, Oldest: 2, Newest: 9}, "version"},
	} {
		p, err := k.peer(t, k.dev.TLS.TLS())
		if err != nil {
			t.Fatal(err)
		}
		p.send(c.first)
		if b := want[*wire.Bye](p); b.Code != c.code {
			t.Errorf("%s: bye %q, want %q", name, b.Code, c.code)
		}
		if _, err := p.c.Receive(t.Context()); err == nil {
			t.Errorf("%s: the session goes on", name)
		}
	}
	// A kiosk that speaks newer versions as well is served.
	p, err := k.peer(t, k.dev.TLS.TLS())
	if err != nil {
		t.Fatal(err)
	}
	h := k.hello()
	h.Newest = 9
	p.send(h)
	if got := want[*wire.Welcome](p); got.Version != 1 {
		t.Errorf("welcome = version %d, want 1", got.Version)
	}
}

// TestTooLongMessage ends a connection that sends more than fits.
func TestTooLongMessage(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	p, _ := k.greeted(t)
	// Marshal refuses it, so it goes as a frame of another kind would: raw.
	rs := &wire.Records{Epoch: [16]byte{1}}
	for i := range uint64(3) {
		rs.Records = append(rs.Records, wire.Record{Seq: i + 1, Doc: [32]byte{1}, Service: "s", Lang: "tk", Sealed: make([]byte, wire.MaxSealed)})
	}
	if err := p.c.Send(t.Context(), rs); !errors.Is(err, wire.ErrLimit) {
		t.Errorf("Send of 12 MiB = %v, want ErrLimit", err)
	}
	if err := p.c.SendRaw(t.Context(), make([]byte, wire.MaxMessage+1)); err == nil {
		_, err = p.c.Receive(t.Context())
		if err == nil {
			t.Error("the connection goes on after a message that is too long")
		}
	}
}

// TestSlowLink moves bytes so slowly that a message takes many times the
// interval after which silence counts: the session holds.
func TestSlowLink(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	card, _ := w.Card("citizen-1")
	d := k.document(card)
	noise := bytes.Repeat([]byte("0123456789abcdef"), 1200)
	for i := range noise {
		noise[i] ^= byte(i * 7919 >> 5)
	}
	id := edoc.ID{5}
	k.acceptSealed(id, noise, d)
	c := k.uplinkConfig()
	c.Interval = 150 * time.Millisecond
	var dials atomic.Int64
	c.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return slowConn{conn}, err
	}
	start := time.Now()
	u, stop := k.run(c)
	k.until("delivered", func() bool { return k.state(id) >= outbox.Delivered })
	if took := time.Since(start); took < 5*c.Interval {
		t.Errorf("the link was not slow: %s", took)
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("connections = %d, want 1: it was ended while bytes moved; %q", n, u.Status().LastError)
	}
	stop()
}

// slowConn writes 256 bytes in each 12 ms.
type slowConn struct{ net.Conn }

func (c slowConn) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		<-time.After(12 * time.Millisecond)
		var m int
		m, err = c.Conn.Write(b[:min(256, len(b))])
		n += m
		b = b[m:]
	}
	return n, err
}

// TestSilentPortal connects to one that never answers.
func TestSilentPortal(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	k.one("citizen-1")
	url, stop := w.fakePortal(t, func(*socket.Conn, wire.Frame) wire.Frame {
		return nil
	})
	defer stop()
	c := k.uplinkConfig()
	c.URL, c.Interval = url, 20*time.Millisecond
	c.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		// The line goes dead, without an end, after the first few frames.
		return &deadConn{Conn: conn, left: 4000, closed: make(chan struct{})}, err
	}
	u, err := uplink.New(c)
	if err != nil {
		t.Fatal(err)
	}
	untilCode(t, u, uplink.CodeSilent)
}

// deadConn delivers so many bytes and then neither more nor an error.
type deadConn struct {
	net.Conn
	left   int
	once   sync.Once
	closed chan struct{}
}

func (c *deadConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		<-c.closed
		return 0, io.EOF
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

func (c *deadConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// TestItems brings catalogue, trust bundle and beacons down, once.
func TestItems(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	c := k.uplinkConfig()
	c.Trust = func() *trust.Bundle { b := *w.Trust(); b.Version = 0; return &b } // as one from before
	_, stop := k.run(c)
	k.until("catalogue, bundle and beacon", func() bool {
		a, b, n := k.sink.counts()
		return a == 1 && b == 1 && n >= 1 && k.o.Cursor() == 2
	})
	stop()
	// Nothing comes twice.
	version := w.p.Catalogue().Version
	c.Catalogue = func() uint64 { return version }
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
		return &wire.Receipts{Receipts: [][]byte{w.durable(k, rs.Epoch, rs.Records[0])}}
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
	if welcome.HeadSize != before.Size || welcome.HeadRoot != before.Root {
		t.Errorf("welcome has head %d, want %d", welcome.HeadSize, before.Size)
	}
	if _, err := k.o.Append(t.Context(), journal.Entry{Kind: journal.ClockStep}); err != nil {
		t.Fatal(err)
	}
	signer, err := journal.NewSigner(k.dev.ID, k.dev.TLS.Key)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(c journal.Checkpoint) []byte {
		t.Helper()
		b, err := c.Sign(signer)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	now := k.o.Checkpoint()
	other, small, foreign := now, now, now
	other.Root, other.Size = [32]byte{1}, before.Size+1
	small.Size = 1
	foreign.Origin = "K-000002/00"
	stranger, err := journal.NewSigner(k.dev.ID, w.Register.Key)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := now.Sign(stranger)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*wire.Checkpoint{
		"another root":          {Epoch: e, Head: sign(other), From: before.Size},
		"a smaller tree":        {Epoch: e, Head: sign(small), From: before.Size},
		"another journal":       {Epoch: e, Head: sign(foreign), From: before.Size},
		"signed by another":     {Epoch: e, Head: forged, From: before.Size},
		"not from what is kept": {Epoch: e, Head: sign(now), From: 0},
		"another epoch":         {Epoch: [16]byte{9}, Head: sign(now), From: before.Size},
		"no note":               {Epoch: e, Head: []byte("x"), From: before.Size},
	} {
		p.send(f)
		if n := want[*wire.Nack](p); n.Of != wire.TypeCheckpoint || n.Code != "journal.inconsistent" {
			t.Errorf("%s: nack %+v, want journal.inconsistent", name, n)
		}
		if h := head(); h.Size != before.Size || h.Root != before.Root {
			t.Errorf("%s: the head kept is %d now, want %d", name, h.Size, before.Size)
		}
	}
	al, err := w.l.Alarms(t.Context(), 10)
	if err != nil || len(al) == 0 || al[0].Code != "journal.inconsistent" || al[0].Kiosk != k.dev.ID {
		t.Errorf("Alarms = %+v, %v, want journal.inconsistent", al, err)
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

// TestComeBackLater has the portal full: the kiosk waits as long as it is told.
func TestComeBackLater(t *testing.T) {
	w := newWorld(t)
	w.stop()
	w.config.Herd = 1
	w.serve(w.PortalTLS.TLS())
	k := w.kiosk()
	k.greeted(t)
	dev2, err := w.NewDevice("K-000002")
	if err != nil {
		t.Fatal(err)
	}
	k2 := w.kioskWith(dev2, k.o)
	p, err := k2.peer(t, dev2.TLS.TLS())
	if err != nil {
		t.Fatal(err)
	}
	p.send(k2.hello())
	if b := want[*wire.Bye](p); b.Code != "busy" || b.Retry == 0 {
		t.Errorf("bye = %+v, want busy with a time", b)
	}
}
