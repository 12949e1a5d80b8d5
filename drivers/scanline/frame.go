package scanline

import (
	"bytes"
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/penjire/penjire/drivers/device"
)

// Frame is how a scanner that types its readings says where one ends.
type Frame struct {
	Ends []string      // what ends a reading, at least one: a pause alone ends none
	Gap  time.Duration // the longest pause inside a reading
	Max  int           // the longest reading in bytes, without its end
	// Answer is what the scanner answers to commands, if anything: it begins no
	// reading.
	Answer string
}

// settle is how long a reading that was cut off may go on coming. Without it
// the second half of a reading that stalled would look like a whole one.
const settle = time.Second

// Clear drops what comes until the line is between two readings. A reading that
// began before is dropped to its end.
func (f Frame) Clear(ctx context.Context, l *Line) error {
	if err := l.Quiet(ctx, f.Gap); err != nil {
		return err
	}
	for f.begun(l) {
		b, err := l.Next(ctx, time.Until(l.at.Add(settle)))
		clear(b)
		if err != nil && !errors.Is(err, device.ErrTimeout) {
			return err
		}
	}
	return nil
}

// begun reports whether the last byte that came lies inside a reading that may
// still go on.
func (f Frame) begun(l *Line) bool {
	if l.at.IsZero() || time.Since(l.at) >= settle {
		return false
	}
	for _, e := range append(f.Ends[:len(f.Ends):len(f.Ends)], f.Answer) {
		if e != "" && l.last == e[len(e)-1] {
			return false
		}
	}
	return true
}

// ErrLost is a reading that was cut off or is too long.
var ErrLost = errors.New("a reading was lost")

// Next returns the next reading. It fails with [ErrLost] at the end of one that
// was cut off or is too long, and with [device.ErrTimeout] when nothing has come
// for that long.
func (f Frame) Next(ctx context.Context, l *Line, idle time.Duration) ([]byte, error) {
	var got []byte
	lost := false // got belongs to a reading that is given up
	for {
		wait := idle
		switch {
		case lost:
			wait = settle
		case len(got) > 0:
			wait = f.Gap
		}
		b, err := l.Next(ctx, wait)
		switch {
		case err == nil:
		case !errors.Is(err, device.ErrTimeout):
			clear(got)
			return nil, err
		case lost:
			return nil, ErrLost
		case len(got) == 0:
			return nil, err
		default:
			lost = true
		}
		for i, x := range b {
			got = append(got, x)
			n := f.end(got)
			switch {
			case n > 0 && (lost || len(got)-n > f.Max):
				l.Unread(b[i+1:])
				return nil, ErrLost
			case n > 0 && len(got) > n:
				l.Unread(b[i+1:])
				return got[:len(got)-n], nil
			case n > 0:
				got = nil
			case lost || len(got) > f.Max+2:
				// Of a reading that is given up only the end matters.
				tail := bytes.Clone(got[max(0, len(got)-2):])
				clear(got)
				got, lost = tail, true
			}
		}
	}
}

// end returns the length of the end that got has, or 0.
func (f Frame) end(got []byte) int {
	for _, e := range f.Ends {
		if bytes.HasSuffix(got, []byte(e)) {
			return len(e)
		}
	}
	return 0
}

// Sound reports whether b can be what a printed code says in text: UTF-8, with
// no control characters but those that codes for trade and identity use (HT,
// and FS, GS, RS, EOT of ISO/IEC 15434). It is all that can be asked of a
// protocol without a checksum.
func Sound(b []byte) bool {
	for _, x := range b {
		switch {
		case x == 0x7F:
			return false
		case x >= 0x20, x == '\t', x == '\n', x == '\r', x == 0x04, x >= 0x1C && x <= 0x1E:
		default:
			return false
		}
	}
	return len(b) > 0 && utf8.Valid(b)
}
