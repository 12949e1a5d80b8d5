package kiosk

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"path/filepath"

	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/sync/serialline"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/sync/wire"
)

// line returns what connects to the portal over a serial line, or nil if there is
// none. The port is opened for each session: a modem may be plugged in again.
func (k *Kiosk) line(roots []*x509.Certificate) func(context.Context) (wire.Carrier, error) {
	l := k.s.Portal.Line
	if l.Device == "" {
		return nil
	}
	c := serialline.Config{Baud: l.Baud, HalfDuplex: l.HalfDuplex}.WithDefaults()
	port := link.Serial{Path: l.Device, Baud: c.Baud}
	tc := k.portalTLS(roots)
	tc.ClientSessionCache = tls.NewLRUClientSessionCache(2)
	return func(ctx context.Context) (wire.Carrier, error) {
		open, err := port.Open(ctx)
		if err != nil {
			return nil, err
		}
		conn, err := serialline.Dial(ctx, open, c, tc)
		if err != nil {
			return nil, err // and not a carrier that is no carrier
		}
		return conn, nil
	}
}

// schedule returns when the kiosk may speak to the portal, and how much a day.
func (k *Kiosk) schedule() uplink.Schedule {
	s := uplink.Schedule{Zone: zone, BytesPerDay: k.live().Sync.BytesPerDay, File: filepath.Join(k.s.State, "sync-spent.json")}
	for _, w := range k.live().Sync.Windows {
		s.Windows = append(s.Windows, uplink.Window(w))
	}
	return s
}
