package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/commission"
	"github.com/penjire/penjire/firmware/enrol"
)

// technician is a browser at the first start of a daemon that runs.
type technician struct {
	t     *testing.T
	dir   string
	cmd   *exec.Cmd
	said  *bufio.Scanner
	log   *bytes.Buffer
	base  string
	pages strings.Builder // all that was shown
}

// start starts the daemon on a kiosk's folder, and reads where its screens are.
func (a *technician) start() {
	t := a.t
	t.Helper()
	a.cmd = exec.Command(os.Args[0], "-settings", filepath.Join(a.dir, enrol.SettingsFile), "-board", "bench")
	a.cmd.Env = append(os.Environ(), asDaemon+"=1", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nobody")
	a.cmd.Stderr, a.cmd.SysProcAttr = a.log, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := a.cmd.StdoutPipe()
	must(t, err)
	must(t, a.cmd.Start())
	a.said = bufio.NewScanner(out)
	a.base = a.screens()
}

// screens reads the next line in which the daemon says where its screens are.
func (a *technician) screens() string {
	a.t.Helper()
	if !a.said.Scan() {
		a.t.Fatalf("the daemon ended: %s", a.log)
	}
	var said struct{ Screens string }
	must(a.t, json.Unmarshal(a.said.Bytes(), &said))
	return strings.TrimSuffix(said.Screens, "/")
}

// cut ends the daemon as a power cut does.
func (a *technician) cut() {
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}

// page takes an answer; a page that is not there yet is asked for again.
func (a *technician) page(res *http.Response, err error) string {
	a.t.Helper()
	must(a.t, err)
	b, err := io.ReadAll(res.Body)
	must(a.t, errors.Join(err, res.Body.Close()))
	if res.StatusCode != http.StatusOK {
		a.t.Fatalf("%s: %s\n%s", res.Request.URL, res.Status, b)
	}
	a.pages.Write(b)
	return string(b)
}

// do presses a button and returns the page that follows.
func (a *technician) do(action string, form ...string) string {
	a.t.Helper()
	v := url.Values{}
	for i := 0; i < len(form); i += 2 {
		v.Set(form[i], form[i+1])
	}
	at := a.base + "/v/" + commission.Visit + "/" + action
	if action == "begin" {
		at = a.base + "/begin"
	}
	return a.page(http.PostForm(at, v))
}

// until waits for a page that says want.
func (a *technician) until(want string) string {
	a.t.Helper()
	end := time.Now().Add(30 * time.Second)
	for {
		res, err := http.Get(a.base + "/v/" + commission.Visit)
		if err == nil {
			if b := a.page(res, nil); strings.Contains(b, want) {
				return b
			} else if time.Now().After(end) {
				a.t.Fatalf("no page says %q; the last is\n%s\n%s", want, b, a.log)
			}
		} else if time.Now().After(end) {
			a.t.Fatalf("no page says %q: %v\n%s", want, err, a.log)
		}
		<-time.After(50 * time.Millisecond) // another process is waited for
	}
}

// From the box into service on the kiosk's screen: a wrong code and one that was used
// are said, the power goes in the middle, and no citizen is served until the
// technician says so.
func TestTechnicianBringsAKioskIntoService(t *testing.T) {
	w, s, srv := newEST(t)
	dir, err := os.MkdirTemp("", "kiosk") // short: a socket is in it
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	settings, err := json.Marshal(map[string]string{"listen": l.Addr().String(), "ports": "ports", "stick": "stick", "phone": "+993 12 94-00-11"})
	must(t, err)
	setup := enrol.Setup{
		Kiosk: "K-000042", Portal: enrol.Portal{URL: "wss://" + strings.TrimPrefix(srv.URL, "https://") + "/sync", EST: srv.URL, ServerName: "portal.specimen"},
		Roots: string(w.RootPEM()), Settings: settings,
	}
	b, err := setup.Marshal()
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, enrol.SetupFile), b, 0o600))
	must(t, os.Mkdir(filepath.Join(dir, "ports"), 0o700))
	other, _, err := s.NewCode(t.Context(), "K-000043", true, 0, "operator")
	must(t, err)
	code, _, err := s.NewCode(t.Context(), "K-000042", true, 0, "operator")
	must(t, err)

	a := &technician{t: t, dir: dir, log: new(bytes.Buffer)}
	a.start()
	defer func() { a.cut() }()
	if start := a.page(http.Get(a.base + "/")); !strings.Contains(start, "Technician, choose your language") {
		t.Errorf("the start page is\n%s", start)
	}
	if p := a.do("begin", "lang", "en"); !strings.Contains(p, "What was found") {
		t.Errorf("the first page is\n%s", p)
	}
	a.until("Board")
	if p := a.do("help"); !strings.Contains(p, "993 12 94-00-11") || !strings.Contains(p, "K-000042") {
		t.Errorf("help says\n%s", p)
	}
	a.do("back")
	if p := a.do("next"); !strings.Contains(p, "does not set up this machine") {
		t.Errorf("the network page is\n%s", p)
	}
	a.do("next")
	a.until("It really is the portal")
	p := a.until("The way to the portal is open")
	if strings.Contains(p, "not known") && !strings.Contains(p, "Network address") {
		t.Errorf("the way to the portal is\n%s", p)
	}
	a.do("next")
	a.until("Type the one-time code")

	a.cut() // in the middle
	a.start()
	if p := a.do("begin", "lang", "ru"); !strings.Contains(p, "Регистрация киоска") {
		t.Errorf("after a power cut the page is\n%s", p)
	}
	a.do("lang", "lang", "en")
	a.until("Type the one-time code")
	a.do("code")
	if p := a.do("set", "entry", "K7M4-P29Q"); !strings.Contains(p, "The code is mistyped") {
		t.Errorf("what is no code: the page is\n%s", p)
	}
	a.do("set", "entry", other.Written())
	a.until("This code is for another kiosk")
	a.do("code")
	a.do("set", "entry", strings.ToLower(code.Written()))
	if got := a.screens(); got != a.base {
		t.Errorf("the kiosk's screens are at %s, want where the technician's were, %s", got, a.base)
	}
	a.until("Test of the devices")
	if res := a.page(http.Get(a.base + "/")); !strings.Contains(res, "Technician, choose") {
		t.Error("citizens are served before the technician says so")
	}
	a.until("It does not answer") // a bench without its emulators
	a.do("next")
	a.until("Not printed")
	if p := a.until("Not all is well"); strings.Contains(p, "The kiosk is ready") {
		t.Errorf("a kiosk without devices is said to be ready\n%s", p)
	}
	if p := a.do("serve"); strings.Contains(p, "Technician") || !strings.Contains(p, "p-start") {
		t.Errorf("in service the page is\n%s", p)
	}
	if _, err := os.Stat(filepath.Join(dir, commission.File)); err == nil {
		t.Error("the record of the first start is there in service")
	}
	must(t, a.cmd.Process.Signal(syscall.SIGTERM))
	must(t, a.cmd.Wait())
	for what, s := range map[string]string{"the log": a.log.String(), "a page": a.pages.String()} {
		for _, c := range []string{code.Written(), code.Reveal(), other.Written(), other.Reveal(), strings.ToLower(code.Written())} {
			if strings.Contains(s, c) {
				t.Errorf("%s has a one-time code in it", what)
			}
		}
	}
}
