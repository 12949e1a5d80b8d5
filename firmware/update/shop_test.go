package update

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger/sqlite"
	"github.com/penjire/penjire/sync/portal/rollout"
	"github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/release/releasetest"
)

// shop is a portal's own handler over TLS, and a kiosk that fetches and does not
// install: nobody of its is ever asleep.
type shop struct {
	t    *testing.T
	w    *releasetest.World
	dir  string // of the kiosk
	roll *rollout.Rollout
	srv  *httptest.Server

	sent, parts atomic.Int64 // bytes of bundles, and requests for them
	asked       atomic.Int64 // requests for an index
	index       func(w http.ResponseWriter, r *http.Request, portal http.Handler)
	cuts        atomic.Int64 // how often the link goes
	after       int          // so many bytes of a bundle

	old, bundle []byte
	x           *release.Index // of bundle
	limit       time.Duration  // of a life; 0 is a minute
}

// random returns n bytes that are the same at each run.
func random(seed byte, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b) // never fails
	return b
}

// edited returns the bundle that follows b: something overwritten, put in, taken out.
func edited(b []byte) []byte {
	b = bytes.Clone(b)
	copy(b[500_000:], random(7, 60_000))
	b = slices.Insert(b, 1_200_000, random(8, 5_000)...)
	return slices.Delete(b, 2_000_000, 2_000_700)
}

// The bundle of before and the one that follows, and their indexes. Nobody changes them.
var (
	before = sync.OnceValue(func() []byte { return random(1, 2_600_000) })
	after  = sync.OnceValue(func() []byte { return edited(before()) })
)

func indexOfBefore(t testing.TB) *release.Index {
	t.Helper()
	beforeOnce.Do(func() { beforeIndex = indexed(t, before()) })
	return beforeIndex
}

var (
	beforeOnce  sync.Once
	beforeIndex *release.Index
)

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, w: releasetest.New(t, time.Now()), dir: filepath.Join(t.TempDir(), "update")}
	l, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(l.Check(context.WithoutCancel(t.Context())), l.Close()); err != nil {
			t.Error(err)
		}
	})
	s.roll = rollout.New(rollout.Config{Ledger: l, Folder: filepath.Join(t.TempDir(), "bundles")})
	h := s.roll.Handler(func(c *x509.Certificate) (string, error) { return c.Subject.CommonName, nil })
	s.srv = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, release.BundlePath):
			s.parts.Add(1)
			w = &measured{w, s, 1 << 40}
			if s.cuts.Add(-1) >= 0 {
				w.(*measured).left = s.after
			}
		case strings.HasPrefix(r.URL.Path, release.IndexPath):
			s.asked.Add(1)
			if s.index != nil {
				s.index(w, r, h)
				return
			}
		}
		h.ServeHTTP(w, r)
	}))
	pool := x509.NewCertPool()
	pool.AddCert(s.w.Root.Cert)
	s.srv.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	s.srv.StartTLS()
	t.Cleanup(s.srv.Close)
	s.old = before()
	s.publish(2, after())
	return s
}

// measured counts what goes over the link, which goes after so many bytes.
type measured struct {
	http.ResponseWriter
	s    *shop
	left int
}

func (m *measured) Write(b []byte) (int, error) {
	if m.left < len(b) {
		b = b[:m.left]
	}
	m.s.sent.Add(int64(len(b))) // before whoever reads it can ask how much there was
	n, err := m.ResponseWriter.Write(b)
	m.s.sent.Add(int64(n - len(b)))
	if m.left -= n; m.left == 0 {
		_ = http.NewResponseController(m.ResponseWriter).Flush() // it goes in a moment anyway
		panic(http.ErrAbortHandler)
	}
	return n, err
}

