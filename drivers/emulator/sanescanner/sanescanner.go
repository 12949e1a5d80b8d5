// Package sanescanner is a sheet-fed scanner in software behind a saned in
// software: it speaks SANE's network protocol, feeds the sheet that lies in it,
// runs out of sheets, jams, and misbehaves on demand.
//
// # Reference
//
// SANE Standard 1.06, chapter 5.
package sanescanner

import (
	"bufio"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"io"
	"net"
	"sync"
	"time"
)

// BaseDPI is the resolution that a sheet's picture has.
const BaseDPI = 100

// The statuses that a feeder can be in (4.2.7).
const (
	Good     = 0
	Busy     = 3
	Jammed   = 6
	NoSheet  = 7
	Open     = 8
	Broken   = 9
	endOK    = 5
	endBytes = 0xFFFFFFFF
)

// Kind is what goes wrong with the next picture.
type Kind int

// The faults.
const (
	CutStart     Kind = 1 // the connection ends instead of an answer to the start
	SilentStart  Kind = 2 // the scanner starts and saned says nothing
	GarbageStart Kind = 3 // the answer to the start is nonsense
	CutPicture   Kind = 4 // the connection ends in the middle of the picture
	StillPicture Kind = 5 // nothing comes after its middle
	JamPicture   Kind = 6 // the sheet jams in the middle
	ShortPicture Kind = 7 // it ends well after half of its lines
	LongPicture  Kind = 8 // more comes than was announced
	NoPicture    Kind = 9 // nobody is at the port of the picture
)

// Scanner is the scanner. Its methods may be called from any goroutine.
type Scanner struct {
	// Listen opens a port for a picture, at 0.
	Listen func(port int) (net.Listener, error)
	// Listed says whether saned has the scanner on its list; nil: always.
	Listed func() bool

	mu     sync.Mutex
	sheet  image.Image
	feeder int
	faults []Kind
	count  int
	gray   bool
	dpi    int
	middle func() // called once, in the middle of a picture
}

// Name is the scanner's on saned's list.
const Name = "penjire:sheet"

// Lay puts a sheet into it. It stays: every picture shows it.
func (s *Scanner) Lay(m image.Image) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sheet = m
}

// SetFeeder sets what the feeder answers to a start.
func (s *Scanner) SetFeeder(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feeder = status
}

// Next makes k happen to the next picture.
func (s *Scanner) Next(k Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, k)
}

// Middle calls f in the middle of the next picture.
func (s *Scanner) Middle(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.middle = f
}

// Count returns how many pictures were begun.
func (s *Scanner) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Picture returns what a picture of m at dpi shows.
func Picture(m image.Image, dpi int, gray bool) image.Image {
	b := m.Bounds()
	r := image.Rect(0, 0, b.Dx()*dpi/BaseDPI, b.Dy()*dpi/BaseDPI)
	at := func(x, y int) color.Color {
		return m.At(b.Min.X+x*BaseDPI/dpi, b.Min.Y+y*BaseDPI/dpi)
	}
	if gray {
		out := image.NewGray(r)
		for y := range r.Dy() {
			for x := range r.Dx() {
				out.Set(x, y, at(x, y))
			}
		}
		return out
	}
	out := image.NewRGBA(r)
	for y := range r.Dy() {
		for x := range r.Dx() {
			out.Set(x, y, at(x, y))
		}
	}
	return out
}

// hit returns the fault of the picture that begins.
func (s *Scanner) hit() Kind {
	if len(s.faults) == 0 {
		return 0
	}
	k := s.faults[0]
	s.faults = s.faults[1:]
	return k
}

var errEnd = errors.New("connection ends here")

// writer puts an answer together.
type writer struct{ b []byte }

func (w *writer) words(v ...uint32) *writer {
	for _, x := range v {
		w.b = binary.BigEndian.AppendUint32(w.b, x)
	}
	return w
}

func (w *writer) text(s string) *writer {
	w.words(uint32(len(s) + 1))
	w.b = append(append(w.b, s...), 0)
	return w
}

func word(r io.Reader) (uint32, error) {
	var b [4]byte
	_, err := io.ReadFull(r, b[:])
	return binary.BigEndian.Uint32(b[:]), err
}

func text(r io.Reader) (string, error) {
	n, err := word(r)
	if err != nil || n == 0 || n > 1<<16 {
		return "", errors.Join(err, errEnd)
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	return string(b[:n-1]), err
}

// Serve serves one connection of control until it ends.
func (s *Scanner) Serve(line io.ReadWriter) {
	in := bufio.NewReader(line)
	c := &client{s: s, in: in, out: line}
	defer c.pictures.Wait()
	defer c.stop()
	for {
		code, err := word(in)
		if err != nil || c.call(code) != nil {
			return
		}
	}
}

// pace is how long half a picture takes.
const pace = 5 * time.Millisecond
