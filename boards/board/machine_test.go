package board_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/penjire/penjire/boards/board"
)

func all(t *testing.T) []*board.Board {
	t.Helper()
	bs, err := board.All()
	if err != nil {
		t.Fatal(err)
	}
	return bs
}

// TestMatch: each folder of testdata/machines holds what one machine says of itself
// below /proc and /sys.
func TestMatch(t *testing.T) {
	want := map[string]struct {
		board string
		exact bool
		is    string
	}{
		"rpi3":           {"rpi3", true, "Raspberry Pi 3 Model B Rev 1.2"},
		"qemu-raspi3b":   {"rpi3", true, "Raspberry Pi 3 Model B ("},
		"rpi3-plus":      {"rpi3", false, "Plus"},
		"rpi4":           {"rpi4", true, "Raspberry Pi 4 Model B Rev 1.4 (arm64, 4 cores, 3793 MiB)"},
		"pi400":          {"rpi4", false, "Raspberry Pi 400"},
		"rpi5":           {"rpi5", true, "Raspberry Pi 5"},
		"rpizero2w":      {"rpizero2w", true, "Zero 2 W"},
		"orangepi":       {"generic", false, "Xunlong"},
		"qemu-q35":       {"vm", true, "QEMU Standard PC (Q35 + ICH9, 2009) (amd64, 2 cores"},
		"virtualbox":     {"vm", true, "VirtualBox"},
		"intel-nuc":      {"pc", true, "NUC8i3BEH"},
		"default-string": {"pc", false, "Default string"},
	}
	folders, err := os.ReadDir("testdata/machines")
	if err != nil || len(folders) != len(want) {
		t.Fatalf("testdata/machines: got %d machines, %v, want %d", len(folders), err, len(want))
	}
	for _, d := range folders {
		t.Run(d.Name(), func(t *testing.T) {
			root := os.DirFS("testdata/machines/" + d.Name())
			f := board.Look(root)
			f.Architecture = "amd64" // of the machine, not of the one that tests
			if _, err := fs.Stat(root, "proc/device-tree"); err == nil {
				f.Architecture = "arm64"
			}
			w := want[d.Name()]
			m := board.Match(f, all(t))
			if m.Board != w.board || m.Exact != w.exact || m.Why == "" {
				t.Errorf("Match = %+v, want %s, exact %t", m, w.board, w.exact)
			}
			if !strings.Contains(f.String(), w.is) {
				t.Errorf("String = %q, want %q in it", f, w.is)
			}
			r := string(board.Report{Matched: m, Found: f}.Marshal())
			if strings.Contains(r, "SECRET") || !strings.Contains(r, `"board": "`+w.board+`"`) {
				t.Errorf("Report = %s\nwant the board and no serial number", r)
			}
		})
	}
}

// TestLookAtNothing: a machine that says nothing is generic, and what firmware
// writes stays one clean line.
func TestLookAtNothing(t *testing.T) {
	f := board.Look(fstest.MapFS{})
	f.Architecture = "riscv64"
	if m := board.Match(f, all(t)); m.Board != board.Generic || m.Exact {
		t.Errorf("Match of nothing = %+v, want generic", m)
	}
	f = board.Look(fstest.MapFS{
		"proc/device-tree/model":       {Data: []byte("a\x1b[31m\nb\xff\x00")},
		"sys/class/dmi/id/sys_vendor":  {Data: []byte(strings.Repeat("x", 5000))},
		"proc/meminfo":                 {Data: []byte("MemTotal:")},
		"proc/device-tree/compatible":  {Data: []byte("one\x00two\x00")},
		"sys/class/dmi/id/bios_vendor": {Data: []byte("B\n")},
	})
	if f.Model != "a [31m b" || len(f.Vendor) != 128 || f.MemoryMiB != 0 || len(f.Compatible) != 2 || f.Firmware != "B" {
		t.Errorf("Look = %+v", f)
	}
}
