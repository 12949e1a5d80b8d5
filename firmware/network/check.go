package network

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/penjire/penjire/firmware/enrol"
)

// Check is what is known of the way to the portal, in the order in which it is gone.
// What was not come to stays Unknown.
type Check struct {
	Device  string   // the way out: "eth0"
	Address []string // that it has
	Steps   []Step
}

// Step is one question and its answer.
type Step struct {
	Name string // address, dns, portal, identity, clock
	OK   Answer
	Say  string // what was found, in no language: an address, a difference
}

// Answer is yes, no, or not known.
type Answer string

// The answers.
const (
	NotKnown Answer = ""
	Yes      Answer = "yes"
	No       Answer = "no"
)

// Steps of a check.
const (
	StepAddress  = "address"
	StepDNS      = "dns"
	StepPortal   = "portal"
	StepIdentity = "identity"
	StepClock    = "clock"
)

// Portal speaks with the portal: it says by how much the machine's clock and the
// portal's differ. Its error wraps ErrImposter where who answers is not the portal;
// with any other nothing is known.
type Portal func(ctx context.Context) (time.Duration, error)

// ErrImposter is wrapped where who answers is not the portal.
var ErrImposter = errors.New("who answers is not the portal")

// tolerable is how far off the clock may be.
const tolerable = 2 * time.Minute

// Look checks the way to the portal at address (wss://host:port/…): has the machine an
// address, does the name have one, does the port answer, is it the portal, and is the
// clock right. With a nil p the last two are not asked. A nil Manager is a machine
// whose network others see to: it goes by the addresses that the kernel knows.
func (m *Manager) Look(ctx context.Context, address string, p Portal) Check {
	c := Check{Steps: []Step{{Name: StepAddress}, {Name: StepDNS}, {Name: StepPortal}, {Name: StepIdentity}, {Name: StepClock}}}
	if m == nil {
		// It may reach a portal on itself: that there is none is not known to be bad.
		if c.Address = Addresses(); len(c.Address) > 0 {
			c.Steps[0].OK, c.Steps[0].Say = Yes, c.Address[0]
		}
	} else if m.addresses(ctx, &c); c.Steps[0].OK != Yes {
		return c
	}
	lookPortal(ctx, &c, address)
	if c.Steps[2].OK != Yes || p == nil {
		return c
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	off, err := p(ctx)
	switch {
	case errors.Is(err, ErrImposter):
		c.Steps[3].OK = No
	case err != nil:
	case off < -tolerable || off > tolerable:
		c.Steps[3].OK, c.Steps[4].OK, c.Steps[4].Say = Yes, No, off.Round(time.Second).String()
	default:
		c.Steps[3].OK, c.Steps[4].OK = Yes, Yes
	}
	return c
}

// Addresses are those of the machine's network cards that are up.
func Addresses() []string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil // unknown
	}
	var out []string
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			out = append(out, n.IP.String())
		}
	}
	return out
}

// addresses asks the first device that is connected.
func (m *Manager) addresses(ctx context.Context, c *Check) {
	all, err := m.Devices(ctx)
	if err != nil {
		return
	}
	c.Steps[0].OK = No
	i := slices.IndexFunc(all, func(d Device) bool { return d.State == Connected })
	if i < 0 {
		return
	}
	c.Device = all[i].Name
	for _, family := range []struct{ property, iface string }{{"Ip4Config", ".IP4Config"}, {"Ip6Config", ".IP6Config"}} {
		var at dbus.ObjectPath
		var data []map[string]dbus.Variant
		if m.get(ctx, all[i].path, ".Device", family.property, &at) != nil || at == "/" || m.get(ctx, at, family.iface, "AddressData", &data) != nil {
			continue // it has none of this kind
		}
		for _, d := range data {
			if s, ok := d["address"].Value().(string); ok && net.ParseIP(s).IsGlobalUnicast() {
				c.Address = append(c.Address, s)
			}
		}
	}
	if len(c.Address) > 0 {
		c.Steps[0].OK, c.Steps[0].Say = Yes, c.Address[0]
	}
}

// lookPortal resolves the portal's name and opens a connection to its port.
func lookPortal(ctx context.Context, c *Check, address string) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	asked, cancel := context.WithTimeout(ctx, 2*limit)
	defer cancel()
	ips, err := net.DefaultResolver.LookupHost(asked, u.Hostname())
	if err != nil {
		c.Steps[1].OK = No
		if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsTimeout {
			c.Steps[1].Say = "timeout"
		}
		return
	}
	c.Steps[1].OK, c.Steps[1].Say = Yes, ips[0]
	con, err := new(net.Dialer).DialContext(asked, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		c.Steps[2].OK = No
		return
	}
	_ = con.Close() // nothing was said
	c.Steps[2].OK, c.Steps[2].Say = Yes, net.JoinHostPort(u.Hostname(), port)
}

// Kinds returns the kinds of network that the machine has a device for, and the stick,
// which needs none.
func (m *Manager) Kinds(ctx context.Context) ([]enrol.Kind, error) {
	all, err := m.Devices(ctx)
	if err != nil {
		return nil, err
	}
	var out []enrol.Kind
	for _, d := range all {
		if !slices.Contains(out, d.Kind) {
			out = append(out, d.Kind)
		}
	}
	return append(out, enrol.Stick), nil
}
