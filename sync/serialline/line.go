// Package serialline carries frames over a serial byte line that loses, garbles,
// doubles and holds up bytes, and over which one speaks at a time: a radio modem
// at 1200 bit/s (M3-2.2a; sync/spec/wire.md, section 8). It has three layers:
// packets with a checksum, a stream of bytes that are acknowledged by packet, and
// TLS with frames on top of it.
//
// It opens no device and sets no baud rate: it is given a line. One line joins one
// kiosk and one portal.
package serialline

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Config is what is known of a line.
type Config struct {
	Baud       int  // bits per second, ten for a byte; 0 is 1200
	HalfDuplex bool // one end at a time: the other is not heard meanwhile
	// Turnaround is what the modem needs from hearing to speaking; 0 is 300 ms, or
	// 20 ms if both ends can speak at once.
	Turnaround time.Duration
}

// WithDefaults returns c with its zeros filled in.
func (c Config) WithDefaults() Config {
	c.Baud = cmp.Or(c.Baud, 1200)
	if c.Turnaround <= 0 {
		c.Turnaround = 20 * time.Millisecond
		if c.HalfDuplex {
			c.Turnaround = 300 * time.Millisecond
		}
	}
	return c
}

// air returns how long n bytes take.
func (c Config) air(n int) time.Duration {
	return time.Duration(n) * 10 * time.Second / time.Duration(c.Baud)
}

const (
	longestBurst = 10 * time.Second // of packets, before the other end has its turn
	longestWait  = 30 * time.Second // between two attempts on a line that does not answer
	lateAnswer   = time.Second      // by which an answer may be later than two turnarounds
	keepPast     = 8                // ended streams whose late packets open nothing
	keepHeard    = 64 << 10         // bytes that were heard and not looked at
)

// Errors that end a stream.
var (
	errReset    = errors.New("the other end does not know the stream")
	errReplaced = errors.New("the other end began a new stream")
	errClosed   = errors.New("the line is closed")
)

// turn is whose turn it is to speak.
type turn uint8

const (
	nobodys turn = iota // who has something to say listens and speaks
	ours                // the other end has handed over
	theirs              // we have handed over
)

// line is one end of a line: it speaks when it may. One stream lives at a time.
type line struct {
	port   io.ReadWriteCloser
	c      Config
	portal bool         // which end this is
	opened chan *stream // by the other end
	kick   chan struct{}
	done   chan struct{}
	wg     sync.WaitGroup

	mu      sync.Mutex
	rx      []byte
	heard   time.Time // the last byte
	spoke   time.Time // our own last one was out
	turn    turn
	wait    time.Duration // by chance, on top, before we speak
	tries   int           // times that we spoke without an answer
	s       *stream       // nil: none
	unknown uint32        // a stream that is to be reset; 0: none
	past    []uint32
	err     error
	sent    int64
	got     int64
}

func newLine(port io.ReadWriteCloser, c Config, portal bool) *line {
	l := &line{
		port: port, c: c.WithDefaults(), portal: portal, opened: make(chan *stream, 1),
		kick: make(chan struct{}, 1), done: make(chan struct{}),
	}
	l.wg.Go(l.listen)
	l.wg.Go(l.run)
	return l
}

// close ends the line and its port.
func (l *line) close() {
	l.fail(errClosed)
	l.wg.Wait()
}

// fail ends the line, once.
func (l *line) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = err
	l.end(err)
	close(l.done)
	_ = l.port.Close() // whoever reads or writes returns
}

// end ends the stream, if there is one.
func (l *line) end(err error) {
	if l.s == nil {
		return
	}
	l.past = append(l.past, l.s.id)
	l.past = l.past[max(0, len(l.past)-keepPast):]
	l.s.fail(err)
	l.s = nil
}

// listen hears what comes. Nothing is lost while we speak.
func (l *line) listen() {
	b := make([]byte, 512)
	for {
		n, err := l.port.Read(b)
		if n > 0 {
			l.mu.Lock()
			l.heard = time.Now()
			l.got += int64(n)
			if len(l.rx) < keepHeard {
				l.rx = append(l.rx, b[:n]...)
			}
			l.mu.Unlock()
			l.poke()
		}
		if err != nil {
			l.fail(fmt.Errorf("serialline: read the line: %w", err))
			return
		}
	}
}

