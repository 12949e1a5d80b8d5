// Package logind restarts the machine: the daemon is not root, and asks.
//
// # Reference
//
// org.freedesktop.login1(5), interface org.freedesktop.login1.Manager.
package logind

import (
	"context"
	"fmt"

	"github.com/godbus/dbus/v5"
)

// Client asks logind, by the system's bus or the one at Address.
type Client struct {
	Address string // of the bus; "" is the system's
}

// Reboot has the machine restart in order: services are stopped first. It returns
// once that has begun.
func (c *Client) Reboot(ctx context.Context) error {
	conn, err := connect(ctx, c.Address)
	if err != nil {
		return fmt.Errorf("logind: connect to the system's bus: %w", err)
	}
	defer func() { _ = conn.Close() }() // it was for this one call
	o := conn.Object("org.freedesktop.login1", "/org/freedesktop/login1")
	if err := o.CallWithContext(ctx, "org.freedesktop.login1.Manager.Reboot", 0, false).Err; err != nil {
		return fmt.Errorf("logind: restart the machine: %w", err)
	}
	return nil
}

func connect(ctx context.Context, address string) (*dbus.Conn, error) {
	if address == "" {
		return dbus.ConnectSystemBus(dbus.WithContext(ctx))
	}
	return dbus.Connect(address, dbus.WithContext(ctx))
}
