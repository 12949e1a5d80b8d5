package link_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/drivers/emulator/tcp"
	"github.com/penjire/penjire/drivers/link"
)

// echo is a device that says everything back.
type echo struct{}

func (echo) Serve(line io.ReadWriter) {
	buf := make([]byte, 256)
	for {
		n, err := line.Read(buf)
		if err != nil {
			return
		}
		if _, err := line.Write(buf[:n]); err != nil {
			return
		}
	}
}

// stalled is a device that takes nothing.
type stalled struct{ off chan struct{} }

func (s stalled) Serve(io.ReadWriter) { <-s.off }

// socket is where an emulated device is plugged in.
type socket interface {
	Unplug() error
	Replug() error
	Close() error
}

// kinds are the kinds of ports, each with a device at its far end. A USB printer
// stands on a terminal here, which hangs up in the same words; its own are asked
// for in a virtual machine with the kernel.s own driver.
var kinds = map[string]func(t *testing.T, dev pty.Device) (socket, link.Port){
	"serial": func(t *testing.T, dev pty.Device) (socket, link.Port) {
		p := onPTY(t, dev)
		return p, link.Serial{Path: p.Path()}
	},
	"usblp": func(t *testing.T, dev pty.Device) (socket, link.Port) {
		p := onPTY(t, dev)
		return p, link.USBLP{Path: p.Path()}
	},
	"tcp": func(t *testing.T, dev pty.Device) (socket, link.Port) {
		p, err := tcp.Attach(dev)
		if err != nil {
			t.Fatal(err)
		}
		return p, link.TCP{Addr: p.Addr()}
	},
}

func onPTY(t *testing.T, dev pty.Device) *pty.Port {
	t.Helper()
	p, err := pty.Attach(filepath.Join(t.TempDir(), "device"), dev)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// onEach runs f with an open line of each kind.
func onEach(t *testing.T, dev func(t *testing.T) pty.Device, f func(t *testing.T, s socket, p link.Port, l link.Line)) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(devicetest.Leaks(t))
			s, p := kind(t, dev(t))
			l, err := p.Open(t.Context())
			if err != nil {
				t.Fatalf("Open = %v, want nil", err)
			}
			defer func() {
				if err := errors.Join(l.Close(), s.Close()); err != nil {
					t.Errorf("Close = %v, want nil", err)
				}
			}()
			f(t, s, p, l)
		})
	}
}

func echoing(*testing.T) pty.Device { return echo{} }

func stalling(off chan struct{}) func(*testing.T) pty.Device {
	return func(*testing.T) pty.Device { return stalled{off} }
}

// TestBytesPassUnchanged: all 256 values, both ways.
func TestBytesPassUnchanged(t *testing.T) {
	onEach(t, echoing, func(t *testing.T, _ socket, _ link.Port, l link.Line) {
		want := make([]byte, 256)
		for i := range want {
			want[i] = byte(i)
		}
		if _, err := l.Write(want); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 256)
		if err := l.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(l, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("Read = % X, %v, want all bytes", got, err)
		}
	})
}

// TestTimeoutIsNotUnplugged: the two that tarm/serial cannot tell apart.
func TestTimeoutIsNotUnplugged(t *testing.T) {
	onEach(t, echoing, func(t *testing.T, s socket, p link.Port, l link.Line) {
		if err := l.SetReadDeadline(time.Now().Add(5 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		_, err := l.Read(make([]byte, 1))
		if !errors.Is(err, device.ErrTimeout) || !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Read past its deadline = %v, want ErrTimeout", err)
		}
		if err := l.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		// Said and answered, so that the device is known to be there.
		if _, err := l.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		read := make(chan error, 1)
		go func() { _, err := l.Read(make([]byte, 1)); read <- err }()
		if err := s.Unplug(); err != nil {
			t.Fatal(err)
		}
		if err := <-read; !errors.Is(err, device.ErrUnplugged) || errors.Is(err, device.ErrTimeout) {
			t.Errorf("Read from an unplugged line = %v, want ErrUnplugged", err)
		}
		if _, err := l.Write([]byte{1}); !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Write to an unplugged line = %v, want ErrUnplugged", err)
		}
		if err := l.Flush(); !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Flush of an unplugged line = %v, want ErrUnplugged", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
		if _, err := p.Open(t.Context()); !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Open of an unplugged port = %v, want ErrUnplugged", err)
		}
		// Plugged in again it is another terminal under the same path.
		if err := s.Replug(); err != nil {
			t.Fatal(err)
		}
		again, err := p.Open(t.Context())
		if err != nil {
			t.Fatalf("Open after Replug = %v, want nil", err)
		}
		if err := again.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
}

func TestCloseEndsReadAndWrite(t *testing.T) {
	off := make(chan struct{})
	onEach(t, stalling(off), func(t *testing.T, _ socket, _ link.Port, l link.Line) {
		read, wrote := make(chan error, 1), make(chan error, 1)
		go func() { _, err := l.Read(make([]byte, 1)); read <- err }()
		go func() { _, err := l.Write(make([]byte, 1<<20)); wrote <- err }()
		if err := l.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
		if err := <-read; !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Read when closed = %v, want ErrUnplugged", err)
		}
		if err := <-wrote; !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Write when closed = %v, want ErrUnplugged", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("Close again = %v, want nil", err)
		}
		off <- struct{}{}
	})
}

