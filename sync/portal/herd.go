package portal

import (
	"math/rand/v2"
	"sync"
	"time"
)

// After an outage all kiosks come at once. Those that are sent away get each a
// time by chance, from a span that grows with how many are away: only the portal
// sees all of them (DESIGN 7).
const (
	perKiosk   = 20 * time.Millisecond // of the span: what a session's beginning may take
	mostSpread = time.Hour
)

// herd knows who was sent away and is not due yet.
type herd struct {
	mu    sync.Mutex
	due   map[string]time.Time
	swept time.Time // when those who are due were last forgotten
}

// later returns when a kiosk that is sent away may come back, not before least.
func (h *herd) later(kiosk string, least time.Duration, now time.Time, jitter func(time.Duration) time.Duration) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.due == nil {
		h.due = map[string]time.Time{}
	}
	if d := now.Sub(h.swept); d > time.Second || d < 0 {
		h.swept = now
		for k, at := range h.due {
			if !at.After(now) {
				delete(h.due, k)
			}
		}
	}
	h.due[kiosk] = now.Add(mostSpread) // counted, until its own time is known
	wait := least + spread(len(h.due), jitter)
	h.due[kiosk] = now.Add(wait)
	return wait.Truncate(time.Second)
}

// size is how many are away.
func (h *herd) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.due)
}

// spread returns a time by chance out of what n kiosks need.
func spread(n int, jitter func(time.Duration) time.Duration) time.Duration {
	return jitter(min(time.Duration(n)*perKiosk, mostSpread))
}

// chance returns a random part of d.
func chance(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d) //nolint:gosec // nothing depends on nobody guessing it
}
