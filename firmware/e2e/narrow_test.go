package e2e

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/demo/shaper"
)

// narrow is the link of DESIGN 14: 64 kbit/s, 600 ms there and back, 3 % lost.
var narrow = shaper.Shape{Rate: 64_000, Delay: 300 * time.Millisecond, Loss: 0.03}

// BenchmarkNarrow has the real kiosk deliver what was queued to the real portal
// over the link of DESIGN 14, in real time, and says what part of the link's
// bytes were records: of all that went up, of all that went either way, and of
// what the link could have carried up in the time, from the kiosk's first packet
// to its last receipt. PENJIRE_QUEUED is how many requests; 400 if nothing is said.
func BenchmarkNarrow(b *testing.B) {
	n := 400
	if s := os.Getenv("PENJIRE_QUEUED"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		l := newLinked(b, shaper.Config{Up: narrow, Down: narrow, Seed: 1})
		sealed := newCitizens(b, l.world).queue(b, l.world, 0, n)
		l.startPortal(true)
		l.startKiosk(true)
		d := l.delivered(n)
		up, down := l.link.Counts()
		b.Logf("%d requests in %v: sealed %d, records %d; up %+v, down %+v", n, d.took.Round(time.Millisecond), sealed, d.records, up, down)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(d.took.Seconds(), "s")
		b.ReportMetric(100*float64(d.records)*8/(d.took.Seconds()*float64(narrow.Rate)), "%-of-capacity")
		b.ReportMetric(100*float64(d.records)/float64(up.Bytes), "%-of-bytes-up")
		b.ReportMetric(100*float64(d.records)/float64(up.Bytes+down.Bytes), "%-of-bytes-both-ways")
		b.ReportMetric(float64(up.Bytes+down.Bytes)/float64(n), "B/request")
		b.ReportMetric(float64(d.records)/float64(n), "B-record")
	}
}

// delivery is how what was queued went over the link.
type delivery struct {
	took    time.Duration // from the first packet on the link until the kiosk has all receipts
	records int64         // bytes of the frames of records, each record counted once
}

// delivered waits until the kiosk has receipts for everything, watching its
// frames, of which it remembers the last 50.
func (l *linked) delivered(n int) (d delivery) {
	l.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for up, _ := l.link.Counts(); up.Packets == 0; up, _ = l.link.Counts() {
		<-tick.C
	}
	began := time.Now()
	var last time.Time
	var bytes, sent int64
	for range tick.C {
		s, err := l.kioskState()
		if err != nil {
			l.t.Fatal(err)
		}
		for _, f := range s.Uplink.LastFrames {
			if f.Up && f.Type == "records" && f.At.After(last) {
				last, bytes, sent = f.At, bytes+int64(f.Bytes), sent+int64(f.Count)
			}
		}
		if s.Queue.Unsent == 0 {
			break
		}
		if time.Since(began) > time.Duration(n)*time.Second {
			l.t.Fatalf("after %v %d of %d wait: %+v", time.Since(began), s.Queue.Unsent, n, s)
		}
	}
	d.took = time.Since(began)
	d.records = bytes * int64(n) / max(sent, 1)
	if sent < int64(n) {
		l.t.Errorf("%d records were seen on their way, want %d", sent, n)
	}
	return d
}
