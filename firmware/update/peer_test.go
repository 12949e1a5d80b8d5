package update

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/update/rauc"
	"github.com/penjire/penjire/firmware/update/rauc/rauctest"
	"github.com/penjire/penjire/sync/ledger/sqlite"
	"github.com/penjire/penjire/sync/portal/rollout"
	"github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/release/releasetest"
)

const compatible = "penjire-vm"

// rig is a kiosk with a real RAUC, and the portal's rollout over TLS.
type rig struct {
	t    *testing.T
	w    *releasetest.World
	rauc *rauctest.Service
	dir  string
	l    *sqlite.DB
	roll *rollout.Rollout
	srv  *httptest.Server
	cuts atomic.Int32 // downloads that are to be cut
	gets atomic.Int32 // downloads that began behind the first byte

	roots   map[uint64][]byte // what is in the bundle of each build
	broken  atomic.Uint64     // build whose screen stays dark
	notes   []string
	restart chan struct{}
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, w: releasetest.New(t, time.Now()), dir: t.TempDir(), roots: map[uint64][]byte{}, restart: make(chan struct{}, 1)}
	r.rauc = rauctest.New(t, compatible, r.w.Root.CertPEM())
	var err error
	if r.l, err = sqlite.Open(t.Context(), filepath.Join(r.dir, "ledger.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(r.l.Check(context.WithoutCancel(t.Context())), r.l.Close()); err != nil {
			t.Error(err)
		}
	})
	r.roll = rollout.New(rollout.Config{Ledger: r.l, Folder: filepath.Join(r.dir, "bundles")})
	h := r.roll.Handler(func(c *x509.Certificate) (string, error) { return c.Subject.CommonName, nil })
	r.srv = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasPrefix(req.URL.Path, release.BundlePath) {
			if req.Header.Get("Range") != "" {
				r.gets.Add(1)
			}
			if r.cuts.Add(-1) >= 0 {
				w = &cutWriter{w, 3 << 19}
			}
		}
		h.ServeHTTP(w, req)
	}))
	pool := x509.NewCertPool()
	pool.AddCert(r.w.Root.Cert)
	r.srv.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	r.srv.StartTLS()
	t.Cleanup(r.srv.Close)
	return r
}

// cutWriter is a link that goes after so many bytes.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(b []byte) (int, error) {
	if c.left -= len(b); c.left < 0 {
		panic(http.ErrAbortHandler)
	}
	return c.ResponseWriter.Write(b)
}

// release makes a release, signed by key for RAUC.
func (r *rig) release(build uint64, key releasetest.Key) (signed, bundle []byte) {
	r.t.Helper()
	root := make([]byte, 3<<20)
	src := rand.NewChaCha8([32]byte{})
	_, _ = src.Read(root)                 // never fails
	_, _ = src.Read(root[:build*(8<<10)]) // the builds have most in common
	r.roots[build] = root
	bundle = rauctest.Bundle(r.t, compatible, "0.6.2", root, key)
	return r.w.Sign(r.t, r.w.Release(r.t, build, bundle)), bundle
}

// publish lets a release out to everybody.
func (r *rig) publish(build uint64, key releasetest.Key) {
	r.t.Helper()
	signed, bundle := r.release(build, key)
	if _, err := r.roll.Add(r.t.Context(), signed, r.w.Keys, bytes.NewReader(bundle), "test"); err != nil {
		r.t.Fatal(err)
	}
	if err := r.roll.LetOut(r.t.Context(), "vm", build, release.Broad, "test"); err != nil {
		r.t.Fatal(err)
	}
}

// runs returns the build in a slot.
func (r *rig) runs(slot string) uint64 {
	for build, root := range r.roots {
		if bytes.Equal(r.rauc.Slot(slot, len(root)), root) {
			return build
		}
	}
	return 1
}

