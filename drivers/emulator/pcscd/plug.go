package pcscd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// Server is what serves connections, several at once: a Daemon, or one with
// faults on its lines.
type Server interface{ Serve(line io.ReadWriter) }

// Memory is a socket in memory, for faked time. It is a link.Port.
type Memory struct {
	s Server

	mu    sync.Mutex
	on    bool
	lines map[link.Line]bool
	all   sync.WaitGroup
}

// InMemory returns a socket in memory at which s listens.
func InMemory(s Server) *Memory { return &Memory{s: s, on: true, lines: map[link.Line]bool{}} }

// Open implements link.Port.
func (m *Memory) Open(context.Context) (link.Line, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.on {
		return nil, fmt.Errorf("pcscd: open: %w", device.ErrUnplugged)
	}
	host, far := link.Pipe("pcscd", 8192)
	m.lines[far] = true
	m.all.Go(func() {
		m.s.Serve(far)
		_ = far.Close() // a pipe's Close has no error
		m.mu.Lock()
		delete(m.lines, far)
		m.mu.Unlock()
	})
	return host, nil
}

// String implements link.Port.
func (m *Memory) String() string { return "pcscd in memory" }

// Stop ends the daemon: every connection ends, and none can be made.
func (m *Memory) Stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.on = false
	for l := range m.lines {
		_ = l.Close() // as above
	}
}

// Start starts the daemon again.
func (m *Memory) Start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.on = true
}

// Close stops the daemon and waits until it is quiet.
func (m *Memory) Close() { m.Stop(); m.all.Wait() }

// Socket is a socket of the operating system.
type Socket struct {
	path string
	s    Server

	mu    sync.Mutex
	l     net.Listener
	conns map[net.Conn]bool
	all   sync.WaitGroup
}

// Listen has s listen at path.
func Listen(path string, s Server) (*Socket, error) {
	k := &Socket{path: path, s: s, conns: map[net.Conn]bool{}}
	if err := k.Start(); err != nil {
		return nil, err
	}
	return k, nil
}

// Path returns where the socket is.
func (k *Socket) Path() string { return k.path }

// Start starts the daemon; starting one that runs is nothing.
func (k *Socket) Start() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.l != nil {
		return nil
	}
	l, err := net.Listen("unix", k.path)
	if err != nil {
		return fmt.Errorf("pcscd: listen: %w", err)
	}
	k.l = l
	k.all.Go(func() { k.accept(l) })
	return nil
}

func (k *Socket) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return // stopped
		}
		k.mu.Lock()
		if k.l != l {
			k.mu.Unlock()
			_ = c.Close() // it came too late
			return
		}
		k.conns[c] = true
		k.mu.Unlock()
		k.all.Go(func() {
			k.s.Serve(c)
			k.mu.Lock()
			delete(k.conns, c)
			k.mu.Unlock()
			_ = c.Close() // it may be closed already
		})
	}
}

// Stop ends the daemon: every connection ends, and none can be made.
func (k *Socket) Stop() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.l == nil {
		return nil
	}
	err := k.l.Close()
	k.l = nil
	for c := range k.conns {
		_ = c.Close() // it may have ended
	}
	if rerr := os.Remove(k.path); rerr != nil && !errors.Is(rerr, os.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	if err != nil {
		return fmt.Errorf("pcscd: stop: %w", err)
	}
	return nil
}

// Close stops the daemon and waits until it is quiet.
func (k *Socket) Close() error {
	err := k.Stop()
	k.all.Wait()
	return err
}
