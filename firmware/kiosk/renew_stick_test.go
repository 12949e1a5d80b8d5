package kiosk

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/est"
)

// issues is the portal's service that issues certificates.
func (r *rig) issues() *est.Service {
	r.t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(r.w.Infrastructure.Cert)
	s, err := est.New(est.Config{
		Ledger: r.l, Issuer: r.w.Infrastructure.Signer(), Roots: r.w.Roots(), Devices: pool, Codes: bytes.Repeat([]byte{7}, 32), Bundle: r.w.Trust,
	})
	r.must(err)
	return s
}

// issued has the portal's ledger say that it gave the kiosk this certificate, good
// between these days from now, and puts it into the file.
func (r *rig) issued(s *est.Service, use, file string, of *x509.Certificate, from, until int) *x509.Certificate {
	r.t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	_, kept, err := s.NewCode(r.t.Context(), r.w.Device.ID, false, 0, "test")
	r.must(err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(int64(10000 + until)), Subject: of.Subject, KeyUsage: of.KeyUsage, ExtKeyUsage: of.ExtKeyUsage, Policies: of.Policies,
		NotBefore: now.AddDate(0, 0, from), NotAfter: now.AddDate(0, 0, until), BasicConstraintsValid: true,
	}, r.w.Infrastructure.Cert, of.PublicKey, r.w.Infrastructure.Key)
	r.must(err)
	c, err := x509.ParseCertificate(der)
	r.must(err)
	key := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	_, err = r.l.Issue(r.t.Context(), ledger.Asking{At: now, Code: &kept.ID, Want: []ledger.Wanted{{Use: use, Key: key}}},
		func(string, *ledger.Code, []ledger.Wanted) ([]ledger.Certificate, error) {
			return []ledger.Certificate{{Serial: ledger.Serial(c), Use: use, Key: key, From: c.NotBefore, Until: c.NotAfter, DER: der}}, nil
		})
	r.must(err)
	r.must(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return c
}

// A running kiosk that no network reaches renews its certificates by memory stick: the
// request rides on the export, also when one certificate has ended already; the answer
// brings them into use. A second time, or an older answer, changes nothing.
func TestRenewalByStick(t *testing.T) {
	r := newRig(t)
	r.online(nil)
	r.cut() // the portal is somewhere else
	s := r.issues()
	conf := r.settings()
	conf.Identity.Cert, conf.Signing.Cert = filepath.Join(r.dir, "i.crt"), filepath.Join(r.dir, "s.crt")
	old := [2]*x509.Certificate{
		r.issued(s, ledger.CertSigning, conf.Signing.Cert, r.w.Device.Signing.Cert, -600, 100),
		r.issued(s, ledger.CertIdentity, conf.Identity.Cert, r.w.Device.TLS.Cert, -95, -5),
	}
	r.startWith(conf)
	r.until("the kiosk to say that they are due", func() bool {
		k := r.state().Keys
		return k[0].Renewal == dueByStick && k[1].Renewal == dueByStick
	})
	r.complain()
	r.leave()

	dir := t.TempDir()
	file := filepath.Join(dir, enrol.RequestName("K-000001"))
	lines := r.stick("export", dir, "1")
	if last := lines[len(lines)-1]; last.Step != "done" || last.Records != 1 || last.Files != 2 || !lines[len(lines)-2].Renewal {
		t.Fatalf("export: %+v, want the request and what asks for certificates", lines)
	}
	answer := func() {
		b, err := os.ReadFile(file)
		r.must(err)
		got, err := s.Take(t.Context(), b)
		r.must(err)
		r.must(os.WriteFile(filepath.Join(dir, got.Name), got.File, 0o600))
	}
	answer()
	early, err := os.ReadFile(filepath.Join(dir, enrol.AnswerName("K-000001")))
	r.must(err)
	lines = r.stick("import", dir, "1")
	if last := lines[len(lines)-1]; last.Step != "done" || last.Certificates != 2 {
		t.Fatalf("import: %+v, want two certificates", lines)
	}
	now := [2]*x509.Certificate{r.k.own.Load().Signer.Cert, r.k.ident.Load().Signer.Cert}
	for i, c := range now {
		if !c.NotAfter.After(old[i].NotAfter) || !c.NotAfter.After(time.Now()) {
			t.Errorf("certificate %d is good until %v", i, c.NotAfter)
		}
		b, err := os.ReadFile([2]string{conf.Signing.Cert, conf.Identity.Cert}[i])
		r.must(err)
		if block, _ := pem.Decode(b); !bytes.Equal(block.Bytes, c.Raw) {
			t.Errorf("certificate %d is in use and not in its file", i)
		}
	}
	if k := r.state().Keys; k[0].Renewal != "" || k[1].Renewal != "" {
		t.Errorf("the keys: %+v", k)
	}

	// Nothing is due any more, and the same answer again is nothing new; nor is one for
	// other keys, or one that was damaged on the way, and neither keeps the rest back.
	if l := r.stick("export", dir, "1"); slices.ContainsFunc(l, func(l StickLine) bool { return l.Renewal }) {
		t.Errorf("export after the renewal: %+v", l)
	}
	for name, tt := range map[string]struct {
		file    []byte
		outcome string
	}{
		"again":   {early, StickTaken},
		"damaged": {bytes.Replace(early, []byte(`"K-000001"`), []byte(`"K-0000O1"`), 1), StickForeign},
		"cut":     {early[:len(early)/2], StickDamaged},
		"newer":   {bytes.Replace(early, []byte("answer/1"), []byte("answer/9"), 1), StickNewer},
	} {
		r.must(os.WriteFile(filepath.Join(dir, enrol.AnswerName("K-000001")), tt.file, 0o600))
		l := r.stick("import", dir, "1")
		if l[1].Outcome != tt.outcome || l[1].Certificates != 0 || l[len(l)-1].Step != "done" {
			t.Errorf("%s: %+v, want %s", name, l, tt.outcome)
		}
	}
	if c := r.k.own.Load().Signer.Cert; !c.Equal(now[0]) {
		t.Errorf("the certificate for signing became another one, until %v", c.NotAfter)
	}
	if al, err := r.l.Alarms(context.Background(), 5); err != nil || len(al) != 0 {
		t.Errorf("alarms: %v, %v", al, err)
	}
}

