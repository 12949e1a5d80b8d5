package socket_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/sync/socket"
)

// TestQuietIsNotSilent: a connection on which nobody has anything to say stays
// open, seen from either end. The portal once took a quiet kiosk for a silent
// one and ended the session every ninety seconds: it counted frames and not the
// answers to its own pings.
func TestQuietIsNotSilent(t *testing.T) {
	const interval = 200 * time.Millisecond
	portal := make(chan error, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := socket.Accept(w, r)
		if err != nil {
			portal <- err
			return
		}
		defer c.Cut()
		portal <- quiet(r.Context(), c, interval)
	}))
	defer srv.Close()
	c, err := socket.Dial(t.Context(), srv.URL, srv.Client(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Cut()
	if err := quiet(t.Context(), c, time.Hour); err != nil {
		t.Errorf("kiosk: Watch = %v, want nil", err)
	}
	if err := <-portal; err != nil {
		t.Errorf("portal: Watch = %v, want nil", err)
	}
}

// TestLittleIsSentAhead: what the system takes of a write before it has left is
// little, or a large answer on a slow link counts as silence of its receiver.
func TestLittleIsSentAhead(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	new(socket.Line).Wrap(c)
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	var serr error
	if err := raw.Control(func(fd uintptr) { n, serr = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF) }); err != nil || serr != nil {
		t.Fatal(err, serr)
	}
	if n > 64<<10 {
		t.Errorf("send buffer: got %d bytes, want at most 64 KiB", n)
	}
}

// quiet watches c for as long as silence would take to end it, twice.
func quiet(ctx context.Context, c *socket.Conn, interval time.Duration) error {
	ctx, stop := context.WithTimeout(ctx, 1600*time.Millisecond)
	defer stop()
	go func() { _, _ = c.Receive(ctx) }() // answers pings; there is nothing else
	return c.Watch(ctx, interval)
}
