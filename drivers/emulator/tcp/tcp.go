// Package tcp puts emulated devices at the far end of TCP connections, as
// printers and serial servers are. A port keeps one address over unplugging and
// replugging.
package tcp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Device is an emulated device, as in drivers/emulator/pty.
type Device interface {
	Serve(line io.ReadWriter)
}

// Port is a socket on the network that a device can be plugged into. It serves
// one connection at a time, like the devices it stands for; the next one waits.
type Port struct {
	addr string
	dev  Device

	mu      sync.Mutex
	plugged *plugged
	closed  bool
	served  sync.WaitGroup
	turn    sync.Mutex // held while the device is being served
}

// plugged is one plugging-in.
type plugged struct {
	listener net.Listener

	mu   sync.Mutex
	conn net.Conn // nil between connections
	off  bool
}

// receiveBuffer is small, as a device's is: who writes to one that stalls finds out.
const receiveBuffer = 4096

// Attach makes a port of this machine, at an address of its own, and plugs dev in.
func Attach(dev Device) (*Port, error) { return AttachAt("127.0.0.1:0", dev) }

// AttachAt makes a port at addr, for hosts that want a port of a certain number.
func AttachAt(addr string, dev Device) (*Port, error) {
	p := &Port{addr: addr, dev: dev}
	if err := p.Replug(); err != nil {
		return nil, err
	}
	return p, nil
}

// Addr returns host:port.
func (p *Port) Addr() string { return p.addr }

// Unplug takes the device from the network: its connection is reset and none is
// taken. Unplugging twice is nothing.
func (p *Port) Unplug() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unplug()
}

func (p *Port) unplug() error {
	if p.plugged == nil {
		return nil
	}
	err := p.plugged.end()
	p.plugged = nil
	if err != nil {
		return fmt.Errorf("tcp: unplug %s: %w", p.addr, err)
	}
	return nil
}

func (g *plugged) end() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.off = true
	err := g.listener.Close()
	if g.conn != nil {
		err = errors.Join(err, reset(g.conn))
		g.conn = nil
	}
	return err
}

// reset ends c as a device without power does when it is spoken to again.
func reset(c net.Conn) error {
	return errors.Join(c.(*net.TCPConn).SetLinger(0), c.Close())
}

// Replug brings the device back, as after a power cut, at the same address.
func (p *Port) Replug() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fmt.Errorf("tcp: plug in %s: port is closed", p.addr)
	}
	if p.plugged != nil {
		return nil
	}
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return fmt.Errorf("tcp: plug in %s: %w", p.addr, err)
	}
	p.addr = l.Addr().String()
	g := &plugged{listener: l}
	p.plugged = g
	p.served.Go(func() { p.serve(g) })
	return nil
}

func (p *Port) serve(g *plugged) {
	for {
		c, err := g.listener.Accept()
		if err != nil {
			return // unplugged
		}
		g.mu.Lock()
		if g.off {
			g.mu.Unlock()
			_ = reset(c) // nobody is there to mind
			return
		}
		g.conn = c
		g.mu.Unlock()
		_ = c.(*net.TCPConn).SetReadBuffer(receiveBuffer) // a larger one is no harm
		p.turn.Lock()
		p.dev.Serve(c)
		p.turn.Unlock()
		g.mu.Lock()
		if g.conn != nil {
			_ = g.conn.Close() // as the host has
			g.conn = nil
		}
		g.mu.Unlock()
	}
}

// Close unplugs the device for good and waits until it is quiet.
func (p *Port) Close() error {
	p.mu.Lock()
	p.closed = true
	err := p.unplug()
	p.mu.Unlock()
	p.served.Wait()
	return err
}
