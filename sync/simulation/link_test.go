package simulation

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/wire"
)

var (
	errCut    = errors.New("the line is cut")
	errNoLine = errors.New("no line to the portal")
)

// frame is a frame on its way.
type frame struct {
	bytes []byte
	what  string
	sent  time.Time
	fixed bool // carries what only the transport protects: nothing may alter it
	eof   bool // the end in order
}

// conn is one connection. What was sent waits in it until the simulation brings
// it on.
type conn struct {
	s    *sim
	m    *machine
	born time.Time

	mu     sync.Mutex
	queue  [2][]frame // down, up
	in     [2]chan []byte
	gone   chan struct{}
	cutter sync.Once
	silent time.Time // since when nothing comes through; zero: it does

	records map[number]named // that the portal got, as they arrived
}

const (
	down = 0
	up   = 1
)

var ways = [2]string{"down", "up"}

func newConn(m *machine) *conn {
	c := &conn{s: m.s, m: m, gone: make(chan struct{}), born: time.Now(), records: map[number]named{}}
	c.in[0], c.in[1] = make(chan []byte, 1024), make(chan []byte, 1024)
	return c
}

func (c *conn) cut() {
	c.cutter.Do(func() {
		close(c.gone)
		c.mu.Lock()
		c.queue = [2][]frame{}
		c.mu.Unlock()
	})
}

func (c *conn) over() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// waiting returns how many frames are on their way.
func (c *conn) waiting(way int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.silent.IsZero() {
		return 0
	}
	return len(c.queue[way])
}

// next takes the first frame out of the queue.
func (c *conn) next(way int) (frame, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue[way]) == 0 || !c.silent.IsZero() {
		return frame{}, false
	}
	f := c.queue[way][0]
	c.queue[way] = c.queue[way][1:]
	return f, true
}

// bring hands a frame to the end that it goes to.
func (c *conn) bring(way int, f frame) {
	if f.eof {
		c.cut()
		return
	}
	select {
	case c.in[way] <- f.bytes:
	default:
		c.cut() // nobody has taken a thousand frames
	}
}

// end is one end of a connection: a wire.Carrier.
type end struct {
	c    *conn
	sent int // the way of what it sends
	fuse *fuse
}

// Send implements wire.Carrier.
func (e *end) Send(ctx context.Context, f wire.Frame) error {
	b, err := wire.Marshal(f)
	if err != nil {
		return err
	}
	what := describe(f)
	// A bye is sent under a lock: whoever waited in line there would be waited for in
	// a way that the bubble cannot see.
	if _, bye := f.(*wire.Bye); !bye && !e.fuse.point("before it sends "+what) || e.fuse.isDead() {
		return errDead
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.c.over() {
		return errCut
	}
	if r, ok := f.(*wire.Receipts); ok && e.sent == down {
		e.c.issued(r)
	}
	e.c.mu.Lock()
	e.c.queue[e.sent] = append(e.c.queue[e.sent], frame{bytes: b, what: what, fixed: fixed(f), sent: time.Now()})
	e.c.mu.Unlock()
	return nil
}

// Receive implements wire.Carrier.
func (e *end) Receive(ctx context.Context) (wire.Frame, error) {
	var b []byte
	select {
	case b = <-e.c.in[1-e.sent]:
	default:
		select {
		case b = <-e.c.in[1-e.sent]:
		case <-e.c.gone:
			e.fuse.turn("hears that the line is cut") // both ends do, and one is first
			return nil, errCut
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	f, err := wire.Parse(b)
	if err != nil {
		return nil, err
	}
	if !e.fuse.point("when it gets " + describe(f)) {
		return nil, errDead
	}
	if e.sent == down {
		e.c.note(f)
	} else if code := refusal(f); strings.HasPrefix(code, "quota.") || strings.HasPrefix(code, "portal.") {
		e.c.s.count("state: the kiosk gets " + code)
	}
	return f, nil
}

// named is what a receipt says of a record.
type named struct{ doc, digest [32]byte }

// note keeps in mind which records came.
func (c *conn) note(f wire.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch f := f.(type) {
	case *wire.Records:
		for _, r := range f.Records {
			c.records[number{c.m.dev.ID, f.Epoch, r.Seq}] = named{r.Doc, sha256.Sum256(r.Sealed)}
		}
	case *wire.Large:
		c.records[number{c.m.dev.ID, f.Epoch, f.Seq}] = named{f.Doc, f.Digest}
	}
}

// Watch implements wire.Carrier: a line that carries nothing is silent.
func (e *end) Watch(ctx context.Context, interval time.Duration) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-e.c.gone:
			return nil
		case <-tick.C:
		}
		e.c.mu.Lock()
		since := e.c.silent
		e.c.mu.Unlock()
		if !since.IsZero() && time.Since(since) > 3*interval {
			return wire.ErrSilent
		}
	}
}

