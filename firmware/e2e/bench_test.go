package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// bin is the folder of the commands under test.
var bin string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "penjire-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e: make a folder for the commands:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bin = dir
	build := exec.Command("go", "build", "-o", dir+"/", "../cmd/...", "../../sync/cmd/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "e2e: build the commands: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// lookAtSources has the go command remember every source of the commands under
// test: they are built by another process, and a cached «ok» would be of others.
// It remembers only what is looked at while tests run.
var lookAtSources = sync.OnceFunc(func() {
	root := os.DirFS("../..")
	_ = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && len(name) > 1 && (name[0] == '.' || name == "bin") {
			return fs.SkipDir
		}
		if !d.IsDir() && !strings.HasSuffix(name, "_test.go") {
			_, _ = os.Stat(filepath.Join("../..", name))
		}
		return nil
	})
})

// patience is how long the tests wait for something to become true. It is not
// a measurement: two busy cores are slow.
const patience = 60 * time.Second

// bench is a running `make run` in a folder of its own.
type bench struct {
	t    testing.TB
	dir  string
	url  string
	cmd  *exec.Cmd
	log  *bytes.Buffer
	done chan struct{}
}

// state is what GET /api/state tells, as far as the tests look.
type state struct {
	Kiosk struct {
		URL     string
		Running bool
		PID     int
		Board   string
		Enrol   *struct{ Kiosk, Step, Lacks, Refusal string }
		Says    *struct {
			Kiosk string
			Queue struct {
				Unsent, Prints int
				Epoch          string
				Alarms         []string
			}
			Devices struct {
				Printer, Reader, Net, Clock string
				Unsent                      int
				Card, Printing              bool
				Portal                      string
			}
			Health []struct{ Code string }
		}
	}
	Portal  struct{ URL string }
	Queue   map[string]int
	Journal *struct {
		Size int64
		Root string
	}
	Devices struct {
		Printer struct{ Papers int }
		Reader  struct{ Faults int }
		Scanner struct{ Lit bool }
		Sheets  struct{ Out int }
	}
	Network struct{ Sent, Received int64 }
}

var benchAddr = regexp.MustCompile(`http://[0-9a-zA-Z.:\[\]]+`)

// startBench starts the whole product and stops it when the test ends.
func startBench(t testing.TB, args ...string) *bench {
	t.Helper()
	lookAtSources()
	b := &bench{t: t, dir: t.TempDir(), log: &bytes.Buffer{}}
	b.start(args...)
	t.Cleanup(b.stop)
	return b
}

// in is the same bench for a subtest: what fails is t.
func (b *bench) in(t testing.TB) *bench {
	c := *b
	c.t = t
	return &c
}

func (b *bench) start(args ...string) {
	b.t.Helper()
	b.cmd = exec.Command(filepath.Join(bin, "bench"), append([]string{"-addr", "127.0.0.1:0", "-dir", b.dir}, args...)...)
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	b.cmd.Stderr = b.log
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.done = make(chan struct{})
	url := make(chan string, 1)
	go func() {
		defer close(b.done)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if a := benchAddr.FindString(lines.Text()); a != "" {
				select {
				case url <- strings.TrimSuffix(a, "/"):
				default:
				}
			}
		}
	}()
	select {
	case b.url = <-url:
	case <-b.done:
		b.t.Fatalf("bench ended before it was ready:\n%s", b.log)
	case <-time.After(patience):
		b.t.Fatalf("bench printed no address within %v:\n%s", patience, b.log)
	}
	b.wait("kiosk answers", func(s state) bool { return s.Kiosk.URL != "" && b.alive(s.Kiosk.URL) })
	b.do("/api/sheets", map[string]any{"link": "unplugged"}) // copies come on the roll, unless a test plugs it in
}

func (b *bench) alive(url string) bool {
	r, err := http.Get(url) //nolint:gosec // loopback
	if err != nil {
		return false
	}
	_ = r.Body.Close()
	return r.StatusCode == http.StatusOK
}

// stop ends the bench as Ctrl-C does.
func (b *bench) stop() {
	b.t.Helper()
	if b.cmd == nil {
		return
	}
	_ = b.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-b.done:
	case <-time.After(patience):
		_ = b.cmd.Process.Kill()
		b.t.Error("bench did not stop on SIGINT")
	}
	_ = b.cmd.Wait()
	b.cmd = nil
	if b.t.Failed() {
		b.t.Logf("what bench and its children said:\n%s", b.log)
	}
}

// state asks for the state of everything.
func (b *bench) state() state {
	b.t.Helper()
	var s state
	if err := json.Unmarshal(b.get("/api/state"), &s); err != nil {
		b.t.Fatalf("GET /api/state: %v", err)
	}
	s.Kiosk.URL, s.Portal.URL = strings.TrimSuffix(s.Kiosk.URL, "/"), strings.TrimSuffix(s.Portal.URL, "/")
	return s
}

func (b *bench) get(path string) []byte {
	b.t.Helper()
	body, ok := b.try(path)
	if !ok {
		b.t.Fatalf("GET %s: %s", path, body)
	}
	return body
}

// try fetches path; ok is false when the answer is not 200.
func (b *bench) try(path string) (body []byte, ok bool) {
	b.t.Helper()
	r, err := http.Get(b.url + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	body, err = io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return body, r.StatusCode == http.StatusOK
}

// do posts one hand movement.
func (b *bench) do(path string, movement map[string]any) {
	b.t.Helper()
	body, err := json.Marshal(movement)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.Post(b.url+path, "application/json", bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	if r.StatusCode/100 != 2 {
		text, _ := io.ReadAll(r.Body)
		b.t.Fatalf("POST %s %s: %s: %s", path, body, r.Status, text)
	}
}

func (b *bench) card(action, card string) {
	b.t.Helper()
	b.do("/api/card", map[string]any{"action": action, "card": card})
}

func (b *bench) network(mode string) {
	b.t.Helper()
	b.do("/api/network", map[string]any{"mode": mode})
}

func (b *bench) printer(what, is string) {
	b.t.Helper()
	b.do("/api/printer", map[string]any{what: is})
}

func (b *bench) power(action string) {
	b.t.Helper()
	b.do("/api/power", map[string]any{"action": action})
}

// wait asks for the state until it is as wanted.
func (b *bench) wait(what string, ok func(state) bool) state {
	b.t.Helper()
	var last state
	b.until(what, func() bool { last = b.state(); return ok(last) }, func() string { return fmt.Sprintf("%+v", last) })
	return last
}

// until polls: these are other processes, and nobody tells a test when they are
// done.
func (b *bench) until(what string, ok func() bool, last func() string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			b.t.Fatalf("waited %v for: %s; last: %s", patience, what, last())
		case <-tick.C:
		}
	}
}
