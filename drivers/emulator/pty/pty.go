// Package pty puts emulated devices at the far end of pseudo-terminals, so that
// a driver meets them through the kernel's terminal layer, as it would a real
// cable. A port keeps one path, a symbolic link as udev would make it, over
// unplugging and replugging.
package pty

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Device is an emulated device. Serve is its life from power-on to unplugging:
// it answers on line until a Read or Write fails, then forgets what a real
// device forgets without power, and returns. Serve calls follow one another.
type Device interface {
	Serve(line io.ReadWriter)
}

// Port is a socket that a device can be plugged into. Its methods may be called
// from any goroutine, Serve's own included.
type Port struct {
	path string
	dev  Device

	mu     sync.Mutex
	pair   *pair
	closed bool
	served sync.WaitGroup
	turn   sync.Mutex // held while the device is being served
}

// Attach makes the port at path, a symbolic link, and plugs dev in.
func Attach(path string, dev Device) (*Port, error) {
	p := &Port{path: path, dev: dev}
	if err := p.Replug(); err != nil {
		return nil, err
	}
	return p, nil
}

// Path returns the path a driver opens.
func (p *Port) Path() string { return p.path }

// Plugged reports whether the device is plugged in.
func (p *Port) Plugged() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pair != nil
}

// Unplug pulls the cable: whoever has the line open finds it hung up, and what
// was under way is lost. Unplugging twice is nothing.
func (p *Port) Unplug() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unplug()
}

func (p *Port) unplug() error {
	if p.pair == nil {
		return nil
	}
	err := errors.Join(os.Remove(p.path), p.pair.Close())
	p.pair = nil
	if err != nil {
		return fmt.Errorf("pty: unplug %s: %w", p.path, err)
	}
	return nil
}

// Replug plugs the device in again, which powers it on. It gets another
// terminal under the same path, as after a real replug. Replugging what is
// plugged in is nothing.
func (p *Port) Replug() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fmt.Errorf("pty: plug in %s: port is closed", p.path)
	}
	if p.pair != nil {
		return nil
	}
	pr, err := newPair()
	if err != nil {
		return fmt.Errorf("pty: plug in %s: %w", p.path, err)
	}
	if err := link(pr.name, p.path); err != nil {
		return fmt.Errorf("pty: plug in %s: %w", p.path, errors.Join(err, pr.Close()))
	}
	p.pair = pr
	p.served.Go(func() {
		p.turn.Lock()
		defer p.turn.Unlock()
		p.dev.Serve(pr.master)
	})
	return nil
}

// Close unplugs the device for good and waits until it is quiet.
func (p *Port) Close() error {
	p.mu.Lock()
	p.closed = true
	err := p.unplug()
	p.mu.Unlock()
	p.served.Wait()
	return err
}

// link points path at name, whatever was there before.
func link(name, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(name, tmp); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// pair is a pseudo-terminal. The slave is kept open here too: while nobody has
// it open the master reads EIO, which would look like an unplugged device.
type pair struct {
	master, slave *os.File
	name          string
}

func newPair() (*pair, error) {
	m, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	var n int
	c, err := m.SyscallConn()
	if err == nil {
		cerr := c.Control(func(fd uintptr) {
			if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
				var u uint32
				u, err = unix.IoctlGetUint32(int(fd), unix.TIOCGPTN)
				n = int(u)
			}
		})
		err = errors.Join(err, cerr)
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	name := "/dev/pts/" + strconv.Itoa(n)
	s, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	p := &pair{m, s, name}
	if err := p.raw(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// raw stops the terminal from echoing and translating before a driver has it
// configured.
func (p *pair) raw() error {
	c, err := p.slave.SyscallConn()
	if err != nil {
		return err
	}
	cerr := c.Control(func(fd uintptr) {
		var t *unix.Termios
		if t, err = unix.IoctlGetTermios(int(fd), unix.TCGETS); err != nil {
			return
		}
		t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
		t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B115200
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
		err = unix.IoctlSetTermios(int(fd), unix.TCSETS, t)
	})
	return errors.Join(err, cerr)
}

// Close hangs the terminal up.
func (p *pair) Close() error { return errors.Join(p.master.Close(), p.slave.Close()) }
