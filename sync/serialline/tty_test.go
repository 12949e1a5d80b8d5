package serialline

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/wire"
)

// cable makes two terminals whose far ends are joined.
func cable(t *testing.T) (a, b string) {
	t.Helper()
	master := func() (*os.File, string) {
		f, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
		if err != nil {
			t.Skipf("no terminals here: %v", err)
		}
		raw, err := f.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := raw.Control(func(fd uintptr) {
			if n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); err == nil {
				err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f, fmt.Sprintf("/dev/pts/%d", n)
	}
	x, a := master()
	y, b := master()
	go func() { _, _ = io.Copy(x, y) }()
	go func() { _, _ = io.Copy(y, x) }()
	return a, b
}

// TestTerminals: a session over two serial ports of this system.
func TestTerminals(t *testing.T) {
	a, b := cable(t)
	w, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	there, err := Open(b, 115200)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(b, 115200); err == nil {
		t.Error("a line was opened twice")
	}
	here, err := Open(a, 115200)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Baud: 115200}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- Serve(ctx, there, c, &tls.Config{Certificates: []tls.Certificate{w.PortalTLS.TLS()}, ClientCAs: w.Pool()}, //nolint:gosec // Serve sets the version
			func(ctx context.Context, cert *x509.Certificate, c wire.Carrier) {
				for {
					f, err := c.Receive(ctx)
					if err != nil || c.Send(ctx, f) != nil {
						return
					}
				}
			})
	}()
	conn, err := Dial(t.Context(), here, c, &tls.Config{RootCAs: w.Pool(), ServerName: "portal.specimen", Certificates: []tls.Certificate{w.Device.TLS.TLS()}}) //nolint:gosec // Dial sets the version
	if err != nil {
		t.Fatal(err)
	}
	// Bytes that terminals like to take for orders.
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	want := &wire.Beacon{Signed: every}
	if err := conn.Send(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, err := conn.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b, ok := got.(*wire.Beacon); !ok || string(b.Signed) != string(every) {
		t.Errorf("got %+v, want the bytes back", got)
	}
	conn.Close()
	conn.Cut()
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
}

// TestOpen: what is no terminal is no line.
func TestOpen(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{name, name + "-missing"} {
		if _, err := Open(n, 1200); err == nil {
			t.Errorf("Open(%s) = nil, want an error", filepath.Base(n))
		}
	}
}
