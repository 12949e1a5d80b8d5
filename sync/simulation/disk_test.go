package simulation

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/portal"
)

// Disks that fill are real: each medium of a seed that has any is a file system of
// its own in memory, and it is the kernel that says ENOSPC, to a page as to a file,
// a name or a log. They are mounted in a name space of the process's own, which wants
// no root and leaves nothing behind.

// haveDisks is what TestMain tells the process that it starts in a name space.
const haveDisks = "PENJIRE_SIMULATED_DISKS"

// TestMain runs everything in a name space of its own. Where there is none to be had,
// disks do not fill (TestDisks).
func TestMain(m *testing.M) {
	if os.Getenv(haveDisks) != "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), haveDisks+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	err := cmd.Start()
	if err != nil {
		os.Exit(m.Run())
	}
	var exit *exec.ExitError
	switch err := cmd.Wait(); {
	case errors.As(err, &exit):
		os.Exit(max(1, exit.ExitCode()))
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// disksFill says whether disks can fill here.
func disksFill() bool { return os.Getenv(haveDisks) != "" }

// TestDisks says what is left out where disks do not fill, and that a full one is full.
func TestDisks(t *testing.T) {
	if !disksFill() {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatal("no name space to mount small disks in")
		}
		t.Skip("disks that fill are left out: no name space to mount small disks in")
	}
	s := &sim{base: t.TempDir(), disks: map[string]bool{}, plan: plan{disks: true}}
	d := s.dir("disk")
	defer s.lose(d)
	f := filepath.Join(d, "file")
	s.must(os.WriteFile(f, make([]byte, 3*page), 0o600))
	s.fill(d, 1)
	if err := os.WriteFile(filepath.Join(d, "more"), make([]byte, 2*page), 0o600); !noSpace(err) {
		t.Errorf("write more than is free = %v, want ENOSPC", err)
	}
	s.fill(d, roomy)
	if err := os.WriteFile(f, make([]byte, 5*page), 0o600); err != nil {
		t.Errorf("write where room was made: %v", err)
	}
}

const (
	page     = 4096
	diskSize = 1 << 30
	roomy    = -1 // of what is left on a disk: as much as anybody wants
)

// dir makes a folder; a disk of its own, in a seed whose disks fill.
func (s *sim) dir(name string) string {
	s.n++
	d := filepath.Join(s.base, fmt.Sprintf("%s-%d", name, s.n))
	s.must(os.MkdirAll(d, 0o700))
	if s.plan.disks {
		s.must(unix.Mount("tmpfs", d, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("size=%d,mode=700", diskSize)))
		s.disks[d] = true
	}
	return d
}

// lose removes a folder of dir with all in it.
func (s *sim) lose(dir string) {
	if s.disks[dir] {
		s.must(unix.Unmount(dir, unix.MNT_DETACH))
		delete(s.disks, dir)
	}
	s.must(os.RemoveAll(dir))
}

// fill leaves so many pages free on a disk.
func (s *sim) fill(dir string, left int) {
	if !s.disks[dir] {
		return
	}
	size := int64(diskSize)
	if left != roomy {
		var st unix.Statfs_t
		s.must(unix.Statfs(dir, &st))
		size = (int64(st.Blocks-st.Bfree) + int64(left)) * page //nolint:gosec // of a small disk
	}
	s.must(unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("size=%d", max(page, size))))
}

// free returns how many bytes are free.
func free(dir string) (int64, error) {
	var st unix.Statfs_t
	err := unix.Statfs(dir, &st)
	return int64(st.Bavail) * int64(st.Bsize), err //nolint:gosec,unconvert // of a small disk; the sizes differ by processor
}

// noSpace says whether an error is that of a full disk. SQLite has its own word.
func noSpace(err error) bool {
	return err != nil && (errors.Is(err, unix.ENOSPC) || errors.Is(err, outbox.ErrFull) || errors.Is(err, portal.ErrFull) || strings.Contains(err.Error(), "database or disk is full") || strings.Contains(err.Error(), "disk I/O error (4874)"))
}

// noRoom says whether the kiosk could not do it for its disk is full: it must say so.
func (s *sim) noRoom(m *machine, err error, what string) bool {
	if m.disk == roomy || !errors.Is(err, outbox.ErrFull) {
		return false
	}
	s.say("%s: it %s; its disk is full", m.name, what)
	s.count("state: the kiosk's disk is full when it " + what)
	return true
}

// pages is how much is left of a disk when something else has filled it.
func pages(r *rand.Rand) int {
	few := []int{0, 0, 0, 1, 2, 3, 5, 8, 13, 40, 100, 400}
	return few[r.IntN(len(few))]
}

// kioskDisk has something fill a kiosk's disk, or somebody make room on it.
func (s *sim) kioskDisk(r *rand.Rand) bool {
	m := s.machines[r.IntN(len(s.machines))]
	if m.disk != roomy {
		m.disk = roomy
		s.say("%s: somebody makes room on its disk", m.name)
	} else {
		m.disk = pages(r)
		s.say("%s: ITS DISK IS FULL; %d pages are left", m.name, m.disk)
	}
	s.fill(m.dir, m.disk)
	return true
}

// mirrorDisk does so with a kiosk's second medium.
func (s *sim) mirrorDisk(r *rand.Rand) bool {
	m := s.machines[r.IntN(len(s.machines))]
	if m.mirror == "" {
		return false
	}
	if m.mirrorDisk != roomy {
		m.mirrorDisk = roomy
		s.say("%s: somebody makes room on its second medium", m.name)
	} else {
		m.mirrorDisk = pages(r)
		s.say("%s: ITS SECOND MEDIUM IS FULL; %d pages are left", m.name, m.mirrorDisk)
	}
	s.fill(m.mirror, m.mirrorDisk)
	return true
}

// portalDisk does so with the portal's.
func (s *sim) portalDisk(r *rand.Rand) bool {
	if s.c.disk != roomy {
		s.c.disk = roomy
		s.say("portal: somebody makes room on its disk")
	} else {
		s.c.disk = pages(r)
		s.say("portal: ITS DISK IS FULL; %d pages are left", s.c.disk)
	}
	s.fill(s.c.dir, s.c.disk)
	return true
}

// allRoomy has room made on every disk.
func (s *sim) allRoomy() {
	for _, m := range s.machines {
		m.disk, m.mirrorDisk = roomy, roomy
		s.fill(m.dir, roomy)
		s.fill(m.mirror, roomy)
	}
	s.c.disk = roomy
	s.fill(s.c.dir, roomy)
}
