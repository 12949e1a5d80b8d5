package kiosk

import (
	"sync"

	"github.com/penjire/penjire/firmware/kiosk/pagefile"
)

// pageFile tells who watches over the browser that it still draws.
type pageFile struct {
	path string
	mu   sync.Mutex // one at a time; guards seen
	seen bool
}

// painted is called whenever a page says that it was painted.
func (k *Kiosk) painted() {
	k.mu.Lock()
	p := pagefile.Page{Visits: k.visits, Open: k.visit != nil}
	k.mu.Unlock()
	k.page.mu.Lock()
	defer k.page.mu.Unlock()
	if !k.page.seen {
		k.page.seen = true
		k.log.Info("painted")
	}
	if k.page.path == "" {
		return
	}
	if err := pagefile.Write(k.page.path, p); err != nil {
		k.log.Warn("nobody is told that a page was painted", "err", err)
	}
}
