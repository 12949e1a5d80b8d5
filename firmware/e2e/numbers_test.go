package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/demo"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// The numbers of DESIGN 14 that only the whole product has. `make bench` prints
// them beside their budgets; firmware/docs/numbers.md keeps what was measured.

// BenchmarkDaemon starts the kiosk daemon alone, without portal and devices,
// with nothing and with 100,000 requests waiting: how long until its first
// page is there, and how much memory it has after 200 pages.
func BenchmarkDaemon(b *testing.B) {
	for _, queued := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("queued-%d", queued), func(b *testing.B) {
			w, url := lonelyKiosk(b)
			fill(b, filepath.Join(w.Kiosk(), "state", "outbox"), queued)
			var first []time.Duration
			var mem memory
			for b.Loop() {
				began := time.Now()
				d := startDaemon(b, w)
				page := fetch(b, http.DefaultClient, url)
				first = append(first, time.Since(began))
				if !strings.Contains(string(page), `data-page="start"`) {
					b.Fatalf("the first page is not the start page:\n%s", page)
				}
				for range 200 {
					fetch(b, http.DefaultClient, url)
				}
				mem = d.memory(b)
				d.stop(b)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(median(first).Milliseconds()), "ms-to-first-page")
			b.ReportMetric(mem.resident, "MiB-resident")
			b.ReportMetric(mem.own, "MiB-own") // without pages of files, which the kernel may take back
			b.ReportMetric(mem.peak, "MiB-peak")
		})
	}
}

// BenchmarkPage measures pages of the daemon over loopback: the start page,
// and a question in a visit; and the bytes that a browser fetches for them.
func BenchmarkPage(b *testing.B) {
	w, url := lonelyKiosk(b)
	d := startDaemon(b, w)
	defer d.stop(b)
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
	var cold, warm, paper, link, cut []float64
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
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(warm), "B-warm")
	b.ReportMetric(median(cold), "B-cold")
	b.ReportMetric(slices.Max(paper), "s-paper-out")
	b.ReportMetric(slices.Max(link), "s-unplugged")
	b.ReportMetric(slices.Max(cut), "s-network-cut")
}

// BenchmarkDeviceBytes accepts from 16 citizens at once and divides the bytes
// that this process had written to the disk by the requests.
func BenchmarkDeviceBytes(b *testing.B) {
	o := outboxtest.OpenDir(b, b.TempDir(), outbox.Options{MaxSize: 2 << 30})
	const at = 16
	n, payload := 0, 0
	before := written(b)
	for b.Loop() {
		var all sync.WaitGroup
		for range at {
			d := outboxtest.Draft(n)
			n++
			payload += len(d.Sealed)
			all.Go(func() {
				if _, err := o.Accept(context.Background(), d); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(written(b)-before-int64(payload))/float64(n), "B/request-over-payload")
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
	began := time.Now()
	hand()
	b.wait("the kiosk sees it", func(s state) bool { return s.Kiosk.Says != nil && knows(s) })
	return time.Since(began).Seconds()
}

// lonelyKiosk lays out a demo world whose portal nobody started.
func lonelyKiosk(b *testing.B) (*demo.World, string) {
	b.Helper()
	w, err := demo.Open(b.TempDir(), time.Now())
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	screen := l.Addr().String()
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	if err := w.WriteSettings(demo.Addresses{Screen: screen, Sync: "127.0.0.1:9", Public: "http://127.0.0.1:9"}); err != nil {
		b.Fatal(err)
	}
	return w, "http://" + screen + "/"
}

// fill puts n requests into the outbox below dir, a hundred citizens at once.
func fill(b *testing.B, dir string, n int) {
	b.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	o, err := outbox.Open(b.Context(), dir, outbox.Options{Kiosk: outboxtest.Kiosk, MaxSize: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	const writers = 100
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := w; i < n; i += writers {
				if _, err := o.Accept(context.Background(), outboxtest.Draft(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if err := o.Close(); err != nil {
		b.Fatal(err)
	}
}

// daemon is a running penjired.
type daemon struct {
	cmd *exec.Cmd
	log *bytes.Buffer
}

// startDaemon returns when the daemon says that it is ready.
func startDaemon(b *testing.B, w *demo.World) *daemon {
	b.Helper()
	d := &daemon{exec.Command(filepath.Join(bin, "penjired"), "-settings", w.Settings()), &bytes.Buffer{}}
	d.cmd.Stderr = d.log
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		b.Fatalf("penjired did not become ready: %v\n%s", err, d.log)
	}
	return d
}

func (d *daemon) stop(b *testing.B) {
	b.Helper()
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	if err := d.cmd.Wait(); err != nil {
		b.Fatalf("penjired: %v\n%s", err, d.log)
	}
}

// memory of a process in MiB.
type memory struct{ resident, own, peak float64 }

func (d *daemon) memory(b *testing.B) memory {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	kib := func(name string) float64 {
		m := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
		if m == nil {
			b.Fatalf("/proc says no %s:\n%s", name, status)
		}
		n, err := strconv.Atoi(string(m[1]))
		if err != nil {
			b.Fatal(err)
		}
		return float64(n) / 1024
	}
	return memory{kib("VmRSS"), kib("RssAnon"), kib("VmHWM")}
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

// written returns how many bytes this process has had written to disks.
func written(b *testing.B) int64 {
	b.Helper()
	io, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^write_bytes: (\d+)`).FindSubmatch(io)
	if m == nil {
		b.Fatalf("/proc/self/io has no write_bytes:\n%s", io)
	}
	n, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func median[T float64 | time.Duration](v []T) T {
	slices.Sort(v)
	return v[len(v)/2]
}
