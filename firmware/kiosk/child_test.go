package kiosk

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/ui/screen"
)

// childSettings is the environment variable by which this test binary becomes a
// kiosk: a process that can be killed.
const childSettings = "PENJIRE_TEST_KIOSK"

func TestMain(m *testing.M) {
	if path := os.Getenv(childSettings); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(path string) error {
	s, err := settings.Load(path)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	k, err := Open(ctx, Options{Settings: s, Version: "test", Boot: "boot", Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	fmt.Println(k.Addr())
	return k.Run(ctx)
}

// process is a kiosk in a process of its own.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	once sync.Once
}

// kill pulls the power.
func (p *process) kill() {
	p.once.Do(func() { _ = p.cmd.Process.Kill() })
	<-p.done
}

// spawn starts the kiosk as another process and waits until it serves.
func (r *rig) spawn() *process {
	r.t.Helper()
	path := filepath.Join(r.dir, "settings.json")
	if _, err := os.Stat(path); err != nil {
		sock, err := os.MkdirTemp("", "pk")
		r.must(err)
		r.t.Cleanup(func() { _ = os.RemoveAll(sock) })
		r.control = filepath.Join(sock, "c")
		conf, err := json.Marshal(map[string]any{
			"kiosk": "K-000001", "board": "bench", "ports": "ports", "state": "state", "listen": "127.0.0.1:0", "control": r.control,
			"portal": map[string]string{
				"url": "wss://" + r.addr + "/sync", "public_url": "https://portal.specimen", "server_name": "portal.specimen",
			},
			"identity": map[string]string{"cert": "tls.crt", "key": "tls.key"},
			"signing":  map[string]string{"cert": "doc.crt", "key": "doc.key"},
			"roots":    "roots.pem", "trust": "trust", "catalogue": "catalogue",
		})
		r.must(err)
		r.must(os.WriteFile(path, conf, 0o600))
	}
	p := &process{cmd: exec.Command(os.Args[0]), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), childSettings+"="+path)
	p.cmd.Stderr = r.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StdoutPipe()
	r.must(err)
	r.must(p.cmd.Start())
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		r.t.Fatalf("the kiosk did not start: %v", err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, out)
		_ = p.cmd.Wait()
		close(p.done)
	}()
	r.t.Cleanup(p.kill)
	r.k, r.base, r.visit, r.live = nil, "http://"+strings.TrimSpace(addr), "", context.Background()
	r.until("the devices to be looked at", func() bool {
		d := r.state().Devices
		return d.Printer != screen.Unknown && d.Reader != screen.Unknown
	})
	return p
}

// stay is a client that does not follow: where it is sent is what it wants.
var stay = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// post sends a form and returns where it leads. The process may be dying.
func (r *rig) post(path string, pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	res, err := stay.PostForm(r.base+path, v)
	if err != nil {
		return ""
	}
	_ = res.Body.Close()
	return res.Header.Get("Location")
}

var rowField = regexp.MustCompile(`name="row" value="([a-z_]+)"`)

// fillPages answers the certificate's questions through the browser's door.
func (r *rig) fillPages() {
	r.t.Helper()
	for range 20 {
		if r.page() != screen.Question {
			return
		}
		res, err := stay.Get(r.base + r.visit)
		r.must(err)
		b, err := io.ReadAll(res.Body)
		r.must(err)
		r.must(res.Body.Close())
		m := rowField.FindSubmatch(b)
		if m == nil {
			r.t.Fatal("the page of a question names no row")
		}
		row := string(m[1])
		r.do("answer", "row", row, row, answers[row], row+".day", "15", row+".month", "1", row+".year", "2020")
	}
	r.t.Fatal("the questions do not end")
}

// toPINPages is toPIN through the browser's door.
func (r *rig) toPINPages(card string) {
	r.t.Helper()
	r.begin("tk")
	r.do("apply")
	r.do("choose", "service", "residence-certificate")
	r.do("begin")
	for r.page() == screen.Rules {
		r.do("accept")
	}
	r.insert(card)
	r.until("the card to be read", func() bool { return r.page() == screen.IsThisYou })
	r.do("yes")
	r.fillPages()
	r.do("confirm")
	r.until("the PIN to be asked", func() bool { return r.page() == screen.PIN })
}

// accepted counts the requests that the outbox says it accepted, and checks the
// outbox as a whole. The kiosk must not be running.
func (r *rig) accepted() (list []outbox.Request) {
	r.t.Helper()
	box, err := outbox.Open(context.Background(), filepath.Join(r.dir, "state", "outbox"), outbox.Options{Kiosk: "K-000001"})
	r.must(err)
	defer func() { r.must(box.Close()) }()
	if err := box.Check(context.Background()); err != nil {
		r.t.Errorf("Check of the outbox = %v", err)
	}
	key, err := openOwnerKey(filepath.Join(r.dir, "state", "pseudonym.key"))
	r.must(err)
	c, _ := r.w.Card("citizen-1")
	list, err = box.Mine(context.Background(), key.of(c.Holder.ID))
	r.must(err)
	return list
}
