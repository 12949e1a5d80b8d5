package portal

import (
	"context"
	"crypto/tls"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/socket"
	"github.com/penjire/penjire/sync/wire"
)

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
	c, err := socket.Dial(t.Context(), k.w.url, client, nil)
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
		p.send(&wire.ItemAck{ID: its.Last()})
	}
}

func record(r outbox.Record) wire.Record {
	return wire.Record{Seq: r.Seq, Doc: r.Doc, Service: r.Service, Lang: r.Lang, Claimed: r.Claimed.Unix(), Sealed: r.Sealed}
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
		c, err := socket.Accept(rw, r)
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