// boot starts the machine and the kiosk in it; stop ends the kiosk.
func (r *rig) boot(n int) (u *Updater, stop func()) {
	r.t.Helper()
	slot := r.rauc.Boot()
	select {
	case <-r.restart: // it was told more than once
	default:
	}
	build := r.runs(slot)
	client := r.w.Root.Issue(r.t, "K-000001", time.Now(), func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	conf := r.srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	conf.Certificates = []tls.Certificate{{Certificate: [][]byte{client.Cert.Raw}, PrivateKey: client.Key}}
	u, err := Open(r.t.Context(), Config{
		Dir: filepath.Join(r.dir, "kiosk"), Roots: []*x509.Certificate{r.w.Root.Cert}, Boot: "boot " + string(rune('0'+n)),
		Own:       Own{Board: "vm", Version: "0.6." + string(rune('0'+build)), Build: build, Format: 1},
		Installer: &rauc.Client{Address: r.rauc.Address},
		Restart: func(context.Context) error {
			select {
			case r.restart <- struct{}{}:
			default:
			}
			return nil
		},
		Source: &Portal{Base: r.srv.URL, TLS: func() *tls.Config { return conf }},
		Facts: func(context.Context, Health) Facts {
			return Facts{Quiet: true, Calm: time.Hour, Health: Health{Painted: build != r.broken.Load(), Outbox: true, Portal: true}}
		},
		Journal: func(_ context.Context, n Note) error { r.notes = append(r.notes, n.Reason); return nil },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	u.started = u.started.Add(-mostTrial)
	u.pace = pace{tick: 20 * time.Millisecond, first: 30 * time.Millisecond, tell: 30 * time.Millisecond, pause: 10 * time.Millisecond}
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error)
	go func() { done <- u.Run(ctx) }()
	return u, func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	}
}

// await waits until the kiosk restarts, or until cond holds.
func (r *rig) await(what string, u *Updater, cond func(Status) bool) (restarted bool) {
	r.t.Helper()
	limit, look := time.After(time.Minute), time.NewTicker(20*time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-r.restart:
			return true
		case <-look.C:
			if cond != nil && cond(u.Status()) {
				return false
			}
		case <-limit:
			r.t.Fatalf("%s: not within a minute: %+v", what, u.Status())
		}
	}
}

func ended(code release.Code) func(Status) bool {
	return func(s Status) bool {
		return s.Report.Phase == "idle" && s.Report.Last != nil && s.Report.Last.Code == code
	}
}

