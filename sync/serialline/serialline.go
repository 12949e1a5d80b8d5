package serialline

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/wire"
)

// protocol is what both ends agree on in TLS, so that nothing else is spoken by
// mistake.
const protocol = "penjire-line.1"

// linger is how long Close waits until the other end has everything.
const linger = 10 * time.Second

// Conn is one end of a session over a line: a wire.Carrier.
type Conn struct {
	s    *stream
	tls  *tls.Conn
	note func(up bool, f wire.Frame, n int)
	send chan struct{} // who has put something in sends
	done func()        // ends what the connection stands on
	once sync.Once
}

var _ wire.Noter = (*Conn)(nil)

// Dial begins a session over a line with the portal, and closes port when the
// session ends, or cannot be begun. config is as for any TLS client; with its
// ClientSessionCache kept, the next session costs a third. The end of ctx ends
// only the beginning.
func Dial(ctx context.Context, port io.ReadWriteCloser, c Config, config *tls.Config) (*Conn, error) {
	l := newLine(port, c, false)
	var id [4]byte
	for binary.BigEndian.Uint32(id[:]) == 0 {
		if _, err := rand.Read(id[:]); err != nil {
			l.close()
			return nil, fmt.Errorf("serialline: name a stream: %w", err)
		}
	}
	l.mu.Lock()
	l.s = newStream(l, binary.BigEndian.Uint32(id[:]))
	s := l.s
	l.mu.Unlock()
	conn := newConn(s, tls.Client(s, forLine(config)), l.close)
	if err := conn.handshake(ctx); err != nil {
		conn.Cut()
		return nil, err
	}
	return conn, nil
}

// Serve takes the sessions of the kiosk at the other end of a line, one after the
// other, and calls session with each and the certificate that it proved; the
// carrier is cut when session returns. A new session ends the one before. Serve
// closes port; it returns when ctx ends, then nil, or the line breaks.
func Serve(ctx context.Context, port io.ReadWriteCloser, c Config, config *tls.Config, session func(context.Context, *x509.Certificate, wire.Carrier)) error {
	ctx, cancel := context.WithCancel(ctx)
	l := newLine(port, c, true)
	var wg sync.WaitGroup
	defer func() {
		cancel()
		wg.Wait()
		l.close()
	}()
	config = forLine(config)
	config.ClientAuth = tls.RequireAndVerifyClientCert
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.done:
			return l.err
		case s := <-l.opened:
			wg.Go(func() {
				conn := newConn(s, tls.Server(s, config), s.abort)
				defer conn.Cut()
				if conn.handshake(ctx) == nil { // the kiosk says why not; an alert has told it
					session(ctx, conn.tls.ConnectionState().PeerCertificates[0], conn)
				}
			})
		}
	}
}

// forLine returns a TLS configuration for a slow line. The key exchange that
// withstands quantum computers costs 2.3 KB, 20 s at 1200 bit/s, and what it would
// protect is sealed already, by a key that does not.
func forLine(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.MinVersion = tls.VersionTLS13
	c.CurvePreferences = []tls.CurveID{tls.X25519}
	c.NextProtos = []string{protocol}
	if each := c.GetConfigForClient; each != nil {
		c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			of, err := each(h)
			if of != nil {
				of = forLine(of)
			}
			return of, err
		}
	}
	return c
}

func newConn(s *stream, t *tls.Conn, done func()) *Conn {
	return &Conn{s: s, tls: t, send: make(chan struct{}, 1), done: done}
}

// handshake proves both ends to each other. It takes as long as bytes move.
func (c *Conn) handshake(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	wg.Go(func() { cancel(c.Watch(ctx, 0)) })
	stop := context.AfterFunc(ctx, c.s.abort) // crypto/tls would close it in order, and wait
	defer stop()
	if err := c.tls.HandshakeContext(context.WithoutCancel(ctx)); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), linger)
		defer stop()
		c.flush(ctx) // the alert
		return fmt.Errorf("serialline: handshake: %w", err)
	}
	return nil
}

