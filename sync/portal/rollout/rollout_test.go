package rollout

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/sqlite"
	"github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/release/releasetest"
)

var (
	now    = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	bundle = bytes.Repeat([]byte("0123456789abcdef"), 200_000) // four chunks
)

// office is a rollout behind TLS that any kiosk of the world may ask.
type office struct {
	*Rollout
	t   *testing.T
	l   *sqlite.DB
	w   *releasetest.World
	srv *httptest.Server
}

func open(t *testing.T) *office {
	t.Helper()
	dir := t.TempDir()
	l, err := sqlite.Open(t.Context(), filepath.Join(dir, "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(l.Check(context.WithoutCancel(t.Context())), l.Close()); err != nil {
			t.Error(err)
		}
	})
	o := &office{t: t, l: l, w: releasetest.New(t, time.Now())}
	o.Rollout = New(Config{Ledger: l, Folder: filepath.Join(dir, "bundles"), Now: func() time.Time { return now }})
	o.srv = httptest.NewUnstartedServer(o.Handler(func(c *x509.Certificate) (string, error) {
		if !strings.HasPrefix(c.Subject.CommonName, "K-") {
			return "", errors.New("it is no kiosk")
		}
		return c.Subject.CommonName, nil
	}))
	pool := x509.NewCertPool()
	pool.AddCert(o.w.Root.Cert)
	o.srv.TLS = &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool}
	o.srv.StartTLS()
	t.Cleanup(o.srv.Close)
	return o
}

func (o *office) add(build uint64, change func(*release.Release)) *release.Release {
	o.t.Helper()
	r := o.w.Release(o.t, build, bundle)
	if change != nil {
		change(&r)
	}
	got, err := o.Add(o.t.Context(), o.w.Sign(o.t, r), o.w.Keys, bytes.NewReader(bundle), "test")
	if err != nil {
		o.t.Fatal(err)
	}
	return got
}

