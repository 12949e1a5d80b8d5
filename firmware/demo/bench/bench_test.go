package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image/png"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/settings"
)

// The test program is also its own children: under the name of portald or
// penjired it is a small stand-in for them, and under "bench" it is the bench.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "portald":
		os.Exit(standIn(fakePortal))
	case "penjired":
		os.Exit(standIn(fakeKiosk))
	case "bench":
		if err := Run(context.Background(), Options{Addr: "127.0.0.1:0", Dir: os.Args[1], Bin: os.Args[2], Out: os.Stdout}); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func standIn(serve func() (announce string, err error)) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	said, err := serve()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(said)
	fmt.Fprintln(os.Stderr, filepath.Base(os.Args[0])+": at work")
	<-stop
	return 0
}

func fakePortal() (string, error) {
	fs := flag.NewFlagSet("portald", flag.ContinueOnError)
	web, syncAddr := fs.String("web", "", ""), fs.String("sync", "", "")
	dir := fs.String("dir", "", "")
	_ = fs.String("packs", "", "")
	if err := fs.Parse(os.Args[1:]); err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(*dir, "portal.json")); err != nil {
		return "", err
	}
	w, err := net.Listen("tcp", *web)
	if err != nil {
		return "", err
	}
	s, err := net.Listen("tcp", *syncAddr)
	if err != nil {
		return "", err
	}
	go func() {
		_ = http.Serve(w, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"requests":{}}`) }))
	}()
	go func() {
		for {
			c, err := s.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "hello\n")
		}
	}()
	return fmt.Sprintf(`{"sync":%q,"web":"http://%s"}`, s.Addr(), w.Addr()), nil
}

func fakeKiosk() (string, error) {
	s, err := settings.Load(os.Args[2])
	if err != nil {
		return "", err
	}
	for _, port := range []string{"reader", "printer"} {
		if _, err := os.Stat(filepath.Join(s.Ports, port)); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(filepath.Dir(s.Control), 0o700); err != nil {
		return "", err
	}
	_ = os.Remove(s.Control) // what a power cut left
	c, err := net.Listen("unix", s.Control)
	if err != nil {
		return "", err
	}
	go func() {
		_ = http.Serve(c, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"queue":{"by_state":{"accepted":2}},"journal":{"size":7,"root":"ab"},"portal":"`+s.Portal.URL+`"}`)
		}))
	}()
	l, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return "", err
	}
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors "+s.Frames)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, `<!doctype html><html lang="en"><title>Screen</title><main><h1>Screen</h1></main></html>`)
		}))
	}()
	return `{"kiosk":"K-000001"}`, nil
}

