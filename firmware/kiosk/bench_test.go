package kiosk

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkReceiptLeaves measures how long a citizen's receipt takes from the
// touch that signs the request until its last byte is at the printer: signing,
// the durable accept, drawing and sending. The printer prints at once and says
// so; a real one takes the time that its paper takes.
func BenchmarkReceiptLeaves(b *testing.B) {
	r := newRig(b)
	r.start()
	changes := r.paper.Changes(b.Context())
	var took []time.Duration
	for b.Loop() {
		b.StopTimer()
		r.toPIN("citizen-1")
		n := r.paper.State().Papers
		b.StartTimer()
		begin := time.Now()
		r.do("pin", "pin", r.pin("citizen-1"))
		for r.paper.State().Papers == n {
			<-changes
		}
		took = append(took, time.Since(begin))
		b.StopTimer()
		r.printed()
		r.leave()
		// The same answers within the same second are the same request.
		<-time.After(time.Until(begin.Truncate(time.Second).Add(time.Second)))
		b.StartTimer()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms-most")
}
