package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The numbers of DESIGN 14 that only the whole product has; memory and start of
// the daemon are measured beside its main. `make bench` prints all of them
// beside their budgets; firmware/docs/bench.md keeps what was measured.

// BenchmarkPage measures pages of the daemon over loopback: the start page,
// and a question in a visit; and the bytes that a browser fetches for them.
func BenchmarkPage(b *testing.B) {
	url := startBench(b).state().Kiosk.URL + "/"
	c := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	r, err := c.PostForm(url+"begin", map[string][]string{"lang": {"tk"}})
	if err != nil {
		b.Fatal(err)
	}
	_ = r.Body.Close()
	for name, at := range map[string]string{"start": url, "home": r.Request.URL.String()} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			page := fetch(b, c, at)
			for b.Loop() {
				began := time.Now()
				fetch(b, c, at)
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(len(page))/1024, "KiB-page")
			b.ReportMetric(float64(transferred(b, c, url, page))/1024, "KiB-with-assets")
		})
	}
}

// BenchmarkWhole measures on the running bench: the bytes that cross the
// network for one request, as the relay between kiosk and portal counts them
// (TCP's payload: TLS, WebSocket, frames, receipts, journal head), and how long
// the kiosk takes to see that something happened to it.
func BenchmarkWhole(b *testing.B) {
	bench := startBench(b)
	var cold, warm, paper, link, card, cut []float64
	n := 0
	for b.Loop() {
		n++
		before := bench.bytes()
		bench.send(n)
		warm = append(warm, bench.bytes()-before)

		cut = append(cut, bench.seconds(func() { bench.network("down") }, func(s state) bool { return s.Kiosk.Says.Devices.Net == "down" }))
		bench.complain()
		before = bench.bytes()
		bench.network("up")
		n++
		bench.registered(n)
		cold = append(cold, bench.bytes()-before)

		paper = append(paper, bench.seconds(func() { bench.printer("paper", "out") }, func(s state) bool { return s.Kiosk.Says.Devices.Printer != "good" }))
		bench.seconds(func() { bench.printer("paper", "ok") }, func(s state) bool { return s.Kiosk.Says.Devices.Printer == "good" })
		link = append(link, bench.seconds(func() { bench.printer("link", "unplugged") }, func(s state) bool { return s.Kiosk.Says.Devices.Printer != "good" }))
		bench.seconds(func() { bench.printer("link", "plugged") }, func(s state) bool { return s.Kiosk.Says.Devices.Printer == "good" })
		card = append(card, bench.seconds(func() { bench.card("insert", "citizen-1") }, func(s state) bool { return s.Kiosk.Says.Devices.Card }))
		bench.seconds(func() { bench.card("remove", "") }, func(s state) bool { return !s.Kiosk.Says.Devices.Card })
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(warm), "B-warm")
	b.ReportMetric(median(cold), "B-cold")
	b.ReportMetric(slices.Max(paper), "s-paper-out")
	b.ReportMetric(slices.Max(link), "s-unplugged")
	b.ReportMetric(slices.Max(card), "s-card-in")
	b.ReportMetric(slices.Max(cut), "s-network-cut")
}

// send makes a complaint with a connection that is open, and waits until the
// portal has registered n in all.
func (b *bench) send(n int) {
	b.t.Helper()
	b.complain()
	b.registered(n)
}

func (b *bench) complain() {
	b.t.Helper()
	p := b.begin("tk").choose("complaint").fill(answers)
	p.act("confirm").done()
	p.leave("")
}

func (b *bench) registered(n int) {
	b.t.Helper()
	b.wait(fmt.Sprintf("%d registered", n), func(s state) bool { return s.Queue["registered"] == n })
}

// bytes returns what has crossed the network, once it has been quiet for a
// moment: the last acknowledgement goes after the state is seen.
func (b *bench) bytes() float64 {
	b.t.Helper()
	last, same := -1.0, 0
	b.until("a quiet network", func() bool {
		now := b.state().Network
		sum := float64(now.Sent + now.Received)
		if same++; sum != last {
			last, same = sum, 0
		}
		return same == 10
	}, func() string { return fmt.Sprint(last) })
	return last
}

// seconds returns how long after a hand movement the kiosk knows.
func (b *bench) seconds(hand func(), knows func(state) bool) float64 {
	b.t.Helper()
	b.wait("the kiosk does not see it yet", func(s state) bool { return s.Kiosk.Says != nil && !knows(s) })
	began := time.Now()
	hand()
	b.wait("the kiosk sees it", func(s state) bool { return s.Kiosk.Says != nil && knows(s) })
	return time.Since(began).Seconds()
}

func fetch(b *testing.B, c *http.Client, url string) []byte {
	b.Helper()
	r, err := c.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		b.Fatalf("GET %s: %s, %v", url, r.Status, err)
	}
	return body
}

var asset = regexp.MustCompile(`(?:href|src)="(/[^"#]+\.(?:css|js|svg))`)

// transferred returns the bytes of a page and of everything it names but the
// fonts, as the daemon sends them to a browser that takes gzip.
func transferred(b *testing.B, c *http.Client, url string, page []byte) int {
	b.Helper()
	sum, seen := len(page), map[string]bool{}
	for _, m := range asset.FindAllSubmatch(page, -1) {
		name := string(m[1])
		if seen[name] {
			continue
		}
		seen[name] = true
		q, err := http.NewRequestWithContext(b.Context(), http.MethodGet, strings.TrimSuffix(url, "/")+name, nil)
		if err != nil {
			b.Fatal(err)
		}
		q.Header.Set("Accept-Encoding", "gzip")
		r, err := c.Do(q)
		if err != nil {
			b.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil || r.StatusCode != http.StatusOK {
			b.Fatalf("GET %s: %s, %v", name, r.Status, err)
		}
		if r.Header.Get("Content-Encoding") == "gzip" {
			if _, err := gzip.NewReader(bytes.NewReader(body)); err != nil {
				b.Fatal(err)
			}
		}
		sum += len(body)
	}
	if len(seen) < 4 {
		b.Fatalf("the page names %d assets: %v", len(seen), seen)
	}
	return sum
}

func median[T float64 | time.Duration](v []T) T {
	slices.Sort(v)
	return v[len(v)/2]
}
