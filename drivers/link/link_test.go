package link_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/pty"
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

func attach(t *testing.T, dev pty.Device) (*pty.Port, link.Line) {
	t.Helper()
	p, err := pty.Attach(filepath.Join(t.TempDir(), "device"), dev)
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.Serial{Path: p.Path()}.Open(t.Context())
	if err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(l.Close(), p.Close()); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
	return p, l
}

// TestBytesPassUnchanged: all 256 values, both ways.
func TestBytesPassUnchanged(t *testing.T) {
	_, l := attach(t, echo{})
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
}

// TestTimeoutIsNotUnplugged: the two that tarm/serial cannot tell apart.
func TestTimeoutIsNotUnplugged(t *testing.T) {
	p, l := attach(t, echo{})
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
	read := make(chan error, 1)
	go func() { _, err := l.Read(make([]byte, 1)); read <- err }()
	if err := p.Unplug(); err != nil {
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
	if _, err := (link.Serial{Path: p.Path()}).Open(t.Context()); !errors.Is(err, device.ErrUnplugged) {
		t.Errorf("Open of an unplugged port = %v, want ErrUnplugged", err)
	}
	// Plugged in again it is another terminal under the same path.
	if err := p.Replug(); err != nil {
		t.Fatal(err)
	}
	again, err := link.Serial{Path: p.Path()}.Open(t.Context())
	if err != nil {
		t.Fatalf("Open after Replug = %v, want nil", err)
	}
	if err := again.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
}

func TestCloseEndsReadAndWrite(t *testing.T) {
	off := make(chan struct{})
	_, l := attach(t, stalled{off})
	t.Cleanup(func() { close(off) })
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
}

func TestStalledWriteTimesOut(t *testing.T) {
	off := make(chan struct{})
	_, l := attach(t, stalled{off})
	t.Cleanup(func() { close(off) })
	if err := l.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := l.Write(make([]byte, 1<<20))
	if !errors.Is(err, device.ErrTimeout) || n == 0 || n == 1<<20 {
		t.Errorf("Write to a stalled device = %d, %v, want a part and ErrTimeout", n, err)
	}
}

// TestOneDriver: two drivers on one line would each get half of the answers.
// Root passes TIOCEXCL by; flock holds against it too.
func TestOneDriver(t *testing.T) {
	p, l := attach(t, echo{})
	if second, err := (link.Serial{Path: p.Path()}).Open(t.Context()); err == nil {
		t.Error("Open of an open line = nil, want an error")
		_ = second.Close()
	} else if errors.Is(err, device.ErrUnplugged) {
		t.Errorf("Open of an open line = %v, want not ErrUnplugged", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := link.Serial{Path: p.Path()}.Open(t.Context())
	if err != nil {
		t.Fatalf("Open after Close = %v, want nil", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenLeavesNothing(t *testing.T) {
	check := devicetest.Leaks(t)
	for range 5 {
		if _, err := (link.Serial{Path: filepath.Join(t.TempDir(), "none")}).Open(t.Context()); !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Open of nothing = %v, want ErrUnplugged", err)
		}
		f := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (link.Serial{Path: f}).Open(t.Context()); err == nil {
			t.Error("Open of a file = nil, want an error")
		}
	}
	check()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (link.Serial{Path: "/dev/null"}).Open(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Open with an ended context = %v, want its error", err)
	}
}

// TestPipe holds the line in memory to the same contract, in faked time.
func TestPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, dev := link.Pipe("pipe", 4)
		start := time.Now()
		if err := host.SetReadDeadline(start.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := host.Read(make([]byte, 1)); !errors.Is(err, device.ErrTimeout) || time.Since(start) != time.Second {
			t.Errorf("Read = %v after %v, want ErrTimeout after 1s", err, time.Since(start))
		}
		if err := host.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := host.Write([]byte("abcdef")); n != 4 || !errors.Is(err, device.ErrTimeout) {
			t.Errorf("Write = %d, %v, want 4 and ErrTimeout", n, err)
		}
		b := make([]byte, 8)
		if n, err := dev.Read(b); string(b[:n]) != "abcd" || err != nil {
			t.Errorf("Read = %q, %v, want abcd", b[:n], err)
		}
		// A deadline set while a Read waits ends it; one put off does not.
		if err := host.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		read := make(chan error, 1)
		go func() { _, err := host.Read(b); read <- err }()
		synctest.Wait()
		if err := host.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		select {
		case err := <-read:
			t.Errorf("Read = %v after 30s, want it to wait for a minute", err)
		default:
		}
		if err := host.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if err := <-read; !errors.Is(err, device.ErrTimeout) {
			t.Errorf("Read = %v, want ErrTimeout", err)
		}
		if err := dev.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := host.Read(b); !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Read = %v, want ErrUnplugged", err)
		}
		if _, err := host.Write(b); !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Write = %v, want ErrUnplugged", err)
		}
	})
}
