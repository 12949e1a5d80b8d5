package printer

import (
	"bytes"
	"errors"
	"io"

	"github.com/penjire/penjire/drivers/device"
)

// session is the printer between power-on and power-off.
type session struct {
	p    *Printer
	line io.ReadWriter

	out  chan struct{} // one token, for one answer at a time; a mutex would stop faked time
	asb  bool          // status is sent back when it changes; guarded by out
	sent []byte        // what was sent last; guarded by out

	// Guarded by p.mu.
	off  bool
	buf  []byte   // received, not executed
	gen  int      // grows when the buffer is cleared
	seen int      // gen the interpreter has noticed
	job  bool     // between GS G 31h and GS G 30h
	tail [10]byte // last bytes received, for real-time commands
}

func (s *session) lock()   { s.out <- struct{}{} }
func (s *session) unlock() { <-s.out }

// receive takes bytes off the line: real-time commands are executed at once,
// wherever they stand, even inside a picture; all bytes go into the buffer.
// While it is full an online printer makes the host wait; an offline one drops
// what does not fit, as printers without a handshake do.
func (s *session) receive() {
	b := make([]byte, 1024)
	for {
		n, err := s.line.Read(b)
		s.take(b[:n])
		if err != nil {
			return
		}
	}
}

func (s *session) take(b []byte) {
	p := s.p
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range b {
		for len(s.buf) >= p.o.Buffer && !s.drops() {
			p.cond.Broadcast()
			p.cond.Wait()
		}
		if len(s.buf) < p.o.Buffer {
			s.buf = append(s.buf, x)
		}
		copy(s.tail[:], s.tail[1:])
		s.tail[len(s.tail)-1] = x
		if do := s.realTime(); do != nil {
			p.mu.Unlock()
			do()
			p.mu.Lock()
		}
	}
	p.cond.Broadcast()
}

// clearCommand is DLE DC4 8: forget what is in the buffers.
var clearCommand = []byte{0x10, 0x14, 8, 1, 3, 20, 1, 6, 2, 8}

// realTime returns what the real-time command that has just ended does, nil if
// none has. p.mu is held, and must not be for what it returns.
func (s *session) realTime() func() {
	t := s.tail[:]
	n := len(t)
	x := t[n-1]
	switch {
	case s.p.o.Dialect == Nippon:
		return nil // it knows no real-time commands
	case t[n-3] == 0x10 && t[n-2] == 0x04:
		if b := s.status(x); b != nil {
			return func() { s.answer(true, b()...) }
		}
	case t[n-3] == 0x10 && t[n-2] == 0x05 && x == 2 && (s.p.jam || s.p.held):
		// Outside an error it does nothing: a picture may well hold these bytes.
		return func() {
			s.p.change(func() {
				s.p.held = s.p.jam && s.p.o.Latch
				s.p.recoveries++
				s.forget()
			})
		}
	case bytes.Equal(t, clearCommand) && !s.p.o.NoClear:
		return func() {
			s.p.change(s.forget)
			s.answer(true, 0x37, 0x25, 0x00)
		}
	}
	return nil
}

// forget clears the buffer. p.mu is held.
func (s *session) forget() {
	s.buf = nil
	s.gen++
}

// answer sends b to the host. A truth is not sent by a printer that is deaf.
func (s *session) answer(force bool, b ...byte) {
	s.p.mu.Lock()
	lie := s.p.lie
	s.p.mu.Unlock()
	if lie == Deaf || lie == NeverConfirms && !force {
		return
	}
	s.lock()
	defer s.unlock()
	// A host that went away is noticed by receive.
	_, _ = s.line.Write(b)
}

// Ends of what the interpreter is doing.
var (
	errOff     = errors.New("power is off")
	errCleared = errors.New("buffer was cleared")
)

// ready waits until the printer is online and powered. p.mu is held.
func (s *session) ready() error {
	for {
		switch {
		case s.off:
			return errOff
		case s.gen != s.seen:
			return errCleared
		case !s.stalled():
			return nil
		}
		s.p.cond.Wait()
	}
}

// stalled reports whether nothing is executed now. A Nippon printer takes
// commands until one has to move paper; between the two that begin and end a job
// it throws away what it cannot print. p.mu is held.
func (s *session) stalled() bool { return s.p.offline() && s.p.o.Dialect != Nippon }

// drops reports whether what does not fit into the buffer is lost. A printer that
// only waits for its head to cool makes the host wait too. p.mu is held.
func (s *session) drops() bool {
	return s.stalled() && (s.p.cover || s.p.jam || s.p.held || s.p.level == device.PaperOut)
}

// next takes one byte out of the buffer.
func (s *session) next() (byte, error) {
	b, err := s.bytes(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// bytes takes n bytes out of the buffer, as they come.
func (s *session) bytes(n int) ([]byte, error) {
	out := make([]byte, 0, n)
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	for {
		if err := s.ready(); err != nil {
			return nil, err
		}
		k := min(n-len(out), len(s.buf))
		out = append(out, s.buf[:k]...)
		s.buf = append(s.buf[:0], s.buf[k:]...)
		if k > 0 {
			s.p.cond.Broadcast()
		}
		if len(out) == n {
			return out, nil
		}
		s.p.cond.Wait()
	}
}
