package portal

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/sync/wire"
	"github.com/penjire/penjire/sync/wire/wiretest"
)

// piped makes an uplink's connections in memory: no socket, no TLS.
func (k *kiosk) piped(c uplink.Config) uplink.Config {
	c.URL, c.TLS = "", nil
	c.Connect = func(context.Context) (wire.Carrier, error) {
		here, there := wiretest.Pipe()
		go func() { _ = k.w.p.Serve(context.Background(), k.who(), there) }()
		return here, nil
	}
	return c
}

func (k *kiosk) who() Peer { return Peer{Kiosk: k.dev.ID, Cert: k.dev.TLS.Cert} }

// TestOtherCarrier: the same request, over a carrier that is no WebSocket.
func TestOtherCarrier(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	c := k.one("citizen-1")
	_, stop := k.run(k.piped(k.uplinkConfig()))
	k.untilState(c.ID(), outbox.Registered)
	stop()
}

// TestServeAdmits: whoever a carrier brings, Serve looks at the certificate
// (WIRE-TRN-1).
func TestServeAdmits(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	stranger, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, who := range map[string]Peer{
		"no certificate":        {Kiosk: k.dev.ID},
		"another kiosk's":       {Kiosk: "K-999999", Cert: k.dev.TLS.Cert},
		"the portal's":          {Kiosk: k.dev.ID, Cert: w.PortalReceipt.Cert},
		"one of another centre": {Kiosk: k.dev.ID, Cert: stranger.Device.TLS.Cert},
	} {
		t.Run(name, func(t *testing.T) {
			here, there := wiretest.Pipe()
			done := make(chan error, 1)
			go func() { done <- w.p.Serve(t.Context(), who, there) }()
			f, err := here.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if b, ok := f.(*wire.Bye); !ok || b.Code != codeRefused {
				t.Errorf("got %s %+v, want bye %s", f.Type(), f, codeRefused)
			}
			if err := <-done; !errors.Is(err, errBye) {
				t.Errorf("Serve = %v, want errBye", err)
			}
		})
	}
}

// TestSecondWay: where the first way does not lead to the portal, the second does,
// and the first is taken again when it works.
func TestSecondWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSilentWorld(t, filepath.Join(t.TempDir(), "ledger.db"))
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { w.p.Run(ctx) })
		defer wg.Wait()
		defer cancel()
		k := w.kiosk()
		c := k.piped(k.uplinkConfig())
		c.MinBackoff, c.MaxBackoff = time.Second, 30*time.Second
		var works atomic.Bool
		var by [2]atomic.Int32
		pipe := c.Connect
		c.Connect = func(ctx context.Context) (wire.Carrier, error) {
			if !works.Load() {
				return nil, errors.New("no network")
			}
			by[0].Add(1)
			return pipe(ctx)
		}
		c.Fallback = func(ctx context.Context) (wire.Carrier, error) {
			by[1].Add(1)
			return pipe(ctx)
		}
		u, stop := k.run(c)
		defer stop()
		is := func(what string, first, second int32) {
			t.Helper()
			doc := k.one("citizen-1").ID()
			time.Sleep(time.Minute)
			if s := k.state(doc); s != outbox.Registered || by[0].Load() != first || by[1].Load() != second || !u.Status().Connected {
				t.Errorf("%s: a request is %s, %d and %d sessions, %+v", what, s, by[0].Load(), by[1].Load(), u.Status())
			}
		}
		is("no network", 0, 1)
		time.Sleep(time.Hour)
		is("an hour later", 0, 1)
		works.Store(true)
		time.Sleep(11 * time.Minute)
		is("network again", 1, 1)
	})
}
