package first

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/settings"
)

const (
	setupFile    = enrol.SetupFile
	settingsFile = enrol.SettingsFile
)

// kiosk returns the path of a file in the kiosk's folder.
func (m *machine) kiosk(name string) string {
	return filepath.Join(m.o.DataDir, filepath.Base(layout.KioskDir), name)
}

// folders makes those of the data partition, with their owners.
func (m *machine) folders(context.Context) error {
	for _, f := range []struct {
		name     string
		mode     os.FileMode
		uid, gid int
	}{
		{filepath.Base(layout.KioskDir), 0o700, m.o.UID, m.o.GID},
		{filepath.Base(layout.NetworkDir), 0o700, 0, 0},
		{filepath.Base(layout.UpdateDir), 0o750, m.o.UID, m.o.GID},
	} {
		path := filepath.Join(m.o.DataDir, f.name)
		if err := os.Mkdir(path, f.mode); err != nil && !errors.Is(err, os.ErrExist) {
			return faultf("FOLDERS", "make %s: %w", path, err)
		}
		// Nobody but root could have put a link there, and none is followed.
		if st, err := os.Lstat(path); err != nil || !st.IsDir() {
			return faultf("FOLDERS", "make %s: something else is there (%v)", path, err)
		}
		if err := errors.Join(os.Lchown(path, f.uid, f.gid), os.Chmod(path, f.mode)); err != nil {
			return faultf("FOLDERS", "make %s: %w", path, err)
		}
		if err := m.point(f.name); err != nil {
			return err
		}
	}
	return syncDir(m.o.DataDir)
}

// taken is a set-up on the card that is durable in the kiosk's folder, or was used.
type taken struct {
	m    *machine
	path string
}

// takeSetup looks on the card for a set-up and makes it durable. nil: there is none to
// wipe.
func (m *machine) takeSetup() (*taken, error) {
	if _, err := os.Stat(m.o.Setup); errors.Is(err, os.ErrNotExist) {
		return nil, nil // a medium without that partition
	}
	if err := os.MkdirAll(m.o.SetupDir, 0o700); err != nil {
		return nil, faultf("MOUNT", "mount the set-up partition: %w", err)
	}
	on, err := mounted(m.o.SetupDir)
	if err == nil && !on {
		err = unix.Mount(m.o.Setup, m.o.SetupDir, m.o.SetupType, unix.MS_RDONLY|unix.MS_NODEV|unix.MS_NOSUID|unix.MS_NOEXEC, "")
	}
	if err != nil {
		return nil, faultf("MOUNT", "mount the set-up partition: %w", err)
	}
	t := &taken{m, filepath.Join(m.o.SetupDir, setupFile)}
	take, err := t.take()
	if !take || err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// take returns true when the card's set-up is to be wiped.
func (t *taken) take() (bool, error) {
	b, err := enrol.ReadFile(t.path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, faultf("READ", "%w", err)
	}
	s, err := parse(b)
	if err != nil {
		return t.unreadable(err)
	}
	if used, err := settings.Load(t.m.kiosk(settingsFile)); err == nil {
		if used.Kiosk != s.Kiosk {
			return false, faultf("OTHER-KIOSK", "the card has a set-up for kiosk %s, and this is %s: take this one out of service first", s.Kiosk, used.Kiosk)
		}
		return true, nil // it was used; its wiping was cut short
	} else if _, statErr := os.Stat(t.m.kiosk(settingsFile)); statErr == nil {
		return false, faultf("SETTINGS", "the kiosk's settings cannot be read, so the set-up is left on the card: %w", err)
	}
	t.m.begins()
	return true, t.m.keep(s, b)
}

// keep makes b, which is s, the kiosk's set-up.
func (m *machine) keep(s enrol.Setup, b []byte) error {
	at := m.kiosk(setupFile)
	if err := durable(at, b, 0o600, m.o.UID, m.o.GID); err != nil {
		return faultf("KEEP", "keep the set-up: %w", err)
	}
	if again, err := os.ReadFile(at); err != nil || !bytes.Equal(again, b) {
		return faultf("KEEP", "keep the set-up: it reads back differently (%v)", err)
	}
	m.out.Taken = true
	m.o.Log.Info("penjire: first", "kiosk", s.Kiosk, "network", string(s.Network.Kind))
	return m.point("setup")
}

// unreadable decides what a set-up is that cannot be read: the rest of a wiping that
// was cut short, or a mistake that somebody has to see.
func (t *taken) unreadable(why error) (bool, error) {
	if b, err := enrol.ReadFile(t.m.kiosk(setupFile)); err == nil {
		if _, err := enrol.ParseSetup(b); err == nil {
			return true, nil
		}
	}
	if _, err := settings.Load(t.m.kiosk(settingsFile)); err == nil {
		return true, nil
	}
	return false, why
}

// wipe overwrites the set-up on the card and removes it. A card may keep copies of
// its own of what is overwritten: the one-time code is void once it was used, and a
// password of a network should be known only to that network.
func (t *taken) wipe() error {
	d := t.m.o.SetupDir
	if err := unix.Mount("", d, "", unix.MS_REMOUNT|unix.MS_NODEV|unix.MS_NOSUID|unix.MS_NOEXEC, ""); err != nil {
		return faultf("WIPE", "wipe the set-up from the card: %w", err)
	}
	if err := t.m.zero(t.path); err != nil {
		return faultf("WIPE", "%w", err)
	}
	if err := errors.Join(os.Remove(t.path), syncDir(d)); err != nil {
		return faultf("WIPE", "wipe the set-up from the card: %w", err)
	}
	t.m.out.Wiped = true
	return t.m.point("wiped")
}

// zero overwrites a set-up where it lies.
func (m *machine) zero(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return fmt.Errorf("wipe the set-up: %w", err)
	}
	st, err := f.Stat()
	if err == nil {
		_, err = f.Write(make([]byte, st.Size()))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("wipe the set-up: %w", err)
	}
	return m.point("zeros")
}

// close unmounts the set-up partition.
func (t *taken) close() error {
	if err := unix.Unmount(t.m.o.SetupDir, 0); err != nil {
		return faultf("MOUNT", "unmount the set-up partition: %w", err)
	}
	return nil
}

// durable writes a file that is whole or not there whenever the power goes. The
// folder may be somebody else's, who gets nothing written elsewhere by a link.
func durable(path string, b []byte, mode os.FileMode, uid, gid int) error {
	part := path + ".new"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(mode), f.Chown(uid, gid), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
