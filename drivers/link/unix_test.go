package link_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// TestUnix holds a socket to the contract of lines.
func TestUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	port := link.Unix{Path: path}
	if _, err := port.Open(t.Context()); !errors.Is(err, device.ErrUnplugged) {
		t.Errorf("Open of nothing = %v, want ErrUnplugged", err)
	}
	server, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() }) // it may be closed already
	line, err := port.Open(t.Context())
	if err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	second, err := port.Open(t.Context())
	if err != nil {
		t.Fatalf("Open a second time = %v, want nil", err)
	}
	far, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := line.Write([]byte("ab")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8)
	if n, err := far.Read(b); string(b[:n]) != "ab" || err != nil {
		t.Errorf("far end read %q, %v, want ab", b[:n], err)
	}
	if err := line.SetReadDeadline(time.Now().Add(5 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := line.Read(b); !errors.Is(err, device.ErrTimeout) || !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, device.ErrUnplugged) {
		t.Errorf("Read past its deadline = %v, want ErrTimeout", err)
	}
	if err := line.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := line.Read(b); !errors.Is(err, device.ErrUnplugged) || errors.Is(err, device.ErrTimeout) {
		t.Errorf("Read from a server that left = %v, want ErrUnplugged", err)
	}
	if _, err := line.Write(b); !errors.Is(err, device.ErrUnplugged) {
		t.Errorf("Write to a server that left = %v, want ErrUnplugged", err)
	}
	ended := make(chan error, 1)
	go func() { _, err := second.Read(make([]byte, 1)); ended <- err }()
	if err := errors.Join(second.Close(), second.Close(), line.Close()); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
	if err := <-ended; !errors.Is(err, device.ErrUnplugged) {
		t.Errorf("Read when closed = %v, want ErrUnplugged", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := port.Open(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Open with an ended context = %v, want its error", err)
	}
}
