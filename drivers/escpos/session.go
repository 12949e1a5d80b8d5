package escpos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// Commands (Epson, "ESC/POS Command Reference").
var (
	cmdInit     = []byte{0x1B, '@'}
	cmdNoKanji  = []byte{0x1C, '.'}                                                  // clones print Chinese otherwise
	cmdNoPulse  = []byte{0x1D, '(', 'D', 5, 0, 20, 1, 0, 2, 0}                       // a picture must open no drawer
	cmdStatusOn = []byte{0x1D, 'a', 0xFF}                                            // status back by itself
	cmdCut      = []byte{0x1D, 'V', 66, 0}                                           // feed to the cutter, cut
	cmdAskPaper = []byte{0x1D, 'r', 1}                                               // in its turn: the end of a job
	cmdClear    = []byte{0x10, 0x14, 0x08, 0x01, 0x03, 0x14, 0x01, 0x06, 0x02, 0x08} // at once: forget the buffers
)

// askStatus is DLE EOT n.
func askStatus(n byte) []byte { return []byte{0x10, 0x04, n} }

// tagJob is GS ( H with a process id: it is sent back in its turn.
func tagJob(id [4]byte) []byte {
	return append([]byte{0x1D, '(', 'H', 6, 0, 0x30, 0x30}, id[:]...)
}

var (
	errFatal   = errors.New("printer reports an error it cannot recover from")
	errOffline = errors.New("printer is offline")
)

// replyTimeout is how long an answer that needs no printing may take.
const replyTimeout = time.Second

// session is the time a line is open. One goroutine reads; commands are
// written by who holds the device's bus.
type session struct {
	line   link.Line
	stride int           // bytes in a row
	dead   chan struct{} // closed when reading ends

	replies chan reply    // all kinds but statusASB
	heard   chan struct{} // yields after a statusASB
	news    func()        // last has changed, and jobs are taken

	mu      sync.Mutex
	err     error // why reading ended
	last    status
	known   bool // last has been heard in this session
	adopted bool // jobs are taken: before, no one is told that all is well
	hasID   bool // answers GS ( H
	ready   bool // set up, and no job was left in the middle since
	serial  uint32
}

func newSession(line link.Line, stride int, news func()) *session {
	s := &session{line: line, stride: stride, dead: make(chan struct{}), replies: make(chan reply, 64), heard: make(chan struct{}, 1), news: news}
	// Numbers of an earlier session's jobs must not come back.
	s.serial = uint32(time.Now().UnixNano() >> 10)
	return s
}

// read runs until the line fails.
func (s *session) read() {
	defer close(s.dead)
	var p parser
	buf := make([]byte, 256)
	for {
		n, err := s.line.Read(buf)
		for _, b := range buf[:n] {
			if r, ok := p.push(b); ok {
				s.deliver(r)
			}
		}
		if err != nil {
			s.mu.Lock()
			s.err = err
			s.mu.Unlock()
			return
		}
	}
}

func (s *session) deliver(r reply) {
	if r.kind == statusASB {
		st := fromASB(r.data)
		s.mu.Lock()
		s.last, s.known = st, true
		adopted := s.adopted
		s.mu.Unlock()
		select {
		case s.heard <- struct{}{}:
		default:
		}
		if adopted {
			s.news()
		}
		return
	}
	for {
		select {
		case s.replies <- r:
			return
		default:
		}
		// Nobody reads: the oldest is the least wanted.
		select {
		case <-s.replies:
		default:
		}
	}
}

// adopt begins to tell the device what the printer says.
func (s *session) adopt() {
	s.mu.Lock()
	s.adopted = true
	s.mu.Unlock()
	s.news()
}

// drain forgets the answers nobody waited for.
func (s *session) drain() {
	for {
		select {
		case <-s.replies:
		default:
			return
		}
	}
}

// write sends b within limit. The printer may take it slowly, but each quarter
// of a second it has to take something, or limit runs.
func (s *session) write(ctx context.Context, limit time.Duration, b []byte) error {
	const slice = 250 * time.Millisecond
	var stalled time.Duration
	for len(b) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.line.SetWriteDeadline(time.Now().Add(slice)); err != nil {
			return err
		}
		n, err := s.line.Write(b)
		b = b[n:]
		switch {
		case n > 0:
			stalled = 0
		case errors.Is(err, device.ErrTimeout):
			stalled += slice
		}
		switch {
		case err == nil:
		case !errors.Is(err, device.ErrTimeout):
			return err
		case stalled >= limit:
			return err
		case s.problem() != nil:
			return s.problem()
		}
	}
	return nil
}

