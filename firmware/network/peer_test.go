package network

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/penjire/penjire/firmware/enrol"
)

// left skips a test whose peer is not here, or fails it where every peer must be.
func left(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("PENJIRE_PEERS") == "require" {
		t.Fatalf("peer is missing: %s", what)
	}
	t.Skipf("LEFT OUT: %s; networks were not joined", what)
}

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

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/></policy></busconfig>`

// bus starts a bus of the test's own and connects to it.
func bus(t *testing.T) (dir, address string, m *Manager) {
	t.Helper()
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		left(t, "no dbus-daemon here (Debian package dbus)")
	}
	// A temporary folder's name may be too long for a socket.
	dir, err := os.MkdirTemp("", "pn")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	config := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, filepath.Join(dir, "bus")), 0o600); err != nil {
		t.Fatal(err)
	}
	address = "unix:path=" + filepath.Join(dir, "bus")
	run(t, exec.Command("dbus-daemon", "--config-file="+config, "--nofork"))
	var con *dbus.Conn
	until(t, "the bus", func() bool {
		con, err = dbus.Connect(address)
		return err == nil
	})
	m = On(con)
	t.Cleanup(func() { _ = m.Close() })
	return dir, address, m
}

// run starts a program that ends with the test.
func run(t *testing.T, c *exec.Cmd) {
	t.Helper()
	var said strings.Builder
	c.Stdout, c.Stderr, c.WaitDelay = &said, &said, time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill() // nothing of it is kept
		if err := c.Wait(); t.Failed() {
			t.Logf("%s: %v\n%s", c.Path, err, said.String())
		}
	})
}

// until waits for another program.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s did not come", what)
		}
	}
}

// TestNetworkManager joins an Ethernet by the real NetworkManager, which is in a
// network of its own with one cable.
func TestNetworkManager(t *testing.T) {
	nm, err := exec.LookPath("NetworkManager")
	if err != nil {
		nm = "/usr/sbin/NetworkManager"
	}
	if _, err := os.Stat(nm); err != nil || os.Getuid() != 0 {
		left(t, "no NetworkManager here (Debian package network-manager), or not root")
	}
	if out, err := exec.Command("unshare", "-n", "-m", "true").CombinedOutput(); err != nil {
		left(t, "no network namespace: "+string(out))
	}
	dir, address, m := bus(t)
	if err := os.Mkdir(filepath.Join(dir, "keyfiles"), 0o700); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "nm.conf")
	if err := os.WriteFile(conf, []byte("[main]\nplugins=keyfile\nauth-polkit=false\ndns=none\nno-auto-default=*\n[keyfile]\npath="+filepath.Join(dir, "keyfiles")+"\n[connectivity]\nenabled=false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	script := `set -e
mount -t sysfs -o ro sysfs /sys
mount -t tmpfs tmpfs /run
mkdir -p /var/lib/NetworkManager && mount -t tmpfs tmpfs /var/lib/NetworkManager
ip link set lo up
ip link add eth0 type veth peer name far
ip link set far up
exec "$0" -n --config="$1" --config-dir=/none --system-config-dir=/none --intern-config=/none`
	c := exec.Command("unshare", "-n", "-m", "sh", "-c", script, nm, conf)
	c.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS="+address)
	run(t, c)
	var all []Device
	until(t, "NetworkManager", func() bool {
		all, err = m.Devices(t.Context())
		return slices.ContainsFunc(all, func(d Device) bool { return d.Name == "eth0" && d.Cable && d.State != Unavailable })
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
		files, err := os.ReadDir(filepath.Join(dir, "keyfiles"))
		if err != nil || len(files) != 1 {
			t.Errorf("keyfiles = %v, %v, want one", files, err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "keyfiles", "penjire.nmconnection"))
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
	until(t, "the end of the connection", func() bool {
		files, err := os.ReadDir(filepath.Join(dir, "keyfiles"))
		return err == nil && len(files) == 0
	})
	// What has no device here is at least understood.
	for _, v := range []struct {
		n    enrol.Network
		lock Lock
		want string
	}{
		{enrol.Network{Kind: enrol.WiFi, SSID: "Nusga", Password: enrol.Hide("correct horse")}, Password, "802-11-wireless"},
		{enrol.Network{Kind: enrol.WiFi, SSID: "täze", Hidden: true, Password: enrol.Hide("correct horse")}, PasswordW3, "802-11-wireless"},
		{enrol.Network{Kind: enrol.LTE, APN: "internet", User: "u", Password: enrol.Hide("p"), PIN: enrol.Hide("1234")}, Unlocked, "gsm"},
	} {
		s, err := connection(v.n, v.lock)
		if err != nil {
			t.Fatal(err)
		}
		var at dbus.ObjectPath
		if err := m.call(t.Context(), settings, ".Settings.AddConnectionUnsaved", []any{&at}, s); err != nil {
			t.Errorf("%v: %v", v.n.Kind, err)
			continue
		}
		var kept map[string]map[string]dbus.Variant
		if err := m.call(t.Context(), at, ".Settings.Connection.GetSettings", []any{&kept}); err != nil || kept["connection"]["type"].Value() != v.want {
			t.Errorf("%v is kept as %v, %v", v.n.Kind, kept["connection"], err)
		}
	}
	if _, err := m.Networks(t.Context()); !errors.Is(err, ErrNoDevice) {
		t.Errorf("Networks = %v, want ErrNoDevice", err)
	}
}

// mock is python-dbusmock's NetworkManager, which has radios.
const mock = `
import sys, dbus
bus = dbus.bus.BusConnection(sys.argv[1])
o = bus.get_object("org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager")
i = dbus.Interface(o, "org.freedesktop.DBus.Mock")
w = i.AddWiFiDevice("w0", "wlan0", 30)
for n, (ssid, strength, security) in enumerate([("Nusga", 40, 0x100), ("Nusga", 80, 0x100), ("açyk", 60, 0), ("täze", 20, 0x400), ("edara", 90, 0x200), ("\x01\x02", 99, 0)]):
    i.AddAccessPoint(w, "ap%d" % n, ssid, "00:00:00:00:00:0%d" % n, dbus.UInt32(2), dbus.UInt32(2425), dbus.UInt32(5400), dbus.Byte(strength), dbus.UInt32(security))
`

// TestWiFi looks for wireless networks and joins them at python-dbusmock.
func TestWiFi(t *testing.T) {
	if err := exec.Command("/usr/bin/python3", "-c", "import dbusmock").Run(); err != nil {
		left(t, "no python-dbusmock here (Debian package python3-dbusmock)")
	}
	_, address, m := bus(t)
	c := exec.Command("/usr/bin/python3", "-m", "dbusmock", "--system", "--template", "networkmanager")
	c.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS="+address)
	run(t, c)
	until(t, "the mock", func() bool {
		err := m.call(t.Context(), root, ".GetDevices", nil)
		return !errors.Is(err, ErrNone)
	})
	if out, err := exec.Command("/usr/bin/python3", "-c", mock, address).CombinedOutput(); err != nil {
		t.Fatalf("set the mock up: %v\n%s", err, out)
	}
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
	_, _, m := bus(t)
	if _, err := m.Devices(t.Context()); !errors.Is(err, ErrNone) {
		t.Errorf("Devices = %v, want ErrNone", err)
	}
	if c := m.Look(t.Context(), "wss://portal.example/sync", nil); c.Steps[0].OK != NotKnown {
		t.Errorf("Look = %+v, want nothing known", c)
	}
}
