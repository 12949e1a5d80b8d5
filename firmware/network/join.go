package network

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/penjire/penjire/firmware/enrol"
)

// profile is the name of the one connection that a kiosk has.
const profile = "penjire"

// Why says why a connection did not come up: a code that keys words of the screen.
type Why string

// The reasons.
const (
	WhyPassword Why = "password" // wrong, or missing
	WhyNotFound Why = "not-found"
	WhyAddress  Why = "address" // nobody gave the kiosk one
	WhyCable    Why = "cable"
	WhySIM      Why = "sim"
	WhyAPN      Why = "apn"
	WhyTime     Why = "time" // nothing came of it in time
	WhyOther    Why = "other"
)

// JoinError is returned when NetworkManager tried and it came to nothing.
type JoinError struct {
	Why    Why
	Reason uint32 // NMDeviceStateReason
}

func (e *JoinError) Error() string {
	return fmt.Sprintf("network: the connection did not come up: %s (reason %d)", e.Why, e.Reason)
}

// patience is how long a connection may take: a modem looks for its network first.
const patience = 90 * time.Second

// Join makes n the kiosk's network and waits until it is up. It replaces what was
// joined before; NetworkManager keeps it and joins it again at each start. For
// [enrol.Stick] it forgets every network. Its error is a [JoinError] if the network
// is to blame.
func (m *Manager) Join(ctx context.Context, n enrol.Network) error {
	if n.Kind == enrol.Stick {
		return m.forget(ctx)
	}
	d, err := m.find(ctx, n.Kind)
	if err != nil {
		return err
	}
	if n.Kind == enrol.Ethernet && !d.Cable {
		return &JoinError{Why: WhyCable}
	}
	at, lock := m.reach(ctx, n)
	s, err := connection(n, lock)
	if err != nil {
		return err
	}
	if err := m.forget(ctx); err != nil {
		return err
	}
	reasons, stop := m.failures(d)
	defer stop()
	var con, active dbus.ObjectPath
	if err := m.call(ctx, root, ".AddAndActivateConnection", []any{&con, &active}, s, d.path, at); err != nil {
		return err
	}
	return m.await(ctx, active, reasons)
}

// reach returns the access point of the wireless network and how it is locked. One
// that is hidden or not in sight has none, and a lock of the usual kind.
func (m *Manager) reach(ctx context.Context, n enrol.Network) (dbus.ObjectPath, Lock) {
	l := Password
	if n.Password.Reveal() == "" {
		l = Unlocked
	}
	if n.Kind != enrol.WiFi {
		return "/", l
	}
	all, err := m.points(ctx)
	if err != nil {
		return "/", l
	}
	for _, p := range all {
		if p.SSID == n.SSID {
			return p.path, p.Lock
		}
	}
	return "/", l
}

