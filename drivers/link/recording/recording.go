// Package recording writes down what is said on a line, for a test that plays it
// back (linktest.PlayFile) and for whoever has to see what a device really says.
//
// A recording holds everything that went over the line: what was on a card, what
// was printed, what a scanned code said. That is personal data as soon as a real
// card, receipt or code was used. Files are made for their owner alone (mode
// 0600) and never over one that is there; record with specimens, and delete what
// was recorded otherwise.
//
// # Format
//
// A file is text. Its first line is [Header]. Then each line is one exchange:
// what the host wrote and what the device answered before the host wrote again, in
// hexadecimal, and a note:
//
//	w:1b40 r:72 initialize
//
// Lines that begin with # are remarks.
package recording

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/penjire/penjire/drivers/link"
)

// IO is one exchange: the host writes W, the device answers R. Note says what
// it is, with the reference's name for the command.
type IO struct {
	Note string
	W, R []byte
}

// Header is the first line of a recording.
const Header = "penjire line recording 1"

// longest is how long a line of a recording may be: a picture is one write.
const longest = 64 << 20

// String returns the line of a recording that io is.
func (io IO) String() string {
	return strings.TrimRight(fmt.Sprintf("w:%x r:%x %s", io.W, io.R, link.Printable(io.Note)), " ")
}

// Parse reads a recording strictly: a test that plays back half of it tests less
// than it says.
func Parse(r io.Reader) ([]IO, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longest)
	var out []IO
	for n := 1; lines.Scan(); n++ {
		l := lines.Text()
		switch {
		case n == 1 && l != Header:
			return nil, fmt.Errorf("recording: line 1: got %q, want %q", l, Header)
		case n == 1 || l == "" || strings.HasPrefix(l, "#"):
			continue
		}
		op, err := parseLine(l)
		if err != nil {
			return nil, fmt.Errorf("recording: line %d: %w", n, err)
		}
		out = append(out, op)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	if len(out) == 0 {
		return nil, errors.New("recording: got no exchange, want at least one")
	}
	return out, nil
}

func parseLine(l string) (IO, error) {
	w, rest, _ := strings.Cut(l, " ")
	r, note, _ := strings.Cut(rest, " ")
	var op IO
	for _, f := range []struct {
		field, key string
		into       *[]byte
	}{{w, "w:", &op.W}, {r, "r:", &op.R}} {
		v, ok := strings.CutPrefix(f.field, f.key)
		b, err := hex.DecodeString(v)
		if !ok || err != nil {
			return IO{}, fmt.Errorf("got field %.40q, want %s and pairs of hexadecimal digits", f.field, f.key)
		}
		*f.into = b
	}
	if len(op.W) == 0 && len(op.R) == 0 {
		return IO{}, errors.New("got an exchange in which nobody says anything")
	}
	op.Note = link.Printable(note)
	return op, nil
}

// Recorder is a line whose exchanges are written down.
type Recorder struct {
	link.Line
	put func(IO) // is handed each exchange when it is over

	mu  sync.Mutex
	now IO
	n   int
}

// On returns l with a recorder in it, which hands each exchange to put when the
// next begins, and the last when the line is closed.
func On(l link.Line, put func(IO)) *Recorder { return &Recorder{Line: l, put: put} }

// Write implements link.Line. Writes that follow one another without an answer are
// one exchange.
func (r *Recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	if len(r.now.R) > 0 {
		r.end()
	}
	r.now.W = append(r.now.W, b...)
	r.mu.Unlock()
	return r.Line.Write(b)
}

// Read implements link.Line.
func (r *Recorder) Read(b []byte) (int, error) {
	n, err := r.Line.Read(b)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now.R = append(r.now.R, b[:n]...)
	return n, err
}

// Close implements link.Line.
func (r *Recorder) Close() error {
	r.mu.Lock()
	r.end()
	r.mu.Unlock()
	return r.Line.Close()
}

// end hands the exchange at hand on. r.mu is held.
func (r *Recorder) end() {
	if len(r.now.W) == 0 && len(r.now.R) == 0 {
		return
	}
	if r.n++; len(r.now.W) == 0 {
		r.now.Note = "before anything was asked"
	} else {
		r.now.Note = fmt.Sprintf("exchange %d", r.n)
	}
	r.put(IO{Note: r.now.Note, W: bytes.Clone(r.now.W), R: bytes.Clone(r.now.R)})
	r.now = IO{}
}
