package escpos

import (
	"context"
	"errors"
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
	cmdAskPaper = []byte{0x1D, 'r', 1}                                               // in its turn: the end of a job
	cmdRecover  = []byte{0x10, 0x05, 2}                                              // at once: end an error, forget the buffers
	cmdOpen     = []byte{0x1D, 'G', 0x31}                                            // Nippon's: a job begins; its number follows
	cmdShut     = []byte{0x1D, 'G', 0x30}                                            // Nippon's: it ends
	cmdDrop     = []byte{0x1D, 'G', 0x20}                                            // Nippon's: it ends, and nothing is answered
	cmdClear    = []byte{0x10, 0x14, 0x08, 0x01, 0x03, 0x14, 0x01, 0x06, 0x02, 0x08} // at once: forget the buffers
)

// askStatus is DLE EOT n.
func askStatus(n byte) []byte { return []byte{0x10, 0x04, n} }

// tagJob is GS ( H with a process id: it is sent back in its turn.
func tagJob(id [4]byte) []byte {
	return append([]byte{0x1D, '(', 'H', 6, 0, 0x30, 0x30}, id[:]...)
}

// replyTimeout is how long an answer that needs no printing may take.
const replyTimeout = time.Second

// session is the time a line is open. One goroutine reads; commands are
// written by who holds the device's bus.
type session struct {
	line   link.Line
	p      Profile
	dl     dialect
	stride int           // bytes in a row
	dead   chan struct{} // closed when reading ends

	replies chan reply    // all kinds but statusASB and realTime
	spoken  chan reply    // realTime: a picture may hold many of its questions
	heard   chan struct{} // yields after a status
	news    func()        // last has changed, and jobs are taken

	mu      sync.Mutex
	err     error // why reading ended
	last    status
	known   bool // last has been heard in this session
	adopted bool // jobs are taken: before, no one is told that all is well
	hasID   bool // answers GS ( H
	ready   bool // set up, and no job was left in the middle since
	serial  uint32

	// Guarded by the device's bus.
	clears bool // says when it has cleared its buffers
	shaky  bool // a status was not answered: its answer may still come
	owed   bool // a question of GS r was not answered: the same
}

func newSession(line link.Line, p Profile, news func()) *session {
	s := &session{line: line, p: p, dl: dialects[p.Status], stride: p.Dots / 8, dead: make(chan struct{}), replies: make(chan reply, 256), spoken: make(chan reply, 16), heard: make(chan struct{}, 1), news: news}
	// Numbers of an earlier session's jobs must not come back.
	s.serial = uint32(time.Now().UnixNano() >> 10)
	// Nor must answers to what was asked then.
	s.owed = p.Confirm == ConfirmSensor
	return s
}

// read runs until the line fails.
func (s *session) read() {
	defer close(s.dead)
	p := parser{status: s.p.Status}
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
	var st status
	switch r.kind {
	case statusASB:
		st = fromASB(r.data)
	case full, single:
		st = s.dl.read([][]byte{r.data})
	}
	if r.kind == statusASB || r.kind == full || r.kind == single {
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
	}
	if r.kind == statusASB {
		return // nobody waits for it
	}
	ch := s.channel(r.kind)
	for {
		select {
		case ch <- r:
			return
		default:
		}
		// Nobody reads: the oldest is the least wanted.
		select {
		case <-ch:
		default:
		}
	}
}

// channel is where replies of that kind arrive.
func (s *session) channel(k replyKind) chan reply {
	if k == realTime {
		return s.spoken
	}
	return s.replies
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
		case <-s.spoken:
		default:
			return
		}
	}
}

// write sends b within limit. The printer may take it slowly, but each quarter
// of a second it has to take something, or limit runs.
func (s *session) write(ctx context.Context, limit time.Duration, b []byte) error {
	const slice = 250 * time.Millisecond
	var stalled, cooling time.Duration
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
		case errors.Is(err, device.ErrTimeout) && s.hot() && cooling < hotTimeout:
			cooling += slice
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
		case r := <-s.channel(kind):
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

// nextID returns a number that no job in the printer has, in bytes that no
// status looks like.
func (s *session) nextID() (id [4]byte) {
	s.serial++
	for i := range id {
		id[i] = 0x40 | byte(s.serial>>(6*i))&0x3F
	}
	return id
}
