package kiosk

import (
	"context"
	"sync"

	"github.com/penjire/penjire/ui/web"
)

// hub tells the pages that something is new. A page that is slow gets the
// newest news only.
type hub struct {
	mu   sync.Mutex
	rev  uint64
	subs map[chan web.Change]struct{}
}

// tell sends c to every page, with the next revision.
func (h *hub) tell(c web.Change) {
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
		ch <- merged // only tell sends, under the lock: there is room
	}
}

// subscribe yields changes until ctx ends.
func (h *hub) subscribe(ctx context.Context) <-chan web.Change {
	ch := make(chan web.Change, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs == nil {
		h.subs = map[chan web.Change]struct{}{}
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
