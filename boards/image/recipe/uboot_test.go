package recipe

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/penjire/penjire/boards/layout"
)

// TestKept wants the script to write back all that the environment begins with, and
// nothing that U-Boot found out about a machine.
func TestKept(t *testing.T) {
	l, err := layout.For("rpi3")
	if err != nil {
		t.Fatal(err)
	}
	script, err := boards["rpi3"].LoaderFile(l, "uboot/boot.cmd")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`env export -c -s 0x4000 0x[0-9a-f]+ ([^;]+);`).FindSubmatch(script)
	if m == nil {
		t.Fatalf("the script exports no environment:\n%s", script)
	}
	got, want := strings.Fields(string(m[1])), slices.Sorted(maps.Keys(Environment()))
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the script keeps %q, want %q", got, want)
	}
	if strings.Contains(string(script), "\nsaveenv") || strings.Contains(string(script), "  saveenv") {
		t.Error("the script saves everything there is")
	}
}

// TestAddresses wants nothing that U-Boot loads to lie over something else.
func TestAddresses(t *testing.T) {
	for _, p := range [][3]int64{ // beginning, most that is there, what follows
		{kernelAt, 2<<20 + KernelRoom - kernelAt, scriptAt},
		{scriptAt, 64 << 10, treeAt},
		{treeAt, 1 << 20, initramfsAt},
		{initramfsAt, 32 << 20, decompressAt},
		{decompressAt, decompressed, 256 << 20},
	} {
		if p[0]+p[1] > p[2] {
			t.Errorf("what is at %#x takes %#x bytes and %#x is taken", p[0], p[1], p[2])
		}
	}
}
