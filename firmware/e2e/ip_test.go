package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/demo/shaper"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/uplink"
)

// BenchmarkIP counts packets of IP, both ways and with their headers, until a
// request is registered at the real portal and the kiosk has it in writing: on a
// new connection with a full handshake, on one with a session ticket, and on one
// that is open, alone and twenty at once. Beside it the same sealed bytes in JSON
// over HTTP/1.1, which get a receipt of 200 bytes and no decision.
func BenchmarkIP(b *testing.B) {
	for b.Loop() {
		l := newLinked(b, shaper.Config{})
		l.startPortal(true)
		k := newUplinked(l)
		// The first session of all fetches what the portal has for a new kiosk.
		k.session(func(registered func(int)) { registered(k.accept(1)) })
		k.accept(1)
		k.tls.ClientSessionCache = nil
		n := k.session(func(registered func(int)) { registered(k.n) })
		b.ReportMetric(float64(n), "B-cold-full")
		k.tls.ClientSessionCache = tls.NewLRUClientSessionCache(2)
		k.session(func(func(int)) {}) // for the ticket
		k.accept(1)
		n = k.session(func(registered func(int)) { registered(k.n) })
		b.ReportMetric(float64(n), "B-cold-ticket")
		k.session(func(registered func(int)) {
			before := l.quiet()
			registered(k.accept(1))
			b.ReportMetric(float64(l.quiet()-before), "B-warm-1")
			before = l.quiet()
			registered(k.accept(20))
			b.ReportMetric(float64(l.quiet()-before)/20, "B-warm-of-20")
		})
		cold, warm := k.json(b)
		b.ReportMetric(float64(cold), "B-json-cold")
		b.ReportMetric(float64(warm), "B-json-warm")
		b.ReportMetric(0, "ns/op")
	}
}

// quiet returns the bytes that crossed the link, once nothing has for a while.
func (l *linked) quiet() int64 {
	l.t.Helper()
	last, same := int64(-1), 0
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for same < 20 {
		<-tick.C
		up, down := l.link.Counts()
		if sum := up.Bytes + down.Bytes; sum == last {
			same++
		} else {
			last, same = sum, 0
		}
	}
	return last
}

// uplinked is the kiosk's end of sync in this process, so that a connection can
// end when the benchmark wants it. The portal is the real one.
type uplinked struct {
	l    *linked
	c    *citizens
	box  *outbox.Outbox
	tls  *tls.Config
	conf uplink.Config
	n    int // requests accepted so far
}

