// Package radiotest is a half-duplex radio in memory, for tests: two modems on one
// frequency that lose, garble, double and hold up what they carry. It lives by the
// clock of its caller, which is best a bubble of testing/synctest.
package radiotest

import (
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// Config is how bad a radio is. The zero value carries everything.
type Config struct {
	Baud     int     // 0 is 1200
	BitError float64 // chance of each bit
	Lost     float64 // chance that a write does not come at all
	Doubled  float64 // chance that a write comes twice
	Stalled  float64 // chance that a write stops in its middle for Stall
	Stall    time.Duration
	Echo     bool // a modem hears itself
	// Cut says whether nothing comes through at this time since the start; nil: never.
	Cut  func(since time.Duration) bool
	Seed uint64
}

// Counts are what happened so far.
type Counts struct {
	Bytes      int // on the air, of both ends
	Collisions int // pieces that both ends spoke over
	Lost       int
	Doubled    int
	Stalled    int
	Air        time.Duration // that either end spoke
}

// Radio is the air between two ends.
type Radio struct {
	c     Config
	start time.Time

	mu     sync.Mutex
	rnd    *rand.Rand
	ends   [2]*end
	counts Counts
}

// New returns a radio and its two ends.
func New(c Config) (*Radio, io.ReadWriteCloser, io.ReadWriteCloser) {
	if c.Baud == 0 {
		c.Baud = 1200
	}
	r := &Radio{c: c, start: time.Now(), rnd: rand.New(rand.NewPCG(c.Seed, 1))} //nolint:gosec // it is a test's
	for i := range r.ends {
		e := &end{r: r, n: i, out: make(chan []byte, 64), came: make(chan struct{}, 1), closed: make(chan struct{}), silent: make(chan struct{})}
		r.ends[i] = e
		go e.transmit()
	}
	return r, r.ends[0], r.ends[1]
}

// Reopen returns an end anew after it was closed: the port of a program that
// starts again.
func (r *Radio) Reopen(n int) io.ReadWriteCloser {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := &end{r: r, n: n, out: make(chan []byte, 64), came: make(chan struct{}, 1), closed: make(chan struct{}), silent: make(chan struct{})}
	r.ends[n] = e
	go e.transmit()
	return e
}

// Counts returns what happened so far.
func (r *Radio) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// piece is how many bytes are on the air before the other end hears them.
const piece = 8

// end is a modem.
type end struct {
	r      *Radio
	n      int
	out    chan []byte
	came   chan struct{}
	closed chan struct{}
	silent chan struct{} // closed when it speaks no more
	once   sync.Once

	on  bool // the air, under the radio's mutex
	in  []byte
	hit bool
}

// Write hands bytes to the modem, which speaks when it has spoken what it has.
func (e *end) Write(b []byte) (int, error) {
	select {
	case e.out <- append([]byte(nil), b...):
		return len(b), nil
	case <-e.closed:
		return 0, io.ErrClosedPipe
	}
}

// Read waits for what was heard.
func (e *end) Read(b []byte) (int, error) {
	for {
		e.r.mu.Lock()
		n := copy(b, e.in)
		e.in = e.in[n:]
		e.r.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		select {
		case <-e.came:
		case <-e.closed:
			return 0, io.ErrClosedPipe
		}
	}
}

// Close ends the modem.
func (e *end) Close() error {
	e.once.Do(func() { close(e.closed) })
	<-e.silent
	return nil
}

// sleep returns at once when the modem is closed: what it had to say is lost.
func (e *end) sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-e.closed:
	}
}

func (e *end) transmit() {
	defer close(e.silent)
	for {
		select {
		case <-e.closed:
			return
		case b := <-e.out:
			e.say(b)
		}
	}
}

// say speaks b, piece by piece.
func (e *end) say(b []byte) {
	r := e.r
	r.mu.Lock()
	lost, double, stall := r.rnd.Float64() < r.c.Lost, r.rnd.Float64() < r.c.Doubled, r.rnd.Float64() < r.c.Stalled
	if lost {
		r.counts.Lost++
	}
	if double {
		r.counts.Doubled++
		b = append(b, b...)
	}
	if stall {
		r.counts.Stalled++
	}
	r.mu.Unlock()
	for i := 0; i < len(b); i += piece {
		if stall && i >= len(b)/2 {
			stall = false
			e.sleep(r.c.Stall)
		}
		e.piece(b[i:min(i+piece, len(b))], lost)
	}
}

func (e *end) piece(b []byte, lost bool) {
	r := e.r
	air := time.Duration(len(b)) * 10 * time.Second / time.Duration(r.c.Baud)
	r.mu.Lock()
	other := r.ends[1-e.n]
	e.on, e.hit = true, other.on
	other.hit = other.hit || other.on
	r.mu.Unlock()
	e.sleep(air)
	r.mu.Lock()
	defer r.mu.Unlock()
	e.on = false
	r.counts.Bytes += len(b)
	r.counts.Air += air
	if r.c.Echo {
		e.hear(b)
	}
	other = r.ends[1-e.n]
	if e.hit || other.on {
		r.counts.Collisions++
		return // who speaks hears nothing, and two at once are noise
	}
	if lost || r.c.Cut != nil && r.c.Cut(time.Since(r.start)) {
		return
	}
	heard := append([]byte(nil), b...)
	for i := range heard {
		for bit := range 8 {
			if r.rnd.Float64() < r.c.BitError {
				heard[i] ^= 1 << bit
			}
		}
	}
	other.hear(heard)
}

func (e *end) hear(b []byte) {
	e.in = append(e.in, b...)
	select {
	case e.came <- struct{}{}:
	default:
	}
}
