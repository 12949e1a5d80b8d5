package serialline

import (
	"context"
	"io"
	"net"
	"os"
	"time"
)

// What a stream holds for either side.
const (
	keepOut = 4 << 10  // written, not yet on its way
	keepIn  = 64 << 10 // come, not yet read
)

// stream is a connection over a line: bytes in order, each once. Its fields are
// the line's, under its mutex.
type stream struct {
	l  *line
	id uint32

	out    []byte
	flying []segment // sent, not acknowledged; the first one has the number first
	first  uint16
	ending bool // nothing more is written
	ended  bool // and that is on its way

	in    []byte
	next  uint16            // that is to come
	early map[uint16]packet // came before next
	eof   bool              // everything has come

	met     bool      // the other end knows the stream
	owe     bool      // an acknowledgement
	ask     bool      // for one
	heard   time.Time // the last packet
	err     error
	changed chan struct{} // closed when something did
	readBy  time.Time
	writeBy time.Time
}

// segment is a packet's worth of bytes that may have to go again.
type segment struct {
	b     []byte
	end   bool
	there bool // it has come, though not all before it
}

func newStream(l *line, id uint32) *stream {
	return &stream{l: l, id: id, early: map[uint16]packet{}, heard: time.Now(), changed: make(chan struct{})}
}

func (s *stream) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *stream) fail(err error) {
	if s.err == nil {
		s.err = err
		s.change()
	}
}

// take takes a packet of this stream.
func (s *stream) take(p packet) {
	s.heard, s.met = time.Now(), true
	if n := p.ack - s.first; int(n) <= len(s.flying) {
		s.flying, s.first = s.flying[n:], p.ack
		for i := range s.flying {
			if i > 0 && p.got>>(i-1)&1 != 0 {
				s.flying[i].there = true
			}
		}
	}
	if p.flags&flagOver != 0 {
		s.owe = true
	}
	if p.flags&flagData != 0 {
		s.owe = true
		if p.seq-s.next < window && len(s.in) < keepIn {
			s.early[p.seq] = p
		}
		for {
			q, ok := s.early[s.next]
			if !ok {
				break
			}
			delete(s.early, s.next)
			s.next++
			s.in = append(s.in, q.payload...)
			s.eof = s.eof || q.flags&flagEnd != 0
		}
	}
	s.change()
}

// needs says whether there is something to say.
func (s *stream) needs() bool {
	return len(s.out) > 0 || len(s.flying) > 0 || s.ending && !s.ended || s.owe || s.ask
}

// burst returns what to send now, at least one packet: what was not acknowledged,
// and then what is new. asks: an answer is missing, so one is wanted whatever is
// sent.
func (s *stream) burst(most int, asks bool) []packet {
	var ps []packet
	seg := func(i int) {
		g := s.flying[i]
		p := packet{flags: flagData, seq: s.first + uint16(i), payload: g.b} //nolint:gosec // below window
		if g.end {
			p.flags |= flagEnd
		}
		ps = append(ps, p)
	}
	for i, g := range s.flying {
		if !g.there && len(ps) < most {
			seg(i)
		}
	}
	for len(ps) < most && len(s.flying) < window && (len(s.out) > 0 || s.ending && !s.ended) {
		n := min(len(s.out), maxPayload)
		g := segment{b: s.out[:n:n]}
		s.out = s.out[n:]
		if s.ending && len(s.out) == 0 {
			g.end, s.ended = true, true
		}
		s.flying = append(s.flying, g)
		seg(len(s.flying) - 1)
		s.change() // there is room for more
	}
	over := len(ps) > 0 || asks || s.ask || !s.met
	if len(ps) == 0 {
		ps = append(ps, packet{seq: s.first + uint16(len(s.flying))}) //nolint:gosec // at most window
	}
	var got uint16
	for q := range s.early {
		got |= 1 << (q - s.next - 1)
	}
	for i := range ps {
		ps[i].stream, ps[i].ack, ps[i].got = s.id, s.next, got
		if !s.l.portal && !s.met {
			ps[i].flags |= flagOpen
		}
	}
	if over {
		ps[len(ps)-1].flags |= flagOver
	}
	s.owe, s.ask = false, false
	return ps
}

