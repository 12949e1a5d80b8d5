package flash

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/penjire/penjire/boards/image/devicetree"
	"github.com/penjire/penjire/boards/image/medium"
	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/boards/manifest"
)

// trees reads those in the boot partition that b is.
func trees(t *testing.T, b []byte) ([]Tree, error) {
	t.Helper()
	at := filepath.Join(t.TempDir(), "boot")
	if err := os.WriteFile(at, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // of a test's folder
	return treesIn(f, manifest.Range{Name: layout.BootA, Size: int64(len(b))})
}

// TestTreesInASlot: the device trees of a boot partition that mkimage's own programs
// made are read, with the overlays that were put into one of them.
func TestTreesInASlot(t *testing.T) {
	peer(t, "device trees in a slot were not read", "mformat", "fdtoverlay")
	bare, err := os.ReadFile("../../boards/image/devicetree/testdata/base.dtb")
	if err != nil {
		t.Fatal(err)
	}
	want := []Tree{{"bcm2837-rpi-3-b-plus.dtb", nil}, {"bcm2837-rpi-3-b.dtb", []string{"spi0", "i2c-rtc,ds3231"}}}
	full, err := devicetree.Apply(t.Context(), want[1].Name, bare, want[1].Overlays)
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(t.TempDir(), "fat")
	if err := medium.FAT(at, 16*mib, "", map[string][]byte{
		"vmlinuz": []byte("kernel"), treesFolder + "/" + want[0].Name: bare, treesFolder + "/" + want[1].Name: full,
	}, built); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := trees(t, b); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("treesIn = %+v, %v, want %+v", got, err, want)
	}
	bad := bytes.ReplaceAll(b, full[:4], []byte("none"))
	if got, err := trees(t, bad); err == nil {
		t.Errorf("treesIn with a damaged tree = %+v, want an error", got)
	}
	if got, err := trees(t, emptyFAT(t, 16*mib)); err != nil || got != nil {
		t.Errorf("treesIn of a PC's = %+v, %v, want none", got, err)
	}
	if got, err := trees(t, make([]byte, mib)); err == nil {
		t.Errorf("treesIn of zeros = %+v, want an error", got)
	}
}
