// Package codescanner is a code scanner in software, for the far end of a line: one
// mechanism, and the protocols that scanners speak. Hands can show it codes,
// damage them, cut its power, and make it lie.
package codescanner

import (
	"io"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// Protocol is how a scanner says what it reads. Its methods are called under
// the scanner's lock, one at a time; what they say goes out through say.
type Protocol interface {
	// Power is power-on: settings are what the factory made them. after runs a
	// function later, if the power is still on then.
	Power(say func([]byte), after func(time.Duration, func()))
	// Hear takes what the host sent.
	Hear(b []byte)
	// Read makes the scanner have read codes, in one glance. unasked is a reading
	// that it made before anyone asked, and holds.
	Read(codes []device.Code, unasked bool)
	// Frame is the bytes that say one code.
	Frame(c device.Code) []byte
	// Damaged is the bytes that say c with damage.
	Damaged(c device.Code) []byte
	// Reading reports whether the scanner looks for codes now.
	Reading() bool
	// Lit reports whether it was told to, and has its light on.
	Lit() bool
}

// Scanner is a scanner. Its methods may be called from any goroutine.
type Scanner struct {
	p Protocol

	mu      sync.Mutex
	cond    *sync.Cond
	out     []byte // not sent yet
	powered int    // number of the plugging-in; 0: unplugged
	plugged int    // pluggings-in so far
	deaf    bool

	powerOns int
	noise    bool
	rustles  sync.WaitGroup
}

// New makes a scanner that speaks p.
func New(p Protocol) *Scanner {
	s := &Scanner{p: p}
	s.cond = sync.NewCond(&s.mu)
	return s
}

// say queues b. s.mu is held.
func (s *Scanner) say(b []byte) {
	if s.powered != 0 && !s.deaf {
		s.out = append(s.out, b...)
		s.cond.Broadcast()
	}
}

// power switches the scanner on. s.mu is held.
func (s *Scanner) power() {
	s.powerOns++
	on := s.powerOns
	s.p.Power(s.say, func(d time.Duration, f func()) {
		time.AfterFunc(d, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.powered != 0 && s.powerOns == on {
				f()
			}
		})
	})
}

// Serve implements pty.Device.
func (s *Scanner) Serve(line io.ReadWriter) {
	s.mu.Lock()
	s.plugged++
	me := s.plugged
	s.powered, s.out = me, nil
	s.power()
	s.mu.Unlock()
	var sends sync.WaitGroup
	sends.Go(func() { s.send(me, line) })
	buf := make([]byte, 256)
	for {
		n, err := line.Read(buf)
		s.mu.Lock()
		if n > 0 && !s.deaf && s.powered == me {
			s.p.Hear(buf[:n])
		}
		if err != nil && s.powered == me {
			s.powered = 0
		}
		s.cond.Broadcast()
		s.mu.Unlock()
		if err != nil {
			sends.Wait()
			s.rustles.Wait()
			return
		}
	}
}

// send writes what is to be said, outside the lock: a stalled line must not
// keep hands from the scanner.
func (s *Scanner) send(me int, line io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for len(s.out) == 0 && s.powered == me {
			s.cond.Wait()
		}
		if s.powered != me {
			return
		}
		b := s.out
		s.out = nil
		s.mu.Unlock()
		_, err := line.Write(b)
		s.mu.Lock()
		if err != nil {
			return
		}
	}
}

// Show implements devicetest.ScannerHands.
func (s *Scanner) Show(codes ...device.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.powered != 0 && !s.deaf && s.p.Reading() {
		s.p.Read(codes, false)
	}
}

// Hold implements devicetest.ScannerHands.
func (s *Scanner) Hold(c device.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.powered != 0 && !s.deaf {
		s.p.Read([]device.Code{c}, true)
	}
}

// Type implements devicetest.ScannerHands.
func (s *Scanner) Type(c device.Code) (rest func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.p.Frame(c)
	s.say(f[:len(f)/2])
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.say(f[len(f)/2:])
	}
}

// Damage implements devicetest.ScannerHands.
func (s *Scanner) Damage(c device.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(s.p.Damaged(c))
}

// Deafen implements devicetest.ScannerHands.
func (s *Scanner) Deafen(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = on
}

// Forget implements devicetest.ScannerHands.
func (s *Scanner) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.powered != 0 {
		s.power()
	}
}

// Lit implements devicetest.ScannerHands.
func (s *Scanner) Lit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.powered != 0 && s.p.Lit()
}

// Reading reports whether the scanner would see a code now.
func (s *Scanner) Reading() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.powered != 0 && !s.deaf && s.p.Reading()
}

// Noise implements devicetest.ScannerHands. It is bytes without sense, at about
// the speed of a line of 9600 baud, until it is switched off or the scanner is
// unplugged.
func (s *Scanner) Noise(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.noise
	s.noise = on
	if on && !was && s.powered != 0 {
		s.rustles.Go(s.rustle)
	}
}

func (s *Scanner) rustle() {
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	x := uint32(2463534242)
	for range t.C {
		s.mu.Lock()
		if !s.noise || s.powered == 0 {
			s.noise = false
			s.mu.Unlock()
			return
		}
		b := make([]byte, 10)
		for i := range b {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			b[i] = byte(x) | 0x80
		}
		if len(s.out) < 4096 {
			s.say(b)
		}
		s.mu.Unlock()
	}
}
