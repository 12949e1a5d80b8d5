package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/demo"
	"github.com/penjire/penjire/sync/outbox"
)

// asDaemon is the environment variable by which this test binary becomes the
// daemon: its memory and its start are measured from outside.
const asDaemon = "PENJIRE_TEST_DAEMON"

func TestMain(m *testing.M) {
	if os.Getenv(asDaemon) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// BenchmarkDaemon measures the daemon as a process, with nothing queued and
// with a hundred thousand requests (DESIGN 14): how long it takes from its start
// to its first page, the 99th percentile of a page, and its resident memory
// after that. The budgets are 1 s, 10 ms and 48 MiB; fractions of them are
// printed.
func BenchmarkDaemon(b *testing.B) {
	for _, queued := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("queued=%d", queued), func(b *testing.B) {
			w, err := demo.Open(b.TempDir(), time.Now())
			if err != nil {
				b.Fatal(err)
			}
			if err := w.WriteSettings(demo.Addresses{Screen: "127.0.0.1:0", Sync: "127.0.0.1:1", Public: "http://127.0.0.1:1/"}); err != nil {
				b.Fatal(err)
			}
			fill(b, filepath.Join(w.Kiosk(), "state", "outbox"), queued)
			var start, p99, rss, own float64
			n := 0
			for b.Loop() {
				d := startDaemon(b, w)
				start += d.first.Seconds()
				p99 += percentile(d.visit(b), 0.99).Seconds()
				rss += d.resident(b, "VmRSS:")
				own += d.resident(b, "RssAnon:")
				d.stop(b)
				n++
			}
			per := func(total float64) float64 { return total / float64(n) }
			b.ReportMetric(per(start)*1000, "ms-to-first-page")
			b.ReportMetric(per(start), "of-budget-start")
			b.ReportMetric(per(p99)*1000, "ms-page-p99")
			b.ReportMetric(per(p99)/0.010, "of-budget-page")
			b.ReportMetric(per(rss), "MiB-resident")
			b.ReportMetric(per(own), "MiB-own")
			b.ReportMetric(per(rss)/48, "of-budget-memory")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// fill puts n requests of 600 bytes into the outbox.
func fill(b *testing.B, dir string, n int) {
	if n == 0 {
		return
	}
	box, err := outbox.Open(b.Context(), dir, outbox.Options{Kiosk: "K-000001", MaxSize: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	const writers = 256
	for g := range writers {
		wg.Go(func() {
			for i := g; i < n; i += writers {
				d := outbox.Draft{
					Doc: outbox.Doc{byte(i), byte(i >> 8), byte(i >> 16), 1}, Service: "complaint", ServiceVersion: 1, Lang: "tk",
					Sealed: make([]byte, 600), Claimed: time.Now(), Owner: outbox.Owner{byte(i)},
				}
				if _, err := box.Accept(context.Background(), d); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := box.Close(); err != nil {
		b.Fatal(err)
	}
}

// daemon is a running penjired.
type daemon struct {
	cmd   *exec.Cmd
	base  string
	first time.Duration // from the start of the process to the first page
}

func startDaemon(b *testing.B, w *demo.World) *daemon {
	d := &daemon{cmd: exec.Command(os.Args[0], "-settings", w.Settings())}
	d.cmd.Env = append(os.Environ(), asDaemon+"=1")
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	if err := d.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewReader(out)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		b.Fatalf("the daemon did not start: %v", err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	var said struct{ Screens string }
	if err := json.Unmarshal(line, &said); err != nil {
		b.Fatal(err)
	}
	d.base = strings.TrimSuffix(said.Screens, "/")
	d.get(b, "/")
	d.first = time.Since(begun)
	return d
}

func (d *daemon) get(b *testing.B, path string) time.Duration {
	begun := time.Now()
	res, err := http.Get(d.base + path)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		b.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b.Fatalf("GET %s = %s", path, res.Status)
	}
	return time.Since(begun)
}

// visit walks a visit again and again and returns how long each page took.
func (d *daemon) visit(b *testing.B) (pages []time.Duration) {
	for range 40 {
		res, err := http.PostForm(d.base+"/begin", url.Values{"lang": {"tk"}})
		if err != nil {
			b.Fatal(err)
		}
		visit := res.Request.URL.Path
		_ = res.Body.Close()
		pages = append(pages, d.get(b, visit))
		for _, step := range []url.Values{
			{"": {"apply"}},
			{"": {"choose"}, "service": {"complaint"}},
			{"": {"begin"}},
			{"": {"accept"}},
			{"": {"lang"}, "lang": {"ru"}},
		} {
			action := step.Get("")
			res, err := http.PostForm(d.base+visit+"/"+action, step)
			if err != nil {
				b.Fatal(err)
			}
			_ = res.Body.Close()
			pages = append(pages, d.get(b, visit))
		}
	}
	return pages
}

func percentile(d []time.Duration, p float64) time.Duration {
	slices.Sort(d)
	return d[int(math.Ceil(p*float64(len(d))))-1]
}

// resident returns a line of the process's memory in MiB: "VmRSS:" is all that
// is resident, "RssAnon:" what is its own and not a page of a mapped file, which
// the kernel may drop at any moment.
func (d *daemon) resident(b *testing.B, what string) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == what {
			kib, err := strconv.Atoi(f[1])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kib) / 1024
		}
	}
	b.Fatalf("the process has no %s", what)
	return 0
}

func (d *daemon) stop(b *testing.B) {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if err := d.cmd.Wait(); err != nil {
		b.Errorf("the daemon ended with %v", err)
	}
}
