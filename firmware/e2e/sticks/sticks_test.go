package sticks

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/firmware/e2e/virtual"
	"github.com/penjire/penjire/firmware/enrol"
	codes "github.com/penjire/penjire/sync/enrol"
)

// debian is a small kernel, with FAT as Debian has it.
var debian = virtual.Debian{
	Package: "linux-image-cloud-amd64", Cache: "guest-kernel",
	Modules: []string{
		"virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk", "configfs",
		"fat", "nls_cp437", "nls_ascii", "vfat",
	},
}

// TestSticks boots a machine with a stick that can be written to and one that cannot.
func TestSticks(t *testing.T) {
	const what = "sticks formatted as FAT in a virtual machine"
	if testing.Short() {
		t.Skip("LEFT OUT: " + what + ": it emulates every instruction")
	}
	for _, p := range []string{"qemu-system-x86_64", "mke2fs", "mformat", "mcopy"} {
		if _, err := exec.LookPath(p); err != nil {
			devicetest.LeftOut(t, what, err.Error())
		}
	}
	k, err := debian.Find()
	if err != nil {
		devicetest.LeftOut(t, what, err.Error())
	}
	dir := t.TempDir()
	root, err := os.ReadFile("../../enrol/testdata/root.pem")
	if err != nil {
		t.Fatal(err)
	}
	code := codes.NewCode()
	b, err := enrol.Setup{
		Kiosk: "K-000123", Portal: enrol.Portal{URL: "wss://portal.example/sync"}, Roots: string(root), Code: code,
		Network: enrol.Network{Kind: enrol.WiFi, SSID: "Nusga", Password: enrol.Hide("correct horse")},
	}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, enrol.SetupFile), b, 0o600); err != nil {
		t.Fatal(err)
	}
	const made = `mke2fs -q -t ext4 data 16384k
for s in open locked; do truncate -s 16M $s; mformat -i $s -v STICK ::; mcopy -i $s setup.json ::; done`
	c := exec.Command("sh", "-ec", made)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("make the sticks: %v: %s", err, out)
	}
	initrd := filepath.Join(dir, "initrd")
	if err := k.Pack("./guest", initrd); err != nil {
		t.Fatal(err)
	}
	var drives []string
	for _, d := range []string{"data", "open", "locked"} {
		drives = append(drives, "-drive", "format=raw,if=virtio,file="+filepath.Join(dir, d))
	}
	r, err := k.Run(initrd, func(what string) error { return fmt.Errorf("the guest wants %q", what) }, drives...)
	if err != nil || !r.Ended {
		t.Fatalf("%v\n%s", err, r.Said)
	}
	for _, s := range r.Missing([]string{
		"the set-up is taken and wiped", "the daemon writes to the stick", "the set-up of a locked stick is taken, and said to be there still",
	}) {
		t.Errorf("the machine did not say that %q:\n%s", s, r.Said)
	}
	for file, there := range map[string]bool{"open": false, "locked": true, "data": true} {
		medium, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(medium, []byte(code.Written())); got != there {
			t.Errorf("the code is on %s: %v, want %v", file, got, there)
		}
	}
}
