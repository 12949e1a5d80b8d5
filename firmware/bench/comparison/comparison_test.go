package comparison

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// engine is a queue: put returns when the record is durable, and may be called by
// many at once.
type engine struct {
	name string
	put  func(record []byte) error
}

// recordBytes is how large a sealed request is, about.
const recordBytes = 1000

// BenchmarkQueue puts the same records into every queue, turn about, by one writer
// and by 64, and reports for each how many a second, the median of one, how that is
// to the floor, and how much the disk wrote for one besides it. The floor of one
// writer is append and fdatasync, that of 64 the same with a group commit. What the
// disk wrote is the machine's, not the process's: others at work are in it.
func BenchmarkQueue(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			floor := "raw"
			if writers > 1 {
				floor = "raw-group"
			}
			engines := open(b)
			sum := map[string]*result{}
			for _, e := range engines {
				sum[e.name] = &result{}
			}
			for b.Loop() {
				for _, e := range engines {
					sum[e.name].add(b, e, writers)
				}
			}
			b.ReportMetric(0, "ns/op")
			for _, e := range engines {
				r := sum[e.name]
				b.ReportMetric(r.rate(), e.name+"-/s")
				b.ReportMetric(float64(r.median().Microseconds()), e.name+"-p50-µs")
				b.ReportMetric(r.rate()/sum[floor].rate(), e.name+"-x-floor")
				if r.written > 0 {
					b.ReportMetric(float64(r.written)/float64(len(r.each))-recordBytes, e.name+"-B-over")
				}
			}
		})
	}
}

// result is what one queue did.
type result struct {
	mu      sync.Mutex
	each    []time.Duration
	rounds  []float64 // records a second
	written int64
}

func (r *result) add(b *testing.B, e engine, writers int) {
	b.Helper()
	n := 48 / min(writers, 6) // each; 48 alone, 512 together
	record := make([]byte, recordBytes)
	_, _ = rand.Read(record)
	before, began := sectors(b), time.Now()
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range n {
				t := time.Now()
				if err := e.put(record); err != nil {
					b.Errorf("%s: %v", e.name, err)
					return
				}
				d := time.Since(t)
				r.mu.Lock()
				r.each = append(r.each, d)
				r.mu.Unlock()
			}
		})
	}
	all.Wait()
	r.rounds = append(r.rounds, float64(writers*n)/time.Since(began).Seconds())
	r.written += (sectors(b) - before) * 512
}

func (r *result) rate() float64 {
	slices.Sort(r.rounds)
	return r.rounds[len(r.rounds)/2]
}

func (r *result) median() time.Duration {
	slices.Sort(r.each)
	return r.each[len(r.each)/2]
}

// sectors returns how many the disk below the temporary folder has written; 0
// where there is no such disk.
func sectors(b *testing.B) int64 {
	b.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(os.TempDir(), &st); err != nil {
		b.Fatal(err)
	}
	dev := uint64(st.Dev)
	stat, err := os.ReadFile(filepath.Join("/sys/dev/block", fmt.Sprintf("%d:%d", dev>>8&0xfff, dev&0xff|dev>>12&0xfff00), "stat"))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(stat))
	if len(f) < 7 {
		return 0
	}
	n, err := strconv.ParseInt(f[6], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}
