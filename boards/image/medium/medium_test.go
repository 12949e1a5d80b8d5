package medium

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/boards/layout"
)

// peer returns a program that reads what we write, or leaves the test out.
func peer(t *testing.T, name string) string {
	t.Helper()
	for _, p := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if at, err := exec.LookPath(p); err == nil {
			return at
		}
	}
	if os.Getenv("PENJIRE_PEERS") == "require" {
		t.Fatalf("%s is missing and PENJIRE_PEERS=require", name)
	}
	t.Skipf("LEFT OUT: %s is not here; media were not checked by it", name)
	return ""
}

// TestTables has sfdisk read our partition tables.
func TestTables(t *testing.T) {
	sfdisk := peer(t, "sfdisk")
	for _, board := range layout.Boards() {
		l, err := layout.For(board)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		img, root := filepath.Join(dir, "img"), filepath.Join(dir, "root")
		if err := os.WriteFile(root, []byte("the root"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Compose(img, l, map[string]string{layout.RootA: root}); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(sfdisk, "--json", img).Output()
		if err != nil {
			t.Fatalf("%s: sfdisk: %v", board, err)
		}
		var d struct {
			PartitionTable struct {
				Label, ID  string
				Partitions []struct {
					Node, Name  string
					Start, Size int64
				}
			}
		}
		if err := json.Unmarshal(out, &d); err != nil {
			t.Fatal(err)
		}
		if want := map[layout.Table]string{layout.GPT: "gpt", layout.MBR: "dos"}[l.Table]; d.PartitionTable.Label != want {
			t.Errorf("%s: sfdisk reads a table of kind %s, want %s", board, d.PartitionTable.Label, want)
		}
		if want := fmt.Sprintf("0x%08x", layout.DiskID); l.Table == layout.MBR && d.PartitionTable.ID != want {
			t.Errorf("%s: sfdisk reads the identifier %s, want %s", board, d.PartitionTable.ID, want)
		}
		found := 0
		for _, p := range l.Partitions {
			for _, s := range d.PartitionTable.Partitions {
				if s.Node != img+fmt.Sprint(p.Number) {
					continue
				}
				found++
				if s.Start*layout.Sector != p.Start || s.Size*layout.Sector != p.Size || l.Table == layout.GPT && s.Name != p.Name {
					t.Errorf("%s: sfdisk reads %+v, want %+v", board, s, p)
				}
			}
		}
		if found != len(l.Partitions) {
			t.Errorf("%s: sfdisk finds %d of %d partitions:\n%s", board, found, len(l.Partitions), out)
		}
		f, err := os.Open(img)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 8)
		if _, err := f.ReadAt(got, l.Partition(layout.RootA).Start); err != nil || string(got) != "the root" {
			t.Errorf("%s: root-a begins %q, %v", board, got, err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestComposeTooLarge(t *testing.T) {
	l, err := layout.For("vm")
	if err != nil {
		t.Fatal(err)
	}
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, l.Partition(layout.Setup).Size+1); err != nil {
		t.Fatal(err)
	}
	if err := Compose(filepath.Join(t.TempDir(), "img"), l, map[string]string{layout.Setup: big}); err == nil || !strings.Contains(err.Error(), layout.Setup) {
		t.Errorf("Compose = %v, want an error that names the partition", err)
	}
}

func TestFAT(t *testing.T) {
	peer(t, "mformat")
	fsck := peer(t, "fsck.vfat")
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	files := map[string][]byte{"EFI/BOOT/BOOTX64.EFI": bytes.Repeat([]byte("x"), 70000), "EFI/debian/grub.cfg": []byte("cfg"), "vmlinuz": nil}
	var all [2][]byte
	for i := range all {
		to := filepath.Join(t.TempDir(), "fat")
		if err := FAT(to, 16<<20, layout.SetupLabel, files, at); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(fsck, "-n", to).CombinedOutput(); err != nil {
			t.Errorf("fsck.vfat: %v\n%s", err, out)
		}
		got, err := exec.Command("mtype", "-i", to, "::EFI/debian/grub.cfg").Output()
		if err != nil || string(got) != "cfg" {
			t.Errorf("mtype = %q, %v, want cfg", got, err)
		}
		if all[i], err = os.ReadFile(to); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(all[0], all[1]) {
		t.Error("FAT twice: different bytes")
	}
}

func TestExt4(t *testing.T) {
	peer(t, "mke2fs")
	fsck := peer(t, "e2fsck")
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	var all [2][]byte
	for i := range all {
		to := filepath.Join(t.TempDir(), "ext4")
		if err := Ext4(to, 8<<20, layout.DataLabel, "", at); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(fsck, "-fn", to).CombinedOutput(); err != nil {
			t.Errorf("e2fsck: %v\n%s", err, out)
		}
		var err error
		if all[i], err = os.ReadFile(to); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(all[0], all[1]) {
		t.Error("Ext4 twice: different bytes")
	}
}
