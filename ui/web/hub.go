package web

import (
	"context"
	"sync"
)

// Hub tells pages that something is new. A page that is slow gets the newest news
// only. The zero Hub works; its methods may be called at once and do not wait.
type Hub struct {
	mu   sync.Mutex
	rev  uint64
	subs map[chan Change]struct{}
}

// Tell sends c to every page, with the next revision.
func (h *Hub) Tell(c Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rev++
	c.Rev = h.rev
	for ch := range h.subs {
		select {
		case ch <- c:
			continue
		default:
		}
		// What is waiting is older; but if it was for another page, everyone's
		// page has to look.
		merged := c
		select {
		case old := <-ch:
			merged.Reload = merged.Reload || old.Reload
			if old.Visit != c.Visit {
				merged.Visit = ""
			}
		default:
		}
		ch <- merged // only Tell sends, under the lock: there is room
	}
}

// Subscribe yields changes until ctx ends.
func (h *Hub) Subscribe(ctx context.Context) <-chan Change {
	ch := make(chan Change, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs == nil {
		h.subs = map[chan Change]struct{}{}
	}
	h.subs[ch] = struct{}{}
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subs, ch)
		close(ch)
	})
	return ch
}
