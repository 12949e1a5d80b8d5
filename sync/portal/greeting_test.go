package portal

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/wire"
	"github.com/penjire/penjire/sync/wire/wiretest"
)

// bye reads what should be a bye.
func bye(t *testing.T, c wire.Carrier) *wire.Bye {
	t.Helper()
	f, err := c.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, ok := f.(*wire.Bye)
	if !ok {
		t.Fatalf("got %s, want bye", f.Type())
	}
	return b
}

// TestNoHello: a connection that says nothing is ended after 30 s, and not before
// (WIRE-SES-17).
func TestNoHello(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	synctest.Test(t, func(t *testing.T) {
		here, there := wiretest.Pipe()
		start := time.Now()
		done := make(chan error, 1)
		go func() { done <- w.p.Serve(t.Context(), k.who(), there) }()
		if b := bye(t, here); b.Code != "hello.expected" {
			t.Errorf("bye %q, want hello.expected", b.Code)
		}
		if after := time.Since(start); after != 30*time.Second {
			t.Errorf("bye after %s, want 30s", after)
		}
		if err := <-done; !errors.Is(err, errNoHello) || !errors.Is(err, errBye) {
			t.Errorf("Serve = %v, want errNoHello after a bye", err)
		}
	})
}

// TestGreeters: connections that are not sessions yet are limited, of one kiosk
// and of all; who has left makes room (WIRE-SES-17).
func TestGreeters(t *testing.T) {
	w := newWorld(t)
	w.p.c.Greeters = 6
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		connect := func(kiosk string) wire.Carrier {
			here, there := wiretest.Pipe()
			go func() { _ = w.p.serve(ctx, kiosk, w.Device.TLS.Cert, there) }()
			synctest.Wait()
			return here
		}
		var open []wire.Carrier
		for range greetersOfOne {
			open = append(open, connect("K-000001"))
		}
		if b := bye(t, connect("K-000001")); b.Code != "busy" || b.Retry == 0 {
			t.Errorf("one kiosk too often: %+v, want busy and a time", b)
		}
		open = append(open, connect("K-000002"), connect("K-000003"))
		if b := bye(t, connect("K-000004")); b.Code != "busy" || b.Retry == 0 {
			t.Errorf("one kiosk too many: %+v, want busy and a time", b)
		}
		open[0].Cut()
		synctest.Wait()
		last := connect("K-000004")
		for _, c := range append(open[1:], last) {
			if b := bye(t, c); b.Code != "hello.expected" {
				t.Errorf("bye %q of one that had a place, want hello.expected", b.Code)
			}
		}
		cancel()
		synctest.Wait()
		if w.p.greeters != 0 || len(w.p.greeting) != 0 {
			t.Errorf("%d greeters are left, %v", w.p.greeters, w.p.greeting)
		}
	})
}
