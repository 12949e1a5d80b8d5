package network

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/network/networktest"
)

// aFolder is a kiosk's folder with a set-up.
func aFolder(t *testing.T, n enrol.Network) string {
	t.Helper()
	root, err := os.ReadFile("../enrol/testdata/root.pem")
	if err != nil {
		t.Fatal(err)
	}
	b, err := enrol.Setup{Kiosk: "K-000123", Portal: enrol.Portal{URL: "wss://portal.example/sync"}, Roots: string(root), Network: n}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, enrol.SetupFile), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestNetworkManager joins an Ethernet by the real NetworkManager, which is in a
// network of its own with one cable.
func TestNetworkManager(t *testing.T) {
	machine := networktest.Real(t)
	keyfiles, m := machine.Keyfiles, On(machine.Bus)
	var all []Device
	networktest.Until(t, "NetworkManager", func() bool {
		var err error
		all, err = m.Devices(t.Context())
		return err == nil && slices.ContainsFunc(all, func(d Device) bool { return d.Name == "eth0" && d.Cable && d.State != Unavailable })
	})
	if kinds, err := m.Kinds(t.Context()); err != nil || !slices.Equal(kinds, []enrol.Kind{enrol.Ethernet, enrol.Stick}) {
		t.Errorf("Kinds = %q, %v, want ethernet and the stick", kinds, err)
	}
	if err := m.Join(t.Context(), enrol.Network{Kind: enrol.WiFi, SSID: "x"}); !errors.Is(err, ErrNoDevice) {
		t.Errorf("Join by Wi-Fi = %v, want ErrNoDevice", err)
	}
	n := enrol.Network{
		Kind: enrol.Ethernet, Address: netip.MustParsePrefix("192.0.2.10/24"), Gateway: netip.MustParseAddr("192.0.2.1"), DNS: []netip.Addr{netip.MustParseAddr("192.0.2.53")},
	}
	for range 2 { // joined again it replaces itself
		if err := m.Join(t.Context(), n); err != nil {
			t.Fatalf("Join = %v", err)
		}
		files, err := os.ReadDir(keyfiles)
		if err != nil || len(files) != 1 {
			t.Errorf("keyfiles = %v, %v, want one", files, err)
		}
	}
	b, err := os.ReadFile(filepath.Join(keyfiles, "penjire.nmconnection"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"address1=192.0.2.10/24,192.0.2.1", "dns=192.0.2.53;", "method=manual"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the keyfile is\n%s\nwant %q", b, want)
		}
	}
	// The same by the set-up of a fresh kiosk.
	if err := m.Keep(t.Context(), aFolder(t, n), slog.New(slog.DiscardHandler), func(w Why) { t.Errorf("the set-up's network: %s", w) }); err != nil {
		t.Errorf("Keep = %v", err)
	}
	if err := m.Keep(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler), func(Why) {}); err != nil {
		t.Errorf("Keep without a set-up = %v", err)
	}
	look := m.Look(t.Context(), "wss://127.0.0.1:1/sync", nil)
	if !slices.Contains(look.Address, "192.0.2.10") || look.Steps[0].OK != Yes || look.Steps[2].OK != No || look.Steps[4].OK != NotKnown {
		t.Errorf("Look = %+v, want the address and a portal that does not answer", look)
	}
	if err := m.Join(t.Context(), enrol.Network{Kind: enrol.Stick}); err != nil {
		t.Errorf("Join of nothing = %v", err)
	}
	networktest.Until(t, "the end of the connection", func() bool {
		files, err := os.ReadDir(keyfiles)
		return err == nil && len(files) == 0
	})
	// What has no device here is at least understood, and kept as it was meant, for root
	// alone.
	for _, v := range []struct {
		n    enrol.Network
		lock Lock
		want string
		file []string
	}{
		{enrol.Network{Kind: enrol.WiFi, SSID: "Nusga", Password: enrol.Hide("correct horse")}, Password, "802-11-wireless", []string{"ssid=Nusga", "key-mgmt=wpa-psk", "psk=correct horse"}},
		{enrol.Network{Kind: enrol.WiFi, SSID: "täze", Hidden: true, Password: enrol.Hide("correct horse")}, PasswordW3, "802-11-wireless", []string{"hidden=true", "key-mgmt=sae", "psk=correct horse"}},
		{enrol.Network{Kind: enrol.WiFi, SSID: "açyk"}, Unlocked, "802-11-wireless", []string{"mode=infrastructure"}},
		{
			enrol.Network{Kind: enrol.WiFi, SSID: "Nusga", Password: enrol.Hide("correct horse"), Address: netip.MustParsePrefix("192.0.2.10/24"), Gateway: netip.MustParseAddr("192.0.2.1")},
			Password, "802-11-wireless",
			[]string{"address1=192.0.2.10/24,192.0.2.1", "method=manual"},
		},
		{enrol.Network{Kind: enrol.LTE, APN: "internet", User: "u", Password: enrol.Hide("p"), PIN: enrol.Hide("1234")}, Unlocked, "gsm", []string{"apn=internet", "username=u", "password=p", "pin=1234"}},
	} {
		s, err := connection(v.n, v.lock)
		if err != nil {
			t.Fatal(err)
		}
		var at dbus.ObjectPath
		if err := m.call(t.Context(), settings, ".Settings.AddConnection", []any{&at}, s); err != nil {
			t.Errorf("%v: %v", v.n.Kind, err)
			continue
		}
		var kept map[string]map[string]dbus.Variant
		if err := m.call(t.Context(), at, ".Settings.Connection.GetSettings", []any{&kept}); err != nil || kept["connection"]["type"].Value() != v.want {
			t.Errorf("%v is kept as %v, %v", v.n.Kind, kept["connection"], err)
		}
		name := filepath.Join(keyfiles, "penjire.nmconnection")
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(name); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("the keyfile of %v: %v, %v, want it root's alone", v.n.Kind, st, err)
		}
		for _, want := range append(v.file, "type="+map[string]string{"gsm": "gsm", "802-11-wireless": "wifi"}[v.want]) {
			if !strings.Contains(string(b), want+"\n") {
				t.Errorf("the keyfile of %v lacks %q:\n%s", v.n.Kind, want, b)
			}
		}
		if err := m.forget(t.Context()); err != nil {
			t.Errorf("forget = %v", err)
		}
	}
	if _, err := m.Networks(t.Context()); !errors.Is(err, ErrNoDevice) {
		t.Errorf("Networks = %v, want ErrNoDevice", err)
	}
}