// as asks the portal as a kiosk; "": without a certificate.
func (o *office) as(kiosk, method, path, body string, h http.Header) (int, []byte) {
	o.t.Helper()
	tr := o.srv.Client().Transport.(*http.Transport).Clone()
	if kiosk != "" {
		k := o.w.Root.Issue(o.t, kiosk, time.Now(), func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
		tr.TLSClientConfig.Certificates = []tls.Certificate{{Certificate: [][]byte{k.Cert.Raw}, PrivateKey: k.Key}}
	}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(o.t.Context(), method, o.srv.URL+path, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	maps.Copy(req.Header, h)
	res, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return res.StatusCode, b
}

func report(build uint64, ring string, last *release.Outcome) string {
	b, _ := json.Marshal(release.Report{Board: "vm", Version: "0.6.1", Build: build, Format: 1, Slot: "A", Ring: ring, Phase: "idle", Last: last})
	return string(b)
}

// check asks as a kiosk and returns the build that it is offered; 0: none.
func (o *office) check(kiosk, report string) uint64 {
	o.t.Helper()
	code, b := o.as(kiosk, "POST", release.CheckPath, report, nil)
	if code == http.StatusNoContent {
		return 0
	}
	r, _, err := release.Open(b, o.w.Keys)
	if code != http.StatusOK || err != nil {
		o.t.Fatalf("%s asks: %d, %v: %s", kiosk, code, err, b)
	}
	return r.Build
}

func (o *office) out(build uint64, ring release.Ring) {
	o.t.Helper()
	if err := o.LetOut(o.t.Context(), "vm", build, ring, "operator"); err != nil {
		o.t.Fatal(err)
	}
}

// TestRings lets a release out ring by ring.
func TestRings(t *testing.T) {
	o := open(t)
	o.add(2, nil)
	o.add(3, func(r *release.Release) { r.Ring = release.Lab })
	o.add(4, func(r *release.Release) { r.Formats = release.Formats{Min: 2, Max: 3} })
	o.add(5, func(r *release.Release) { r.Board = "rpi4" })
	ask := func(lab, pilot, broad uint64) {
		t.Helper()
		for ring, want := range map[string]uint64{"lab": lab, "pilot": pilot, "broad": broad} {
			if got := o.check("K-"+ring, report(1, ring, nil)); got != want {
				t.Errorf("a kiosk in ring %s is offered build %d, want %d", ring, got, want)
			}
		}
	}
	ask(0, 0, 0)
	o.out(2, release.Lab)
	ask(2, 0, 0)
	o.out(2, release.Pilot)
	ask(2, 2, 0)
	o.out(3, release.Lab)
	o.out(4, release.Broad) // cannot read the data of any kiosk here
	if err := o.LetOut(t.Context(), "rpi4", 5, release.Broad, "operator"); err != nil {
		t.Fatal(err)
	}
	ask(3, 2, 0)
	if err := o.LetOut(t.Context(), "vm", 3, release.Pilot, "operator"); !errors.Is(err, ErrWidest) {
		t.Errorf("LetOut beyond what was signed = %v, want ErrWidest", err)
	}
	if err := o.Pause(t.Context(), "vm", 3, ledger.PausedByOperator, "operator"); err != nil {
		t.Fatal(err)
	}
	ask(2, 2, 0)
	if err := o.Resume(t.Context(), "vm", 3, "operator"); err != nil {
		t.Fatal(err)
	}
	ask(3, 2, 0)
	if err := o.l.AssignRing(t.Context(), "K-broad", uint8(release.Pilot), "operator", now); err != nil {
		t.Fatal(err)
	}
	ask(3, 2, 2)
	if got := o.check("K-lab", report(3, "lab", nil)); got != 0 {
		t.Errorf("a kiosk that runs the newest is offered %d, want none", got)
	}
	for name, code := range map[string]int{"": http.StatusForbidden, "no kiosk": http.StatusForbidden} {
		if got, _ := o.as(name, "POST", release.CheckPath, report(1, "lab", nil), nil); got != code {
			t.Errorf("%q asks: %d, want %d", name, got, code)
		}
	}
	if got, _ := o.as("K-lab", "POST", release.CheckPath, strings.Repeat("x", release.MaxReport+1), nil); got != http.StatusBadRequest {
		t.Errorf("an endless report: %d, want 400", got)
	}
}

// TestBundle hands out parts of a bundle, to those who may have it.
func TestBundle(t *testing.T) {
	o := open(t)
	r := o.add(2, nil)
	path := release.BundlePath + hex.EncodeToString(r.Content.SHA256[:])
	get := func(kiosk string, from int) (int, []byte) {
		t.Helper()
		h := http.Header{}
		if from > 0 {
			h.Set("Range", fmt.Sprintf("bytes=%d-", from))
		}
		return o.as(kiosk, "GET", path, "", h)
	}
	o.out(2, release.Pilot)
	o.check("K-pilot", report(1, "pilot", nil))
	o.check("K-broad", report(1, "broad", nil))
	if code, b := get("K-pilot", 0); code != http.StatusOK || !bytes.Equal(b, bundle) {
		t.Errorf("the whole: %d, %d bytes", code, len(b))
	}
	if code, b := get("K-pilot", 1<<20); code != http.StatusPartialContent || !bytes.Equal(b, bundle[1<<20:]) {
		t.Errorf("a part: %d, %d bytes", code, len(b))
	}
	for kiosk, want := range map[string]int{"K-broad": 404, "K-unknown": 404, "": 403} {
		if code, _ := get(kiosk, 0); code != want {
			t.Errorf("%q: %d, want %d", kiosk, code, want)
		}
	}
	if code, _ := o.as("K-pilot", "GET", release.BundlePath+"..%2Fledger.db", "", nil); code != 404 {
		t.Errorf("another file: %d, want 404", code)
	}
	if err := o.Pause(t.Context(), "vm", 2, ledger.PausedByOperator, "operator"); err != nil {
		t.Fatal(err)
	}
	if code, _ := get("K-pilot", 0); code != 404 {
		t.Errorf("when paused: %d, want 404", code)
	}
}

// TestPausesByItself: a release that fails on too many kiosks of a ring goes no
// further, whatever it did in others.
func TestPausesByItself(t *testing.T) {
	o := open(t)
	o.add(2, nil)
	o.out(2, release.Broad)
	end := func(n int, ring string, code release.Code) {
		o.check(fmt.Sprintf("K-%s-%d", ring, n), report(1, ring, &release.Outcome{Build: 2, Code: code}))
	}
	paused := func() string {
		all, err := o.l.Releases(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all[0].Paused
	}
	for n := range 30 {
		end(n, "pilot", release.CodeGood)
	}
	for n := range 3 { // 3 of 33 are no more than 10 percent
		end(100+n, "pilot", release.CodeBoot)
		end(100+n, "pilot", release.CodeBoot) // said again
	}
	end(0, "broad", release.CodeDevices)
	end(1, "broad", release.CodeOlder)       // says nothing of the release
	end(2, "broad", release.CodeInterrupted) // nor does this
	if got := paused(); got != "" {
		t.Fatalf("paused by %q, want not yet", got)
	}
	end(3, "broad", release.CodeScreen)
	if got := paused(); got != ledger.PausedByFailures {
		t.Fatalf("after 2 of 2 in one ring: paused by %q, want failures", got)
	}
	if got := o.check("K-broad-9", report(1, "broad", nil)); got != 0 {
		t.Errorf("another kiosk is offered %d, want none", got)
	}
	alarms, err := o.l.Alarms(t.Context(), 10)
	if err != nil || len(alarms) != 1 || alarms[0].Code != ledger.AlarmPaused || !strings.Contains(alarms[0].Note, "2 of 2 kiosks in ring broad") {
		t.Errorf("alarms = %+v, %v, want one", alarms, err)
	}
	if err := o.Resume(t.Context(), "vm", 2, "operator"); err != nil {
		t.Fatal(err)
	}
	if got := o.check("K-broad-9", report(1, "broad", nil)); got != 2 {
		t.Errorf("after an operator resumed: offered %d, want 2", got)
	}
}

// TestAddRefuses: what is not described, or by nobody who may, is not taken.
func TestAddRefuses(t *testing.T) {
	o := open(t)
	r := o.w.Release(t, 2, bundle)
	signed := o.w.Sign(t, r)
	stranger := releasetest.New(t, time.Now())
	for name, tt := range map[string]struct {
		signed []byte
		keys   release.Keys
		b      []byte
		want   error
	}{
		"other bundle":   {signed, o.w.Keys, bundle[1:], release.ErrCorrupt},
		"longer":         {signed, o.w.Keys, append(bytes.Clone(bundle), 0), release.ErrCorrupt},
		"stranger":       {stranger.Sign(t, r), o.w.Keys, bundle, release.ErrSignature},
		"no description": {bundle[:100], o.w.Keys, bundle, release.ErrForm},
	} {
		if _, err := o.Add(t.Context(), tt.signed, tt.keys, bytes.NewReader(tt.b), "test"); !errors.Is(err, tt.want) {
			t.Errorf("%s: Add = %v, want %v", name, err, tt.want)
		}
	}
	if all, err := o.l.Releases(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("Releases = %v, %v, want none", all, err)
	}
	left, err := filepath.Glob(filepath.Join(o.c.Folder, "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
	o.add(2, nil)
	other := o.w.Release(t, 2, bundle[:1000])
	if _, err := o.Add(t.Context(), o.w.Sign(t, other), o.w.Keys, bytes.NewReader(bundle[:1000]), "test"); !errors.Is(err, ledger.ErrRelease) {
		t.Errorf("Add of another under the same build = %v, want ErrRelease", err)
	}
}

func TestExceeded(t *testing.T) {
	for _, tt := range []struct {
		l             Limit
		failed, tried int
		want          bool
	}{
		{Limit{}, 1, 1, false},
		{Limit{}, 2, 2, true},
		{Limit{}, 2, 20, false},
		{Limit{}, 3, 20, true},
		{Limit{}, 100, 1000, false},
		{Limit{}, 101, 1000, true},
		{Limit{Kiosks: 5}, 5, 5, false},
		{Limit{Kiosks: 5}, 6, 6, true},
		{Limit{Percent: 1}, 2, 100, true},
	} {
		if got := tt.l.exceeded(tt.failed, tt.tried); got != tt.want {
			t.Errorf("%+v: %d of %d = %v, want %v", tt.l, tt.failed, tt.tried, got, tt.want)
		}
	}
}
