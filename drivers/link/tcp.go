package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"golang.org/x/sys/unix"
)

// TCP is a port on the network: a printer's raw port (9100), or a serial server's.
// Addr is host:port.
//
// Nothing on a network says that a cable was pulled. What was written and not
// acknowledged within unacknowledged ends the line; so does a far end that leaves
// keep-alive probes unanswered, half a minute after the last word. A driver that
// wants to know earlier asks its device something, with a deadline.
type TCP struct {
	Addr string
	Dial time.Duration // limit for the far end to take the call; 0: 2 s
}

// String implements Port.
func (p TCP) String() string { return "tcp:" + p.Addr }

// Check says whether Addr is an address.
func (p TCP) Check() error {
	if host, port, err := net.SplitHostPort(p.Addr); err != nil {
		return err
	} else if host == "" || port == "" {
		return fmt.Errorf("got address %q, want host:port", p.Addr)
	}
	return nil
}

const (
	dialTimeout    = 2 * time.Second
	unacknowledged = 10 * time.Second
	// Few bytes wait here: Write then tells how fast the device takes them.
	writeBuffer = 16 << 10
)

// Open implements Port. A far end that refuses, or does not answer, is unplugged.
// One program of this machine has a port at a time; other machines are not kept out.
func (p TCP) Open(ctx context.Context) (Line, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("link: open %v: %w", p, err)
	}
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("link: open %v: %w", p, err)
	}
	// A socket in the abstract name space is a lock that ends with the process.
	lock, err := net.Listen("unix", "@penjire/link/"+p.Addr)
	if err != nil {
		if errors.Is(err, unix.EADDRINUSE) {
			err = ErrInUse
		}
		return nil, fmt.Errorf("link: open %v: lock: %w", p, err)
	}
	l, err := p.open(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("link: open %v: %w", p, err), lock.Close())
	}
	l.lock = lock
	return l, nil
}

func (p TCP) open(ctx context.Context) (*tcpLine, error) {
	limit := p.Dial
	if limit == 0 {
		limit = dialTimeout
	}
	d := net.Dialer{Timeout: limit, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3,
	}}
	conn, err := d.DialContext(ctx, "tcp", p.Addr)
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("%w: %w", device.ErrUnplugged, err)
	}
	l := &tcpLine{name: p.String(), conn: conn.(*net.TCPConn)}
	if err := l.tune(); err != nil {
		return nil, errors.Join(lost(err), l.Close())
	}
	return l, nil
}

type tcpLine struct {
	name string
	conn *net.TCPConn
	lock net.Listener // nil: not taken yet
	once sync.Once
	err  error
}

func (l *tcpLine) tune() error {
	return errors.Join(l.conn.SetWriteBuffer(writeBuffer), l.control(func(fd int) error {
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unacknowledged.Milliseconds()))
	}))
}

func (l *tcpLine) control(op func(fd int) error) error {
	c, err := l.conn.SyscallConn()
	if err != nil {
		return err
	}
	var in error
	if err := c.Control(func(fd uintptr) { in = op(int(fd)) }); err != nil {
		return err
	}
	return in
}

// lost gives err, of an open connection, the meaning drivers branch on: whatever
// is not a deadline has ended it.
func lost(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w: %w", device.ErrTimeout, err)
	}
	return fmt.Errorf("%w: %w", device.ErrUnplugged, err)
}

// Read implements Line.
func (l *tcpLine) Read(p []byte) (int, error) {
	n, err := l.conn.Read(p)
	if n > 0 || err == nil {
		return n, nil
	}
	return 0, fmt.Errorf("link: read %s: %w", l.name, lost(err))
}

// Write implements Line.
func (l *tcpLine) Write(p []byte) (int, error) {
	n, err := l.conn.Write(p)
	if err != nil {
		return n, fmt.Errorf("link: write %s: %w", l.name, lost(err))
	}
	return n, nil
}

// SetReadDeadline implements Line.
func (l *tcpLine) SetReadDeadline(t time.Time) error { return l.conn.SetReadDeadline(t) }

// SetWriteDeadline implements Line.
func (l *tcpLine) SetWriteDeadline(t time.Time) error { return l.conn.SetWriteDeadline(t) }

// Flush implements Line for what was received: what was written is on its way.
func (l *tcpLine) Flush() error {
	err := l.control(func(fd int) error {
		return drain(func(b []byte) (int, error) {
			n, _, err := unix.Recvfrom(fd, b, unix.MSG_DONTWAIT)
			return n, err
		})
	})
	if err != nil {
		return fmt.Errorf("link: flush %s: %w", l.name, lost(err))
	}
	return nil
}

// String implements Line.
func (l *tcpLine) String() string { return l.name }

// Close implements Line.
func (l *tcpLine) Close() error {
	l.once.Do(func() {
		// The connection is reset, so that nothing waits for what is unsent. Best
		// effort: one that has ended has no options.
		_ = l.conn.SetLinger(0)
		l.err = l.conn.Close()
		if l.lock != nil {
			l.err = errors.Join(l.err, l.lock.Close())
		}
	})
	return l.err
}