func (l *line) poke() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// run takes packets and speaks in turn until the line ends.
func (l *line) run() {
	var sc scanner
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		l.mu.Lock()
		rx := l.rx
		l.rx = nil
		sc.scan(rx, l.take)
		at, speak := l.next()
		left := time.Hour
		var burst [][]byte
		if speak {
			if left = time.Until(at); left <= 0 {
				burst = l.burst()
			}
		}
		l.mu.Unlock()
		if burst != nil {
			if err := l.speak(burst); err != nil {
				l.fail(err)
				return
			}
			continue
		}
		timer.Reset(max(left, time.Millisecond))
		select {
		case <-l.done:
			return
		case <-l.kick:
		case <-timer.C:
		}
	}
}

// take takes one packet.
func (l *line) take(p packet) {
	if p.flags&flagDown == 0 != l.portal {
		return // our own, as an echo
	}
	if l.portal && p.flags&flagOpen != 0 && (l.s == nil || l.s.id != p.stream) && !slices.Contains(l.past, p.stream) {
		l.end(errReplaced)
		l.s, l.unknown = newStream(l, p.stream), 0
		select {
		case <-l.opened: // one that nobody came for
		default:
		}
		l.opened <- l.s
	}
	over := p.flags&flagOver != 0
	switch {
	case l.s == nil || l.s.id != p.stream:
		if over {
			l.unknown, l.turn = p.stream, ours
		}
		return
	case p.flags&flagReset != 0:
		l.turn = nobodys
		l.end(errReset)
		return
	}
	l.tries = 0
	l.s.take(p)
	switch {
	case over:
		l.turn = ours
	case p.flags&flagData == 0: // an answer, and nothing more to say
		l.turn, l.wait = nobodys, 0
	}
}

// next returns when we may speak, if nothing is heard until then. False: there is
// nothing to say.
func (l *line) next() (time.Time, bool) {
	quiet := l.heard
	if l.spoke.After(quiet) {
		quiet = l.spoke
	}
	switch {
	case l.turn == ours:
		return l.heard.Add(l.c.Turnaround), true
	case l.turn == theirs:
		return quiet.Add(2*l.c.Turnaround + lateAnswer + l.wait), true
	case l.s != nil && l.s.needs():
		return quiet.Add(l.c.Turnaround + l.wait), true
	}
	return time.Time{}, false
}

// burst returns what to say now, and hands over with it.
func (l *line) burst() [][]byte {
	if l.unknown != 0 {
		p := packet{flags: l.flags() | flagReset, stream: l.unknown}
		l.unknown, l.turn = 0, nobodys
		return [][]byte{p.marshal()}
	}
	if l.s == nil {
		l.turn = nobodys
		return nil
	}
	most := min(window, max(1, int(longestBurst/l.c.air(maxCoded+2))))
	if l.turn == theirs { // no answer: was it lost, or are they gone? One packet asks, then an empty one.
		l.tries++
		most = max(0, 2-l.tries)
	}
	ps := l.s.burst(most, l.turn == theirs)
	last := &ps[len(ps)-1]
	if l.turn = nobodys; last.flags&flagOver != 0 {
		l.turn = theirs
	}
	// Who spoke at the same time must not do so again: chance, over a time that
	// doubles. It also keeps a dead line quiet.
	span := l.c.Turnaround
	if l.tries > 0 {
		span = min(longestWait, (l.c.Turnaround+l.c.air(maxPacket))<<min(l.tries, 10))
	}
	l.wait = rand.N(span) //nolint:gosec // nothing secret hangs on it
	out := make([][]byte, len(ps))
	for i, p := range ps {
		p.flags |= l.flags()
		out[i] = p.marshal()
	}
	return out
}

func (l *line) flags() flags {
	if l.portal {
		return flagDown
	}
	return 0
}

// speak writes packets no faster than the line takes them: how long it is busy
// must be known here, whatever the system and the modem keep for later.
func (l *line) speak(burst [][]byte) error {
	for _, b := range burst {
		out := time.Now().Add(l.c.air(len(b)))
		n, err := l.port.Write(b)
		l.mu.Lock()
		l.sent += int64(n)
		l.mu.Unlock()
		if err != nil {
			return fmt.Errorf("serialline: write to the line: %w", err)
		}
		select {
		case <-l.done:
			return errClosed
		case <-time.After(time.Until(out)):
		}
	}
	l.mu.Lock()
	l.spoke = time.Now()
	l.mu.Unlock()
	return nil
}
