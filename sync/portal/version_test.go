package portal

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/sync/wire"
	"github.com/penjire/penjire/sync/wire/wiretest"
)

// TestVersions: a portal that is three versions ahead serves this kiosk as one of
// its own age would; one that has dropped its version says so, and comes to no harm
// (WIRE-SES-2, WIRE-SES-18).
func TestVersions(t *testing.T) {
	for name, c := range map[string]struct {
		portal wire.Versions
		state  outbox.State
		code   string
	}{
		"of its own age":       {wire.Spoken, outbox.Registered, ""},
		"three versions ahead": {wire.Versions{Oldest: wire.Version, Newest: wire.Version + wire.Back}, outbox.Registered, ""},
		"four versions ahead":  {wire.Versions{Oldest: wire.Version + 1, Newest: wire.Version + 1 + wire.Back}, outbox.Accepted, uplink.CodeVersion},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newSilentWorld(t, filepath.Join(t.TempDir(), "ledger.db"))
			w.p.speaks = c.portal
			ctx, cancel := context.WithCancel(context.Background())
			var wg sync.WaitGroup
			wg.Go(func() { w.p.Run(ctx) })
			defer wg.Wait()
			defer cancel()
			k := w.kiosk()
			doc := k.one("citizen-1").ID()
			u, stop := k.run(k.piped(k.uplinkConfig()))
			defer stop()
			time.Sleep(10 * time.Minute)
			if s := u.Status(); k.state(doc) != c.state || s.LastError != c.code || s.Connected != (c.code == "") {
				t.Errorf("a portal %s: the request is %s, error %q, want %s and %q", name, k.state(doc), s.LastError, c.state, c.code)
			}
			if n := u.Status().Attempts; c.code != "" && n > 2 {
				t.Errorf("a portal %s: %d attempts in ten minutes, it asked for an hour", name, n)
			}
		})
	}
}

// TestWelcomeNotOffered: a kiosk ends a session in a version that it does not speak
// (WIRE-SES-18).
func TestWelcomeNotOffered(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	c := k.uplinkConfig()
	c.URL, c.TLS = "", nil
	over := make(chan error, 100)
	c.Connect = func(ctx context.Context) (wire.Carrier, error) {
		here, there := wiretest.Pipe()
		go func() {
			defer there.Cut()
			if _, err := there.Receive(ctx); err != nil {
				return
			}
			_ = there.Send(ctx, &wire.Welcome{Version: wire.Version + 1, Portal: "portal.specimen", Records: 64, Bytes: 1 << 20})
			_, err := there.Receive(ctx)
			over <- err
		}()
		return here, nil
	}
	k.one("citizen-1")
	u, _ := k.run(c)
	if err := <-over; err == nil {
		t.Error("the kiosk goes on")
	}
	if err := <-over; err == nil { // by then the status of the first one is there
		t.Error("the kiosk goes on")
	}
	if s := u.Status(); s.LastError != uplink.CodeVersion {
		t.Errorf("LastError = %q, want %q", s.LastError, uplink.CodeVersion)
	}
}
