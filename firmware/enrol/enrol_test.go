package enrol

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/firmware/signing"
	"github.com/penjire/penjire/firmware/signing/tpmtest"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/portal/est"
	"github.com/penjire/penjire/sync/portal/portaltest"
	"github.com/penjire/penjire/sync/stick"
)

const number = "K-000777"

// world is a portal on the network, and the folder of a fresh kiosk.
type world struct {
	*portaltest.World
	t   *testing.T
	s   *est.Service
	url string
	log bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: portaltest.Open(t, time.Now()), t: t}
	pool := x509.NewCertPool()
	pool.AddCert(w.Infrastructure.Cert)
	var err error
	if w.s, err = est.New(est.Config{
		Ledger: w.Ledger(), Issuer: w.Infrastructure.Signer(), Roots: w.Roots(), Devices: pool, Codes: bytes.Repeat([]byte{7}, 32), Bundle: w.Trust,
	}); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(w.s.Handler())
	srv.TLS = est.TLSConfig(w.PortalTLS.TLS())
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w
}

func (w *world) code() enrol.Code {
	w.t.Helper()
	c, _, err := w.s.NewCode(w.t.Context(), number, true, 0, "operator")
	w.must(err)
	return c
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// fresh is the folder of a kiosk with that code.
func (w *world) fresh(c enrol.Code, change func(*Setup)) string {
	w.t.Helper()
	s := Setup{
		Kiosk: number, Portal: Portal{URL: "wss://127.0.0.1:1/sync", EST: w.url, ServerName: "portal.specimen"},
		Roots: string(w.RootPEM()), Code: c, Network: Network{Kind: WiFi, SSID: "Nusga", Password: Hide("gizlin açar")},
	}
	if change != nil {
		change(&s)
	}
	b, err := s.Marshal()
	w.must(err)
	dir := w.t.TempDir()
	w.must(os.WriteFile(filepath.Join(dir, SetupFile), b, 0o600))
	return dir
}

func (w *world) open(dir string, change func(*Options)) *Enroller {
	w.t.Helper()
	o := Options{Dir: dir, Board: "vm", TPM: filepath.Join(dir, "no-tpm"), Log: slog.New(slog.NewTextHandler(&w.log, nil))}
	if change != nil {
		change(&o)
	}
	e, err := Open(o)
	w.must(err)
	return e
}

// enrolled checks that a folder is a kiosk's whose keys work.
func (w *world) enrolled(dir string, kind signing.Kind) settings.Settings {
	w.t.Helper()
	s, err := settings.Load(filepath.Join(dir, SettingsFile))
	w.must(err)
	var ring signing.Keyring
	w.t.Cleanup(func() { _ = ring.Close() })
	for _, p := range []settings.Pair{s.Identity, s.Signing} {
		d, err := ring.Open(p)
		w.must(err)
		if err := d.Check(w.t.Context()); err != nil || d.Kind != kind || !d.Marked() || trust.DeviceID(d.Signer.Cert) != number {
			w.t.Errorf("key %s: %v, kind %q, marked %v", d.Where, err, d.Kind, d.Marked())
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, SetupFile))
	w.must(err)
	if setup, err := ParseSetup(b); err != nil || !setup.Code.IsZero() || setup.Network.Password.Reveal() != "" {
		w.t.Errorf("the set-up after enrolment: %v, %v; want no code and no password in it", setup, err)
	}
	for _, name := range []string{"identity.key", "signing.key", SetupFile, SettingsFile} {
		fi, err := os.Stat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) && kind == signing.InTPM {
			continue
		}
		if err != nil || fi.Mode().Perm() != 0o600 {
			w.t.Errorf("%s: %v, %v; want mode 0600", name, fi, err)
		}
	}
	return s
}

func (w *world) certificates(want int) {
	w.t.Helper()
	all, err := w.Ledger().Certificates(w.t.Context(), number)
	if err != nil || len(all) != want {
		w.t.Errorf("the portal has issued %d certificates, %v; want %d", len(all), err, want)
	}
}

