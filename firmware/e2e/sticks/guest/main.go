// Command guest is the first and only program of a virtual machine with two sticks
// formatted as FAT and a data partition (package sticks). It mounts them as the image's
// units do, and takes the set-up that is on them.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/firmware/e2e/virtual/inside"
	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/first"
)

// daemonID is the number of the daemon's user and group in the image.
const daemonID = 800

func main() {
	if len(os.Args) > 1 { // as the daemon: does the stick take a file?
		if err := os.WriteFile(os.Args[1], []byte("x"), 0o600); err != nil {
			_, _ = fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	inside.Main(5*time.Minute, run)
}

// folder is the kiosk's.
var folder = filepath.Join(layout.DataDir, filepath.Base(layout.KioskDir))

func run() error {
	if err := inside.Prepare(nil); err != nil {
		return err
	}
	for _, d := range []string{layout.DataDir, layout.StickDir} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount("/dev/vda", layout.DataDir, "ext4", 0, ""); err != nil {
		return fmt.Errorf("mount the data: %w", err)
	}
	if err := errors.Join(os.Mkdir(folder, 0o700), os.Chown(folder, daemonID, daemonID)); err != nil {
		return err
	}
	if err := errors.Join(writable(), locked()); err != nil {
		return err
	}
	return unix.Unmount(layout.DataDir, 0)
}

// stick does f while a stick is in, mounted as penjire-stick@.service does.
func stick(device string, flags uintptr, f func() error) error {
	options := fmt.Sprintf("uid=%d,gid=%[1]d,umask=0077", daemonID)
	if err := unix.Mount(device, layout.StickDir, "vfat", unix.MS_NODEV|unix.MS_NOSUID|unix.MS_NOEXEC|unix.MS_SYNCHRONOUS|flags, options); err != nil {
		return fmt.Errorf("mount the stick: %w", err)
	}
	return errors.Join(f(), unix.Unmount(layout.StickDir, 0))
}

// take takes what is on the stick, and wants the set-up to be the kiosk's then.
func take(wiped bool) error {
	out, err := first.TakeStick(first.Options{
		DataDir: layout.DataDir, Stick: layout.StickDir, RunDir: "/tmp", Panel: "/tmp/panel", UID: daemonID, GID: daemonID,
	})
	if want := (first.Outcome{Taken: true, Wiped: wiped, HasSetup: true}); out != want || (err == nil) != wiped {
		return fmt.Errorf("TakeStick = %+v, %w, want %+v", out, err, want)
	}
	b, err := enrol.ReadFile(filepath.Join(folder, enrol.SetupFile))
	if err == nil {
		_, err = enrol.ParseSetup(b)
	}
	_, left := os.Stat(filepath.Join(layout.StickDir, enrol.SetupFile))
	if errors.Is(left, fs.ErrNotExist) != wiped {
		return fmt.Errorf("the stick's set-up: %w", left)
	}
	return err
}

func writable() error {
	return stick("/dev/vdb", 0, func() error {
		if err := take(true); err != nil {
			return err
		}
		inside.Say("OK the set-up is taken and wiped")
		c := exec.Command("/proc/self/exe", filepath.Join(layout.StickDir, "request"))
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: daemonID, Gid: daemonID}}
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("the daemon writes to the stick: %w: %s", err, out)
		}
		inside.Say("OK the daemon writes to the stick")
		return nil
	})
}

func locked() error {
	if err := os.Remove(filepath.Join(folder, enrol.SetupFile)); err != nil {
		return err
	}
	return stick("/dev/vdc", unix.MS_RDONLY, func() error {
		if err := take(false); err != nil {
			return err
		}
		inside.Say("OK the set-up of a locked stick is taken, and said to be there still")
		return nil
	})
}
