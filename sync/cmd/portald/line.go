package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/serialline"
	"github.com/penjire/penjire/sync/wire"
)

// line is a serial line to one kiosk.
type line struct {
	device string
	baud   int
}

// parseLine reads DEVICE[,BAUD].
func parseLine(s string) (line, error) {
	device, rate, more := strings.Cut(s, ",")
	l := line{device: device}
	if device == "" {
		return l, fmt.Errorf("got %q, want device[,baud]", s)
	}
	if more {
		var err error
		if l.baud, err = strconv.Atoi(rate); err != nil || l.baud < 300 || l.baud > 4_000_000 {
			return l, fmt.Errorf("got %q baud, want 300 to 4000000", rate)
		}
	}
	return l, nil
}

// reopen is how long a line that broke, or is not there, is left alone.
const reopen = 10 * time.Second

// serve takes the kiosk's sessions until ctx ends. A line that breaks is opened
// again: a modem may be unplugged.
func (l line) serve(ctx context.Context, p *portal.Portal, tc *tls.Config, log *slog.Logger) {
	for ctx.Err() == nil {
		port, err := serialline.Open(l.device, l.baud)
		if err == nil {
			err = serialline.Serve(ctx, port, serialline.Config{Baud: l.baud, HalfDuplex: true}, tc, func(ctx context.Context, cert *x509.Certificate, c wire.Carrier) {
				_ = p.Serve(ctx, portal.Peer{Kiosk: trust.DeviceID(cert), Cert: cert}, c) // it has logged
			})
		}
		if err != nil {
			log.Error("portald: a line does not work", "line", l.device, "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(reopen):
		}
	}
}
