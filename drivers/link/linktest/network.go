package linktest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Network is a network in memory with one host on it, for drivers that dial. It
// uses nothing of the operating system, so that it also runs in faked time.
type Network struct {
	mu        sync.Mutex
	cut       bool
	listeners map[int]*listener
	conns     map[net.Conn]bool
	next      int
	served    sync.WaitGroup
}

// NewNetwork returns a network. The host is unplugged when the test ends.
func NewNetwork(t testing.TB) *Network {
	n := &Network{listeners: map[int]*listener{}, conns: map[net.Conn]bool{}, next: 40000}
	t.Cleanup(func() {
		n.Unplug()
		n.mu.Lock()
		for _, l := range n.listeners {
			l.end()
		}
		n.mu.Unlock()
		n.served.Wait()
	})
	return n
}

// Serve has dev serve each connection to port of the host.
func (n *Network) Serve(port int, dev Device) {
	l, err := n.Listen(port)
	if err != nil {
		panic(err) // a test that serves one port twice
	}
	n.served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n.served.Go(func() { dev.Serve(c); _ = c.Close() }) // a pipe's Close has no error
		}
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	l.(*listener).stays = true
}

// Listen listens at port of the host; 0: at a free one.
func (n *Network) Listen(port int) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if port == 0 {
		n.next++
		port = n.next
	}
	if n.listeners[port] != nil {
		return nil, fmt.Errorf("linktest: port %d is taken", port)
	}
	l := &listener{n: n, port: port, calls: make(chan net.Conn), closed: make(chan struct{})}
	n.listeners[port] = l
	return l, nil
}

// Dial calls the host, whatever its name, in the form of net.Dialer.DialContext.
func (n *Network) Dial(ctx context.Context, _, addr string) (net.Conn, error) {
	_, s, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(s)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	l := n.listeners[port]
	if n.cut || l == nil {
		n.mu.Unlock()
		return nil, &net.OpError{Op: "dial", Net: "memory", Err: errors.New("nobody answers")}
	}
	near, far := net.Pipe()
	n.conns[far] = true
	n.mu.Unlock()
	select {
	case l.calls <- &conn{Conn: far, n: n}:
		return near, nil
	case <-l.closed:
		err = errors.New("nobody answers")
	case <-ctx.Done():
		err = ctx.Err()
	}
	_ = near.Close() // as above
	return nil, err
}

// Plugged reports whether the host is on the network.
func (n *Network) Plugged() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.cut
}

// Unplug takes the host from the network; its connections end.
func (n *Network) Unplug() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = true
	for c := range n.conns {
		_ = c.Close() // as above
	}
	clear(n.conns)
	for p, l := range n.listeners {
		if !l.stays {
			l.end()
			delete(n.listeners, p)
		}
	}
}

// Replug brings the host back.
func (n *Network) Replug() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = false
}

// conn is the host's end of a connection.
type conn struct {
	net.Conn
	n *Network
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	delete(c.n.conns, c.Conn)
	return c.Conn.Close()
}

// listener is a port that is listened at.
type listener struct {
	n      *Network
	port   int
	stays  bool // over unplugging
	calls  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *listener) end() { l.once.Do(func() { close(l.closed) }) }

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.calls:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	delete(l.n.listeners, l.port)
	l.end()
	return nil
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return &net.TCPAddr{Port: l.port} }
