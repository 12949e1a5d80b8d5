package storage

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// tree makes a sysfs: what stands in files, and where links lead.
func tree(t *testing.T, files, links map[string]string) string {
	t.Helper()
	sys := t.TempDir()
	for name, s := range files {
		path := filepath.Join(sys, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(s+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range links {
		path := filepath.Join(sys, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(sys, to), path); err != nil {
			t.Fatal(err)
		}
	}
	return sys
}

// As a Compute Module 4 with eMMC shows itself, the data partition being its fifth.
var eMMC = map[string]string{
	"devices/mmc0/block/mmcblk0/size":                "61071360",
	"devices/mmc0/block/mmcblk0/stat":                "  100 0 800 10 250 3 4096 20 0 30 40",
	"devices/mmc0/block/mmcblk0/device/type":         "MMC",
	"devices/mmc0/block/mmcblk0/device/name":         "BJTD4R",
	"devices/mmc0/block/mmcblk0/device/life_time":    "0x02 0x09",
	"devices/mmc0/block/mmcblk0/device/pre_eol_info": "0x01",
	"devices/mmc0/block/mmcblk0/mmcblk0p5/partition": "5",
	"devices/mmc0/block/mmcblk0/mmcblk0p5/size":      "1000",
	"fs/ext4/mmcblk0p5/errors_count":                 "3",
}

func look(t *testing.T, sys string) Medium {
	t.Helper()
	m := Medium{Worn: Unknown, Spent: Unknown, Written: Unknown}
	if err := m.look(sys, unix.Mkdev(179, 5)); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestLook(t *testing.T) {
	sys := tree(t, eMMC, map[string]string{"dev/block/179:5": "devices/mmc0/block/mmcblk0/mmcblk0p5"})
	want := Medium{Device: "mmcblk0", Kind: "MMC", Model: "BJTD4R", Size: 61071360 * 512, Worn: 90, Spent: 0, Written: 4096 * 512, Errors: 3}
	if got := look(t, sys); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// What a mapped device stands on is the medium.
func TestLookMapped(t *testing.T) {
	sys := tree(t, eMMC, map[string]string{
		"dev/block/179:5": "devices/virtual/block/dm-0",
		"devices/virtual/block/dm-0/slaves/mmcblk0p5": "devices/mmc0/block/mmcblk0/mmcblk0p5",
	})
	if got := look(t, sys); got.Device != "mmcblk0" || got.Worn != 90 {
		t.Errorf("got %+v, want the medium below", got)
	}
}

// A card that tells nothing of its wear is not called new, and no medium at all is
// no error.
func TestLookUnknown(t *testing.T) {
	sys := tree(t, map[string]string{
		"devices/mmc0/block/mmcblk0/device/type": "SD", "devices/mmc0/block/mmcblk0/device/name": "SC32G",
		"devices/mmc0/block/mmcblk0/size": "8",
	}, map[string]string{"dev/block/179:5": "devices/mmc0/block/mmcblk0"})
	if got := look(t, sys); got.Kind != "SD" || got.Worn != Unknown || got.Spent != Unknown || got.Written != Unknown {
		t.Errorf("an SD card: %+v", got)
	}
	if got := look(t, t.TempDir()); got.Device != "" || got.Worn != Unknown {
		t.Errorf("no block device: %+v", got)
	}
	m, err := Look("/sys", t.TempDir())
	if err != nil || m.Room <= 0 || m.Free < 0 {
		t.Errorf("this machine: %+v, %v", m, err)
	}
	if _, err := Look("/sys", filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a folder that is not there has a medium")
	}
}

func TestWear(t *testing.T) {
	for _, c := range []struct {
		life, spare string
		worn, spent int
	}{
		{"0x01 0x01", "0x01", 10, 0},
		{"0x0b 0x01", "0x03", 110, 90},
		{"0x00 0x00", "0x00", Unknown, Unknown}, // not defined
		{"0xff 0x20", "0x02", Unknown, 80},
		{"nonsense", "", Unknown, Unknown},
		{"", "0x04", Unknown, Unknown},
	} {
		dir := tree(t, map[string]string{"life_time": c.life, "pre_eol_info": c.spare}, nil)
		if worn, spent := wear(dir); worn != c.worn || spent != c.spent {
			t.Errorf("%q %q: got %d, %d; want %d, %d", c.life, c.spare, worn, spent, c.worn, c.spent)
		}
	}
}

func TestJudge(t *testing.T) {
	fine := Medium{Worn: Unknown, Spent: Unknown, Room: 16 << 30, Free: 8 << 30}
	if w := Judge(fine); w != (Worry{}) {
		t.Errorf("nothing is known to be wrong, and it worries: %+v", w)
	}
	for name, c := range map[string]struct {
		change func(*Medium)
		want   Worry
	}{
		"worn":       {func(m *Medium) { m.Worn = 90 }, Worry{Worn: true}},
		"not yet":    {func(m *Medium) { m.Worn = 80 }, Worry{}},
		"spare gone": {func(m *Medium) { m.Spent = 80 }, Worry{Worn: true}},
		"errors":     {func(m *Medium) { m.Errors = 1 }, Worry{Faulty: true}},
		"read-only":  {func(m *Medium) { m.ReadOnly = true }, Worry{Faulty: true}},
		"tight":      {func(m *Medium) { m.Free = 100 << 20 }, Worry{Tight: true}},
		"small":      {func(m *Medium) { m.Room, m.Free = 600<<20, 400<<20 }, Worry{}},
	} {
		m := fine
		c.change(&m)
		if got := Judge(m); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}