// Close implements wire.Carrier: what was sent still arrives.
func (e *end) Close() {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	if e.c.over() {
		return
	}
	e.c.queue[e.sent] = append(e.c.queue[e.sent], frame{eof: true, what: "the end"})
}

// Cut implements wire.Carrier. Where the other end has not heard of an end in
// order yet, it will.
func (e *end) Cut() {
	if e.c.over() || !e.fuse.point("before it cuts the line") {
		return
	}
	e.c.mu.Lock()
	q := e.c.queue[e.sent]
	closing := len(q) > 0 && q[len(q)-1].eof
	e.c.mu.Unlock()
	if !closing {
		e.c.cut()
	}
}

// issued notes receipts that leave the portal, about what came on this connection.
func (c *conn) issued(f *wire.Receipts) {
	for i := range f.Groups {
		kept, err := f.Groups[i].Open(wire.Durable, c.s.w.last().Portals, func(e [16]byte, seq uint64) (doc, digest [32]byte, ok bool, err error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			r, ok := c.records[number{c.m.dev.ID, e, seq}]
			return r.doc, r.digest, ok, nil
		})
		if err != nil {
			c.s.bad(err)
			continue
		}
		c.s.mu.Lock()
		c.s.fresh = append(c.s.fresh, kept...)
		c.s.mu.Unlock()
	}
}

// bad notes that a receipt does not hold; where one number came with two names, it is
// not known which of them it speaks of.
func (s *sim) bad(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.hurtLine {
		s.badReceipt = err
	}
}

// refusal is the code of a frame that refuses something.
func refusal(f wire.Frame) string {
	switch f := f.(type) {
	case *wire.Nack:
		return f.Code
	case *wire.Bye:
		return f.Code
	}
	return ""
}

// describe says in a few words what a frame is.
func describe(f wire.Frame) string {
	switch f := f.(type) {
	case *wire.Hello:
		return fmt.Sprintf("hello (%d unsent, cursor %d)", f.Unsent, f.Cursor)
	case *wire.Records:
		var s strings.Builder
		s.WriteString("records")
		for _, r := range f.Records {
			s.WriteString(fmt.Sprintf(" %d", r.Seq))
		}
		return s.String()
	case *wire.Receipts:
		var s strings.Builder
		s.WriteString("receipts")
		for _, g := range f.Groups {
			for _, r := range g.Slips {
				s.WriteString(fmt.Sprintf(" %d", r.Seq))
			}
		}
		return s.String()
	case *wire.Items:
		var s strings.Builder
		s.WriteString("items")
		for _, it := range f.Items {
			s.WriteString(fmt.Sprintf(" %d", it.ID))
			switch it.Kind {
			case wire.ItemAnswer:
				s.WriteString(" (an answer)")
			case wire.ItemCatalogue:
				s.WriteString(" (a catalogue)")
			default:
				s.WriteString(" (a trust bundle)")
			}
		}
		for _, g := range f.Decisions {
			for _, r := range g.Slips {
				s.WriteString(fmt.Sprintf(" %d (a decision about record %d)", r.ID, r.Seq))
			}
		}
		return s.String()
	case *wire.ItemAck:
		return fmt.Sprintf("the word that items up to %d are stored", f.ID)
	case *wire.Checkpoint:
		return "its journal's head"
	case *wire.Witness:
		return "a witnessed head"
	case *wire.Nack:
		return "a refusal: " + f.Code
	case *wire.Bye:
		return fmt.Sprintf("bye %q", f.Code)
	}
	return f.Type().String()
}

// fixed says whether something in the frame is neither signed nor checked by a
// digest: TLS alone protects it.
func fixed(f wire.Frame) bool {
	its, ok := f.(*wire.Items)
	if !ok {
		return false
	}
	for _, it := range its.Items {
		if it.Kind == wire.ItemAnswer {
			return true
		}
	}
	return false
}