// flush waits a moment until what was written is out.
func (c *Conn) flush(ctx context.Context) {
	_ = c.s.Close() // cannot fail
	c.s.closed(ctx)
}

// Note implements wire.Noter: up is what is sent.
func (c *Conn) Note(note func(up bool, f wire.Frame, n int)) { c.note = note }

// Bytes returns what went out over the line and came in, noise included.
func (c *Conn) Bytes() (sent, received int64) {
	c.s.l.mu.Lock()
	defer c.s.l.mu.Unlock()
	return c.s.l.sent, c.s.l.got
}

// Resumed says whether the handshake was spared.
func (c *Conn) Resumed() bool { return c.tls.ConnectionState().DidResume }

// past is a deadline that ends what waits.
var past = time.Unix(1, 0)

// Send implements wire.Carrier.
func (c *Conn) Send(ctx context.Context, f wire.Frame) error {
	b, err := wire.Marshal(f)
	if err != nil {
		return err
	}
	select {
	case c.send <- struct{}{}:
		defer func() { <-c.send }()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer context.AfterFunc(ctx, func() { _ = c.tls.SetWriteDeadline(past) })()
	if _, err := c.tls.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)); err != nil { //nolint:gosec // at most wire.MaxMessage
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("serialline: send %s: %w", f.Type(), err)
	}
	if c.note != nil {
		c.note(true, f, len(b))
	}
	return nil
}

// Receive implements wire.Carrier.
func (c *Conn) Receive(ctx context.Context) (wire.Frame, error) {
	defer context.AfterFunc(ctx, func() { _ = c.tls.SetReadDeadline(past) })()
	f, n, err := c.receive()
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("serialline: receive: %w", err)
	}
	if c.note != nil {
		c.note(false, f, n)
	}
	return f, nil
}

func (c *Conn) receive() (wire.Frame, int, error) {
	var head [4]byte
	if _, err := io.ReadFull(c.tls, head[:]); err != nil {
		return nil, 0, err
	}
	n := int64(binary.BigEndian.Uint32(head[:]))
	if n > wire.MaxMessage {
		return nil, 0, fmt.Errorf("a message of %d bytes: %w", n, wire.ErrLimit)
	}
	var b bytes.Buffer // grows with what comes, not with what is promised
	if m, err := io.CopyN(&b, c.tls, n); err != nil {
		return nil, 0, fmt.Errorf("after %d of %d bytes: %w", m, n, err)
	}
	f, err := wire.Parse(b.Bytes())
	return f, b.Len(), err
}

// watchBytes is how many bytes the line could carry before the other end is asked
// whether it is there: a question and its answer are 70.
const watchBytes = 36_000

// Watch implements wire.Carrier. At 1200 bit/s it asks after five minutes and gives
// up after fifteen: a break of minutes costs nothing but its own time.
func (c *Conn) Watch(ctx context.Context, interval time.Duration) error {
	interval = max(interval, c.s.l.c.air(watchBytes))
	tick := time.NewTicker(interval / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		switch quiet := c.s.quiet(); {
		case quiet > 3*interval:
			return fmt.Errorf("serialline: nothing for %s: %w", quiet.Round(time.Second), wire.ErrSilent)
		case quiet >= interval:
			c.s.probe()
		}
	}
}

// Close implements wire.Carrier. It waits up to ten seconds for the other end.
func (c *Conn) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), linger)
	defer cancel()
	select {
	case c.send <- struct{}{}:
		_ = c.tls.CloseWrite() // without it the end of the stream tells
	case <-ctx.Done(): // something large is on its way
	}
	c.flush(ctx)
}

// Cut implements wire.Carrier.
func (c *Conn) Cut() { c.once.Do(func() { c.s.abort(); c.done() }) }