// forget removes the connections that Join made.
func (m *Manager) forget(ctx context.Context) error {
	var all []dbus.ObjectPath
	if err := m.call(ctx, settings, ".Settings.ListConnections", []any{&all}); err != nil {
		return err
	}
	for _, c := range all {
		var s map[string]map[string]dbus.Variant
		if err := m.call(ctx, c, ".Settings.Connection.GetSettings", []any{&s}); err != nil {
			continue // it just went
		}
		if id, ok := s["connection"]["id"].Value().(string); ok && id == profile {
			if err := m.call(ctx, c, ".Settings.Connection.Delete", nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// failures tells why the device fails, from now on. The device itself says it for a
// moment alone: then it is idle, and that has no reason.
func (m *Manager) failures(d Device) (reasons <-chan uint32, stop func()) {
	match := []dbus.MatchOption{
		dbus.WithMatchObjectPath(d.path), dbus.WithMatchInterface(service + ".Device"), dbus.WithMatchMember("StateChanged"),
	}
	if err := m.bus.AddMatchSignal(match...); err != nil {
		return nil, func() {} // then the reason is not known
	}
	signals, out, over := make(chan *dbus.Signal, 16), make(chan uint32, 1), make(chan struct{})
	m.bus.Signal(signals)
	go func() {
		for {
			select {
			case <-over:
				return
			case s := <-signals:
				if s == nil {
					return // the bus went
				}
				var now, before, reason uint32
				if s.Path != d.path || dbus.Store(s.Body, &now, &before, &reason) != nil || stateOf(now) != Failed {
					continue
				}
				select {
				case out <- reason:
				default: // the first is the cause
				}
			}
		}
	}()
	return out, func() {
		m.bus.RemoveSignal(signals)
		_ = m.bus.RemoveMatchSignal(match...) // the bus is gone, and with it the match
		close(over)
	}
}

// await waits until the connection is up.
func (m *Manager) await(ctx context.Context, active dbus.ObjectPath, reasons <-chan uint32) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		var state uint32
		err := m.get(ctx, active, ".Connection.Active", "State", &state)
		switch {
		case err == nil && state == 2: // NM_ACTIVE_CONNECTION_STATE_ACTIVATED
			return nil
		case errors.Is(err, ErrNone):
			return err
		case ctx.Err() == nil && (err != nil || state >= 3): // it went
			return blame(ctx, reasons)
		}
		select {
		case <-ctx.Done():
			return &JoinError{Why: WhyTime}
		case <-tick.C:
		}
	}
}

// blame says why a device's connection failed. The device said so before the
// connection went, and is heard at the latest a moment after.
func blame(ctx context.Context, reasons <-chan uint32) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	select {
	case r := <-reasons:
		return &JoinError{whyOf(r), r}
	case <-ctx.Done():
		return &JoinError{Why: WhyOther}
	}
}

// whyOf translates NMDeviceStateReason.
func whyOf(n uint32) Why {
	switch {
	case n == 7 || n >= 8 && n <= 11: // no secrets; the supplicant gave up
		return WhyPassword
	case n == 53: // the SSID is not found
		return WhyNotFound
	case n == 5 || n >= 15 && n <= 17: // no address, DHCP
		return WhyAddress
	case n == 40: // no carrier
		return WhyCable
	case n == 29: // the GSM APN was refused
		return WhyAPN
	case n >= 45 && n <= 48 || n >= 30 && n <= 33: // SIM missing, locked, wrong; registration denied
		return WhySIM
	}
	return WhyOther
}

// sections are the settings of a connection as NetworkManager takes them.
type sections map[string]map[string]dbus.Variant

func (s sections) set(section, key string, v any) {
	if s[section] == nil {
		s[section] = map[string]dbus.Variant{}
	}
	s[section][key] = dbus.MakeVariant(v)
}

// connection returns the settings that join n.
func connection(n enrol.Network, l Lock) (sections, error) {
	s := sections{}
	s.set("connection", "id", profile)
	s.set("connection", "autoconnect", true)
	s.set("ipv4", "method", "auto")
	s.set("ipv6", "method", "auto")
	switch n.Kind {
	case enrol.Ethernet:
		s.set("connection", "type", "802-3-ethernet")
	case enrol.WiFi:
		s.set("connection", "type", "802-11-wireless")
		s.set("802-11-wireless", "ssid", []byte(n.SSID))
		s.set("802-11-wireless", "mode", "infrastructure")
		s.set("802-11-wireless", "hidden", n.Hidden)
		switch l {
		case Password, PasswordW3:
			s.set("802-11-wireless-security", "key-mgmt", map[Lock]string{Password: "wpa-psk", PasswordW3: "sae"}[l])
			s.set("802-11-wireless-security", "psk", n.Password.Reveal())
		case Enterprise, Outdated:
			return nil, fmt.Errorf("network: join the wireless network: its kind of lock (%s) is not one that a kiosk joins", l)
		}
	case enrol.LTE:
		s.set("connection", "type", "gsm")
		s.set("gsm", "apn", n.APN)
		for key, v := range map[string]string{"username": n.User, "password": n.Password.Reveal(), "pin": n.PIN.Reveal()} {
			if v != "" {
				s.set("gsm", key, v)
			}
		}
	default:
		return nil, fmt.Errorf("network: join: got the kind %q, want one of %q", n.Kind, []enrol.Kind{enrol.Ethernet, enrol.WiFi, enrol.LTE, enrol.Stick})
	}
	if n.Address.IsValid() {
		fixed(s, n)
	}
	return s, nil
}

// fixed gives the connection an address of its own.
func fixed(s sections, n enrol.Network) {
	s.set("ipv4", "method", "manual")
	s.set("ipv6", "method", "ignore")
	s.set("ipv4", "address-data", []map[string]dbus.Variant{{
		"address": dbus.MakeVariant(n.Address.Addr().String()), "prefix": dbus.MakeVariant(uint32(n.Address.Bits())),
	}})
	if n.Gateway.IsValid() {
		s.set("ipv4", "gateway", n.Gateway.String())
	}
	var dns []uint32
	for _, a := range n.DNS {
		if a.Is4() {
			dns = append(dns, inNetworkOrder(a))
		}
	}
	if len(dns) > 0 {
		s.set("ipv4", "dns", dns)
	}
}

// inNetworkOrder is how NetworkManager has addresses: the bytes as they are sent, read
// as a number of the machine's.
func inNetworkOrder(a netip.Addr) uint32 {
	b := a.As4()
	return binary.NativeEndian.Uint32(b[:])
}
