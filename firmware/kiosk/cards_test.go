package kiosk

import (
	"context"
	"sync"
	"testing"

	"github.com/penjire/penjire/firmware/session"
)

// Somebody touches «back» and goes on while the card is being read: it is read
// anew before the first reading has ended. The two must not mix their commands,
// or a good card is called a bad one.
func TestReadingsDoNotMix(t *testing.T) {
	r := newRig(t)
	r.start()
	r.insert("citizen-1")
	r.until("the card to be seen", func() bool { return r.state().Devices.Card })
	r.k.mu.Lock()
	gen := r.k.card
	r.k.mu.Unlock()
	var wg sync.WaitGroup
	got := make([]session.CardRead, 3)
	for i := range got {
		wg.Go(func() {
			got[i] = r.k.readCard(context.Background(), session.ReadCard{Job: uint64(i + 1), Gen: gen}).(session.CardRead)
		})
	}
	wg.Wait()
	for i, e := range got {
		if e.Holder == nil {
			t.Errorf("reading %d of a good card: got %q, want its holder", i, e.Problem)
		}
	}
}
