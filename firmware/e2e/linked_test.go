package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/demo"
	"github.com/penjire/penjire/firmware/demo/shaper"
)

// linked is a kiosk and a portal, the programs that ship, each in a network
// namespace of its own, and the link between them. There are no devices.
type linked struct {
	t     testing.TB
	link  *shaper.Link
	world *demo.World

	portal, kiosk *child
	control       *http.Client // to the kiosk's control socket
	far           *http.Client // to the portal's pages, from its own namespace
}

// portalPort is where the portal takes kiosks: the same after each start.
const portalPort = "4433"

// newLinked makes world and link and starts nothing. Where no link can be made,
// the test is left out.
func newLinked(t testing.TB, c shaper.Config) *linked {
	t.Helper()
	lookAtSources()
	link, err := shaper.New(c)
	if errors.Is(err, shaper.ErrNotHere) && os.Getenv("PENJIRE_PEERS") != "require" {
		if _, ok := t.(*testing.B); ok { // the go command says nothing of a benchmark that was skipped
			fmt.Printf("LEFT OUT: %s: %v\n", t.Name(), err)
		}
		t.Skipf("LEFT OUT: the real programs over a bad link: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	l := &linked{t: t, link: link}
	t.Cleanup(func() {
		l.kill(l.kiosk)
		l.kill(l.portal)
		if err := link.Close(); err != nil {
			t.Error(err)
		}
	})
	if l.world, err = demo.Open(t.TempDir(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := l.world.WriteSettings(demo.Addresses{
		Screen: "127.0.0.1:0", Sync: net.JoinHostPort(link.Far().Addr().String(), portalPort), Public: "http://127.0.0.1:1/",
	}); err != nil {
		t.Fatal(err)
	}
	l.control = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", l.world.Control())
	}}}
	l.far = link.Far().Client()
	return l
}

// child is a program that runs at one end.
type child struct {
	name string
	cmd  *exec.Cmd
	log  *locked
	word map[string]string // what it said when it was ready
	done chan struct{}
}

// locked is a buffer that is written while it is read.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// String implements fmt.Stringer.
func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start starts a program and, if it is to be waited for, returns when it has said
// that it is ready.
func (l *linked) start(s *shaper.Side, ready bool, name string, args ...string) *child {
	l.t.Helper()
	c := &child{name: name, cmd: exec.Command(filepath.Join(bin, name), args...), log: &locked{}, done: make(chan struct{})}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	c.cmd.Stderr = c.log
	if err := s.Start(c.cmd); err != nil {
		l.t.Fatal(err)
	}
	said := make(chan map[string]string, 1)
	go func() {
		defer close(c.done)
		lines := bufio.NewReader(out)
		if line, err := lines.ReadBytes('\n'); err == nil {
			var word map[string]string
			if json.Unmarshal(line, &word) == nil {
				said <- word
			}
		}
		_, _ = io.Copy(io.Discard, lines)
		_ = c.cmd.Wait() // how it ended is the test's business
	}()
	if !ready {
		return c
	}
	select {
	case c.word = <-said:
	case <-c.done:
		l.t.Fatalf("%s ended before it was ready:\n%s", name, c.log)
	case <-time.After(patience):
		l.t.Fatalf("%s was not ready within %v:\n%s", name, patience, c.log)
	}
	return c
}

func (l *linked) startPortal(ready bool) {
	l.t.Helper()
	l.portal = l.start(l.link.Far(), ready, "portald", "-dir", l.world.Portal(), "-sync", net.JoinHostPort(l.link.Far().Addr().String(), portalPort), "-web", "127.0.0.1:8080")
}

func (l *linked) startKiosk(ready bool) {
	l.t.Helper()
	l.kiosk = l.start(l.link.Near(), ready, "penjired", "-settings", l.world.Settings())
}

// kill ends a program as a power cut does, and waits until it is gone.
func (l *linked) kill(c *child) {
	if c == nil {
		return
	}
	_ = c.cmd.Process.Kill() // it may have ended
	<-c.done
	if l.t.Failed() {
		l.t.Logf("what %s said:\n%s", c.name, c.log)
	}
}

// kioskState is what the tests want to know of the kiosk.
type kioskState struct {
	Queue struct {
		ByState map[string]int `json:"by_state"`
		Unsent  int
		Alarms  []string
	}
	Uplink struct {
		Connected  bool
		LastFrames []struct {
			At    time.Time
			Up    bool
			Type  string
			Bytes int
			Count int
		} `json:"last_frames"`
	}
}

func (l *linked) kioskState() (s kioskState, err error) {
	return s, fetchJSON(l.control, "http://kiosk/state", &s)
}

func fetchJSON(c *http.Client, url string, to any) error {
	r, err := c.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = r.Body.Close() }()
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, r.Status)
	}
	return json.NewDecoder(r.Body).Decode(to)
}
