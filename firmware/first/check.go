package first

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// What the status of e2fsck says, by bits.
const (
	corrected   = 1 // errors were corrected
	reboot      = 2 // and they were of the root
	uncorrected = 4
)

// mount checks and mounts the data partition, unless it is mounted, and has its file
// system fill it.
func (m *machine) mount(ctx context.Context) error {
	on, err := mounted(m.o.DataDir)
	if err != nil {
		return err
	}
	if !on {
		if err := m.open(ctx); err != nil {
			return err
		}
	}
	if err := m.point("mount"); err != nil {
		return err
	}
	if err := m.growFiles(ctx); err != nil {
		return err
	}
	return m.keepUndo()
}

// open checks and mounts the data partition.
func (m *machine) open(ctx context.Context) error {
	if err := m.check(ctx); err != nil {
		return err
	}
	err := m.attach()
	if err == nil || m.out.Mended {
		return err
	}
	// What is marked clean was not looked at, and may be damaged all the same.
	m.o.Log.Error("penjire: first", "data", "cannot be mounted", "err", err)
	if err := m.mend(ctx); err != nil {
		return err
	}
	return m.attach()
}

// attach mounts the data partition.
func (m *machine) attach() error {
	if err := os.MkdirAll(m.o.DataDir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return faultf("MOUNT", "mount the data partition: %w", err)
	}
	err := unix.Mount(m.o.Data, m.o.DataDir, "ext4", unix.MS_NOATIME|unix.MS_NODEV|unix.MS_NOSUID|unix.MS_NOEXEC, "errors=remount-ro")
	if err != nil {
		return faultf("MOUNT", "mount the data partition: %w", err)
	}
	return nil
}

// check has e2fsck look. What it mends by itself (-p) is what a power cut leaves.
func (m *machine) check(ctx context.Context) error {
	_, err := program(ctx, "", "e2fsck", "-p", m.o.Data)
	switch s := status(err); {
	case s == 0:
		return nil
	case s&^(corrected|reboot) == 0:
		m.o.Log.Warn("penjire: first", "data", "errors corrected", "err", err)
		return nil
	case s < 0:
		return faultf("CHECK", "check the data partition: %w", err) // e2fsck does not run
	}
	m.o.Log.Error("penjire: first", "data", "damaged", "err", err)
	return m.mend(ctx)
}

// readable reports a medium that does not answer. e2fsck ends with one status (8) for
// that and for a file system that it cannot make out: only the second is damage.
func (m *machine) readable() error {
	f, err := os.Open(m.o.Data)
	if err != nil {
		return faultf("MEDIUM", "read the data partition: %w", err)
	}
	defer func() { _ = f.Close() }() // it was read only
	if _, err := io.ReadFull(f, make([]byte, 4096)); err != nil {
		return faultf("MEDIUM", "read the data partition: %s: %w", m.o.Data, err)
	}
	return nil
}

// mend has e2fsck mend what a power cut does not do, while everything that it changes
// is kept in a file that undoes it; if that comes to no good end, the file is used.
func (m *machine) mend(ctx context.Context) error {
	if err := m.readable(); err != nil {
		return err
	}
	if err := os.MkdirAll(m.o.RunDir, 0o755); err != nil {
		return faultf("CHECK", "mend the data partition: %w", err)
	}
	m.undo = filepath.Join(m.o.RunDir, "data.e2undo")
	if err := os.Remove(m.undo); err != nil && !errors.Is(err, os.ErrNotExist) {
		return faultf("CHECK", "mend the data partition: %w", err)
	}
	said, err := program(ctx, "", "e2fsck", "-f", "-y", "-z", m.undo, m.o.Data)
	if status(err)&^(corrected|reboot) == 0 {
		if _, err = program(ctx, "", "e2fsck", "-f", "-n", m.o.Data); err == nil {
			m.out.Mended = true
			m.o.Log.Warn("penjire: first", "data", "mended")
			return os.WriteFile(m.undo+".log", []byte(said), 0o600)
		}
	}
	return m.undone(ctx, err)
}

// undone takes a repair back that failed with why.
func (m *machine) undone(ctx context.Context, why error) error {
	if st, err := os.Stat(m.undo); err == nil && st.Size() > 0 {
		if _, err := program(ctx, "", "e2undo", m.undo, m.o.Data); err != nil {
			why = errors.Join(why, fmt.Errorf("take the repair back: %w", err))
		}
	}
	return faultf(fmt.Sprintf("FSCK-%d", max(status(why), 0)), "the data partition is damaged beyond repair and is left as it is: %w", why)
}

// keepUndo makes what undoes this start's repair durable beside the data.
func (m *machine) keepUndo() error {
	if !m.out.Mended {
		return nil
	}
	dir := filepath.Join(m.o.DataDir, "salvage", time.Now().UTC().Format("20060102T150405Z"))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep what undoes the repair: %w", err)
	}
	for _, from := range []string{m.undo, m.undo + ".log"} {
		b, err := os.ReadFile(from)
		if err == nil {
			err = durable(filepath.Join(dir, filepath.Base(from)), b, 0o600, 0, 0)
		}
		if err != nil {
			return fmt.Errorf("keep what undoes the repair: %w", err)
		}
	}
	return nil
}

// mounted reports whether something is mounted at dir.
func mounted(dir string) (bool, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return false, fmt.Errorf("ask what is mounted: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	s := bufio.NewScanner(f)
	for s.Scan() {
		if w := strings.Fields(s.Text()); len(w) > 4 && w[4] == filepath.Clean(dir) {
			return true, nil
		}
	}
	return false, s.Err()
}
