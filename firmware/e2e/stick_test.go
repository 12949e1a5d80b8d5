package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/firmware/demo"
)

// bring has the operator take every file of the stick at the portal, and puts the
// answers beside them.
func (b *bench) bring(stick string) {
	b.t.Helper()
	files, err := filepath.Glob(filepath.Join(stick, "*.penjire"))
	if err != nil || len(files) == 0 {
		b.t.Fatalf("files on the stick: %d, %v", len(files), err)
	}
	for _, f := range files {
		if strings.Contains(f, "-answer-") {
			continue
		}
		answer, name, err := deliver(b.state().Portal.URL, f)
		if err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(stick, name), answer, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
}

// deliver has the operator take one file at the portal, and returns its answer
// and that one's name.
func deliver(portal, file string) (answer []byte, name string, err error) {
	body, err := os.ReadFile(file)
	if err != nil {
		return nil, "", err
	}
	r, err := http.NewRequest(http.MethodPost, portal+"/api/stick", bytes.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	r.SetBasicAuth(demo.Operator, demo.OfficerPassword)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, "", err
	}
	answer, err = io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("POST /api/stick = %s %s, %w", res.Status, answer, errors.Join(err, os.ErrInvalid))
	}
	_, name, _ = strings.Cut(res.Header.Get("Content-Disposition"), `filename="`)
	return answer, filepath.Base(strings.TrimSuffix(name, `"`)), nil
}

// stick runs penjire export or import and wants it done.
func (b *bench) stick(what, stick string) string {
	b.t.Helper()
	out, status := b.penjire("", what, "--settings", b.dir+"/kiosk/settings.json", "--lang", "en", "--any-folder", stick)
	if status != 0 {
		b.t.Fatalf("penjire %s: status %d\n%s", what, status, out)
	}
	return out
}

// TestPromise_AStickIsANetwork serves a citizen at a kiosk that never sees the
// network: the request goes out on a memory stick, is registered, and the answer
// comes back on the same stick and is opened and printed.
func TestPromise_AStickIsANetwork(t *testing.T) {
	b := startBench(t)
	b.network("down")
	b.wait("the kiosk sees the cut", func(s state) bool { return s.Kiosk.Says != nil && s.Kiosk.Says.Devices.Net == "down" })
	stick := t.TempDir()
	b.card("insert", "citizen-1")
	p := b.begin("tk").choose("residence-certificate").fill(answers).sign()
	code := p.done()
	receipt := b.paper()
	p.leave("citizen-1")

	if out := b.stick("export", stick); !strings.Contains(out, "exported: requests 1, files 1") {
		t.Errorf("penjire export says\n%s", out)
	}
	if s := b.state(); s.Queue["sending"] != 1 {
		t.Errorf("queue after the export = %v, want one sending", s.Queue)
	}
	b.bring(stick)
	if out := b.stick("import", stick); !strings.Contains(out, "imported: requests confirmed by the portal 1") {
		t.Errorf("penjire import says\n%s", out)
	}
	if s := b.state(); s.Queue["registered"] != 1 {
		t.Errorf("queue after the import = %v, want one registered", s.Queue)
	}

	// The agency answers; the next stick fetches it. The old files are still on it.
	b.answerAs(b.request(code), "answer", "")
	b.stick("export", stick)
	b.bring(stick)
	b.stick("import", stick)
	if s := b.state(); s.Queue["answered"] != 1 {
		t.Errorf("queue = %v, want one answered", s.Queue)
	}
	b.card("insert", "citizen-1")
	p = b.begin("tk").open()
	p.act("print")
	var seal string
	b.until("the copy on paper", func() bool { seal = b.paper(); return seal != receipt }, func() string { return seal })
	p.on("answer")
	p.leave("citizen-1")

	// The network is back: it finds nothing to do, and no alarm.
	b.network("up")
	b.wait("the connection", func(s state) bool { return s.Kiosk.Says != nil && s.Kiosk.Says.Devices.Net == "good" })
	b.oneOfEach(1)

	// Without a running kiosk nobody touches its outbox.
	b.power("cut")
	out, status := b.penjire("", "export", "--settings", b.dir+"/kiosk/settings.json", "--any-folder", stick)
	if status != 2 {
		t.Errorf("penjire export without a kiosk: status %d, want 2\n%s", status, out)
	}
}