func TestEnrolInFiles(t *testing.T) {
	w := newWorld(t)
	code := w.code()
	dir := w.fresh(code, nil)
	if !Due(filepath.Join(dir, SettingsFile)) {
		t.Error("Due of a fresh kiosk = false")
	}
	e := w.open(dir, nil)
	w.must(e.Run(t.Context()))
	s := w.enrolled(dir, signing.SoftwareKey)
	if s.Kiosk != number || s.Board != "vm" || s.Portal.EST != w.url || s.Portal.ServerName != "portal.specimen" {
		t.Errorf("settings = %+v", s)
	}
	if st := e.Status(); st.Step != StepDone || st.Lacks != LacksNothing {
		t.Errorf("Status = %+v, want done", st)
	}
	if Due(filepath.Join(dir, SettingsFile)) {
		t.Error("Due after enrolment = true")
	}
	w.certificates(2)
	if strings.Contains(w.log.String(), code.Reveal()) || strings.Contains(w.log.String(), code.Written()) || strings.Contains(w.log.String(), "gizlin") {
		t.Errorf("the log has a secret: %s", w.log.String())
	}
}

func TestEnrolInTPM(t *testing.T) {
	w, chip := newWorld(t), tpmtest.Start(t)
	dir := w.fresh(w.code(), nil)
	at := func(o *Options) { o.TPM = chip.Socket }
	chip.Kill() // it is there and does not answer: no key is made elsewhere
	e := w.open(dir, at)
	if _, err := e.try(t.Context()); err == nil {
		t.Fatal("enrolled without the chip that is there")
	} else if word, _, _ := lacks(err); word != LacksChip {
		t.Errorf("without its chip the kiosk lacks %q (%v), want %q", word, err, LacksChip)
	}
	chip.Run()
	w.must(w.open(dir, at).Run(t.Context()))
	s := w.enrolled(dir, signing.InTPM)
	if s.Counter.Device != chip.Socket {
		t.Errorf("the journal is counted in %q, want the TPM", s.Counter.Device)
	}
	if _, err := os.Stat(filepath.Join(dir, "identity.key")); err == nil {
		t.Error("there is a key in a file, too")
	}
	w.certificates(2)
}

// A kiosk that is cut off after any step ends enrolled, with the same keys and the
// same certificates: each state that a cut can leave behind is tried.
func TestCutAnywhere(t *testing.T) {
	w := newWorld(t)
	code := w.code()
	whole := w.fresh(code, nil)
	w.must(w.open(whole, nil).Run(t.Context()))
	made := []string{keysFile, "identity.key", "signing.key", identityCert, signingCert, TrustFile, CatalogueFile, RootsFile, SettingsFile}
	entries, err := os.ReadDir(whole)
	w.must(err)
	if len(entries) != len(made)+1 {
		t.Fatalf("the folder has %d files, want the set-up and %v", len(entries), made)
	}
	for n := 3; n <= len(made); n++ { // before the keys are there nothing was asked for
		dir := w.fresh(code, nil)
		for _, name := range made[:n] {
			b, err := os.ReadFile(filepath.Join(whole, name))
			w.must(err)
			w.must(os.WriteFile(filepath.Join(dir, name), b, 0o600))
		}
		// What was being written when the power went.
		w.must(os.WriteFile(filepath.Join(dir, made[min(n, len(made)-1)]+".new"), []byte("ha"), 0o600))
		w.must(w.open(dir, nil).Run(t.Context()))
		w.enrolled(dir, signing.SoftwareKey)
		for _, name := range made[:5] {
			a, err := os.ReadFile(filepath.Join(whole, name))
			w.must(err)
			if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(a, b) {
				t.Errorf("cut after %s: %s is another one, %v", made[n-1], name, err)
			}
		}
		w.certificates(2)
	}
	for n := range 3 {
		dir := w.fresh(w.code(), nil)
		for _, name := range made[:n] {
			b, err := os.ReadFile(filepath.Join(whole, name))
			w.must(err)
			w.must(os.WriteFile(filepath.Join(dir, name), b, 0o600))
		}
		w.must(w.open(dir, nil).Run(t.Context()))
		w.enrolled(dir, signing.SoftwareKey)
	}
}

