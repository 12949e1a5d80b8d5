package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/desk"
)

// folder writes a portal's folder and returns it with its world.
func folder(t *testing.T) (string, *specimen.World) {
	t.Helper()
	w, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put := func(name string, b []byte) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	pair := func(name string, id specimen.Identity) portal.Pair {
		return portal.Pair{Cert: put(name+".crt", id.CertPEM()), Key: put(name+".key", id.KeyPEM())}
	}
	c, err := packs.Catalogue(1)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	signed, err := trust.SignObjectAt(trust.KindCatalogue, payload, w.Register.Signer(), w.Made)
	if err != nil {
		t.Fatal(err)
	}
	officers, err := json.Marshal([]desk.Officer{{ID: "registry", Name: "NUSGA", Agency: "civil-registry", Password: desk.HashPassword("nusga")}})
	if err != nil {
		t.Fatal(err)
	}
	f := portal.File{
		Name: "portal.specimen", Host: "portal.specimen",
		TLS: pair("tls", w.PortalTLS), Receipt: pair("receipt", w.PortalReceipt), Register: pair("register", w.Register), TSA: pair("tsa", w.TSA),
		Agencies: map[string]portal.Pair{"ombudsman": pair("ombudsman", w.Agencies["ombudsman"])},
		Age:      put("age.txt", []byte(w.AgeIdentity+"\n")), Roots: put("roots.pem", w.RootPEM()), Devices: put("devices.pem", w.Infrastructure.CertPEM()),
		Trust: put("trust.cbor", w.Bundle()), Catalogue: put("catalogue.cbor", signed), Officers: put("officers.json", officers), Ledger: "ledger.db",
	}
	if err := portal.WriteFile(dir, f); err != nil {
		t.Fatal(err)
	}
	return dir, w
}

// portald is a running portal.
type portald struct {
	t         *testing.T
	Sync, Web string
	stop      context.CancelFunc
	status    chan int
	log       *bytes.Buffer
}

func start(t *testing.T, args ...string) *portald {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	p := &portald{t: t, stop: cancel, status: make(chan int, 1), log: new(bytes.Buffer)}
	go func() {
		s := run(ctx, args, w, p.log)
		_ = w.CloseWithError(io.EOF)
		p.status <- s
	}()
	t.Cleanup(cancel)
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err != nil {
		t.Fatalf("portald did not say where it serves: %v, status %d\n%s", err, <-p.status, p.log)
	}
	if err := json.Unmarshal(line, p); err != nil {
		t.Fatalf("portald said %q: %v", line, err)
	}
	return p
}

// end stops the portal and wants status 0.
func (p *portald) end() {
	p.t.Helper()
	p.stop()
	if s := <-p.status; s != 0 {
		p.t.Errorf("portald ended with %d, want 0\n%s", s, p.log)
	}
}

func (p *portald) get(path string, want int) string {
	p.t.Helper()
	r, err := http.Get(p.Web + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != want {
		p.t.Errorf("GET %s = %d, %v, want %d", path, r.StatusCode, err, want)
	}
	return string(b)
}

func (p *portald) state() (s state) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(p.get("/api/state", 200)), &s); err != nil {
		p.t.Fatal(err)
	}
	return s
}

func TestServes(t *testing.T) {
	dir, w := folder(t)
	p := start(t, "-dir", dir)
	for _, line := range []string{"penjire_requests{state=\"registered\"} ", "penjire_intake_full 0\n", "penjire_disk_free_bytes "} {
		if m := p.get("/metrics", 200); !strings.Contains(m, line) {
			t.Errorf("/metrics has no %q:\n%s", line, m)
		}
	}
	if got := p.get("/healthz", 200); got != "ok\n" {
		t.Errorf("healthz = %q, want ok", got)
	}
	if s := p.state(); s.Catalogue != 1 || s.Trust != w.Trust().Version || len(s.Requests) != 5 {
		t.Errorf("state = %+v, want catalogue 1 and five counts", s)
	}
	for path, want := range map[string]int{"/": 200, "/status": 200, "/check": 200, "/desk/sign-in": 200, "/no-such-page": 404} {
		if got := p.get(path, want); !strings.Contains(got, "<html") {
			t.Errorf("GET %s is no page", path)
		}
	}
	p.get("/asset/portal.css", 200)
	p.get("/asset/css/nothing.css", 404)

	imprint := sha256.Sum256([]byte("x"))
	c := &tsp.Client{URL: p.Web + "/tsa", Trusted: w.Trust().TSA}
	if _, at, err := c.Stamp(t.Context(), imprint); err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("time stamp = %s, %v, want now", at, err)
	}

	r, err := http.NewRequest("GET", p.Web+"/api/desk/requests", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("registry", "nusga")
	a, err := http.DefaultClient.Do(r)
	if err != nil || a.StatusCode != 200 {
		t.Errorf("desk = %v, %v, want 200", a, err)
	} else {
		_ = a.Body.Close()
	}

	// Without a certificate nobody gets past the handshake.
	conn, err := tls.Dial("tcp", p.Sync, &tls.Config{RootCAs: w.Pool(), ServerName: "portal.specimen"})
	if err == nil {
		_, err = conn.Read(make([]byte, 1)) // in TLS 1.3 the refusal comes here
		_ = conn.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("connect without a certificate = %v, want it refused", err)
	}
	p.end()
}

