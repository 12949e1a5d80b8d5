package shaper

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// openTUN makes the network of the namespace that this thread is in: loopback, and
// a device of which we are the other end.
func openTUN(addr netip.Addr) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: open /dev/net/tun: %w", ErrNotHere, err)
	}
	dev, err := setUp(fd, addr)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return dev, nil
}

func setUp(fd int, addr netip.Addr) (*os.File, error) {
	const name = "link0"
	r, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, r); err != nil {
		return nil, fmt.Errorf("%w: make a TUN device: %w", ErrNotHere, err)
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(s) }()
	if err := configure(s, name, addr); err != nil {
		return nil, fmt.Errorf("configure the TUN device: %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// configure gives device and loopback their addresses and takes them up.
func configure(s int, name string, addr netip.Addr) error {
	for _, step := range []struct {
		name string
		req  uint
		set  func(*unix.Ifreq) error
	}{
		{name, unix.SIOCSIFADDR, func(r *unix.Ifreq) error { return r.SetInet4Addr(addr.AsSlice()) }},
		{name, unix.SIOCSIFNETMASK, func(r *unix.Ifreq) error { return r.SetInet4Addr([]byte{255, 255, 255, 0}) }},
		{name, unix.SIOCSIFMTU, func(r *unix.Ifreq) error { r.SetUint32(mtu); return nil }},
		{name, unix.SIOCSIFFLAGS, func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return nil }},
		{"lo", unix.SIOCSIFFLAGS, func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return nil }},
	} {
		r, err := unix.NewIfreq(step.name)
		if err != nil {
			return err
		}
		if err := step.set(r); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(s, step.req, r); err != nil {
			return err
		}
	}
	return nil
}