// What keeps a kiosk from its certificate is said in a word.
func TestLacks(t *testing.T) {
	w := newWorld(t)
	used := w.code()
	w.must(w.open(w.fresh(used, nil), nil).Run(t.Context()))
	stranger, err := specimen.New(time.Now())
	w.must(err)
	for name, c := range map[string]struct {
		code   enrol.Code
		change func(*Setup)
		lacks  string
		why    *enrol.Refusal
	}{
		"no code":     {enrol.Code{}, nil, LacksCode, nil},
		"wrong code":  {enrol.NewCode(), nil, LacksCode, enrol.NoCode},
		"used code":   {used, nil, LacksCode, enrol.CodeUsed},
		"other kiosk": {w.code(), func(s *Setup) { s.Kiosk = "K-000778" }, LacksCode, enrol.CodeOther},
		"no network":  {w.code(), func(s *Setup) { s.Portal.EST = "" }, LacksStick, nil},
		"no portal":   {w.code(), func(s *Setup) { s.Portal.EST = "https://127.0.0.1:1" }, LacksPortal, nil},
		"other roots": {w.code(), func(s *Setup) { s.Roots = string(stranger.RootPEM()) }, LacksTrust, nil},
		"other name":  {w.code(), func(s *Setup) { s.Portal.ServerName = "other.specimen" }, LacksTrust, nil},
	} {
		dir := w.fresh(c.code, c.change)
		e := w.open(dir, nil)
		_, err := e.try(t.Context())
		if err == nil {
			t.Errorf("%s: enrolled", name)
			continue
		}
		word, refusal, _ := lacks(err)
		if word != c.lacks || c.why != nil && refusal != c.why.Code {
			t.Errorf("%s: lacks %q, refusal %q (%v); want %q, %v", name, word, refusal, err, c.lacks, c.why)
		}
		// A code that was refused is forgotten, and why is still said; one that was not
		// asked for waits.
		b, err := os.ReadFile(filepath.Join(dir, SetupFile))
		w.must(err)
		if kept := !c.code.IsZero() && strings.Contains(string(b), c.code.Written()); kept != (c.why == nil && !c.code.IsZero()) {
			t.Errorf("%s: the code is kept: %v", name, kept)
		}
		if _, err := e.try(t.Context()); c.why != nil && !errors.Is(err, c.why) {
			t.Errorf("%s: the next try = %v, want %v", name, err, c.why)
		}
		if !Due(filepath.Join(dir, SettingsFile)) {
			t.Errorf("%s: the kiosk has settings", name)
		}
	}
}

// A right code after a wrong one is used at once.
func TestCodeTyped(t *testing.T) {
	w := newWorld(t)
	dir := w.fresh(enrol.NewCode(), nil)
	e := w.open(dir, nil)
	done := make(chan error, 1)
	go func() { done <- e.Run(t.Context()) }()
	w.must(e.SetCode(w.code()))
	w.must(<-done)
	w.enrolled(dir, signing.SoftwareKey)
}

// A clock that stands at 1970, or is decades ahead, keeps no kiosk from enrolling.
func TestWrongClock(t *testing.T) {
	w := newWorld(t)
	for _, now := range []time.Time{time.Unix(0, 0), time.Now().AddDate(70, 0, 0)} {
		dir := w.fresh(w.code(), nil)
		e := w.open(dir, func(o *Options) {
			o.Now, o.Built = func() time.Time { return now }, time.Now().AddDate(0, 0, -2)
		})
		if _, err := e.try(t.Context()); err != nil {
			t.Errorf("with a clock at %v: %v", now, err)
		}
	}
}

// Waits grow, differ, and end at ten minutes.
func TestWait(t *testing.T) {
	for tries, most := range map[int]time.Duration{0: firstWait, 3: 8 * firstWait, 60: mostWait} {
		seen := map[time.Duration]bool{}
		for range 50 {
			d := wait(tries, 0)
			if d < leastWait || d >= most+leastWait {
				t.Errorf("wait(%d) = %v, want up to %v", tries, d, most)
			}
			seen[d] = true
		}
		if len(seen) < 40 {
			t.Errorf("wait(%d) is %d times the same of 50", tries, 50-len(seen))
		}
	}
	if d := wait(0, time.Hour); d < time.Hour {
		t.Errorf("wait = %v, want the hour that the portal asked for", d)
	}
}

