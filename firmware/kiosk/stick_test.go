package kiosk

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/portal"
)

// socket speaks to the kiosk's control socket.
func (r *rig) socket() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", r.control)
	}}}
}

// stick posts to the control socket and returns the lines of the answer.
func (r *rig) stick(what, folder, anywhere string) (lines []StickLine) {
	r.t.Helper()
	res, err := r.socket().Post("http://kiosk/"+what+"?"+url.Values{"folder": {folder}, "anywhere": {anywhere}}.Encode(), "", nil)
	r.must(err)
	defer func() { _ = res.Body.Close() }()
	for d := json.NewDecoder(res.Body); d.More(); {
		var l StickLine
		r.must(d.Decode(&l))
		lines = append(lines, l)
	}
	if len(lines) == 0 {
		r.t.Fatalf("%s: no lines, status %s", what, res.Status)
	}
	return lines
}

// bring takes the stick to the portal, and the answers back onto it.
func (r *rig) bring(dir string) {
	r.t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.penjire"))
	r.must(err)
	for _, f := range files {
		if strings.Contains(f, "-answer-") {
			continue
		}
		b, err := os.ReadFile(f)
		r.must(err)
		in, err := r.portal.Import(context.Background(), bytes.NewReader(b))
		r.must(err)
		r.must(os.WriteFile(filepath.Join(dir, in.Name), in.Answer, 0o600))
	}
}

// TestStick has a kiosk that no network reaches, with its portal somewhere else.
func TestStick(t *testing.T) {
	r := newRig(t)
	s := r.settings()
	s.Portal.URL = "wss://127.0.0.1:1/sync" // no network reaches it, whatever runs
	r.startWith(s)
	r.apply("citizen-1")
	r.stage(outbox.Accepted)
	r.leave()
	dir := t.TempDir()
	last := func(ls []StickLine) StickLine { return ls[len(ls)-1] }

	// A folder on the own disk is no stick, unless somebody says that it is meant.
	for anywhere, folder := range map[string]string{"": dir, "0": dir, "1": filepath.Join(dir, "nowhere")} {
		want := StickNone
		if anywhere == "1" {
			want = StickFolder
		}
		if l := last(r.stick("export", folder, anywhere)); l.Step != "failed" || l.Code != want {
			t.Errorf("export to %s = %+v, want %s", folder, l, want)
		}
	}
	if now := r.state(); now.Queue.ByState["accepted"] != 1 {
		t.Errorf("queue = %v, want one accepted: nothing has left", now.Queue.ByState)
	}
	// One stick at a time.
	r.k.sticks.Lock()
	if l := last(r.stick("import", dir, "1")); l.Code != StickBusy {
		t.Errorf("import beside another = %+v, want %s", l, StickBusy)
	}
	r.k.sticks.Unlock()

	l := last(r.stick("export", dir, "1"))
	if l.Step != "done" || l.Files != 1 || l.Records != 1 || l.Left != 0 {
		t.Errorf("export = %+v, want one request in one file", l)
	}
	if now := r.state(); now.Queue.ByState["sending"] != 1 {
		t.Errorf("queue = %v, want one sending", now.Queue.ByState)
	}
	// The next file has the next number, also after a power cut and without the book.
	r.stop()
	r.must(os.Remove(filepath.Join(r.dir, "state", bookFile)))
	r.startWith(s)
	if ls := r.stick("export", dir, "1"); last(ls).Files != 1 || !strings.HasSuffix(ls[1].File, "-2.penjire") {
		t.Errorf("export = %+v, want file 2", ls)
	}
	r.online(nil)
	r.bring(dir)
	l = last(r.stick("import", dir, "1"))
	if l.Step != "done" || l.Receipts == 0 {
		t.Errorf("import = %+v, want a receipt", l)
	}
	r.stage(outbox.Registered)
	r.decide(portal.AnswerDraft{Decision: ledger.Answered})
	r.stick("export", dir, "1")
	r.bring(dir)
	if l = last(r.stick("import", dir, "1")); l.Items == 0 {
		t.Errorf("import = %+v, want the answer", l)
	}
	r.stage(outbox.Answered)
	if l = last(r.stick("import", dir, "1")); l.Step != "done" || l.Items != 0 {
		t.Errorf("import again = %+v, want nothing new", l)
	}
	if al, err := r.l.Alarms(context.Background(), 5); err != nil || len(al) != 0 {
		t.Errorf("Alarms = %+v, %v, want none", al, err)
	}
}
