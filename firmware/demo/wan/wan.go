// Package wan is a bad network for demonstrations and tests: a relay for TCP
// connections that can be cut, made slow, and counted.
package wan

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Mode is how the network is.
type Mode string

// The modes.
const (
	Up   Mode = "up"
	Down Mode = "down" // connections are cut, and new ones are cut at once
	Slow Mode = "slow" // like GPRS: Rate and Delay
	Mute Mode = "mute" // the way there is up, the way back holds what it is given until the mode changes
)

// What Slow is like: a GPRS link far from the mast.
const (
	Rate  = 4 << 10                // bytes per second each way
	Delay = 300 * time.Millisecond // each way
)

// ParseMode returns the mode of that name.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case Up, Down, Slow, Mute:
		return m, nil
	}
	return "", fmt.Errorf("wan: got mode %q, want up, down, slow or mute", s)
}

// Status is how the network is and what went over it. Sent is from the side
// that connects (the kiosk) to the other (the portal).
type Status struct {
	Mode        Mode  `json:"mode"`
	Connections int   `json:"connections"` // open now
	Total       int   `json:"total"`       // accepted since the start
	Sent        int64 `json:"sent"`        // bytes
	Received    int64 `json:"received"`
}

// Relay is the network between one listener and one address.
type Relay struct {
	l      net.Listener
	target func() string

	mu     sync.Mutex
	mode   Mode
	turned chan struct{} // closed when the mode changes
	open   map[*link]bool
	total  int
	closed bool
	wg     sync.WaitGroup

	sent, received atomic.Int64
}

// link is one relayed connection.
type link struct {
	near, far net.Conn
	once      sync.Once
	gone      chan struct{} // closed by cut
}

// cut ends both sides hard: a cut cable sends no farewell.
func (l *link) cut() {
	l.once.Do(func() { close(l.gone) })
	for _, c := range []net.Conn{l.near, l.far} {
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // at worst the cut is a polite one
		}
		_ = c.Close()
	}
}

// Listen opens a relay at addr. target gives the address to relay to, each time
// a connection comes; "" means that nobody is there.
func Listen(addr string, target func() string) (*Relay, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("wan: %w", err)
	}
	r := &Relay{l: l, target: target, mode: Up, turned: make(chan struct{}), open: map[*link]bool{}}
	r.wg.Go(r.accept)
	return r, nil
}

// Addr returns the address to connect to.
func (r *Relay) Addr() string { return r.l.Addr().String() }

// Set changes the network from now on. Down cuts what is open.
func (r *Relay) Set(m Mode) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mode = m
	close(r.turned)
	r.turned = make(chan struct{})
	if m == Down {
		for l := range r.open {
			l.cut()
		}
	}
}

// Status returns how the network is.
func (r *Relay) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Status{r.mode, len(r.open), r.total, r.sent.Load(), r.received.Load()}
}

// Close cuts everything and waits until it is quiet.
func (r *Relay) Close() error {
	r.mu.Lock()
	r.closed = true
	for l := range r.open {
		l.cut()
	}
	r.mu.Unlock()
	err := r.l.Close()
	r.wg.Wait()
	if err != nil {
		return fmt.Errorf("wan: close: %w", err)
	}
	return nil
}

func (r *Relay) accept() {
	for {
		c, err := r.l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(50 * time.Millisecond) // out of descriptors, perhaps: not for long
			continue
		}
		r.wg.Go(func() { r.relay(c) })
	}
}

func (r *Relay) down() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mode == Down || r.closed
}

func (r *Relay) slow() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mode == Slow
}

// hold waits while the way back carries nothing.
func (r *Relay) hold(l *link) {
	for {
		r.mu.Lock()
		mute, turned := r.mode == Mute, r.turned
		r.mu.Unlock()
		if !mute {
			return
		}
		select {
		case <-turned:
		case <-l.gone:
			return
		}
	}
}

func (r *Relay) relay(near net.Conn) {
	l := &link{near: near, far: near, gone: make(chan struct{})}
	addr := r.target()
	if r.down() || addr == "" {
		l.cut()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	far, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	cancel()
	if err != nil {
		l.cut()
		return
	}
	l.far = far
	r.mu.Lock()
	gone := r.mode == Down || r.closed
	if !gone {
		r.open[l] = true
		r.total++
	}
	r.mu.Unlock()
	if gone {
		l.cut()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { r.pump(l, near, far, &r.sent, func(*link) {}) })
	both.Go(func() { r.pump(l, far, near, &r.received, r.hold) })
	both.Wait()
	_, _ = near.Close(), far.Close()
	r.mu.Lock()
	delete(r.open, l)
	r.mu.Unlock()
}

// piece is some bytes on their way, and when they were read.
type piece struct {
	b  []byte
	at time.Time
}

// pump carries bytes one way until either end is gone, each piece after hold has
// returned. Reading and writing are apart, so that a delay does not hold up what
// comes behind.
func (r *Relay) pump(l *link, from, to net.Conn, count *atomic.Int64, hold func(*link)) {
	way := make(chan piece, 64)
	stopped := make(chan struct{}) // the writer has
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(way)
		for {
			b := make([]byte, 1024)
			n, err := from.Read(b)
			if n > 0 {
				select {
				case way <- piece{b[:n], time.Now()}:
				case <-stopped:
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	var free time.Time // when the link has carried what it was given
	for p := range way {
		due := p.at
		if r.slow() {
			if free.Before(p.at) {
				free = p.at
			}
			free = free.Add(time.Duration(len(p.b)) * time.Second / Rate)
			due = free.Add(Delay)
		}
		if d := time.Until(due); d > 0 {
			t := time.NewTimer(d)
			select {
			case <-t.C:
			case <-l.gone:
				t.Stop()
			}
		}
		hold(l)
		count.Add(int64(len(p.b))) // first: who has read a byte finds it counted
		if n, err := to.Write(p.b); err != nil {
			count.Add(int64(n - len(p.b)))
			break
		}
	}
	// One end has gone: the other learns it, after what was on its way. The way
	// back stays open: TCP may be closed by halves.
	if t, ok := to.(*net.TCPConn); ok {
		_ = t.CloseWrite()
	}
	if f, ok := from.(*net.TCPConn); ok {
		_ = f.CloseRead() // ends the reader
	}
	close(stopped)
	reader.Wait()
}