// By stick, both ways; again; and an answer for another kiosk.
func TestStick(t *testing.T) {
	w := newWorld(t)
	dir, medium := w.fresh(enrol.Code{}, func(s *Setup) { s.Portal.EST = "" }), t.TempDir()
	f, err := stick.OpenFolder(medium, "")
	w.must(err)
	w.must(w.open(dir, nil).SetCode(w.code()))
	e := w.open(dir, nil) // after a restart the code that was typed is still there
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	var answer *est.Taken
	for range 2 { // the second export, and its answer, are as good as the first
		path, err := e.Export(t.Context(), f)
		w.must(err)
		b, err := os.ReadFile(path)
		w.must(err)
		if bytes.Contains(b, []byte(e.current().Code.Reveal())) {
			t.Error("the stick has the code")
		}
		got, err := w.s.Take(t.Context(), b)
		w.must(err)
		if answer != nil && !bytes.Equal(got.File, answer.File) {
			t.Error("the second request got another answer")
		}
		answer = got
	}
	if err := e.Import(t.Context(), f); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Import of nothing = %v", err)
	}
	other := bytes.Replace(answer.File, []byte(`"kiosk": "K-000777"`), []byte(`"kiosk": "K-000778"`), 1)
	w.must(os.WriteFile(filepath.Join(medium, answer.Name), other, 0o600))
	if err := e.Import(t.Context(), f); !errors.Is(err, ErrAnswer) {
		t.Errorf("Import of another's answer = %v, want ErrAnswer", err)
	}
	w.must(os.WriteFile(filepath.Join(medium, answer.Name), answer.File, 0o600))
	w.must(e.Import(t.Context(), f))
	w.must(<-done)
	cancel()
	w.enrolled(dir, signing.SoftwareKey)
	all, err := w.Ledger().Codes(t.Context(), number)
	if err != nil || len(all) != 1 || all[0].Used.IsZero() {
		t.Errorf("Codes = %+v, %v; want one that was used", all, err)
	}
}

// A certificate is renewed with the same key, and the lost answer comes again; a
// revoked kiosk gets no other, and a new code brings it back with the same keys.
func TestRenew(t *testing.T) {
	w := newWorld(t)
	dir := w.fresh(w.code(), nil)
	w.must(w.open(dir, nil).Run(t.Context()))
	s := w.enrolled(dir, signing.SoftwareKey)
	var ring signing.Keyring
	ident, err := ring.Open(s.Identity)
	w.must(err)
	own, err := ring.Open(s.Signing)
	w.must(err)
	r := &Renewal{
		EST: s.Portal.EST, ServerName: s.Portal.ServerName, Kiosk: number, Roots: w.Roots(), Times: func() []time.Time { return []time.Time{time.Now()} },
	}
	identity := Key{Key: ident.Signer.Key, Software: true, File: s.Identity.Cert}
	first, err := r.Renew(t.Context(), identity, ident.TLS())
	w.must(err)
	if first[0].Equal(ident.Signer.Cert) || len(first) != 2 {
		t.Errorf("Renew = %d certificates, want a new one and the centre's", len(first))
	}
	again, err := r.Renew(t.Context(), identity, ident.TLS())
	if err != nil || !again[0].Equal(first[0]) {
		t.Errorf("Renew again = %v, want the same certificate", err)
	}
	if d, err := ring.Open(s.Identity); err != nil || !d.Signer.Cert.Equal(first[0]) {
		t.Errorf("what is in the file: %v, want the renewed certificate", err)
	}
	if _, err := r.Renew(t.Context(), Key{Signing: true, Key: own.Signer.Key, Software: true, File: s.Signing.Cert}, ident.TLS()); err != nil {
		t.Errorf("Renew for signing = %v", err)
	}
	if _, err := w.s.RevokeKiosk(t.Context(), number, "lost", "operator"); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(s.Identity.Cert)
	w.must(err)
	if _, err := r.Renew(t.Context(), identity, ident.TLS()); !errors.Is(err, enrol.CertRevoked) {
		t.Errorf("Renew of a revoked kiosk = %v, want %v", err, enrol.CertRevoked)
	}
	if after, err := os.ReadFile(s.Identity.Cert); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the certificate changed without a new one: %v", err)
	}
	back, err := r.ByCode(t.Context(), identity, w.code())
	if err != nil || back[0].Equal(first[0]) {
		t.Errorf("ByCode = %v, want a new certificate", err)
	}
	if due := DueAt(first[0]); due.Sub(first[0].NotBefore) != first[0].NotAfter.Sub(first[0].NotBefore)*2/3 {
		t.Errorf("DueAt = %v, want after two thirds", due)
	}
}