// told says what the portal knows of a build on the kiosk.
func (r *rig) told(build uint64) string {
	all, err := r.l.Ended(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range all {
		if e.Build == build {
			return e.Code
		}
	}
	return ""
}

// TestThroughPortalAndRauc brings a good release from the portal into the other slot
// with a link that is cut twice, then one whose screen stays dark, then one that is
// signed by nobody whom RAUC knows: a real RAUC, the portal's own handler, TLS.
func TestThroughPortalAndRauc(t *testing.T) {
	r := newRig(t)
	r.publish(2, r.w.Key)
	r.cuts.Store(2)
	u, stop := r.boot(1)
	r.await("build 2 is installed", u, nil)
	stop()
	if r.rauc.Primary() != "B" || r.gets.Load() < 1 {
		t.Fatalf("slot %s starts next, %d downloads went on behind what was there; want B and some", r.rauc.Primary(), r.gets.Load())
	}
	u, stop = r.boot(2)
	if r.await("build 2 is good", u, ended(release.CodeGood)) {
		t.Fatal("the kiosk restarts, want build 2 found good")
	}
	r.await("the portal knows", u, func(Status) bool { return r.told(2) == string(release.CodeGood) })
	if got := u.Status().Report; got.Build != 2 || got.Slot != "B" {
		t.Errorf("runs %+v, want build 2 in slot B", got)
	}
	if got := u.Status(); got.Base == 0 {
		t.Error("the bundle that went well is not kept")
	}
	if _, err := os.Stat(filepath.Join(r.dir, "kiosk", bundleFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the bundle is still there: %v", err)
	}

	r.broken.Store(3)
	r.publish(3, r.w.Key)
	if err := u.Ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.await("build 3 is installed", u, nil)
	if got := u.Status(); got.Fetch == 0 || got.Fetch > got.Size/4 || got.Fetched != got.Fetch || got.Whole != "" {
		t.Errorf("of %d bytes %d of %d were fetched (%s), want a small part", got.Size, got.Fetched, got.Fetch, got.Whole)
	}
	stop()
	u, stop = r.boot(3)
	if got := u.Status().Report; got.Build != 3 {
		t.Fatalf("runs build %d, want 3 on trial", got.Build)
	}
	r.await("build 3 is left", u, nil)
	stop()
	u, stop = r.boot(4)
	r.await("build 2 is back", u, ended(release.CodeScreen))
	r.await("the portal knows", u, func(Status) bool { return r.told(3) == string(release.CodeScreen) })
	if err := u.Ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := u.Status(); s.Report.Build != 2 || s.Report.Phase != "idle" || r.rauc.State("B") != "good" {
		t.Errorf("runs %+v, want build 2, resting, its slot good", s.Report)
	}

	stranger := releasetest.New(t, time.Now())
	r.publish(4, stranger.Key)
	if err := u.Ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.await("RAUC refuses build 4", u, ended(release.CodeSignature)) {
		t.Fatal("the kiosk restarts, want RAUC's no")
	}
	if r.rauc.Primary() != "B" {
		t.Errorf("slot %s starts next, want B", r.rauc.Primary())
	}
	r.await("the portal knows", u, func(Status) bool { return r.told(4) == string(release.CodeSignature) })
	stop()
	if got := strings.Join(r.notes, ", "); got != "update.good 0.6.2, update.gate.screen 0.6.3, release.signature 0.6.4" {
		t.Errorf("the journal says %s", got)
	}
	all, err := r.l.Releases(t.Context())
	if err != nil || len(all) != 3 {
		t.Errorf("releases = %d, %v", len(all), err)
	}
}

// TestFromStick takes a release from a folder by hand, and refuses what is not right
// with the code that people are told.
func TestFromStick(t *testing.T) {
	r := newRig(t)
	u, stop := r.boot(1)
	defer stop()
	signed, bundle := r.release(2, r.w.Key)
	stick := t.TempDir()
	file := filepath.Join(stick, "x.raucb")
	put := func(b []byte) {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stranger := releasetest.New(t, time.Now())
	rel := r.w.Release(t, 2, bundle)
	with := func(change func(*release.Release)) []byte {
		c := rel
		change(&c)
		return r.w.Sign(t, c)
	}
	for _, tt := range []struct {
		name   string
		signed []byte
		want   release.Code
	}{
		{"foreign", stranger.Sign(t, rel), release.CodeSignature},
		{"garbage", bundle[:200], release.CodeForm},
		{"board", with(func(r *release.Release) { r.Board = "rpi4" }), release.CodeBoard},
		{"older", with(func(r *release.Release) { r.Build = 1 }), release.CodeOlder},
		{"format", with(func(r *release.Release) { r.Formats = release.Formats{Min: 2, Max: 3} }), release.CodeFormat},
		{"ring", with(func(r *release.Release) { r.Ring = release.Lab }), release.CodeRing},
	} {
		_, err := u.Offer(t.Context(), tt.signed, Offered{Path: file, Hand: true})
		no, ok := errors.AsType[*Refused](err)
		if !ok || no.Code != tt.want {
			t.Errorf("%s: Offer = %v, want %s", tt.name, err, tt.want)
		}
		if s := u.Status().Report; s.Phase != "idle" {
			t.Errorf("%s: it is in %s, want idle", tt.name, s.Phase)
		}
	}
	offer := func(again bool) {
		t.Helper()
		if _, err := u.Offer(t.Context(), signed, Offered{Path: file, Hand: true, Again: again}); err != nil {
			t.Fatal(err)
		}
	}
	put(bundle[:len(bundle)/2]) // pulled out while it was read
	offer(false)
	r.await("the stick has gone", u, ended(release.CodeInterrupted))
	spoiled := bytes.Clone(bundle)
	spoiled[len(spoiled)/2] ^= 1
	put(spoiled)
	offer(false)
	r.await("the bundle is damaged", u, ended(release.CodeCorrupt))
	put(bundle)
	_, err := u.Offer(t.Context(), signed, Offered{Path: file, Hand: true})
	if no, ok := errors.AsType[*Refused](err); !ok || no.Code != release.CodeBad {
		t.Errorf("Offer of what failed here = %v, want %s", err, release.CodeBad)
	}
	offer(true)
	r.await("build 2 is installed", u, nil)
	if r.rauc.Primary() != "B" {
		t.Errorf("slot %s starts next, want B", r.rauc.Primary())
	}
}