// TestPacks starts again with a further pack: the catalogue gets a new version
// once, and the same folder again gives no newer one.
func TestPacks(t *testing.T) {
	dir, _ := folder(t)
	p := start(t, "-dir", dir)
	p.end()
	all, err := packs.All()
	if err != nil {
		t.Fatal(err)
	}
	more := catalog.Pack{Schema: catalog.SchemaPack, Services: []catalog.Service{all[0].Services[0]}}
	more.Services[0].ID, more.Services[0].Version = "never-seen-before", 1
	b, err := json.Marshal(more)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "more.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p = start(t, "-dir", dir, "-packs", folder)
		if s := p.state(); s.Catalogue != 2 {
			t.Errorf("catalogue = version %d, want 2", s.Catalogue)
		}
		p.get("/service/never-seen-before", 200)
		p.end()
	}
	p = start(t, "-dir", dir)
	if s := p.state(); s.Catalogue != 3 {
		t.Errorf("catalogue without the pack = version %d, want 3", s.Catalogue)
	}
	p.end()
}

// TestArchive checks and exports a portal's ledger, beside the running portal.
func TestArchive(t *testing.T) {
	dir, _ := folder(t)
	var out, log bytes.Buffer
	call := func(want int, args ...string) string {
		t.Helper()
		out.Reset()
		log.Reset()
		if s := run(t.Context(), args, &out, &log); s != want {
			t.Errorf("portald %q = status %d, want %d\n%s%s", args, s, want, &out, &log)
		}
		return out.String() + log.String()
	}
	if said := call(1, "check", "-dir", dir); !strings.Contains(said, "ledger.db") {
		t.Errorf("check where there is no ledger says %q", said)
	}
	if _, err := os.Stat(filepath.Join(dir, "ledger.db")); err == nil {
		t.Error("check made a ledger")
	}
	p := start(t, "-dir", dir)
	if said := call(0, "check", "-dir", dir); !strings.Contains(said, "checked 0 records") {
		t.Errorf("check says %q", said)
	}
	var sum struct{ Trust uint64 }
	if err := json.Unmarshal([]byte(call(0, "check", "-dir", dir, "-json", "-days", "7")), &sum); err != nil || sum.Trust != 1 {
		t.Errorf("check -json = %+v, %v, want trust bundle 1", sum, err)
	}
	to := filepath.Join(t.TempDir(), "out")
	call(0, "export", "-dir", dir, "-all", to)
	if b, err := os.ReadFile(filepath.Join(to, "index.csv")); err != nil || !strings.HasPrefix(string(b), "document,code,") {
		t.Errorf("the index of an empty export = %q, %v", b, err)
	}
	call(1, "export", "-dir", dir, "-all", to)
	if said := call(1, "export", "-dir", dir, "K7M4P29QDX", t.TempDir()); strings.Contains(said, "K7M4P29QDX") {
		t.Errorf("export repeats the code: %q", said)
	}
	call(1, "export", "-dir", dir, "nonsense", t.TempDir())
	call(1, "export", "-dir", dir, strings.Repeat("0", 64), t.TempDir())
	p.end()
	for _, args := range [][]string{
		{"check"},
		{"check", "-dir", dir, "more"},
		{"check", "-dir", dir, "-days", "0"},
		{"check", "-nonsense"},
		{"export", "-dir", dir},
		{"export", "-dir", dir, "-all"},
		{"export", "-dir", dir, "-all", "a", "b"},
		{"export", "-all", "a"},
	} {
		call(2, args...)
	}
}

func TestFaults(t *testing.T) {
	dir, _ := folder(t)
	for _, name := range []string{"tsa.key", "roots.pem"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("nothing"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, log bytes.Buffer
	if s := run(t.Context(), []string{"-dir", dir}, &out, &log); s != 1 || !strings.Contains(log.String(), "tsa.key") || !strings.Contains(log.String(), "roots.pem") {
		t.Errorf("status %d, %s, want 1 and both faults", s, log.String())
	}
	for _, args := range [][]string{nil, {"-dir"}, {"-nonsense"}, {"-dir", dir, "more"}} {
		if s := run(t.Context(), args, &out, &log); s != 2 {
			t.Errorf("portald %q = status %d, want 2", args, s)
		}
	}
	if s := run(t.Context(), []string{"-dir", t.TempDir()}, &out, &log); s != 1 {
		t.Errorf("portald on an empty folder = status %d, want 1", s)
	}
}
