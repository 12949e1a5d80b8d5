package est

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What may be tried from one address, and from all: failures count, and successes
// do not. A technician who mistypes does not notice it; who guesses does, though 70
// bits would not be guessed either.
const (
	triesBurst    = 10
	triesEach     = 30 * time.Second
	allTriesBurst = 100
	allTriesEach  = 500 * time.Millisecond
	mostDoors     = 10_000
)

// doors remembers failures by where they came from.
type doors struct {
	mu  *sync.Mutex
	by  map[netip.Prefix]*rate.Limiter
	all *rate.Limiter
}

func newDoors() doors {
	return doors{new(sync.Mutex), map[netip.Prefix]*rate.Limiter{}, rate.NewLimiter(rate.Every(allTriesEach), allTriesBurst)}
}

// from is the network of an address: IPv6 networks are handed out by /64.
func from(remote string) netip.Prefix {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	return netip.PrefixFrom(a, bits).Masked()
}

func (d *doors) of(p netip.Prefix, now time.Time) *rate.Limiter {
	if l := d.by[p]; l != nil {
		return l
	}
	if len(d.by) >= mostDoors {
		for k, l := range d.by { // who has failed least lately goes, or else anybody
			if l.TokensAt(now) >= triesBurst || len(d.by) >= mostDoors {
				delete(d.by, k)
			}
		}
	}
	l := rate.NewLimiter(rate.Every(triesEach), triesBurst)
	d.by[p] = l
	return l
}

// open reports whether somebody may try; if not, when again.
func (d *doors) open(remote string, now time.Time) (bool, time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.by[from(remote)]; l != nil && l.TokensAt(now) < 1 {
		return false, triesEach
	}
	if d.all.TokensAt(now) < 1 {
		return false, 10 * time.Second
	}
	return true, 0
}

// failed counts a failure.
func (d *doors) failed(remote string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.of(from(remote), now).AllowN(now, 1)
	d.all.AllowN(now, 1)
}
