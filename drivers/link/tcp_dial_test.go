package link

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"golang.org/x/sys/unix"
)

// listening is a socket of this machine that takes calls and that nobody answers.
func listening(t *testing.T, queue int) (addr string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, queue)); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", at.(*unix.SockaddrInet4).Port)
}

// TestDialIsBounded calls a machine that is there and does not take the call: its
// queue of callers is full.
func TestDialIsBounded(t *testing.T) {
	p := TCP{Addr: listening(t, 0), Dial: 100 * time.Millisecond}
	var open []Line
	defer func() {
		for _, l := range open {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
	}()
	for range 8 {
		l, err := p.open(t.Context())
		if err == nil {
			open = append(open, l)
			continue
		}
		if !errors.Is(err, device.ErrUnplugged) || errors.Is(err, context.DeadlineExceeded) && errors.Is(err, device.ErrTimeout) {
			t.Errorf("Open = %v, want ErrUnplugged", err)
		}
		return
	}
	t.Errorf("%d calls were taken by a full queue, want a refusal before", len(open))
}

// TestKeepAlive: the kernel was told to look after the connection.
func TestKeepAlive(t *testing.T) {
	l, err := TCP{Addr: listening(t, 1)}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct{ level, opt, want int }{
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 5},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
		{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 10000},
	} {
		err := l.(*tcpLine).control(func(fd int) error {
			if got, err := unix.GetsockoptInt(fd, v.level, v.opt); err != nil || got != v.want {
				return fmt.Errorf("option %d: got %d, %w, want %d", v.opt, got, err, v.want)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
