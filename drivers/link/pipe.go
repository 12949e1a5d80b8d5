package link

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// Pipe returns the two ends of a line in memory. It keeps Line's contract to
// the letter and uses nothing of the operating system, so that it also runs in
// faked time (testing/synctest). Closing either end unplugs both; writes wait
// while capacity bytes are unread at the other end.
func Pipe(name string, capacity int) (host, device Line) {
	a, b := newWire(capacity), newWire(capacity)
	down := make(chan struct{})
	var once sync.Once
	unplug := func() { once.Do(func() { close(down) }) }
	return &end{name: name, in: a, out: b, down: down, unplug: unplug, rd: newDeadline(), wd: newDeadline()},
		&end{name: name + " (device)", in: b, out: a, down: down, unplug: unplug, rd: newDeadline(), wd: newDeadline()}
}

// wire is one direction: bytes not read yet.
type wire struct {
	mu    sync.Mutex
	buf   []byte
	limit int
	watch Watch
}

func newWire(limit int) *wire { return &wire{limit: max(1, limit)} }

func (w *wire) take(p []byte) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := copy(p, w.buf)
	w.buf = w.buf[n:]
	if n > 0 {
		w.watch.Wake()
	}
	return n
}

func (w *wire) put(p []byte) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(p), w.limit-len(w.buf))
	w.buf = append(w.buf, p[:n]...)
	if n > 0 {
		w.watch.Wake()
	}
	return n
}

func (w *wire) drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = nil
	w.watch.Wake()
}

// deadline is a time that ends waits.
type deadline struct {
	mu    sync.Mutex
	gen   int // of the time set
	timer *time.Timer
	ch    chan struct{} // closed when the time has come
}

func newDeadline() *deadline { return &deadline{ch: make(chan struct{})} }

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
	select {
	case <-d.ch:
		d.ch = make(chan struct{})
	default:
	}
	d.timer = nil
	d.gen++
	if t.IsZero() {
		return
	}
	ch, gen := d.ch, d.gen
	left := time.Until(t)
	if left <= 0 {
		close(ch)
		return
	}
	d.timer = time.AfterFunc(left, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.gen == gen { // else another time was set in between
			close(ch)
		}
	})
}

func (d *deadline) done() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ch
}

// end is one end of a pipe.
type end struct {
	name    string
	in, out *wire
	down    chan struct{}
	unplug  func()
	rd, wd  *deadline
}

// over returns why the line cannot be used now, or nil. A pulled cable goes
// before a passed deadline: unplugged is never told as merely late.
func (e *end) over(op string, late <-chan struct{}) error {
	select {
	case <-e.down: // what was on the cable is lost with it
		return fmt.Errorf("link: %s %s: %w", op, e.name, device.ErrUnplugged)
	default:
	}
	select {
	case <-late:
		return fmt.Errorf("link: %s %s: %w: %w", op, e.name, device.ErrTimeout, os.ErrDeadlineExceeded)
	default:
		return nil
	}
}

// wait waits until there is news, a deadline passes, or the line ends.
func (e *end) wait(news, late <-chan struct{}) {
	select {
	case <-e.down:
	case <-late:
	case <-news:
	}
}

// Read implements Line.
func (e *end) Read(p []byte) (int, error) {
	for {
		news, late := e.in.watch.Next(), e.rd.done()
		if err := e.over("read", late); err != nil {
			return 0, err
		}
		if n := e.in.take(p); n > 0 || len(p) == 0 {
			return n, nil
		}
		e.wait(news, late)
	}
}

// Write implements Line.
func (e *end) Write(p []byte) (int, error) {
	sent := 0
	for {
		news, late := e.out.watch.Next(), e.wd.done()
		if err := e.over("write", late); err != nil {
			return sent, err
		}
		if sent += e.out.put(p[sent:]); sent == len(p) {
			return sent, nil
		}
		e.wait(news, late)
	}
}

// SetReadDeadline implements Line.
func (e *end) SetReadDeadline(t time.Time) error { e.rd.set(t); return nil }

// SetWriteDeadline implements Line.
func (e *end) SetWriteDeadline(t time.Time) error { e.wd.set(t); return nil }

// Flush implements Line.
func (e *end) Flush() error {
	select {
	case <-e.down:
		return fmt.Errorf("link: flush %s: %w", e.name, device.ErrUnplugged)
	default:
	}
	e.in.drop()
	e.out.drop()
	return nil
}

// String implements Line.
func (e *end) String() string { return e.name }

// Close implements Line.
func (e *end) Close() error {
	e.unplug()
	return nil
}
