package kiosk

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/service"
)

// ticket puts a service ticket into dir.
func (r *rig) ticket(dir string, change func(*service.Ticket)) {
	r.t.Helper()
	t := service.NewTicket("K-000001", service.Support, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	change(&t)
	signed, err := t.Sign(r.w.PortalReceipt.Signer())
	r.must(err)
	r.must(os.WriteFile(filepath.Join(dir, service.FileName), signed, 0o600))
}

// served asks for service and returns what became of it.
func (r *rig) served(dir string) (code string, done bool) {
	r.t.Helper()
	ls := r.stick("service", dir, "1")
	l := ls[len(ls)-1]
	return l.Service, l.Step == "done"
}

// TestServiceTickets: a ticket is done once, on its kiosk, while it is good, and the
// journal has it; whatever else lies on the stick does nothing.
func TestServiceTickets(t *testing.T) {
	r := newRig(t)
	r.opened = func(k *Kiosk) { k.level = new(slog.LevelVar) }
	r.start()
	dir := t.TempDir()
	want := func(what, code string, done bool) {
		t.Helper()
		if got, ok := r.served(dir); got != code || ok != done {
			t.Errorf("%s: %q, done %v; want %q, %v", what, got, ok, code, done)
		}
	}
	want("an empty stick", ServiceNone, true)
	r.must(os.WriteFile(filepath.Join(dir, service.FileName), []byte("no ticket"), 0o600))
	want("no ticket", ServiceBad, false)
	r.ticket(dir, func(t *service.Ticket) { t.Kiosk = "K-000002" })
	want("another kiosk's", ServiceOther, false)
	r.ticket(dir, func(t *service.Ticket) { t.From, t.Until = t.From.Add(-9*time.Hour), t.Until.Add(-9*time.Hour) })
	want("one that ended", ServiceEnded, false)
	r.ticket(dir, func(t *service.Ticket) { t.From = t.Until.Add(-time.Minute) })
	want("one for later", ServiceEarly, false)

	r.ticket(dir, func(*service.Ticket) {})
	want("a good one", ServiceSupport, true)
	want("the same again", ServiceUsed, false)
	files, err := filepath.Glob(filepath.Join(dir, "penjire-support-K-000001-*.zip"))
	if err != nil || len(files) != 1 {
		t.Fatalf("bundles: %v, %v; want one", files, err)
	}
	if e := r.entries(journal.Service); !slices.Contains(e, "support") {
		t.Errorf("the journal has %q, want the service", e)
	}

	r.ticket(dir, func(t *service.Ticket) { t.Action, t.For = service.Verbose, time.Hour })
	want("more logs", ServiceVerbose, true)
	if !r.holds(health.Verbose.Code) || r.k.level.Level() != slog.LevelDebug {
		t.Error("the kiosk does not log more, or does not say so")
	}
	r.must(r.k.verboseUntil(time.Now().Add(-time.Second)))
	r.k.tendLevel()
	if r.holds(health.Verbose.Code) || r.k.level.Level() != slog.LevelInfo {
		t.Error("it logs more after its end")
	}
}

// TestSupportBundle: what leaves the kiosk names nobody who was there.
func TestSupportBundle(t *testing.T) {
	r := newRig(t)
	r.start()
	r.apply("citizen-1")
	r.leave()
	files := r.bundle()
	for _, name := range []string{"about.txt", "state.json", "settings.json", "board.json", "storage.json"} {
		if _, ok := files[name]; !ok {
			t.Errorf("the bundle has no %s", name)
		}
	}
	for name, all := range files {
		r.must(r.k.box.Requests(t.Context(), func(q outbox.Request) error {
			if code := edoc.CodeOf(q.Doc[:]); strings.Contains(all, code) || strings.Contains(all, edoc.FormatCode(code)) {
				t.Errorf("%s in the bundle has a tracking code", name)
			}
			return nil
		}))
		r.noneOf(name+" in the bundle", all)
		if strings.Contains(all, "PRIVATE KEY") {
			t.Errorf("%s in the bundle has a key", name)
		}
	}
}

// bundle makes a support bundle and returns its files.
func (r *rig) bundle() map[string]string {
	r.t.Helper()
	_, b, err := r.k.support(r.t.Context())
	r.must(err)
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	r.must(err)
	out := map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		r.must(err)
		all, err := io.ReadAll(in)
		r.must(err)
		out[f.Name] = string(all)
	}
	return out
}

// TestDecommission: not while a request is here that the portal has not; then the
// proof is on the stick, it verifies, the paper is out, the keys are gone, and the
// kiosk does not come back, not either where it was interrupted.
func TestDecommission(t *testing.T) {
	r := newRig(t)
	s := r.settings()
	s.Stick = t.TempDir()
	r.startWith(s)
	r.apply("citizen-1")
	r.stage(outbox.Accepted)
	r.printed()
	dir := t.TempDir()
	leave := func(t *service.Ticket) { t.Action = service.Decommission }
	r.ticket(dir, leave)
	if code, _ := r.served(dir); code != ServiceBusy {
		t.Errorf("with a visitor: %q, want %q", code, ServiceBusy)
	}
	r.leave()
	r.until("the end of the visit", func() bool { return !r.state().Visits.Open })
	if code, _ := r.served(dir); code != ServiceUnsent {
		t.Errorf("with a request that the portal has not: %q, want %q", code, ServiceUnsent)
	}
	if r.holds(health.Leaving.Code) {
		t.Error("what was refused has stopped the kiosk")
	}
	r.online(nil)
	r.until("the portal's receipt", func() bool { return r.state().Devices.Unsent == 0 })
	r.k.leave(true) // a request that is on its way while the kiosk leaves
	if _, err := r.k.accept(t.Context(), outbox.Draft{}); !errors.Is(err, errLeaving) {
		t.Errorf("Accept of a kiosk that leaves = %v, want %v", err, errLeaving)
	}
	r.k.leave(false)
	papers := len(r.paper.Papers())
	if code, done := r.served(dir); code != ServiceLeave || !done {
		t.Fatalf("got %q, done %v", code, done)
	}
	proofs, err := filepath.Glob(filepath.Join(dir, "penjire-K-000001-decommissioned-*.proof"))
	if err != nil || len(proofs) != 1 {
		t.Fatalf("proofs on the stick: %v, %v", proofs, err)
	}
	b, err := os.ReadFile(proofs[0])
	r.must(err)
	p, err := service.OpenProof(b, r.w.Trust())
	if err != nil || p.Kiosk != "K-000001" || p.Size == 0 || p.Keys != 4 {
		t.Fatalf("the proof is %+v, %v", p, err)
	}
	if got := len(r.paper.Papers()); got != papers+1 {
		t.Errorf("%d papers, want the proof besides the %d before", got, papers)
	}
	gone := func() {
		t.Helper()
		for _, f := range append(r.k.ownKeys(), s.Identity.Key, s.Signing.Key) {
			if _, err := os.Stat(f); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is still there: %v", filepath.Base(f), err)
			}
		}
	}
	gone()
	r.until("the kiosk's end", func() bool {
		c, err := net.Dial("unix", r.control)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})

	// As if the power had gone between the proof and the keys.
	r.must(os.WriteFile(s.Identity.Key, []byte("key"), 0o600))
	if _, err := Open(t.Context(), Options{Settings: s, Boot: "B"}); !errors.Is(err, ErrDecommissioned) {
		t.Errorf("started again: %v, want %v", err, ErrDecommissioned)
	}
	gone()
}
