package portal

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/socket"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/sync/wire"
)

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
// interval after which silence counts, at either end: the session holds. The
// portal once ended it, because a kiosk in the middle of a message cannot answer
// a ping: whatever took longer than ninety seconds to send never arrived.
func TestSlowLink(t *testing.T) {
	w := newWorld(t)
	w.stop()
	w.config.Interval = 800 * time.Millisecond
	w.serve(w.PortalTLS.TLS())
	k := w.kiosk()
	card, _ := w.Card("citizen-1")
	d := k.document(card)
	noise := bytes.Repeat([]byte("0123456789abcdef"), 4800)
	for i := range noise {
		noise[i] ^= byte(i * 7919 >> 5)
	}
	id := edoc.ID{5}
	k.acceptSealed(id, noise, d)
	c := k.uplinkConfig()
	c.Interval = 800 * time.Millisecond
	var dials atomic.Int64
	c.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return slowConn{conn}, err
	}
	start := time.Now()
	u, stop := k.run(c)
	k.until("delivered", func() bool { return k.state(id) >= outbox.Delivered })
	if took := time.Since(start); took < 4*c.Interval {
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

// slowSink takes long to store a catalogue.
type slowSink struct {
	uplink.Sink
	began, goOn chan struct{}
	stored      atomic.Bool
}

func (s *slowSink) Catalogue(b []byte) error {
	close(s.began)
	<-s.goOn
	s.stored.Store(true)
	return s.Sink.Catalogue(b)
}

// TestRunWaits stops an uplink that is storing an item: who closes the outbox
// after Run has returned must not close it under a write.
func TestRunWaits(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	c := k.uplinkConfig()
	s := &slowSink{Sink: c.Sink, began: make(chan struct{}), goOn: make(chan struct{})}
	c.Sink = s
	u, err := uplink.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		err := u.Run(ctx)
		if !s.stored.Load() {
			t.Error("Run returned while an item was being stored")
		}
		done <- err
	}()
	<-s.began
	cancel()
	select {
	case err = <-done:
		close(s.goOn)
	case <-time.After(200 * time.Millisecond): // long enough for one that does not wait
		close(s.goOn)
		err = <-done
	}
	if err != nil {
		t.Error(err)
	}
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

// TestResumed connects twice: the second handshake needs no certificates, by a
// ticket of 16 bytes, and costs less than the first.
func TestResumed(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	var have atomic.Uint64 // the catalogue that the kiosk says it has
	first := k.uplinkConfig()
	first.Catalogue = have.Load
	first.Checkpoint = time.Hour // how many journal heads go up otherwise is chance
	u, err := uplink.New(first)
	if err != nil {
		t.Fatal(err)
	}
	session := func() int64 {
		t.Helper()
		before := u.Status()
		doc := k.one("citizen-1")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- u.Run(ctx) }()
		k.untilState(doc.ID(), outbox.Registered)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		after := u.Status()
		return after.Sent + after.Received - before.Sent - before.Received
	}
	session() // brings the catalogue too
	have.Store(w.p.Catalogue().Version)
	resumed := session()
	c := k.uplinkConfig() // forgets the ticket
	c.Checkpoint = time.Hour
	c.Catalogue = func() uint64 { return w.p.Catalogue().Version }
	if u, err = uplink.New(c); err != nil {
		t.Fatal(err)
	}
	full := session()
	if resumed > full-500 {
		t.Errorf("resumed = %d bytes, full = %d, want at least 500 less", resumed, full)
	}
}
