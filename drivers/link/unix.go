package link

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/penjire/penjire/drivers/device"
)

// Unix is a port on a socket of this machine, at Path. It may be open several
// times: who serves the socket tells the lines apart.
type Unix struct{ Path string }

// String implements Port.
func (u Unix) String() string { return u.Path }

// Open implements Port. A socket that is not there, or that nobody serves, is
// unplugged.
func (u Unix) Open(ctx context.Context) (Line, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", u.Path)
	if cerr := ctx.Err(); err != nil && cerr != nil {
		return nil, fmt.Errorf("link: open %s: %w", u.Path, cerr)
	}
	if err != nil {
		return nil, fmt.Errorf("link: open %s: %w: %w", u.Path, device.ErrUnplugged, err)
	}
	return &unixLine{c, u.Path}, nil
}

// unixLine is a connection. Its deadlines are the connection's own.
type unixLine struct {
	net.Conn
	path string
}

// Read implements Line.
func (l *unixLine) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if n > 0 || err == nil {
		return n, nil
	}
	return 0, fmt.Errorf("link: read %s: %w", l.path, lost(err))
}

// Write implements Line.
func (l *unixLine) Write(p []byte) (int, error) {
	n, err := l.Conn.Write(p)
	if err != nil {
		return n, fmt.Errorf("link: write %s: %w", l.path, lost(err))
	}
	return n, nil
}

// Flush implements Line. There is nothing to throw away: whoever has fallen out
// of step on a socket opens it anew.
func (l *unixLine) Flush() error { return nil }

// String implements Line.
func (l *unixLine) String() string { return l.path }

// Close implements Line.
func (l *unixLine) Close() error {
	if err := l.Conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("link: close %s: %w", l.path, err)
	}
	return nil
}