func (s *shop) publish(build uint64, bundle []byte) {
	s.t.Helper()
	s.bundle = bundle
	r := s.w.Release(s.t, build, bundle)
	if _, err := s.roll.Add(s.t.Context(), s.w.Sign(s.t, r), s.w.Keys, bytes.NewReader(bundle), "test"); err != nil {
		s.t.Fatal(err)
	}
	if err := s.roll.LetOut(s.t.Context(), "vm", build, release.Broad, "test"); err != nil {
		s.t.Fatal(err)
	}
	s.x = indexed(s.t, bundle)
}

func indexed(t testing.TB, bundle []byte) *release.Index {
	t.Helper()
	c, err := release.Describe(bytes.NewReader(bundle))
	if err != nil {
		t.Fatal(err)
	}
	x, err := c.MakeIndex(bytes.NewReader(bundle))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func (s *shop) marshalled(x *release.Index) []byte {
	s.t.Helper()
	b, err := x.Marshal()
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// keeps puts a bundle where the kiosk keeps the one that went well.
func (s *shop) keeps(b []byte) {
	s.t.Helper()
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, baseFile), b, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// idler is hands for a kiosk that installs nothing.
type idler struct{}

func (idler) Install(context.Context, string, func(int, string)) error { return errors.ErrUnsupported }
func (idler) MarkGood(context.Context) error                           { return nil }
func (idler) ActivateOther(context.Context) error                      { return errors.ErrUnsupported }
func (idler) Booted(context.Context) (string, error)                   { return "A", nil }
func (idler) Room(context.Context) int64                               { return 0 }

func (s *shop) open() *Updater {
	s.t.Helper()
	client := s.w.Root.Issue(s.t, "K-000001", time.Now(), func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	conf := s.srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	conf.Certificates = []tls.Certificate{{Certificate: [][]byte{client.Cert.Raw}, PrivateKey: client.Key}}
	u, err := Open(s.t.Context(), Config{
		Dir: s.dir, Roots: []*x509.Certificate{s.w.Root.Cert}, Boot: "boot 1", Own: Own{Board: "vm", Version: "0.6.1", Build: 1, Format: 1},
		Installer: idler{}, Restart: func(context.Context) error { return nil },
		Source:  &Portal{Base: s.srv.URL, TLS: func() *tls.Config { return conf }},
		Facts:   func(context.Context, Health) Facts { return Facts{} },
		Journal: func(context.Context, Note) error { return nil },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	u.pace = pace{tick: 20 * time.Millisecond, first: time.Millisecond, tell: time.Hour, pause: time.Millisecond}
	return u
}

// live runs the kiosk until the condition holds.
func (s *shop) live(u *Updater, what string, cond func(Status) bool) Status {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error)
	go func() { done <- u.Run(ctx) }()
	limit, look := time.After(cmp.Or(s.limit, time.Minute)), time.NewTicker(5*time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			st := u.Status()
			if !cond(st) {
				continue
			}
			cancel()
			if err := <-done; err != nil {
				s.t.Error(err)
			}
			return st
		case <-limit:
			s.t.Fatalf("%s: not in time: %+v", what, u.Status())
		}
	}
}

func staged(s Status) bool { return s.Report.Phase == release.Staged.String() }

// fetched runs the kiosk until it has the bundle, and holds that it is the right one and
// that what is said of the link is what went over it.
func (s *shop) fetched(u *Updater) Status {
	s.t.Helper()
	st := s.live(u, "it is fetched", staged)
	got, err := os.ReadFile(filepath.Join(s.dir, bundleFile))
	if err != nil || !bytes.Equal(got, s.bundle) {
		s.t.Errorf("the bundle that was fetched is another: %d bytes, %v", len(got), err)
	}
	if st.Fetched != st.Fetch {
		s.t.Errorf("%d of %d bytes are said to be fetched, want all", st.Fetched, st.Fetch)
	}
	// Of what was on its way when the link went nobody knows how much came.
	if got, want := u.state().Spent.Bytes, s.sent.Load(); got < want && s.after == 0 {
		s.t.Errorf("the day counts %d bytes, and %d went over the link", got, want)
	}
	return st
}
