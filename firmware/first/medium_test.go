package first

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// card is a medium in a file, behind a loop device of the real kernel.
type card struct {
	t      *testing.T
	dir    string
	file   string // of the medium
	loop   string // "": it is not in the reader
	table  string // gpt, dos
	setup  string // type of the set-up's file system
	number int    // of the data partition
	opts   Options
	inUse  *os.File // a partition of it that is held, as the root is that the kiosk runs from
}

// must have root, loop devices and the programs: CI has all of them.
func needs(t *testing.T) {
	t.Helper()
	missing := ""
	if os.Getuid() != 0 {
		missing = "root"
	}
	for _, p := range []string{"sfdisk", "partx", "e2fsck", "resize2fs", "mke2fs", "losetup", "mkfs.vfat", "mcopy", "debugfs"} {
		if _, err := exec.LookPath(p); err != nil {
			missing = p
		}
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		t.Skip("LEFT OUT: this kernel has no loop devices; the first start was not seen on a medium")
	}
	if missing == "" {
		return
	}
	if os.Getenv("PENJIRE_PEERS") == "require" {
		t.Fatalf("peer %s is missing (apt-get install e2fsprogs fdisk mount dosfstools mtools)", missing)
	}
	t.Skipf("LEFT OUT: %s is not here; the first start was not seen on a medium", missing)
}

// Places on the medium in sectors: small ones, so that much of them is looked at.
const (
	setupAt, setupSize = 8192, 16384
	dataAt, dataSize   = 65536, 16384
	imageSize          = 48 << 20
	mediumSize         = 96 << 20
)

// sh runs a program of the test's own.
func sh(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C")
	c.Stdin = strings.NewReader(stdin)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// newCard makes a flashed card with a set-up on it, of one of both kinds of table.
func newCard(t *testing.T, table, setup string) *card {
	t.Helper()
	needs(t)
	c := &card{t: t, dir: t.TempDir(), table: table, setup: "ext4", number: 2}
	if b, err := os.ReadFile("/proc/filesystems"); err == nil && strings.Contains(string(b), "\tvfat\n") {
		c.setup = "vfat"
	}
	c.file = filepath.Join(c.dir, "card")
	f, err := os.Create(c.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(imageSize); err != nil {
		t.Fatal(err)
	}
	script := "label: " + table + "\n"
	if table == "gpt" {
		script += fmt.Sprintf("start=%d,size=%d,name=set-up\nstart=%d,size=%d,name=data\n", setupAt, setupSize, dataAt, dataSize)
	} else { // as layout has it: a logical one in between, data is primary and last
		c.number = 4
		script += fmt.Sprintf("start=%d,size=%d,type=c\nstart=24576,size=8192,type=c\nstart=32768,size=32768,type=5\nstart=%d,size=%d,type=83\nstart=40960,size=8192,type=83\n",
			setupAt, setupSize, dataAt, dataSize)
	}
	sh(t, script, "sfdisk", "-q", c.file)
	put := func(at int64, from string) {
		b, err := os.ReadFile(from)
		if err == nil {
			_, err = f.WriteAt(b, at*512)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	part := filepath.Join(c.dir, "part")
	sh(t, "", "mke2fs", "-q", "-t", "ext4", "-b", "4096", "-L", "penjire-data", part, strconv.Itoa(dataSize/2)+"k")
	put(dataAt, part)
	content := filepath.Join(c.dir, "content")
	if err := os.Mkdir(content, 0o700); err != nil {
		t.Fatal(err)
	}
	if setup != "" {
		if err := os.WriteFile(filepath.Join(content, setupFile), []byte(setup), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(part); err != nil {
		t.Fatal(err)
	}
	if c.setup == "vfat" {
		sh(t, "", "mkfs.vfat", "-n", "PENJIRE-SET", "-C", part, strconv.Itoa(setupSize/2))
		if setup != "" {
			sh(t, "", "mcopy", "-i", part, filepath.Join(content, setupFile), "::")
		}
	} else {
		sh(t, "", "mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", content, part, strconv.Itoa(setupSize/2)+"k")
	}
	put(setupAt, part)
	// The card is larger than the image.
	if err := f.Truncate(mediumSize); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.eject)
	return c
}

// insert puts the card into the reader: the kernel reads its table. What the kernel
// shows is at hand as device files, since no udev makes them here.
func (c *card) insert() {
	c.t.Helper()
	c.loop = sh(c.t, "", "losetup", "-f", "--show", "-P", c.file)
	sh(c.t, "", "partx", "--add", c.loop) // not every kernel reads the table by itself
	node := func(n int) string {
		b, err := os.ReadFile(fmt.Sprintf("/sys/class/block/%sp%d/dev", filepath.Base(c.loop), n))
		if err != nil {
			c.t.Fatal(err)
		}
		var major, minor uint32
		if _, err := fmt.Sscanf(string(b), "%d:%d", &major, &minor); err != nil {
			c.t.Fatal(err)
		}
		path := filepath.Join(c.dir, fmt.Sprintf("p%d", n))
		_ = os.Remove(path) // of an earlier insertion
		if err := unix.Mknod(path, unix.S_IFBLK|0o600, int(unix.Mkdev(major, minor))); err != nil {
			c.t.Fatal(err)
		}
		return path
	}
	c.opts = Options{
		Data: node(c.number), Setup: node(1), SetupType: c.setup,
		DataDir: filepath.Join(c.dir, "data"), SetupDir: filepath.Join(c.dir, "set-up"), RunDir: filepath.Join(c.dir, "run"),
		Panel: filepath.Join(c.dir, "panel"), UID: 800, GID: 800, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	var err error
	if c.inUse, err = os.Open(c.opts.Setup); err != nil {
		c.t.Fatal(err)
	}
}

// eject unmounts everything and takes the card out.
func (c *card) eject() {
	for _, d := range []string{"data", "set-up"} {
		at := filepath.Join(c.dir, d)
		for {
			if on, err := mounted(at); err != nil || !on {
				break
			}
			if err := unix.Unmount(at, 0); err != nil {
				c.t.Fatalf("unmount %s: %v", at, err)
			}
		}
	}
	if c.loop != "" {
		_ = c.inUse.Close() // it was only held
		sh(c.t, "", "losetup", "-d", c.loop)
		c.loop = ""
	}
}

// cut is a power cut: what has reached the medium at this moment is all there is.
func (c *card) cut() {
	c.t.Helper()
	after := c.file + ".cut"
	sh(c.t, "", "cp", "--sparse=always", c.file, after)
	c.eject()
	if err := os.Rename(after, c.file); err != nil {
		c.t.Fatal(err)
	}
}