func newUplinked(l *linked) *uplinked {
	l.t.Helper()
	k := &uplinked{l: l, c: newCitizens(l.t, l.world)}
	must := func(err error) {
		if err != nil {
			l.t.Helper()
			l.t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(l.world.Kiosk(), name) }
	var err error
	k.box, err = outbox.Open(l.t.Context(), l.t.TempDir(), outbox.Options{Kiosk: "K-000001"})
	must(err)
	l.t.Cleanup(func() { must(k.box.Close()) })
	cert, err := keyfile.TLS(at("identity.crt"), at("identity.key"))
	must(err)
	roots, err := keyfile.Certificates(at("roots.pem"))
	must(err)
	pool := x509.NewCertPool()
	for _, r := range roots {
		pool.AddCert(r)
	}
	for _, c := range k.c.bundle.Centres { // as a kiosk, which needs not be shown them
		if c.Kind == trust.KindInfrastructure {
			pool.AddCert(c.Cert)
		}
	}
	sink := &noSink{box: k.box}
	signer, err := keyfile.Signer(at("signing.crt"), at("signing.key"))
	must(err)
	k.tls = &tls.Config{RootCAs: pool, ServerName: "portal.specimen", Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}
	k.conf = uplink.Config{
		URL: "wss://" + net.JoinHostPort(l.link.Far().Addr().String(), portalPort) + "/sync", Outbox: k.box,
		Trust: func() *trust.Bundle { return k.c.bundle }, Catalogue: func() uint64 { return k.c.version }, Sink: sink, Kept: sink.head.Load,
		Signer: func() edoc.Signer { return signer }, Software: "bench", Dial: l.link.Near().Dial,
	}
	return k
}

// accept accepts n requests at once and returns how many there are now.
func (k *uplinked) accept(n int) int {
	k.l.t.Helper()
	drafts := make([]outbox.Draft, n)
	for i := range drafts {
		var err error
		if drafts[i], err = k.c.draft(k.n + i); err != nil {
			k.l.t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for _, d := range drafts {
		all.Go(func() {
			if _, err := k.box.Accept(context.Background(), d); err != nil {
				k.l.t.Error(err)
			}
		})
	}
	all.Wait()
	k.n += n
	return k.n
}

// session connects, does what is to be done, waits until it is quiet, and
// disconnects. It returns the bytes that crossed.
func (k *uplinked) session(do func(registered func(int))) int64 {
	k.l.t.Helper()
	before := k.l.quiet()
	k.conf.TLS = k.tls
	u, err := uplink.New(k.conf)
	if err != nil {
		k.l.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- u.Run(ctx) }()
	k.until("connected", func() bool { return u.Status().Connected })
	do(func(n int) {
		k.until(fmt.Sprintf("%d registered", n), func() bool { return k.box.Stats(ctx).ByState[outbox.Registered] == n })
	})
	after := k.l.quiet()
	cancel()
	if err := <-ended; err != nil {
		k.l.t.Error(err)
	}
	return after - before
}

func (k *uplinked) until(what string, ok func() bool) {
	k.l.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); !ok(); <-tick.C {
		if time.Since(began) > patience {
			k.l.t.Fatalf("waited %v for: %s; the portal said:\n%s", patience, what, k.l.portal.log)
		}
	}
}

// json sends one sealed request as others would: its bytes in base64 in JSON, by
// POST over TLS with both certificates. It returns the bytes on a new connection
// and on an open one.
func (k *uplinked) json(b *testing.B) (cold, warm int64) {
	b.Helper()
	cert, err := keyfile.TLS(filepath.Join(k.l.world.Portal(), "tls.crt"), filepath.Join(k.l.world.Portal(), "tls.key"))
	if err != nil {
		b.Fatal(err)
	}
	ln, err := k.l.link.Far().Listen("tcp", k.l.link.Far().Addr().String()+":0")
	if err != nil {
		b.Fatal(err)
	}
	receipt, _ := json.Marshal(map[string]string{"receipt": base64.StdEncoding.EncodeToString(make([]byte, 200))})
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(receipt)
	})}
	served := make(chan error, 1)
	go func() {
		served <- srv.Serve(tls.NewListener(ln, &tls.Config{
			Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"},
		}))
	}()
	conf := k.tls.Clone()
	conf.ClientSessionCache = nil
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: conf, DialContext: k.l.link.Near().Dial}}
	post := func(n int) int64 {
		d, err := k.c.draft(n)
		if err != nil {
			b.Fatal(err)
		}
		body, err := json.Marshal(map[string]any{
			"document": fmt.Sprintf("%x", d.Doc), "service": d.Service, "language": d.Lang, "claimed": d.Claimed, "sealed": d.Sealed,
		})
		if err != nil {
			b.Fatal(err)
		}
		before := k.l.quiet()
		r, err := c.Post("https://"+ln.Addr().String()+"/requests", "application/json", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
		return k.l.quiet() - before
	}
	cold = post(k.n + 1)
	warm = post(k.n + 2)
	c.CloseIdleConnections()
	_ = srv.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		b.Error(err)
	}
	return cold, warm
}

// noSink takes what comes down and keeps of it what the journal and the next session
// need.
type noSink struct {
	box  *outbox.Outbox
	head atomic.Pointer[journal.Head] // the last one that the portal has witnessed
}

func (*noSink) Catalogue([]byte) error    { return nil }
func (*noSink) Trust([]byte) error        { return nil }
func (*noSink) RevokedSeals([]byte) error { return nil }

// Settings implements uplink.Sink.
func (*noSink) Settings([]byte) error { return nil }

func (s *noSink) Beacon(signed []byte, at time.Time) error {
	_, err := s.box.Append(context.Background(), journal.Entry{Kind: journal.Beacon, Fields: journal.Fields{To: at.UnixMilli(), Digest: make([]byte, 32)}})
	return err
}

func (s *noSink) Witness(h *journal.Head) error {
	s.head.Store(h)
	return nil
}

func (*noSink) Contradicted(*journal.Head) error {
	return errors.New("the portal knows another journal")
}
