package uplink

import (
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/wire"
)

// TestEndedInTheMiddle: a portal that ends an upload while its next chunk is being
// read is no fault of the kiosk's storage.
func TestEndedInTheMiddle(t *testing.T) {
	w, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	o := outboxtest.Open(t)
	r := outboxtest.Accept(t, o, outboxtest.Large(0, 1<<20))
	u, err := New(config(t, w, o))
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		s := &session{
			u: u, conn: nowhere{}, looked: true, refused: true, waiting: map[key]outbox.Record{}, held: map[outbox.Doc]held{},
			settled: make(chan struct{}, 1), progress: make(chan struct{}, 1),
		}
		if moved, _, err := s.push(t.Context()); !moved || err != nil {
			t.Fatalf("announce = %t, %v", moved, err)
		}
		s.mu.Lock()
		s.large.window = mostWindow
		digest := s.large.rec.SealedDigest
		s.mu.Unlock()
		if err := s.have(t.Context(), &wire.Have{Digest: digest}); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { s.nack(&wire.Nack{Of: wire.TypeLarge, Epoch: r.Epoch, Seq: r.Seq, Code: "later"}) })
		for moved := true; moved && err == nil; {
			moved, _, err = s.push(t.Context())
		}
		wg.Wait()
		if err != nil {
			t.Fatalf("push = %v", err)
		}
	}
}
