package sane_test

import (
	"net"
	"sync"
	"testing"

	"github.com/penjire/penjire/drivers/emulator/sanescanner"
)

// port is saned's place on the network of this machine. Unlike those of most
// devices it serves many connections at once.
type port struct {
	t    *testing.T
	s    *sanescanner.Scanner
	addr string

	mu    sync.Mutex
	l     net.Listener
	conns map[net.Conn]bool
	live  sync.WaitGroup
}

func plug(t *testing.T, s *sanescanner.Scanner) *port {
	p := &port{t: t, s: s, addr: "127.0.0.1:0", conns: map[net.Conn]bool{}}
	p.replug()
	t.Cleanup(func() { p.unplug(); p.live.Wait() })
	return p
}

func (p *port) unplug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.l == nil {
		return
	}
	if err := p.l.Close(); err != nil {
		p.t.Error(err)
	}
	p.l = nil
	for c := range p.conns {
		_ = c.(*net.TCPConn).SetLinger(0) // gone, without a goodbye
		_ = c.Close()
	}
	clear(p.conns)
}

func (p *port) replug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.l != nil {
		return
	}
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.l, p.addr = l, l.Addr().String()
	p.live.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			if p.l == l {
				p.conns[c] = true
			} else {
				_ = c.Close() // unplugged meanwhile
			}
			p.mu.Unlock()
			p.live.Go(func() {
				p.s.Serve(c)
				p.mu.Lock()
				delete(p.conns, c)
				p.mu.Unlock()
				_ = c.Close() // Unplug may have done it
			})
		}
	})
}