// Read implements net.Conn.
func (s *stream) Read(b []byte) (int, error) {
	for {
		s.l.mu.Lock()
		if len(s.in) > 0 {
			n := copy(b, s.in)
			s.in = s.in[n:]
			s.l.mu.Unlock()
			return n, nil
		}
		err, changed, by := s.err, s.changed, s.readBy
		if s.eof {
			err = io.EOF
		}
		s.l.mu.Unlock()
		if err != nil {
			return 0, err
		}
		if err := until(changed, by); err != nil {
			return 0, err
		}
	}
}

// Write implements net.Conn. It returns when all of b is on its way or will be:
// little is kept.
func (s *stream) Write(b []byte) (int, error) {
	n := 0
	for {
		s.l.mu.Lock()
		err, changed, by := s.err, s.changed, s.writeBy
		if s.ending && err == nil {
			err = net.ErrClosed
		}
		if room := keepOut - len(s.out); err == nil && room > 0 {
			m := min(room, len(b)-n)
			s.out = append(s.out, b[n:n+m]...)
			n += m
		}
		s.l.mu.Unlock()
		if err != nil {
			return n, err
		}
		s.l.poke()
		if n == len(b) {
			return n, nil
		}
		if err := until(changed, by); err != nil {
			return n, err
		}
	}
}

// until waits for a change or a deadline; a zero one is none.
func until(changed <-chan struct{}, by time.Time) error {
	if by.IsZero() {
		<-changed
		return nil
	}
	t := time.NewTimer(time.Until(by))
	defer t.Stop()
	select {
	case <-changed:
		return nil
	case <-t.C:
		return os.ErrDeadlineExceeded
	}
}

// Close implements net.Conn: what was written still goes out, and the other end
// is told.
func (s *stream) Close() error {
	s.l.mu.Lock()
	s.ending = true
	s.change()
	s.l.mu.Unlock()
	s.l.poke()
	return nil
}

// closed waits until the other end has everything, or ctx ends.
func (s *stream) closed(ctx context.Context) {
	for {
		s.l.mu.Lock()
		done, changed := s.err != nil || s.ended && len(s.flying) == 0, s.changed
		s.l.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// abort ends the stream at once. The other end finds out when it says something.
func (s *stream) abort() {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	if s.l.s == s {
		s.l.end(net.ErrClosed)
		return
	}
	s.fail(net.ErrClosed)
}

// probe asks for an acknowledgement when there is nothing else to say.
func (s *stream) probe() {
	s.l.mu.Lock()
	s.ask = true
	s.l.mu.Unlock()
	s.l.poke()
}

// quiet returns for how long no packet has come.
func (s *stream) quiet() time.Duration {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	return time.Since(s.heard)
}

// SetDeadline implements net.Conn.
func (s *stream) SetDeadline(t time.Time) error { return s.deadlines(&t, &t) }

// SetReadDeadline implements net.Conn.
func (s *stream) SetReadDeadline(t time.Time) error { return s.deadlines(&t, nil) }

// SetWriteDeadline implements net.Conn.
func (s *stream) SetWriteDeadline(t time.Time) error { return s.deadlines(nil, &t) }

func (s *stream) deadlines(read, write *time.Time) error {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	if read != nil {
		s.readBy = *read
	}
	if write != nil {
		s.writeBy = *write
	}
	s.change()
	return nil
}

// addr is either end of a line.
type addr struct{}

// Network implements net.Addr.
func (addr) Network() string { return "serial" }

// String implements net.Addr.
func (addr) String() string { return "line" }

// LocalAddr implements net.Conn.
func (*stream) LocalAddr() net.Addr { return addr{} }

// RemoteAddr implements net.Conn.
func (*stream) RemoteAddr() net.Addr { return addr{} }
