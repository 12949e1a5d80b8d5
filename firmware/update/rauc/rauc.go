// Package rauc asks RAUC, over D-Bus, to write a bundle into the slot that does not
// run, and tells the boot loader through it which slot is good. It decides nothing:
// package update does.
//
// # Reference
//
// "RAUC Documentation", "Reference", «D-Bus API» (de.pengutronix.rauc.Installer),
// versions 1.8 to 1.13; "D-Bus Specification".
package rauc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/penjire/penjire/sync/release"
)

const (
	service    = "de.pengutronix.rauc"
	path       = "/"
	iface      = "de.pengutronix.rauc.Installer"
	properties = "org.freedesktop.DBus.Properties"
)

// Client asks RAUC's service. Each question connects anew: the bus, and RAUC, may
// have been restarted meanwhile.
//
// Contract: Install blocks until RAUC has ended, minutes; the other methods answer at
// once. What a method did is durable when it returns nil: RAUC writes its state and
// the boot loader's before it answers. One installation runs at a time.
type Client struct {
	Address string // of the bus; "" is the system's
}

// connect returns RAUC and what ends the connection. RAUC itself is started by the bus
// when it is first asked.
func (c *Client) connect(ctx context.Context) (conn *dbus.Conn, rauc dbus.BusObject, err error) {
	if c.Address == "" {
		conn, err = dbus.ConnectSystemBus(dbus.WithContext(ctx))
	} else {
		conn, err = dbus.Connect(c.Address, dbus.WithContext(ctx))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("rauc: connect to the system's bus: %w", err)
	}
	return conn, conn.Object(service, path), nil
}

// call asks RAUC one thing.
func (c *Client) call(ctx context.Context, method string, out []any, args ...any) error {
	conn, rauc, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // it was for this one call
	return rauc.CallWithContext(ctx, method, 0, args...).Store(out...)
}

// Failed is an installation that RAUC ended.
type Failed struct {
	Code release.Code
	Said string // RAUC's own words
}

// Error implements error.
func (f *Failed) Error() string { return "rauc: install: " + f.Said }

// Install has RAUC check the bundle at path and write it into the other slot, which
// then starts next. A *Failed is RAUC's no: the slot that runs is still the one that
// starts. progress, if not nil, is told how far it is.
func (c *Client) Install(ctx context.Context, bundle string, progress func(percent int, what string)) error {
	conn, rauc, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // it was for this one installation
	signals := make(chan *dbus.Signal, 64)
	conn.Signal(signals)
	for _, m := range [][]dbus.MatchOption{
		{dbus.WithMatchInterface(iface), dbus.WithMatchMember("Completed"), dbus.WithMatchObjectPath(path)},
		{dbus.WithMatchInterface(properties), dbus.WithMatchMember("PropertiesChanged"), dbus.WithMatchObjectPath(path)},
		{dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, service)},
	} {
		if err := conn.AddMatchSignalContext(ctx, m...); err != nil {
			return fmt.Errorf("rauc: listen to RAUC: %w", err)
		}
	}
	if err := rauc.CallWithContext(ctx, iface+".InstallBundle", 0, bundle, map[string]dbus.Variant{}).Err; err != nil {
		return fmt.Errorf("rauc: have %s installed: %w", bundle, err)
	}
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("rauc: install %s: %w", bundle, ctx.Err())
		case s, ok := <-signals:
			switch {
			case !ok:
				return errors.New("rauc: the system's bus has gone while RAUC installed")
			case s.Name == "org.freedesktop.DBus.NameOwnerChanged":
				if len(s.Body) == 3 && s.Body[0] == service && s.Body[2] == "" {
					return &Failed{release.CodeInstall, "the service stopped while it installed"}
				}
			case s.Name == properties+".PropertiesChanged":
				if p, what, ok := step(s); ok && progress != nil {
					progress(p, what)
				}
			case s.Name == iface+".Completed":
				var result int32
				if err := dbus.Store(s.Body, &result); err != nil {
					return fmt.Errorf("rauc: read how the installation ended: %w", err)
				}
				if result == 0 {
					return nil
				}
				said := c.text(ctx, "LastError")
				return &Failed{code(said), said}
			}
		}
	}
}

// step reads the property Progress: (percentage, what, depth).
func step(s *dbus.Signal) (percent int, what string, ok bool) {
	if len(s.Body) < 2 || s.Body[0] != iface {
		return 0, "", false
	}
	changed, _ := s.Body[1].(map[string]dbus.Variant)
	v, ok := changed["Progress"].Value().([]any)
	if !ok || len(v) != 3 {
		return 0, "", false
	}
	p, _ := v[0].(int32)
	what, _ = v[1].(string)
	return int(p), what, true
}

// code tells the classes of refusal apart that people are told of apart. RAUC has
// words only; what is not known here is an installation that failed.
func code(said string) release.Code {
	low := strings.ToLower(said)
	for _, c := range []struct {
		has  string
		code release.Code
	}{
		{"invalid bundle", release.CodeCorrupt}, // it says more, of signatures and sizes
		{"signature", release.CodeSignature},
		{"certificate", release.CodeSignature},
		{"compatible", release.CodeBoard},
		{"no space left", release.CodeSize},
		{"too large", release.CodeSize},
		{"exceeds", release.CodeSize},
		{"checksum", release.CodeCorrupt},
	} {
		if strings.Contains(low, c.has) {
			return c.code
		}
	}
	return release.CodeInstall
}

func (c *Client) text(ctx context.Context, property string) string {
	var v dbus.Variant
	if err := c.call(ctx, properties+".Get", []any{&v}, iface, property); err != nil {
		return err.Error()
	}
	s, _ := v.Value().(string)
	return s
}
