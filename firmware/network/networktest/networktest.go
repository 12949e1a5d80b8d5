// Package networktest starts the peers that tests of networks speak to, each on a bus
// of the test's own: the real NetworkManager in a network of its own with one cable,
// and python-dbusmock's, which has a radio. A test whose peer is not here is skipped,
// or fails where PENJIRE_PEERS=require.
package networktest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// left skips a test whose peer is not here, or fails it where every peer must be.
func left(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("PENJIRE_PEERS") == "require" {
		t.Fatalf("peer is missing: %s", what)
	}
	t.Skipf("LEFT OUT: %s; networks were not joined", what)
}

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/></policy></busconfig>`

// Bus starts a bus with nobody on it. dir is a folder that goes with the test.
func Bus(t *testing.T) (dir, address string, con *dbus.Conn) {
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
	Until(t, "the bus", func() bool {
		con, err = dbus.Connect(address)
		return err == nil
	})
	t.Cleanup(func() { _ = con.Close() })
	return dir, address, con
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

// Until waits for another program.
func Until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(60 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s did not come", what)
		}
	}
}

// Machine is one with the real NetworkManager, in a network of its own with the cable
// eth0, whose other end is called far and is up.
type Machine struct {
	Keyfiles string // folder of its connections
	Bus      *dbus.Conn

	t   *testing.T
	pid int // of NetworkManager
}

// Real starts a machine. Its patience with routers that do not answer is 3 s.
func Real(t *testing.T) *Machine {
	t.Helper()
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
	dir, address, con := Bus(t)
	m := &Machine{Keyfiles: filepath.Join(dir, "keyfiles"), Bus: con, t: t}
	if err := os.Mkdir(m.Keyfiles, 0o700); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "nm.conf")
	if err := os.WriteFile(conf, []byte("[main]\nplugins=keyfile\nauth-polkit=false\ndns=none\nno-auto-default=*\n[keyfile]\nunmanaged-devices=interface-name:far\npath="+m.Keyfiles+
		"\n[connectivity]\nenabled=false\n[connection]\nipv4.dhcp-timeout=3\nipv6.ra-timeout=3\n"), 0o600); err != nil {
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
	m.pid = c.Process.Pid
	return m
}

// within is a program in the machine's network.
func (m *Machine) within(name string, args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"-n", "-t", strconv.Itoa(m.pid), name}, args...)...)
}

// Cable plugs the other end of the cable in, or pulls it out.
func (m *Machine) Cable(in bool) {
	m.t.Helper()
	if out, err := m.within("ip", "link", "set", "far", map[bool]string{true: "up", false: "down"}[in]).CombinedOutput(); err != nil {
		m.t.Fatalf("the cable: %v: %s", err, out)
	}
}

// Router puts a router at the other end of the cable: dnsmasq, which gives addresses
// of 198.51.100.0/24.
func (m *Machine) Router() {
	m.t.Helper()
	if _, err := exec.LookPath("dnsmasq"); err != nil {
		left(m.t, "no dnsmasq here (Debian package dnsmasq-base)")
	}
	if out, err := m.within("ip", "addr", "add", "198.51.100.1/24", "dev", "far").CombinedOutput(); err != nil {
		m.t.Fatalf("the router's address: %v: %s", err, out)
	}
	run(m.t, m.within("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--port=0", "--user=root", "--interface=far", "--bind-interfaces",
		"--dhcp-range=198.51.100.10,198.51.100.20,2m", "--dhcp-option=option:router,198.51.100.1", "--dhcp-leasefile="+filepath.Join(m.Keyfiles, "..", "leases"), "--dhcp-authoritative", "--no-ping"))
}

// mock gives python-dbusmock's NetworkManager a radio and networks in reach.
const mock = `
import sys, dbus
bus = dbus.bus.BusConnection(sys.argv[1])
o = bus.get_object("org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager")
i = dbus.Interface(o, "org.freedesktop.DBus.Mock")
w = i.AddWiFiDevice("w0", "wlan0", 30)
for n, (ssid, strength, security) in enumerate([("Nusga", 40, 0x100), ("Nusga", 80, 0x100), ("açyk", 60, 0), ("täze", 20, 0x400), ("edara", 90, 0x200), ("\x01\x02", 99, 0)]):
    i.AddAccessPoint(w, "ap%d" % n, ssid, "00:00:00:00:00:0%d" % n, dbus.UInt32(2), dbus.UInt32(2425), dbus.UInt32(5400), dbus.Byte(strength), dbus.UInt32(security))
`

// Mock starts python-dbusmock's NetworkManager. In reach of its radio are Nusga (80 %,
// with a password), açyk (60 %, open), täze (20 %, WPA3), edara (90 %, enterprise),
// and one whose name cannot be shown.
func Mock(t *testing.T) *dbus.Conn {
	t.Helper()
	if err := exec.Command("/usr/bin/python3", "-c", "import dbusmock").Run(); err != nil {
		left(t, "no python-dbusmock here (Debian package python3-dbusmock)")
	}
	_, address, con := Bus(t)
	c := exec.Command("/usr/bin/python3", "-m", "dbusmock", "--system", "--template", "networkmanager")
	c.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS="+address)
	run(t, c)
	Until(t, "the mock", func() bool {
		err := con.Object("org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager").Call("org.freedesktop.NetworkManager.GetDevices", 0).Err
		e, ok := errors.AsType[dbus.Error](err)
		return !ok || e.Name != "org.freedesktop.DBus.Error.ServiceUnknown"
	})
	if out, err := exec.Command("/usr/bin/python3", "-c", mock, address).CombinedOutput(); err != nil {
		t.Fatalf("set the mock up: %v\n%s", err, out)
	}
	return con
}