// Where a certificate ended too long ago a one-time code is typed: without a network
// the next export proves it.
func TestCodeByStick(t *testing.T) {
	r := newRig(t)
	r.online(nil)
	r.cut()
	s := r.issues()
	conf := r.settings()
	conf.Portal.EST = "https://127.0.0.1:1"
	conf.Identity.Cert = filepath.Join(r.dir, "i.crt")
	r.issued(s, ledger.CertIdentity, conf.Identity.Cert, r.w.Device.TLS.Cert, -150, -60)
	r.startWith(conf)
	dir := t.TempDir()
	r.stick("export", dir, "1")
	b, err := os.ReadFile(filepath.Join(dir, enrol.RequestName("K-000001")))
	r.must(err)
	if _, err := s.Take(t.Context(), b); err == nil {
		t.Fatal("the portal renewed what ended two months ago")
	}
	code, _, err := s.NewCode(t.Context(), "K-000001", false, 0, "test")
	r.must(err)
	kept := filepath.Join(conf.State, codeFile)
	res, err := r.socket().Post("http://kiosk/enrol/code?code="+code.Written(), "", nil)
	r.must(err)
	r.must(res.Body.Close())
	// It waits for the stick over restarts, and is told nowhere.
	b0, err := os.ReadFile(kept)
	r.must(err)
	secret, _, _ := strings.Cut(strings.Fields(string(b0))[1], ".")
	r.stop()
	r.startWith(conf)
	told := r.bundle()
	told["the log"] = r.log.String()
	for what, s := range told {
		if strings.Contains(s, code.Written()) || strings.Contains(s, secret) {
			t.Errorf("%s has the code or what proves it", what)
		}
	}
	if strings.Contains(string(b0), code.Written()) {
		t.Error("the code itself is kept")
	}
	r.stick("export", dir, "1")
	b, err = os.ReadFile(filepath.Join(dir, enrol.RequestName("K-000001")))
	r.must(err)
	got, err := s.Take(t.Context(), b)
	r.must(err)
	r.must(os.WriteFile(filepath.Join(dir, got.Name), got.File, 0o600))
	if l := r.stick("import", dir, "1"); l[len(l)-1].Certificates == 0 {
		t.Errorf("import: %+v, want certificates", l)
	}
	if c := r.k.ident.Load().Signer.Cert; time.Now().After(c.NotAfter) {
		t.Errorf("the certificate for connections ended on %v", c.NotAfter)
	}
	if _, err := os.Stat(kept); !errors.Is(err, os.ErrNotExist) || r.k.code.Load() != nil {
		t.Errorf("the code was used, and waits: %v", err)
	}
	// One whose certificates came just before the power went is not used again.
	r.stop()
	r.must(os.WriteFile(kept, b0, 0o600))
	r.startWith(conf)
	if _, err := os.Stat(kept); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after a restart a used code waits: %v", err)
	}
	r.stop()
	r.must(os.WriteFile(kept, b0[:len(b0)/2], 0o600))
	r.startWith(conf) // half a file is nobody's code, and keeps nobody from serving
	if r.k.code.Load() != nil {
		t.Error("half a file is taken for a code")
	}
}
