package ippprinter

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
)

// Device serves connections: a Printer, or a Printer with faults on its line.
type Device interface{ Serve(line io.ReadWriter) }

// Port is the socket that a printer is plugged into: loopback TCP, or a Unix socket.
// It keeps its address over unplugging and replugging.
type Port struct {
	dev     Device
	secure  *tls.Config
	network string
	addr    string

	mu    sync.Mutex
	l     net.Listener
	conns map[net.Conn]bool
	live  sync.WaitGroup
}

// Listen plugs dev in at a free address, with TLS if secure is not nil.
func Listen(dev Device, secure *tls.Config) (*Port, error) {
	return plugIn(&Port{dev: dev, secure: secure, network: "tcp", addr: "127.0.0.1:0"})
}

// Attach plugs dev in at the Unix socket path.
func Attach(path string, dev Device) (*Port, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // of one that was killed
		return nil, fmt.Errorf("ippprinter: plug in: %w", err)
	}
	return plugIn(&Port{dev: dev, network: "unix", addr: path})
}

func plugIn(p *Port) (*Port, error) {
	p.conns = map[net.Conn]bool{}
	if err := p.Replug(); err != nil {
		return nil, err
	}
	return p, nil
}

// Plugged reports whether the printer is plugged in.
func (p *Port) Plugged() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.l != nil
}

// URI returns the printer's address.
func (p *Port) URI() string {
	if p.secure != nil {
		return "ipps://" + p.addr + path
	}
	return "ipp://" + p.addr + path
}

// Unplug pulls the cable: connections end, and nobody answers any more.
func (p *Port) Unplug() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.l == nil {
		return nil
	}
	err := p.l.Close()
	p.l = nil
	for c := range p.conns {
		if t, ok := c.(*net.TCPConn); ok {
			err = errors.Join(err, t.SetLinger(0)) // gone, without a goodbye
		}
		err = errors.Join(err, c.Close())
	}
	clear(p.conns)
	return err
}

// Replug plugs the printer in again. Plugging in what is plugged in is nothing.
func (p *Port) Replug() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.l != nil {
		return nil
	}
	l, err := net.Listen(p.network, p.addr)
	if err != nil {
		return fmt.Errorf("ippprinter: plug in: %w", err)
	}
	p.l, p.addr = l, l.Addr().String()
	p.live.Go(func() { p.accept(l) })
	return nil
}

// Close unplugs the printer and waits until it is quiet.
func (p *Port) Close() error {
	err := p.Unplug()
	p.live.Wait()
	return err
}

func (p *Port) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		if p.l != l {
			p.mu.Unlock()
			_ = c.Close() // unplugged meanwhile
			continue
		}
		p.conns[c] = true
		p.mu.Unlock()
		p.live.Go(func() {
			line := c
			if p.secure != nil {
				line = tls.Server(c, p.secure)
			}
			p.dev.Serve(line)
			p.mu.Lock()
			delete(p.conns, c)
			p.mu.Unlock()
			_ = c.Close() // Unplug may have done it
		})
	}
}
