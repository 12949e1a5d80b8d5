package clock

import (
	"sync"
	"time"
)

// Battery is a machine's clock beside a battery clock: the later of the two. A
// machine without one of its own comes up in the past; a battery clock that is slow
// takes nothing from a machine that knows better.
//
// What it says is a claim like any other machine's: whoever has a key to the cabinet
// can set it, and only a signed time of the portal is certain.
type Battery struct {
	src Source

	mu   sync.Mutex
	said time.Time // what the battery clock said …
	at   time.Time // … then, by the time since the start
}

// NewBattery returns src, until Say is called.
func NewBattery(src Source) *Battery { return &Battery{src: src} }

// Say takes what the battery clock says now.
func (b *Battery) Say(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said, b.at = t.Round(0), time.Now()
}

// Now is a Source.
func (b *Battery) Now() time.Time {
	now := b.src()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at.IsZero() {
		return now
	}
	if t := b.said.Add(time.Since(b.at)); t.After(now) {
		return t
	}
	return now
}
