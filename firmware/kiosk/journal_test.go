package kiosk

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/journal/evidence"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/ui/phrase"
	"github.com/penjire/penjire/ui/screen"
)

// prove asks the control socket for a proof.
func (r *rig) prove(key, value string) (status int, body []byte) {
	r.t.Helper()
	c := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", r.control)
	}, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://kiosk/journal/prove?"+url.Values{key: {value}}.Encode(), nil)
	r.must(err)
	res, err := c.Do(req)
	r.must(err)
	body, err = io.ReadAll(res.Body)
	r.must(err)
	r.must(res.Body.Close())
	return res.StatusCode, body
}

// The proof of a request, found by the code or the paper that the citizen has:
// it holds before anyone but the kiosk has seen the journal, and with the portal
// as witness between two signed times.
func TestProve(t *testing.T) {
	r := newRig(t)
	r.start()
	v := r.apply("citizen-1")
	code := v.Done.Code
	checked := func(key, value string) *evidence.Checked {
		t.Helper()
		status, b := r.prove(key, value)
		if status != http.StatusOK {
			t.Fatalf("prove by %s: status %d: %s", key, status, b)
		}
		p, err := evidence.ParseProof(b)
		r.must(err)
		c, err := p.Check(r.w.Trust(), time.Now())
		r.must(err)
		if q := r.only(); c.Index != q.Index || outbox.Doc(c.Entry.Fields.Doc) != q.Doc || c.Root != q.Root {
			t.Errorf("prove by %s: entry %d, want %d of the request", key, c.Index, q.Index)
		}
		return c
	}
	if c := checked("code", code); c.Witness != "" {
		t.Errorf("without a portal there is the witness %s", c.Witness)
	}
	r.leave()
	r.online(nil)
	r.stage(outbox.Registered)
	r.until("the portal's signature", func() bool { return checked("code", code).Witness == "portal.specimen" })
	req := r.only()
	s, err := r.k.receiptSeal(req)
	r.must(err)
	c := checked("seal", s.URL("https://portal.specimen"))
	if c.Bracket.NotAfter.IsZero() {
		t.Errorf("bracket %+v, want an end", c.Bracket)
	}
	_, b := r.prove("seal", s.Text())
	p, err := evidence.ParseProof(b)
	r.must(err)
	if v := evidence.CheckReceipt(s, p, r.w.Trust(), time.Now()); v.Answer != evidence.Consistent {
		t.Errorf("the receipt: %s, %s, want consistent", v.Answer, v.Why)
	}
	other, err := seal.Make(seal.Seal{
		Kind: seal.Receipt, Issuer: r.w.Device.ID, Service: "complaint", Doc: req.Doc[:], Date: req.Claimed, Index: 0, Size: 1,
		Root: req.Root[:], Epoch: []byte{1, 2, 3, 4},
	}, r.w.Device.Signing.Key, r.w.Device.Signing.Cert)
	r.must(err)
	for _, tt := range []struct {
		key, value string
		status     int
	}{
		{"code", "x", http.StatusBadRequest},
		{"index", "-1", http.StatusBadRequest},
		{"nothing", "x", http.StatusBadRequest},
		{"index", "100000", http.StatusNotFound},
		{"seal", other.Text(), http.StatusNotFound},
	} {
		if got, b := r.prove(tt.key, tt.value); got != tt.status {
			t.Errorf("prove by %s %s: status %d, want %d: %s", tt.key, tt.value, got, tt.status, b)
		}
	}
}

// An older copy of the medium: the portal shows the kiosk its own later head,
// the kiosk says so and takes no request, and goes on when it is started again.
func TestOlderMedium(t *testing.T) {
	r := newRig(t)
	file := filepath.Join(r.settings().State, "outbox", "outbox.db")
	r.start()
	r.stop()
	image, err := os.ReadFile(file)
	r.must(err)
	r.start()
	r.online(nil)
	r.apply("citizen-1")
	r.stage(outbox.Registered)
	r.leave()
	r.stop()
	r.must(os.WriteFile(file, image, 0o600))
	r.start()
	r.until("the kiosk to know that its medium is old", func() bool { return r.holds(health.Restored.Code) })
	r.until("the start page to say so", func() bool { return r.k.Start(t.Context()).Start.Notice == health.Restored.Notice })
	if _, err := os.Stat(filepath.Join(r.settings().State, contradictedFile)); err != nil {
		t.Error(err)
	}
	if _, err := r.k.box.Accept(t.Context(), outbox.Draft{
		Doc: outbox.Doc{1}, Service: "s", Lang: "tk", Sealed: []byte("x"), Claimed: time.Now(),
	}); err == nil {
		t.Error("an older copy takes a request")
	}
	r.stop()
	r.start()
	r.apply("citizen-2")
	if r.holds(health.Restored.Code) {
		t.Error("it is not over after a start")
	}
	r.leave()
}

// A kiosk that has heard no signed time for longer than its settings allow takes
// no binding request and says so, in every language; it goes on showing what its
// services are, and takes requests again once the portal has spoken.
func TestStaleBeacon(t *testing.T) {
	r := newRig(t)
	r.must(os.WriteFile(filepath.Join(r.dir, "ports", "clock-offset"), []byte("200h"), 0o600))
	s := r.settings()
	s.BeaconMaxAge = 7 * 24 * time.Hour
	r.startWith(s)
	r.until("the condition", func() bool { return r.holds(health.BeaconOld.Code) })
	r.until("the start page to say so", func() bool { return r.k.Start(t.Context()).Start.Notice == health.BeaconOld.Notice })
	for _, lang := range []string{"tk", "ru", "en"} {
		for _, key := range []string{health.BeaconOld.Notice, "blocked.trust"} {
			if words := phrase.In(lang).Get(key); words == "" || words == key {
				t.Errorf("%s has no words for %s", lang, key)
			}
		}
	}
	r.begin("tk")
	r.do("apply")
	r.do("choose", "service", "residence-certificate")
	if got := r.on(screen.Service).Service.Blocked; got != "blocked.trust" {
		t.Errorf("Blocked: got %q, want blocked.trust", got)
	}
	if e, ok := r.k.submit(t.Context(), &visit{}, session.Submit{}).(session.Failed); !ok || e.Why != session.NoTime {
		t.Errorf("submit = %+v, want that there is no time", e)
	}
	r.do("end")
	r.must(os.Remove(filepath.Join(r.dir, "ports", "clock-offset")))
	r.online(nil)
	// The step back leaves the clock unknown until the portal's time has come.
	r.until("the conditions to end", func() bool { return !r.holds(health.BeaconOld.Code) && !r.holds(health.ClockLost.Code) })
	r.apply("citizen-1")
	r.leave()
}