// TestRouter joins an Ethernet whose addresses a router gives, by the real NetworkManager
// and dnsmasq: without the router that is what is said; with it the address is there; and
// a cable that was pulled out and comes back needs nobody.
func TestRouter(t *testing.T) {
	machine := networktest.Real(t)
	m := On(machine.Bus)
	eth0 := func(ok func(Device) bool) func() bool {
		return func() bool {
			all, err := m.Devices(t.Context())
			return err == nil && slices.ContainsFunc(all, func(d Device) bool { return d.Name == "eth0" && ok(d) })
		}
	}
	networktest.Until(t, "the cable", eth0(func(d Device) bool { return d.Cable && d.State != Unavailable }))
	n := enrol.Network{Kind: enrol.Ethernet}
	why := func(err error) Why {
		e, _ := errors.AsType[*JoinError](err)
		if e == nil {
			t.Fatalf("Join = %v, want a JoinError", err)
		}
		return e.Why
	}
	if got := why(m.Join(t.Context(), n)); got != WhyAddress {
		t.Errorf("Join without a router = %q, want %q", got, WhyAddress)
	}
	machine.Router()
	if err := m.Join(t.Context(), n); err != nil {
		t.Fatalf("Join = %v", err)
	}
	given := func() bool {
		c := m.Look(t.Context(), "wss://127.0.0.1:1/sync", nil)
		return slices.ContainsFunc(c.Address, func(a string) bool { return strings.HasPrefix(a, "198.51.100.") })
	}
	networktest.Until(t, "the address", given)
	machine.Cable(false)
	networktest.Until(t, "the loss of the cable", eth0(func(d Device) bool { return !d.Cable && d.State != Connected }))
	if got := why(m.Join(t.Context(), n)); got != WhyCable {
		t.Errorf("Join without a cable = %q, want %q", got, WhyCable)
	}
	machine.Cable(true)
	networktest.Until(t, "the cable again", eth0(func(d Device) bool { return d.Cable && d.State == Connected }))
	networktest.Until(t, "the address again", given)
}

// TestWiFi looks for wireless networks and joins them at python-dbusmock.
func TestWiFi(t *testing.T) {
	m := On(networktest.Mock(t))
	if err := m.Scan(t.Context()); err != nil {
		t.Errorf("Scan = %v", err)
	}
	got, err := m.Networks(t.Context())
	want := []Network{{"edara", 90, Enterprise}, {"Nusga", 80, Password}, {"açyk", 60, Unlocked}, {"täze", 20, PasswordW3}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Networks = %+v, %v, want %+v", got, err, want)
	}
	if err := m.Join(t.Context(), enrol.Network{Kind: enrol.WiFi, SSID: "Nusga", Password: enrol.Hide("correct horse")}); err != nil {
		t.Errorf("Join = %v", err)
	}
	var all []dbus.ObjectPath
	if err := m.call(t.Context(), settings, ".Settings.ListConnections", []any{&all}); err != nil || len(all) != 1 {
		t.Fatalf("ListConnections = %v, %v, want one", all, err)
	}
	var s sections
	if err := m.call(t.Context(), all[0], ".Settings.Connection.GetSettings", []any{(*map[string]map[string]dbus.Variant)(&s)}); err != nil {
		t.Fatal(err)
	}
	if ssid, ok := s["802-11-wireless"]["ssid"].Value().([]byte); !ok || string(ssid) != "Nusga" {
		t.Errorf("joined was %v, want Nusga", s["802-11-wireless"]["ssid"])
	}
	err = m.Join(t.Context(), enrol.Network{Kind: enrol.WiFi, SSID: "edara", Password: enrol.Hide("correct horse")})
	if err == nil || strings.Contains(err.Error(), "horse") {
		t.Errorf("Join of an enterprise network = %v, want an error without the password", err)
	}
	if err := m.Join(t.Context(), enrol.Network{Kind: enrol.LTE, APN: "internet"}); !errors.Is(err, ErrNoDevice) {
		t.Errorf("Join by LTE = %v, want ErrNoDevice", err)
	}
}

// TestNobody: a bus without NetworkManager.
func TestNobody(t *testing.T) {
	_, _, con := networktest.Bus(t)
	m := On(con)
	if _, err := m.Devices(t.Context()); !errors.Is(err, ErrNone) {
		t.Errorf("Devices = %v, want ErrNone", err)
	}
	if c := m.Look(t.Context(), "wss://portal.example/sync", nil); c.Steps[0].OK != NotKnown {
		t.Errorf("Look = %+v, want nothing known", c)
	}
}
