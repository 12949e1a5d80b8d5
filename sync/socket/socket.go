// Package socket carries frames over a WebSocket (wire.md, section 2), for both
// ends: one frame in each binary message, no compression, and life for as long
// as bytes move.
package socket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/penjire/penjire/sync/wire"
)

// Protocol is the WebSocket subprotocol of version 1.
const Protocol = "penjire.1"

// CertificateAlone is the application protocol that a kiosk offers, and no portal
// chooses, to say that it has the certificates of the centres and wants to be
// shown none (WIRE-TRN-5).
const CertificateAlone = "alone"

// Path is where a portal takes sessions.
const Path = "/sync"

// stall is how long one write may stand without a byte going out.
const stall = 60 * time.Second

// ErrForbidden is that the portal knows this kiosk's certificate and does not
// take it.
var ErrForbidden = errors.New("the portal does not take this kiosk's certificate")

// Conn is one end of a session: a wire.Carrier.
type Conn struct {
	ws      *websocket.Conn
	sending atomic.Int32
	heard   atomic.Int64 // Unix nanoseconds of the last byte read
	line    *Line        // nil: not known; then only frames and pongs count as heard
	note    func(up bool, f wire.Frame, n int)
}

var _ wire.Noter = (*Conn)(nil)

// Note implements wire.Noter: up is what is sent.
func (c *Conn) Note(note func(up bool, f wire.Frame, n int)) { c.note = note }

// Send sends one frame.
func (c *Conn) Send(ctx context.Context, f wire.Frame) error {
	b, err := wire.Marshal(f)
	if err != nil {
		return err
	}
	if err := c.SendRaw(ctx, b); err != nil {
		return fmt.Errorf("%s: %w", f.Type(), err)
	}
	if c.note != nil {
		c.note(true, f, len(b))
	}
	return nil
}

// SendRaw sends a message that may be no frame: for tests of the other end.
func (c *Conn) SendRaw(ctx context.Context, b []byte) error {
	c.sending.Add(1)
	defer c.sending.Add(-1)
	if err := c.ws.Write(ctx, websocket.MessageBinary, b); err != nil {
		return fmt.Errorf("socket: send: %w", err)
	}
	return nil
}

// Receive waits for one frame. What is no frame ends the connection.
func (c *Conn) Receive(ctx context.Context) (wire.Frame, error) {
	kind, b, err := c.ws.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("socket: receive: %w", err)
	}
	c.heard.Store(time.Now().UnixNano())
	if kind != websocket.MessageBinary {
		return nil, fmt.Errorf("socket: receive: %w: a text message", wire.ErrFormat)
	}
	f, err := wire.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("socket: receive: %w", err)
	}
	if c.note != nil {
		c.note(false, f, len(b))
	}
	return f, nil
}

// Watch pings when nothing has been heard for the interval, and returns
// wire.ErrSilent when nothing has been heard for three of them and nothing is on its
// way out. Receive must run meanwhile. It returns nil when ctx ends.
func (c *Conn) Watch(ctx context.Context, interval time.Duration) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var pinging atomic.Bool
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		heard := c.heard.Load()
		if c.line != nil {
			heard = max(heard, c.line.heard.Load())
		}
		quiet := time.Since(time.Unix(0, heard))
		switch {
		case c.sending.Load() > 0: // the write's own limit watches over that
		case quiet > 3*interval:
			return fmt.Errorf("socket: nothing for %s: %w", quiet.Round(time.Second), wire.ErrSilent)
		case quiet > interval/2 && pinging.CompareAndSwap(false, true):
			go func() {
				defer pinging.Store(false)
				// An error is not told: Receive and the next tick see it too.
				if c.ws.Ping(ctx) == nil {
					c.heard.Store(time.Now().UnixNano())
				}
			}()
		}
	}
}

// Close ends the connection in order, without waiting long for the other end.
func (c *Conn) Close() { _ = c.ws.Close(websocket.StatusNormalClosure, "") }

