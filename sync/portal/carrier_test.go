package portal

import (
	"context"
	"errors"
	"testing"
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
