package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// hub hands every new state to all live views.
type hub struct {
	mu   sync.Mutex
	last []byte
	subs map[chan []byte]bool
}

func (h *hub) join() (chan []byte, func()) {
	c := make(chan []byte, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs == nil {
		h.subs = map[chan []byte]bool{}
	}
	h.subs[c] = true
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subs, c)
	}
}

func (h *hub) watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subs) > 0
}

// tell gives b to everyone if it is new; a view that is slow gets only the newest.
func (h *hub) tell(b []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if bytes.Equal(b, h.last) {
		return
	}
	h.last = b
	for c := range h.subs {
		select {
		case <-c:
		default:
		}
		c <- b
	}
}

// lookEvery is how often live views look at what does not say that it changed.
const lookEvery = 400 * time.Millisecond

// look keeps live views current until ctx ends.
func (b *Bench) look(ctx context.Context) {
	changes := b.watch.Channel(ctx)
	paper := b.hands.printer.Changes(ctx)
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changes:
		case <-paper:
			// A printer changes with every line it prints.
			time.Sleep(lookEvery / 4)
		case <-t.C:
		}
		if !b.hub.watched() {
			continue
		}
		if j, err := json.Marshal(b.State(ctx)); err == nil {
			b.hub.tell(j)
		}
	}
}

// events serves GET /api/events: the state, whenever it changes, as
// server-sent events.
func (b *Bench) events(w http.ResponseWriter, r *http.Request) {
	c, leave := b.hub.join()
	defer leave()
	rc := http.NewResponseController(w)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	first, err := json.Marshal(b.State(r.Context()))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	send := func(j []byte) error {
		if _, err := fmt.Fprintf(w, "data: %s\n\n", j); err != nil {
			return err
		}
		return rc.Flush()
	}
	for err = send(first); err == nil; {
		select {
		case <-r.Context().Done():
			return
		case j := <-c:
			err = send(j)
		case <-time.After(15 * time.Second):
			err = send(b.again())
		}
	}
}

// again returns the newest state told, to keep a quiet connection alive.
func (b *Bench) again() []byte {
	b.hub.mu.Lock()
	defer b.hub.mu.Unlock()
	return b.hub.last
}
