package shaper

import (
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// mtu is the largest packet: Ethernet's, as modems have it.
const mtu = 1500

// way is one direction of a link.
type way struct {
	began time.Time
	cuts  []Cut

	mu    sync.Mutex
	shape Shape
	held  bool // no link until told otherwise
	rng   *rand.Rand
	free  time.Time // when the link has carried all that it was given
	last  time.Time // when what was sent last arrives
	count Count
}

// packet is one on its way.
type packet struct {
	b   []byte
	due time.Time
}

func (w *way) set(s Shape) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shape = s
}

func (w *way) hold(held bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = held
}

func (w *way) counts() Count {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

// carry brings packets from one device to the other until from is closed.
func (w *way) carry(from io.Reader, to io.Writer) {
	under := make(chan packet, 1<<16)
	var arrive sync.WaitGroup
	arrive.Go(func() {
		for p := range under {
			if d := time.Until(p.due); d > 0 {
				<-time.After(d)
			}
			if !w.cut(time.Now()) {
				_, _ = to.Write(p.b) // a packet that cannot be delivered is lost
			}
		}
	})
	b := make([]byte, mtu)
	for {
		n, err := from.Read(b)
		if err != nil {
			break
		}
		if n == 0 || b[0]>>4 != 4 {
			continue // IPv6 looks for neighbours that are not there
		}
		for _, due := range w.turn(n, time.Now()) {
			under <- packet{append([]byte(nil), b[:n]...), due}
		}
	}
	close(under)
	arrive.Wait()
}

// turn gives a packet of n bytes that came now its turn, and returns when it
// arrives: not at all, once or twice.
func (w *way) turn(n int, now time.Time) []time.Time {
	gone := w.cut(now)
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.shape
	if w.free.Before(now) {
		w.free = now
	}
	queue := s.Queue
	if queue == 0 {
		queue = DefaultQueue
	}
	if gone || s.Rate > 0 && w.free.Sub(now) > s.onLink(queue) {
		w.count.Dropped++
		return nil
	}
	w.free = w.free.Add(s.onLink(n))
	w.count.Packets++
	w.count.Bytes += int64(n)
	lost, twice := w.rng.Float64() < s.Loss, w.rng.Float64() < s.Duplicate
	due := w.free.Add(s.Delay + part(w.rng, s.Jitter))
	if lost {
		w.count.Lost++
		return nil
	}
	if due.Before(w.last) {
		due = w.last
	}
	w.last = due
	if twice {
		w.count.Twice++
		return []time.Time{due, due}
	}
	return []time.Time{due}
}

// onLink is how long n bytes take.
func (s *Shape) onLink(n int) time.Duration {
	if s.Rate <= 0 {
		return 0
	}
	return time.Duration(int64(n) * 8 * int64(time.Second) / s.Rate)
}

// cut says whether there is no link at that time.
func (w *way) cut(now time.Time) bool {
	w.mu.Lock()
	held := w.held
	w.mu.Unlock()
	if held {
		return true
	}
	at := now.Sub(w.began)
	for _, c := range w.cuts {
		if at >= c.At && at < c.At+c.For {
			return true
		}
	}
	return false
}
