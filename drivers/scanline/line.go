package scanline

import (
	"context"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// writeTime bounds one command: a few bytes, even at 9600 baud.
const writeTime = 500 * time.Millisecond

// Line is one opened line. What it brings is personal: whoever takes bytes
// clears them or gives them to the caller of Scan.
type Line struct {
	line   link.Line
	chunks chan []byte
	dead   chan struct{} // closed when reading has ended
	quit   chan struct{}
	err    error // why; set before dead is closed

	rest []byte    // read and put back
	last byte      // that came
	at   time.Time // when it came; zero: nothing has come yet
}

func newLine(line link.Line) *Line {
	l := &Line{line: line, chunks: make(chan []byte), dead: make(chan struct{}), quit: make(chan struct{})}
	go l.pump()
	return l
}

// pump owns reading.
func (l *Line) pump() {
	defer close(l.dead)
	buf := make([]byte, 1024)
	for {
		n, err := l.line.Read(buf)
		if n > 0 {
			b := append([]byte(nil), buf[:n]...)
			clear(buf[:n])
			select {
			case l.chunks <- b:
			case <-l.quit:
				clear(b)
			}
		}
		if err != nil {
			l.err = err
			return
		}
	}
}

func (l *Line) close() error {
	close(l.quit)
	err := l.line.Close()
	<-l.dead
	l.drop()
	return err
}

// note remembers that b came.
func (l *Line) note(b []byte) {
	if len(b) > 0 {
		l.last, l.at = b[len(b)-1], time.Now()
	}
}

// drop forgets what was put back.
func (l *Line) drop() {
	clear(l.rest)
	l.rest = nil
}

// Write sends b.
func (l *Line) Write(b []byte) error {
	if err := l.line.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return err
	}
	_, err := l.line.Write(b)
	return err
}

// Next returns the next bytes that come. It fails with [device.ErrTimeout] when
// none come for that long, with ctx's error, or with the line's.
func (l *Line) Next(ctx context.Context, wait time.Duration) ([]byte, error) {
	if len(l.rest) > 0 {
		b := l.rest
		l.rest = nil
		return b, nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case b := <-l.chunks:
		l.note(b)
		return b, nil
	case <-l.dead:
		return nil, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-t.C:
		return nil, device.ErrTimeout
	}
}

// Aside returns a function that makes the line forget what came since: it was
// the answer to a command, and neither began nor ended a reading.
func (l *Line) Aside() (forget func()) {
	last, at := l.last, l.at
	return func() { l.last, l.at = last, at }
}

// Unread puts b back; the next Next returns it.
func (l *Line) Unread(b []byte) {
	if len(b) > 0 {
		l.rest = append(b[:len(b):len(b)], l.rest...)
	}
}

// Quiet drops what comes until nothing has come for gap.
func (l *Line) Quiet(ctx context.Context, gap time.Duration) error {
	l.drop()
	for {
		b, err := l.Next(ctx, gap)
		clear(b)
		switch {
		case err == nil:
		case err == device.ErrTimeout: //nolint:errorlint // Next's own, bare
			return nil
		default:
			return err
		}
	}
}
