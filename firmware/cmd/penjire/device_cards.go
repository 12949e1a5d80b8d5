package main

import (
	"context"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// cardView is which card is in a reader.
type cardView struct {
	ended chan struct{}
	mu    sync.Mutex
	card  *device.Card
}

// follow waits for cards until ctx ends.
func follow(ctx context.Context, d device.CardReader) *cardView {
	v := &cardView{ended: make(chan struct{})}
	go func() {
		defer close(v.ended)
		var gen uint64
		for ctx.Err() == nil {
			c, err := d.Wait(ctx, gen)
			if err != nil {
				c = nil
				select { // it may fail again at once
				case <-time.After(look):
				case <-ctx.Done():
				}
			}
			gen = 0
			if c != nil {
				gen = c.Gen
			}
			v.mu.Lock()
			v.card = c
			v.mu.Unlock()
		}
	}()
	return v
}

// now returns the card that is in the reader, or nil.
func (v *cardView) now() *device.Card {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.card
}
