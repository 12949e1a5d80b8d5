package flash

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// machine is a machine's /sys, /proc and /dev in a folder.
type machine struct {
	t testing.TB
	System
}

func newMachine(t testing.TB) machine {
	dir := t.TempDir()
	m := machine{t, System{Sys: filepath.Join(dir, "sys"), Proc: filepath.Join(dir, "proc"), Dev: filepath.Join(dir, "dev")}}
	m.file("proc/self/mountinfo", "22 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n")
	m.file("proc/swaps", "Filename\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
	if err := os.MkdirAll(filepath.Join(dir, "sys/block"), 0o755); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m machine) file(path, content string) {
	m.t.Helper()
	path = filepath.Join(filepath.Dir(m.Sys), path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// disk adds a disk below a controller, with its partitions by name and number.
func (m machine) disk(below, name, number, model string, sectors string, removable bool, parts ...string) {
	m.t.Helper()
	dir := "sys/devices/" + below + "/block/" + name
	m.file(dir+"/size", sectors+"\n")
	m.file(dir+"/dev", number+"\n")
	m.file(dir+"/ro", "0\n")
	m.file(dir+"/removable", map[bool]string{true: "1\n", false: "0\n"}[removable])
	m.file(dir+"/device/model", model+"  \n")
	m.file("dev/"+name, "")
	for i := 0; i < len(parts); i += 2 {
		m.file(dir+"/"+parts[i]+"/partition", "1\n")
		m.file(dir+"/"+parts[i]+"/dev", parts[i+1]+"\n")
		m.file("dev/"+parts[i], "")
	}
	if err := os.Symlink("../devices/"+below+"/block/"+name, filepath.Join(m.Sys, "block", name)); err != nil {
		m.t.Fatal(err)
	}
}

const (
	sata = "pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0"
	usb  = "pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host4/target4:0:0/4:0:0:0"
	mmc  = "platform/fe340000.mmc/mmc_host/mmc0/mmc0:aaaa"
)

// usual is a laptop with a stick and a card.
func usual(t testing.TB) machine {
	m := newMachine(t)
	m.disk(sata, "sda", "8:0", "SAMSUNG SSD", "976773168", false, "sda1", "8:1", "sda2", "8:2")
	m.disk(usb, "sdb", "8:16", "Flash Disk", "31116288", true, "sdb1", "8:17")
	m.disk(mmc, "mmcblk0", "179:0", "", "15523840", false, "mmcblk0p1", "179:1")
	m.file("sys/devices/"+mmc+"/block/mmcblk0/device/type", "SD\n")
	m.file("sys/devices/"+mmc+"/block/mmcblk0/device/name", "SC16G\n")
	m.disk(usb+"x", "sdc", "8:32", "Card Reader", "0", true)
	m.disk("virtual", "loop0", "7:0", "", "2048", false)
	m.disk("virtual", "zram0", "253:0", "", "2048", false)
	m.disk("virtual", "dm-0", "254:0", "", "2048", false)
	return m
}

func TestMedia(t *testing.T) {
	all, err := usual(t).Media()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range all {
		s := m.Name + " " + string(m.Bus) + " " + m.Model
		if len(m.Refused) > 0 {
			s += " refused"
		}
		got = append(got, s)
	}
	want := []string{"mmcblk0 card SC16G", "sda built-in SAMSUNG SSD refused", "sdb usb Flash Disk"}
	if !slices.Equal(got, want) {
		t.Errorf("Media = %q, want %q", got, want)
	}
	if s := all[2].String(); !strings.HasSuffix(s, "/dev/sdb: 15.9 GB, usb, Flash Disk") {
		t.Errorf("String = %q", s)
	}
	if _, err := (System{Sys: t.TempDir()}).Media(); err == nil {
		t.Error("Media without /sys = nil, want an error")
	}
}

// TestRefused: a medium that is in use in any way is not written to, and why is said.
func TestRefused(t *testing.T) {
	mount := func(s string) func(machine) {
		return func(m machine) { m.file("proc/self/mountinfo", "22 1 8:2 / / rw - ext4 /dev/sda2 rw\n"+s) }
	}
	for name, v := range map[string]struct {
		change func(m machine)
		want   string
	}{
		"nothing":            {func(machine) {}, ""},
		"another is mounted": {mount("30 22 179:1 / /mnt rw - vfat /dev/mmcblk0p1 rw\n"), ""},
		"its partition":      {mount("30 22 8:17 / /media/my\\040card rw - vfat /dev/sdb1 rw\n"), "sdb1 is mounted at /media/my card"},
		"itself":             {mount("30 22 8:16 / /mnt rw - vfat /dev/sdb rw\n"), "sdb is mounted at /mnt"},
		"by btrfs":           {mount("30 22 0:45 /sub /mnt rw - btrfs /dev/sdb1 rw\n"), "sdb1 is mounted at /mnt"},
		"the running system": {mount("1 0 8:17 / / rw - ext4 /dev/root rw\n"), "sdb1 holds the system that is running"},
		"swap": {func(m machine) {
			m.file("proc/swaps", "Filename Type\n/dev/sdb1                               partition\t1000\t0\t-2\n")
		}, "sdb1 is swap space in use"},
		"part of an array":        {func(m machine) { m.file("sys/devices/"+usb+"/block/sdb/sdb1/holders/md0/x", "") }, "sdb1 belongs to md0 (RAID, LVM or a mapping)"},
		"part of a mapping":       {func(m machine) { m.file("sys/devices/"+usb+"/block/sdb/holders/dm-0/x", "") }, "sdb belongs to dm-0 (RAID, LVM or a mapping)"},
		"write-protected":         {func(m machine) { m.file("sys/devices/"+usb+"/block/sdb/ro", "1\n") }, "it is write-protected"},
		"mountinfo of other form": {mount("nonsense\n"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := usual(t)
			v.change(m)
			x, err := m.Find("sdb")
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(x.Refused, "; "); got != v.want || (v.want != "") != (x.Hint != "") {
				t.Errorf("Refused = %q, hint %q, want %q", got, x.Hint, v.want)
			}
			if _, err := m.Open(x); v.want != "" && !errors.Is(err, ErrRefused) {
				t.Errorf("Open = %v, want ErrRefused", err)
			}
		})
	}
}

func TestFind(t *testing.T) {
	m := usual(t)
	if err := os.MkdirAll(filepath.Join(m.Dev, "disk/by-id"), 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(m.Dev, "disk/by-id/usb-Flash")
	if err := os.Symlink("../../sdb", link); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"sdb": "sdb", filepath.Join(m.Dev, "sdb"): "sdb", link: "sdb", "loop0": "loop0",
		"sdb1": "", "sdc": "", "sdx": "", "dm-0": "", "zram0": "", "../sys": "",
	} {
		x, err := m.Find(name)
		if x.Name != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, ErrNoMedium) {
			t.Errorf("Find(%q) = %q, %v, want %q", name, x.Name, err, want)
		}
	}
}

// TestChangedSinceListed: between list and write another medium may have been put in.
func TestChangedSinceListed(t *testing.T) {
	m := usual(t)
	x, err := m.Find("sdb")
	if err != nil {
		t.Fatal(err)
	}
	m.file("sys/devices/"+usb+"/block/sdb/size", "62333952\n")
	if _, err := m.Open(x); !errors.Is(err, ErrRefused) {
		t.Errorf("Open of another medium than was listed = %v, want ErrRefused", err)
	}
}

func TestMember(t *testing.T) {
	const size = 1 << 20
	md := binary.LittleEndian.AppendUint32(nil, 0xa92b4efc)
	for name, v := range map[string]struct {
		off  int
		b    []byte
		want string
	}{
		"nothing": {0, nil, ""},
		"LVM":     {512, []byte("LABELONE\x01\x00\x00\x00\x00\x00\x00\x00....\x20\x00\x00\x00LVM2 001"), "LVM"},
		"md 1.1":  {0, md, "RAID"},
		"md 1.2":  {4096, md, "RAID"},
		"md 1.0":  {size - 8<<10, md, "RAID"},
		"md 0.90": {size - 64<<10, md, "RAID"},
		"ZFS":     {128<<10 + 5<<10, binary.LittleEndian.AppendUint64(nil, 0x00bab10c), "ZFS"},
		"bcache":  {4096 + 24, []byte{0xc6, 0x85, 0x73, 0xf6, 0x4e, 0x1a, 0x45, 0xca, 0x82, 0x65, 0xf5, 0x7f, 0x48, 0xba, 0x6d, 0x81}, "bcache"},
	} {
		b := make([]byte, size)
		copy(b[v.off:], v.b)
		if got, err := Member(bytesAt(b), size); got != v.want || err != nil {
			t.Errorf("%s: Member = %q, %v, want %q", name, got, err, v.want)
		}
	}
	if got, err := Member(bytesAt(nil), 0); got != "" || err != nil {
		t.Errorf("Member of nothing = %q, %v, want none", got, err)
	}
}

type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, off int64) (int, error) { return copy(p, b[off:]), nil }