func TestStalledWriteTimesOut(t *testing.T) {
	off := make(chan struct{})
	onEach(t, stalling(off), func(t *testing.T, _ socket, _ link.Port, l link.Line) {
		if err := l.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, err := l.Write(make([]byte, 1<<20))
		if !errors.Is(err, device.ErrTimeout) || n == 0 || n == 1<<20 {
			t.Errorf("Write to a stalled device = %d, %v, want a part and ErrTimeout", n, err)
		}
		off <- struct{}{}
	})
}

// TestFlushForgets: what a device said before a question is no answer to it.
func TestFlushForgets(t *testing.T) {
	onEach(t, echoing, func(t *testing.T, _ socket, _ link.Port, l link.Line) {
		say := func(b string) {
			t.Helper()
			if _, err := l.Write([]byte(b)); err != nil {
				t.Fatal(err)
			}
		}
		b := make([]byte, 1)
		say("old")
		if _, err := io.ReadFull(l, b); err != nil || b[0] != 'o' {
			t.Fatalf("Read = %q, %v, want o", b, err)
		}
		// The rest came with it, or comes: all three were written as one.
		for b[0] != 'l' {
			if _, err := io.ReadFull(l, b); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Flush(); err != nil {
			t.Fatalf("Flush = %v, want nil", err)
		}
		say("N")
		if _, err := io.ReadFull(l, b); err != nil || b[0] != 'N' {
			t.Errorf("Read after Flush = %q, %v, want N", b, err)
		}
	})
}

// TestOneDriver: two drivers on one line would each get half of the answers.
// Root passes TIOCEXCL by; flock holds against it too.
func TestOneDriver(t *testing.T) {
	onEach(t, echoing, func(t *testing.T, _ socket, p link.Port, l link.Line) {
		if second, err := p.Open(t.Context()); err == nil {
			t.Error("Open of an open line = nil, want ErrInUse")
			_ = second.Close()
		} else if !errors.Is(err, link.ErrInUse) || errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Open of an open line = %v, want ErrInUse", err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := p.Open(t.Context())
		if err != nil {
			t.Fatalf("Open after Close = %v, want nil", err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestOpenLeavesNothing(t *testing.T) {
	check := devicetest.Leaks(t)
	none, file := filepath.Join(t.TempDir(), "none"), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		for _, p := range []link.Port{link.Serial{Path: none}, link.USBLP{Path: none}, link.TCP{Addr: "127.0.0.1:1"}} {
			if _, err := p.Open(t.Context()); !errors.Is(err, device.ErrUnplugged) {
				t.Errorf("Open of %v, which is nothing = %v, want ErrUnplugged", p, err)
			}
		}
		for _, p := range []link.Port{link.Serial{Path: file}, link.USBLP{Path: file}, link.TCP{Addr: "no port"}} {
			if _, err := p.Open(t.Context()); err == nil || errors.Is(err, device.ErrUnplugged) {
				t.Errorf("Open of %v, which is no port = %v, want an error, not ErrUnplugged", p, err)
			}
		}
	}
	check()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, p := range []link.Port{link.Serial{Path: "/dev/null"}, link.USBLP{Path: "/dev/null"}, link.TCP{Addr: "127.0.0.1:1"}} {
		if _, err := p.Open(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Open of %v with an ended context = %v, want its error", p, err)
		}
	}
}