// Cut ends the connection at once.
func (c *Conn) Cut() { _ = c.ws.CloseNow() }

// Dial connects to a portal. client's transport should use Line.
func Dial(ctx context.Context, url string, client *http.Client, line *Line) (*Conn, error) {
	ws, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		HTTPClient: client, Subprotocols: []string{Protocol},
		HTTPHeader: http.Header{"User-Agent": {""}}, // hello has it; the portal need not know the library
	})
	if err != nil {
		if resp != nil && resp.StatusCode == http.StatusForbidden {
			return nil, fmt.Errorf("socket: dial: %w: %w", ErrForbidden, err)
		}
		if resp != nil {
			return nil, fmt.Errorf("socket: the portal answers %d: %w", resp.StatusCode, err)
		}
		return nil, fmt.Errorf("socket: dial: %w", err)
	}
	return newConn(ws, line)
}

// Accept takes a kiosk's connection.
func Accept(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	line := &Line{}
	ws, err := websocket.Accept(hearing{w, line}, r, &websocket.AcceptOptions{Subprotocols: []string{Protocol}})
	if err != nil {
		return nil, fmt.Errorf("socket: accept: %w", err)
	}
	return newConn(ws, line)
}

// hearing lets a line hear what is read from the connection that w gives away.
// A kiosk on a slow link cannot answer a ping before its message is out: only
// the bytes of the message show that it is there.
type hearing struct {
	http.ResponseWriter
	line *Line
}

// Hijack implements http.Hijacker.
func (h hearing) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return heardConn{c, h.line}, rw, nil
}

// heardConn is a connection whose line hears and does no more.
type heardConn struct {
	net.Conn
	line *Line
}

// Read implements net.Conn.
func (c heardConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.line.heard.Store(time.Now().UnixNano())
	}
	return n, err
}

func newConn(ws *websocket.Conn, line *Line) (*Conn, error) {
	if ws.Subprotocol() != Protocol {
		_ = ws.CloseNow()
		return nil, fmt.Errorf("socket: the other end does not speak %s", Protocol)
	}
	ws.SetReadLimit(wire.MaxMessage)
	c := &Conn{ws: ws, line: line}
	c.heard.Store(time.Now().UnixNano())
	return c, nil
}

// Line counts the bytes of connections, as TCP carries them, and limits how
// long a write may stand still. Its zero value is ready.
type Line struct {
	sent, received atomic.Int64
	heard          atomic.Int64 // Unix nanoseconds
}

// Bytes returns what went out and came in.
func (l *Line) Bytes() (sent, received int64) { return l.sent.Load(), l.received.Load() }

// writeAhead is how much the system may take of a write before it is on its way.
// The system's own choice is megabytes: a message would then be «sent» at once
// and, on a slow link, be on its way for many minutes in which the other end,
// which cannot answer a ping before it has the message, seems silent. Linux
// doubles the number; 64 KiB are 55 s at 9,600 bit/s, less than Watch waits.
const writeAhead = 32 << 10

// Wrap returns c with its bytes counted.
func (l *Line) Wrap(c net.Conn) net.Conn {
	if b, ok := c.(interface{ SetWriteBuffer(int) error }); ok {
		_ = b.SetWriteBuffer(writeAhead) // without it a slow link is cut more often
	}
	return &lineConn{Conn: c, line: l}
}

type lineConn struct {
	net.Conn
	line *Line
}

// Read implements net.Conn.
func (c *lineConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.line.received.Add(int64(n))
		c.line.heard.Store(time.Now().UnixNano())
	}
	return n, err
}

// Write implements net.Conn. TLS writes one record at a time, so the limit is on
// 16 KiB and not on a message.
func (c *lineConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(stall)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	c.line.sent.Add(int64(n))
	return n, err
}

// Listener wraps every connection of an http.Server's listener in line.
type Listener struct {
	net.Listener
	Line *Line
}

// Accept implements net.Listener.
func (l Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.Line.Wrap(c), nil
}
