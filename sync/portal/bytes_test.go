package portal

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/uplink"
)

// BenchmarkWire prints what crosses the wire for one request alone and for a
// batch of 20, cold (with the TLS handshake), with a ticket and warm, until each is registered:
// records, DURABLE and DECIDED receipts, journal heads, beacons. The bytes are
// those that TCP carries; IP adds 40 to 52 for each packet.
func BenchmarkWire(b *testing.B) {
	w := newWorld(b)
	k := w.kiosk()
	c := k.uplinkConfig()
	c.Catalogue = func() uint64 { return w.p.Catalogue().Version } // nothing to fetch
	c.Checkpoint = time.Hour                                       // one head for each session
	once := func(u *uplink.Uplink, n int, what string) {
		docs := k.queue(n)
		report(b, u, n, what, func() {
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- u.Run(ctx) }()
			k.registered(docs)
			cancel()
			if err := <-done; err != nil {
				b.Error(err)
			}
		})
	}
	fresh := func() *uplink.Uplink {
		u, err := uplink.New(c)
		if err != nil {
			b.Fatal(err)
		}
		return u
	}
	// What is measured is a kiosk that has connected before: it and the portal keep
	// the last journal head. Its very first session costs more.
	for b.Loop() {
		once(fresh(), 1, "first")
		u := fresh()
		once(u, 1, "cold")
		once(u, 1, "ticket") // the same one: it has the ticket of the session before
		once(fresh(), 20, "cold")
		for _, n := range []int{1, 20} {
			u, stop := k.run(c)
			k.untilState(k.one("citizen-1").ID(), outbox.Registered)
			report(b, u, n, "warm", func() { k.batch(n) })
			stop()
		}
	}
	b.ReportMetric(0, "ns/op")
}

// report prints the bytes that cross while f runs, and what of them are frames;
// the rest is TLS and the carrier.
func report(b *testing.B, u *uplink.Uplink, n int, what string, f func()) {
	before := u.Status()
	start := time.Now()
	f()
	after := u.Status()
	up, down := after.Sent-before.Sent, after.Received-before.Received
	b.ReportMetric(float64(up+down)/float64(n), fmt.Sprintf("%s-B/request-of-%d", what, n))
	b.Logf("%s, %d: %d up + %d down = %d bytes per request", what, n, up, down, (up+down)/int64(n))
	sum := map[string]int{}
	for _, f := range after.LastFrames {
		if f.At.After(start) {
			sum[fmt.Sprintf("up %-5t %s", f.Up, f.Type)] += f.Bytes
		}
	}
	for _, k := range slices.Sorted(maps.Keys(sum)) {
		b.Logf("\t%-20s %6d", k, sum[k])
	}
}

// queue accepts n requests.
func (k *kiosk) queue(n int) [][32]byte {
	var docs [][32]byte
	for i := range n {
		docs = append(docs, k.one(specimen.CardNames[i%3]).ID())
	}
	return docs
}

func (k *kiosk) registered(docs [][32]byte) {
	for _, d := range docs {
		k.untilState(d, outbox.Registered)
	}
}

// batch queues n requests behind an uplink's back, so to speak: the first one
// wakes it, the others are there when it looks.
func (k *kiosk) batch(n int) { k.registered(k.queue(n)) }