// programs is a folder with stand-ins.
func programs(t *testing.T, names ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, n := range names {
		if err := os.Symlink(self, filepath.Join(dir, n)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// running is a bench at work, and its address.
type running struct {
	t   *testing.T
	url string
}

func start(t *testing.T) running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- Run(ctx, Options{
			Addr: "127.0.0.1:0", Dir: filepath.Join(t.TempDir(), "run"), Bin: programs(t, "portald", "penjired"),
			Speed: -1, Ready: func(url string) { ready <- url },
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want nil after its context ended", err)
		}
	})
	select {
	case url := <-ready:
		return running{t, url}
	case err := <-ended:
		ended <- err
		t.Fatalf("Run = %v before it was ready", err)
	}
	return running{}
}

func (r running) get(path string) (int, []byte) {
	r.t.Helper()
	resp, err := http.Get(r.url + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, b
}

func (r running) state() State {
	r.t.Helper()
	_, b := r.get("api/state")
	return r.parse(b)
}

func (r running) parse(b []byte) State {
	r.t.Helper()
	var s State
	if err := json.Unmarshal(b, &s); err != nil {
		r.t.Fatalf("state %s: %v", b, err)
	}
	return s
}

// post sends an order and returns its status, and the state or the error.
func (r running) post(path, body string) (int, State, string) {
	r.t.Helper()
	resp, err := http.Post(r.url+"api/"+path, "application/json", strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		var e struct{ Error string }
		if err := json.Unmarshal(b, &e); err != nil || e.Error == "" {
			r.t.Errorf("POST %s %s: %d without words: %s", path, body, resp.StatusCode, b)
		}
		return resp.StatusCode, State{}, e.Error
	}
	return resp.StatusCode, r.parse(b), ""
}

func (r running) ok(path, body string) State {
	r.t.Helper()
	code, s, e := r.post(path, body)
	if code != http.StatusOK {
		r.t.Fatalf("POST %s %s = %d %s, want 200", path, body, code, e)
	}
	return s
}

// Every order of the API, one after the other, and what the state says then.
func TestAPI(t *testing.T) {
	r := start(t)
	s := r.state()
	if !s.Kiosk.Running || !s.Portal.Running || s.Queue["accepted"] != 2 || s.Journal == nil || s.Journal.Size != 7 || s.Portal.Says == nil {
		t.Errorf("state = %+v, want both running and the kiosk's queue and journal", s)
	}
	if s.Devices.Reader != (ReaderState{Link: "plugged"}) || s.Devices.Printer.Paper != "ok" || s.Devices.Printer.Cover != "closed" {
		t.Errorf("devices = %+v, want plugged in, no card, paper, cover closed", s.Devices)
	}
	if len(s.Cards) < 8 || s.Cards[0].Name != "citizen-1" || s.Cards[0].Tries != 3 {
		t.Errorf("cards = %+v, want citizen-1 first, with three tries", s.Cards)
	}
	if got := r.ok("card", `{"action":"insert","card":"citizen-1"}`).Devices.Reader.Card; got != "citizen-1" {
		t.Errorf("inserted citizen-1, the reader has %q", got)
	}
	if got := r.ok("card", `{"action":"insert","card":"foreign"}`).Devices.Reader.Card; got != "foreign" {
		t.Errorf("swapped for foreign, the reader has %q", got)
	}
	if got := r.ok("card", `{"action":"remove"}`).Devices.Reader.Card; got != "" {
		t.Errorf("removed, the reader has %q", got)
	}
	r.ok("card", `{"action":"restore","card":"citizen-1"}`)
	if got := r.ok("reader", `{"link":"unplugged"}`).Devices.Reader.Link; got != "unplugged" {
		t.Errorf("reader is %s, want unplugged", got)
	}
	r.ok("reader", `{"link":"plugged","fault":"pull-before"}`)
	for _, p := range []string{"low", "out", "jam", "ok"} {
		if got := r.ok("printer", `{"paper":"`+p+`"}`).Devices.Printer.Paper; got != p {
			t.Errorf("paper is %s, want %s", got, p)
		}
	}
	if got := r.ok("printer", `{"cover":"open","link":"unplugged"}`).Devices.Printer; got.Cover != "open" || got.Link != "unplugged" {
		t.Errorf("printer = %+v, want the cover open and unplugged", got)
	}
	r.ok("printer", `{"cover":"closed","link":"plugged","lie":"none","tear":true}`)
	if code, _ := r.get("api/printer/paper.png"); code != http.StatusNotFound {
		t.Errorf("paper.png = %d, want 404 before anything was printed", code)
	}
	for _, m := range []string{"slow", "down", "up"} {
		if got := string(r.ok("network", `{"mode":"`+m+`"}`).Network.Mode); got != m {
			t.Errorf("network is %s, want %s", got, m)
		}
	}
	if got := r.ok("clock", `{"offset":"-24h"}`).Clock; got.Offset != "-24h0m0s" || time.Until(got.Time) > -23*time.Hour {
		t.Errorf("clock = %+v, want a day ago", got)
	}
	if got := r.ok("clock", `{"at":"1970-01-01T00:00:00Z"}`).Clock.Time.Year(); got != 1970 {
		t.Errorf("clock is in %d, want 1970", got)
	}
	if b, err := os.ReadFile(filepath.Join(s.Dir, "kiosk", "ports", "clock-offset")); err != nil || !bytes.HasPrefix(b, []byte("-")) {
		t.Errorf("offset file = %q (%v), want a negative duration", b, err)
	}
}

// Orders that make no sense change nothing and say why.
func TestAPIRefuses(t *testing.T) {
	r := start(t)
	before := r.state()
	for _, o := range [][2]string{
		{"card", `{"action":"insert","card":"nobody"}`},
		{"card", `{"action":"eat"}`},
		{"card", `{"card":"citizen-1"}`},
		{"card", `nonsense`},
		{"card", `{"action":"remove","now":true}`},
		{"card", ``},
		{"reader", `{"link":"loose"}`},
		{"reader", `{"fault":"smell"}`},
		{"printer", `{"paper":"blue"}`},
		{"printer", `{"cover":"ajar"}`},
		{"printer", `{"link":"x"}`},
		{"printer", `{"lie":"big"}`},
		{"printer", `{"paper":"out","cover":"ajar"}`},
		{"printer", `{"after_mm":-1}`},
		{"network", `{"mode":"off"}`},
		{"power", `{"action":"off"}`},
		{"power", `{"action":"on","after_mm":3}`},
		{"clock", `{}`},
		{"clock", `{"offset":"yesterday"}`},
		{"clock", `{"offset":"1h","at":"1970-01-01T00:00:00Z"}`},
	} {
		if code, _, _ := r.post(o[0], o[1]); code != http.StatusBadRequest {
			t.Errorf("POST %s %s = %d, want 400", o[0], o[1], code)
		}
	}
	after := r.state()
	if before.Devices != after.Devices || before.Network.Mode != after.Network.Mode || before.Kiosk.PID != after.Kiosk.PID || before.Clock.Offset != after.Clock.Offset {
		t.Errorf("refused orders changed %+v into %+v", before.Devices, after.Devices)
	}
	if code, _ := r.get("api/printer/paper.png?back=x"); code != http.StatusBadRequest {
		t.Errorf("paper.png?back=x = %d, want 400", code)
	}
}

// Power cut: the kiosk is gone at once, and nothing of it is claimed to be
// known. Power on: another process, ready when the answer comes.
func TestPower(t *testing.T) {
	r := start(t)
	pid := r.state().Kiosk.PID
	s := r.ok("power", `{"action":"cut"}`)
	if s.Kiosk.Running || s.Queue != nil || s.Journal != nil || string(s.Kiosk.Says) != "null" || !strings.Contains(s.Kiosk.Exit, "killed") {
		t.Errorf("without power the state = %+v, want nothing known of the kiosk, killed", s.Kiosk)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("kill -0 of the kiosk = %v, want that it is gone", err)
	}
	r.ok("power", `{"action":"cut"}`) // twice is nothing
	s = r.ok("power", `{"action":"on"}`)
	if !s.Kiosk.Running || s.Kiosk.PID == pid || s.Queue["accepted"] != 2 {
		t.Errorf("with power again the state = %+v, want another process that speaks", s.Kiosk)
	}
	if again := r.ok("power", `{"action":"on"}`); again.Kiosk.PID != s.Kiosk.PID {
		t.Error("switched on twice, the kiosk is another one")
	}
}

// The kiosk's way to the portal leads over the network that can be cut.
func TestNetwork(t *testing.T) {
	r := start(t)
	var says struct{ Portal string }
	if err := json.Unmarshal(r.state().Kiosk.Says, &says); err != nil {
		t.Fatal(err)
	}
	addr := strings.TrimSuffix(strings.TrimPrefix(says.Portal, "wss://"), "/sync")
	if addr == r.state().Portal.Sync {
		t.Fatal("the kiosk's settings lead past the network")
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.ReadFull(c, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	if got := r.state().Network; got.Received < 6 || got.Connections != 1 {
		t.Errorf("network = %+v, want 6 bytes received over one connection", got)
	}
	r.ok("network", `{"mode":"down"}`)
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection lives on without a network")
	}
}

// The page and the live view are served, to this machine's own pages only.
func TestPage(t *testing.T) {
	r := start(t)
	resp, err := http.Get(r.url)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	csp := resp.Header.Get("Content-Security-Policy")
	if resp.StatusCode != http.StatusOK || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-src "+r.state().Kiosk.URL) {
		t.Errorf("GET / = %d with policy %q", resp.StatusCode, csp)
	}
	for _, p := range []string{"page/bench.css", "page/bench.js", "asset/css/token.css", "asset/svg/icons.svg"} {
		if code, _ := r.get(p); code != http.StatusOK || !bytes.Contains(body, []byte("/"+p)) {
			t.Errorf("GET /%s = %d, want 200 and the page to use it", p, code)
		}
	}
	for _, tt := range []struct{ header, value string }{{"Host", "evil.example:80"}, {"Origin", "http://evil.example"}} {
		req, err := http.NewRequest(http.MethodPost, r.url+"api/power", strings.NewReader(`{"action":"cut"}`))
		if err != nil {
			t.Fatal(err)
		}
		if tt.header == "Host" {
			req.Host = tt.value
		} else {
			req.Header.Set(tt.header, tt.value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode < 400 {
			t.Errorf("POST with %s: %s = %d, want it refused", tt.header, tt.value, resp.StatusCode)
		}
	}
	if !r.state().Kiosk.Running {
		t.Error("a page from elsewhere cut the power")
	}
}

// A live view gets the state at once, and again when something changes.
func TestEvents(t *testing.T) {
	r := start(t)
	resp, err := http.Get(r.url + "api/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	d := make(chan State, 100)
	go func() {
		defer close(d)
		var buf []byte
		b := make([]byte, 64<<10)
		for {
			n, err := resp.Body.Read(b)
			buf = append(buf, b[:n]...)
			for {
				event, rest, ok := bytes.Cut(buf, []byte("\n\n"))
				if !ok {
					break
				}
				buf = rest
				var s State
				if json.Unmarshal(bytes.TrimPrefix(event, []byte("data: ")), &s) == nil {
					d <- s
				}
			}
			if err != nil {
				return
			}
		}
	}()
	if s := <-d; s.Devices.Reader.Card != "" {
		t.Errorf("first event has card %q, want none", s.Devices.Reader.Card)
	}
	r.ok("card", `{"action":"insert","card":"citizen-2"}`)
	late := time.After(5 * time.Second)
	for {
		select {
		case s := <-d:
			if s.Devices.Reader.Card == "citizen-2" {
				return
			}
		case <-late:
			t.Fatal("no event told of the card within 5 s")
		}
	}
}

// What is printed is seen as a picture. The bytes go the kiosk's way: through
// the port.
func TestPaper(t *testing.T) {
	r := start(t)
	f, err := os.OpenFile(filepath.Join(r.state().Dir, "kiosk", "ports", "printer"), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// Initialise, a line of text, feed and cut.
	if _, err := f.WriteString("\x1b@Nusga\n\x1dVB\x00"); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(5 * time.Second)
	for r.state().Devices.Printer.Papers == 0 {
		if time.Now().After(until) {
			t.Fatal("no paper came out within 5 s")
		}
	}
	for _, p := range []string{"api/printer/paper.png", "api/printer/roll.png"} {
		code, b := r.get(p)
		if _, err := png.Decode(bytes.NewReader(b)); code != http.StatusOK || err != nil {
			t.Errorf("%s = %d, %v, want a picture", p, code, err)
		}
	}
	if code, _ := r.get("api/printer/paper.png?back=1"); code != http.StatusNotFound {
		t.Errorf("the paper before the first = %d, want 404", code)
	}
}

// A program that does not come up is an error that shows its last words, and
// nothing that was started stays behind.
func TestBroken(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	bin := programs(t, "portald")
	err := Run(t.Context(), Options{Addr: "127.0.0.1:0", Dir: dir, Bin: bin})
	if err == nil || !strings.Contains(err.Error(), "penjired") {
		t.Errorf("Run without penjired = %v, want an error that names it", err)
	}
	script := "#!/bin/sh\necho the disk is on fire >&2\nexit 3\n"
	if err := os.WriteFile(filepath.Join(bin, "penjired"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	err = Run(t.Context(), Options{Addr: "127.0.0.1:0", Dir: dir, Bin: bin})
	if err == nil || !strings.Contains(err.Error(), "the disk is on fire") {
		t.Errorf("Run = %v, want the last words of what ended", err)
	}
	if err := Run(t.Context(), Options{Addr: "0.0.0.0:0", Dir: dir, Bin: bin}); err == nil {
		t.Error("Run on every address = nil, want it refused: the bench gives its world's keys away")
	}
}

// A second bench in a folder leaves everything as the first one has it.
func TestOneBenchInAFolder(t *testing.T) {
	r := start(t)
	dir := r.state().Dir
	before, err := os.ReadFile(filepath.Join(dir, "kiosk", "settings.json"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	err = Run(ctx, Options{Addr: "127.0.0.1:0", Dir: dir, Bin: programs(t, "portald", "penjired")})
	if err == nil || !strings.Contains(err.Error(), "another bench") {
		t.Errorf("Run in a folder that has a bench = %v, want it refused", err)
	}
	after, err := os.ReadFile(filepath.Join(dir, "kiosk", "settings.json"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the first bench's settings were changed (%v)", err)
	}
	if _, err := os.Readlink(filepath.Join(dir, "kiosk", "ports", "reader")); err != nil {
		t.Errorf("the first bench's reader: %v", err)
	}
	r.ok("power", `{"action":"cut"}`)
	r.ok("power", `{"action":"on"}`)
}

// However the bench dies, its children die with it.
func TestChildrenDie(t *testing.T) {
	bin := programs(t, "bench", "portald", "penjired")
	cmd := exec.Command(filepath.Join(bin, "bench"), filepath.Join(t.TempDir(), "run"), bin)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf, url := make([]byte, 4096), ""
	for seen := ""; url == ""; {
		n, err := out.Read(buf)
		seen += string(buf[:n])
		if strings.Contains(seen, "Ctrl-C") {
			_, rest, _ := strings.Cut(seen, "Bench")
			url = strings.Fields(rest)[0]
		} else if err != nil {
			t.Fatalf("the bench said %q, then %v", seen, err)
		}
	}
	s := running{t, url}.state()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	for _, pid := range []int{s.Kiosk.PID, s.Portal.PID} {
		until := time.Now().Add(5 * time.Second)
		for alive(pid) {
			if time.Now().After(until) {
				t.Fatalf("process %d outlives the bench", pid)
			}
		}
	}
}

// alive reports whether pid runs; one that ended and was not yet collected by
// its new parent does not.
func alive(pid int) bool {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}
