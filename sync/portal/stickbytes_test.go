package portal

import (
	"testing"

	"github.com/penjire/penjire/sync/outbox"
)

// TestStickBytes counts what a request costs on a memory stick, there and back:
// what is not sealed bytes, receipt and decision must stay small.
func TestStickBytes(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk().courier()
	k.take(w.bring(k.oneFile()).Answer) // catalogue and bundle are there
	for _, n := range []int{1, 20, 100} {
		sealed := 0
		for range n {
			k.one("citizen-1")
		}
		line := k.o.Line()
		recs, _, err := k.o.LeaseLine(t.Context(), line, 0, 0)
		if err != nil || len(recs) != n {
			t.Fatalf("LeaseLine = %d, %v, want %d", len(recs), err, n)
		}
		for _, r := range recs {
			sealed += len(r.Sealed)
		}
		file := k.oneFile()
		in := w.bring(file)
		got := k.take(in.Answer)
		if got.Receipts != n || k.state(recs[n-1].Doc) != outbox.Registered {
			t.Errorf("Take = %+v, want %d receipts and decisions", got, n)
		}
		t.Logf("%d requests: %d sealed bytes each; the export %d bytes (%d each, %d beside the sealed); the answer %d (%d each)",
			n, sealed/n, len(file), len(file)/n, (len(file)-sealed)/n, len(in.Answer), len(in.Answer)/n)
		// Most of the answer's fixed part is the catalogue, which this kiosk's hello
		// says it does not have.
		if over := len(file) - sealed - 110*n; over > 6<<10 {
			t.Errorf("%d requests: the export has %d bytes more than sealed bytes and 110 a request, want at most 6 KiB", n, over)
		}
	}
}
