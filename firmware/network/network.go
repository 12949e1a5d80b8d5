// Package network sets a kiosk's network up through NetworkManager: it says which
// ways out the machine has, which wireless networks are in reach, joins one, and says
// how it is connected.
//
// # Reference
//
// NetworkManager's D-Bus interface (NetworkManager 1.42 to 1.52), names of its
// settings as in nm-settings-dbus(5).
//
// Passwords go to NetworkManager and nowhere else: no error and no log of this
// package holds one.
package network

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/penjire/penjire/firmware/enrol"
)

const (
	service  = "org.freedesktop.NetworkManager"
	root     = "/org/freedesktop/NetworkManager"
	settings = root + "/Settings"
)

// Manager is NetworkManager. Its methods may be called at once.
type Manager struct{ bus *dbus.Conn }

// Open connects to NetworkManager of this machine.
func Open() (*Manager, error) {
	bus, err := dbus.ConnectSystemBus()
	if err != nil {
		return nil, fmt.Errorf("network: reach the system bus: %w", err)
	}
	return &Manager{bus}, nil
}

// On returns the manager on that bus, which it closes with itself.
func On(bus *dbus.Conn) *Manager { return &Manager{bus} }

// Close ends the connection. What was joined stays joined.
func (m *Manager) Close() error { return m.bus.Close() }

// limit bounds one question to NetworkManager.
const limit = 5 * time.Second

func (m *Manager) call(ctx context.Context, path dbus.ObjectPath, method string, out []any, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := m.bus.Object(service, path).CallWithContext(ctx, service+method, 0, args...)
	if c.Err != nil {
		return trouble(method, c.Err)
	}
	if len(out) == 0 {
		return nil
	}
	if err := c.Store(out...); err != nil {
		return fmt.Errorf("network: %s: the answer has another form: %w", strings.TrimPrefix(method, "."), err)
	}
	return nil
}

// ErrNone is wrapped when there is no NetworkManager.
var ErrNone = errors.New("NetworkManager does not answer")

// trouble keeps of an answer what it is called and not what it says: some quote the
// settings that they were given.
func trouble(method string, err error) error {
	what := strings.TrimPrefix(method, ".")
	if e, ok := errors.AsType[dbus.Error](err); ok {
		if e.Name == "org.freedesktop.DBus.Error.ServiceUnknown" || e.Name == "org.freedesktop.DBus.Error.NameHasNoOwner" {
			return fmt.Errorf("network: %s: %w", what, ErrNone)
		}
		return fmt.Errorf("network: %s: NetworkManager refuses: %s", what, e.Name)
	}
	return fmt.Errorf("network: %s: %w", what, err)
}

// get reads a property into v.
func (m *Manager) get(ctx context.Context, path dbus.ObjectPath, iface, name string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := m.bus.Object(service, path).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, service+iface, name)
	if c.Err != nil {
		return trouble(name, c.Err)
	}
	var got dbus.Variant
	err := c.Store(&got)
	if err == nil {
		err = got.Store(v)
	}
	if err != nil {
		return fmt.Errorf("network: %s: the answer has another form: %w", name, err)
	}
	return nil
}

// Device is a way out of the machine.
type Device struct {
	Name  string // "eth0"
	Kind  enrol.Kind
	Cable bool // of Ethernet: something is at the other end
	State State
	path  dbus.ObjectPath
}

// State is how far a device's connection is.
type State string

// The states. What NetworkManager does not say is Unknown.
const (
	Unknown     State = ""
	Unavailable State = "unavailable" // no cable, no SIM, radio off
	Idle        State = "idle"
	Connecting  State = "connecting"
	Connected   State = "connected"
	Failed      State = "failed"
)

// kinds are NetworkManager's numbers of kinds of devices (NMDeviceType); 20 is an
// Ethernet whose cable is software.
var kinds = map[uint32]enrol.Kind{1: enrol.Ethernet, 2: enrol.WiFi, 8: enrol.LTE, 20: enrol.Ethernet}

// stateOf translates NMDeviceState.
func stateOf(n uint32) State {
	switch {
	case n == 100:
		return Connected
	case n == 120:
		return Failed
	case n >= 40 && n < 100:
		return Connecting
	case n == 30 || n == 110:
		return Idle
	case n == 20 || n == 10:
		return Unavailable
	}
	return Unknown
}

// Devices returns the machine's ways out, by kind and name.
func (m *Manager) Devices(ctx context.Context) ([]Device, error) {
	var paths []dbus.ObjectPath
	if err := m.call(ctx, root, ".GetDevices", []any{&paths}); err != nil {
		return nil, err
	}
	var out []Device
	for _, p := range paths {
		d, ok, err := m.device(ctx, p)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, d)
		}
	}
	order := []enrol.Kind{enrol.Ethernet, enrol.WiFi, enrol.LTE}
	slices.SortFunc(out, func(a, b Device) int {
		if n := slices.Index(order, a.Kind) - slices.Index(order, b.Kind); n != 0 {
			return n
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, nil
}

// device reads one; false: it is no way out, as loopback is none.
func (m *Manager) device(ctx context.Context, p dbus.ObjectPath) (Device, bool, error) {
	d := Device{path: p}
	var kind, state uint32
	if err := m.get(ctx, p, ".Device", "DeviceType", &kind); err != nil {
		return d, false, err
	}
	var known bool
	if d.Kind, known = kinds[kind]; !known {
		return d, false, nil
	}
	if err := m.get(ctx, p, ".Device", "Interface", &d.Name); err != nil {
		return d, false, err
	}
	if err := m.get(ctx, p, ".Device", "State", &state); err != nil {
		return d, false, err
	}
	d.State = stateOf(state)
	if d.Kind == enrol.Ethernet {
		if err := m.get(ctx, p, ".Device.Wired", "Carrier", &d.Cable); err != nil {
			return d, false, err
		}
	}
	return d, true, nil
}

// find returns the first device of that kind.
func (m *Manager) find(ctx context.Context, k enrol.Kind) (Device, error) {
	all, err := m.Devices(ctx)
	if err != nil {
		return Device{}, err
	}
	i := slices.IndexFunc(all, func(d Device) bool { return d.Kind == k })
	// Of several Ethernet sockets it is the one with a cable.
	for j, d := range all {
		if d.Kind == k && d.Cable {
			i = j
			break
		}
	}
	if i < 0 {
		return Device{}, fmt.Errorf("network: join by %s: %w", k, ErrNoDevice)
	}
	return all[i], nil
}

// ErrNoDevice is wrapped where the machine has no device of the kind.
var ErrNoDevice = errors.New("this machine has none")