// problem returns why the printer cannot print, as far as is known.
func (s *session) problem() error {
	select {
	case <-s.dead:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.err
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known {
		return nil
	}
	return s.last.problem()
}

// wait returns the next reply of the kind wanted; others are dropped.
func (s *session) wait(ctx context.Context, limit time.Duration, kind replyKind) ([]byte, error) {
	t := time.NewTimer(limit)
	defer t.Stop()
	for {
		select {
		case r := <-s.replies:
			if r.kind == kind {
				return r.data, nil
			}
		case <-t.C:
			return nil, device.ErrTimeout
		case <-s.dead:
			return nil, s.problem()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// ask asks all four real-time status bytes. They are answered even when the
// printer is offline or its buffer is full.
func (s *session) ask(ctx context.Context) (status, error) {
	s.drain()
	var b [4]byte
	for i := range b {
		n := byte(i + 1)
		if err := s.write(ctx, replyTimeout, askStatus(n)); err != nil && !paperTrouble(err) {
			return status{}, fmt.Errorf("ask status %d: %w", n, err)
		}
		r, err := s.wait(ctx, replyTimeout, realTime)
		if err != nil {
			return status{}, fmt.Errorf("ask status %d: %w", n, err)
		}
		b[i] = r[0]
	}
	st := fromRealTime(b)
	s.mu.Lock()
	s.last, s.known = st, true
	s.mu.Unlock()
	return st, nil
}

// paperTrouble reports whether err is something the printer said of itself.
func paperTrouble(err error) bool {
	for _, e := range []error{device.ErrCoverOpen, device.ErrNoPaper, device.ErrPaperJam, errOffline, errFatal} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// clear makes the printer forget what it has received and not printed. Without
// this the rest of a failed job comes out when the cover is closed again, into
// the hands of whoever stands there.
func (s *session) clear() error {
	ctx := context.Background() // also after the caller's has ended
	s.drain()
	if err := s.force(cmdClear); err != nil {
		return fmt.Errorf("clear buffers: %w", err)
	}
	if _, err := s.wait(ctx, replyTimeout, cleared); err != nil && !errors.Is(err, device.ErrTimeout) {
		return fmt.Errorf("clear buffers: %w", err)
	}
	return nil
}

// force writes b whether or not the printer has troubles. Where the line is
// stuck, what waits in it is thrown away first.
func (s *session) force(b []byte) error {
	try := func() error {
		if err := s.line.SetWriteDeadline(time.Now().Add(replyTimeout)); err != nil {
			return err
		}
		_, err := s.line.Write(b)
		return err
	}
	err := try()
	if errors.Is(err, device.ErrTimeout) {
		if err = s.line.Flush(); err == nil {
			err = try()
		}
	}
	return err
}

// setUp brings a printer in an unknown state, perhaps in the middle of a
// picture that a killed driver began, to a known one.
func (s *session) setUp(ctx context.Context) error {
	if err := s.clear(); err != nil {
		return err
	}
	st, err := s.ask(ctx)
	if err != nil {
		return err
	}
	if st.problem() != nil {
		return nil // it executes nothing now; a job sets it up
	}
	return s.prepare(ctx)
}

// prepare sends what every job begins with. The zeros end a picture that was
// left unfinished by a driver before us, as white rows; between commands they
// mean nothing.
func (s *session) prepare(ctx context.Context) error {
	b := make([]byte, bandRows*s.stride)
	for _, c := range [][]byte{cmdInit, cmdNoKanji, cmdNoPulse, cmdStatusOn} {
		b = append(b, c...)
	}
	if err := s.write(ctx, stallTimeout, b); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	return s.probe(ctx)
}

// probe finds out whether the printer knows GS ( H.
func (s *session) probe(ctx context.Context) error {
	id := s.nextID()
	s.drain()
	if err := s.write(ctx, stallTimeout, append(tagJob(id), cmdAskPaper...)); err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	t := time.NewTimer(probeTimeout)
	defer t.Stop()
	for {
		select {
		case r := <-s.replies:
			switch r.kind {
			case processID:
				s.mu.Lock()
				s.hasID = true
				s.mu.Unlock()
			case sensor:
				s.ready = true
				return nil
			}
		case <-t.C:
			return fmt.Errorf("probe: %w", device.ErrTimeout)
		case <-s.dead:
			return fmt.Errorf("probe: %w", s.problem())
		case <-ctx.Done():
			return fmt.Errorf("probe: %w", ctx.Err())
		}
	}
}

// nextID returns a number that no job in the printer has, in bytes that no
// status looks like.
func (s *session) nextID() (id [4]byte) {
	s.serial++
	for i := range id {
		id[i] = 0x40 | byte(s.serial>>(6*i))&0x3F
	}
	return id
}
