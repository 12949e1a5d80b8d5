package est_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/est"
	"github.com/penjire/penjire/sync/portal/portaltest"
)

const kiosk = "K-000777"

// world is a portal that issues certificates, on the network.
type world struct {
	*portaltest.World
	t   *testing.T
	s   *est.Service
	url string
	log bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: portaltest.Open(t, time.Now()), t: t} // OpenSSL and strongSwan ask the clock
	pool := x509.NewCertPool()
	pool.AddCert(w.Infrastructure.Cert)
	var err error
	w.s, err = est.New(est.Config{
		Ledger: w.Ledger(), Issuer: w.Infrastructure.Signer(), Roots: w.Roots(), Devices: pool, Codes: bytes.Repeat([]byte{7}, 32),
		Bundle: w.Trust, Now: func() time.Time { return w.Now }, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	})
	if err != nil {
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

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func csr(t testing.TB, key crypto.Signer, who string) []byte {
	t.Helper()
	der, err := enrol.NewRequest(key, who, true)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (w *world) code(chip bool) enrol.Code {
	w.t.Helper()
	c, _, err := w.s.NewCode(w.t.Context(), kiosk, chip, 0, "operator")
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// post asks for a certificate; as is the client certificate, if any.
func (w *world) post(path, user, password string, body []byte, as *tls.Certificate) (int, string) {
	w.t.Helper()
	conf := &tls.Config{RootCAs: w.Pool()}
	if as != nil {
		conf.Certificates = []tls.Certificate{*as}
	}
	tr := &http.Transport{TLSClientConfig: conf}
	defer tr.CloseIdleConnections()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+est.Path+path, strings.NewReader(base64.StdEncoding.EncodeToString(body)))
	if err != nil {
		w.t.Fatal(err)
	}
	if password != "" {
		r.SetBasicAuth(user, password)
	}
	res, err := tr.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // it was read to its end
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// issued reads the certificate of an answer.
func (w *world) issued(status int, body string) *x509.Certificate {
	w.t.Helper()
	if status != http.StatusOK {
		w.t.Fatalf("answer = %d %s, want a certificate", status, body)
	}
	der, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\r\n", ""))
	if err != nil {
		w.t.Fatal(err)
	}
	all, err := enrol.ParseCerts(der)
	if err != nil || len(all) != 1 {
		w.t.Fatalf("ParseCerts = %d certificates, %v; want one", len(all), err)
	}
	return all[0]
}

func (w *world) refused(what string, want *enrol.Refusal, status int, body string) {
	w.t.Helper()
	if got := enrol.RefusalOf(body); got != want || status != want.Status {
		w.t.Errorf("%s: got %d %s, want %v", what, status, body, want)
	}
}

// A code brings one certificate of each use; the same key gets it again, another
// key gets none, and an alarm is raised. The bundle accepts what was issued.
func TestCode(t *testing.T) {
	w := newWorld(t)
	code, key := w.code(false), newKey(t)
	body := csr(t, key, kiosk)
	cert := w.issued(w.post("simpleenroll", kiosk, code.Written(), body, nil))
	if trust.DeviceID(cert) != kiosk || !trust.SoftwareKey(cert) || cert.NotAfter.Sub(w.Now).Round(24*time.Hour) != 90*24*time.Hour {
		t.Errorf("certificate of %q until %v, software %v", trust.DeviceID(cert), cert.NotAfter, trust.SoftwareKey(cert))
	}
	// The answer was lost: a new request with the same key.
	again := w.issued(w.post("simpleenroll", kiosk, code.Reveal(), csr(t, key, kiosk), nil))
	if !again.Equal(cert) {
		t.Error("the same code and key: got another certificate")
	}
	sign := w.issued(w.post("signing/simpleenroll", "", code.Reveal(), csr(t, newKey(t), ""), nil))
	if r := w.Trust().CheckCert(sign, trust.UseDevice, w.Now, true, w.Now); r.Worst().Verdict != trust.Yes {
		t.Errorf("the bundle says of the certificate for signing: %+v", r)
	}
	if r := w.Trust().CheckCert(cert, trust.UseDevice, w.Now, true, w.Now); r.Worst().Verdict == trust.Yes {
		t.Error("the certificate for the connection signs documents, too")
	}
	w.refusedPost("another key", enrol.CodeUsed, "simpleenroll", code, csr(t, newKey(t), kiosk))
	alarms, err := w.Ledger().Alarms(t.Context(), 10)
	if err != nil || len(alarms) != 1 || alarms[0].Code != ledger.AlarmCodeUsed || alarms[0].Kiosk != kiosk {
		t.Errorf("Alarms = %+v, %v; want one of the used code", alarms, err)
	}
	for _, secret := range []string{code.Reveal(), code.Written()} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log has the code: %s", w.log.String())
		}
	}
}

func (w *world) refusedPost(what string, want *enrol.Refusal, path string, code enrol.Code, body []byte) {
	w.t.Helper()
	status, text := w.post(path, kiosk, code.Reveal(), body, nil)
	w.refused(what, want, status, text)
}

func TestCodeRefused(t *testing.T) {
	w := newWorld(t)
	good, body := w.code(false), csr(t, newKey(t), kiosk)
	w.refusedPost("a code nobody made", enrol.NoCode, "simpleenroll", enrol.NewCode(), body)
	status, text := w.post("simpleenroll", kiosk, "otp-42", body, nil)
	w.refused("what is no code", enrol.NoCode, status, text)
	status, text = w.post("simpleenroll", "K-000001", good.Reveal(), body, nil)
	w.refused("a code for another kiosk", enrol.CodeOther, status, text)
	w.refusedPost("a request of another kiosk", enrol.CodeOther, "simpleenroll", good, csr(t, newKey(t), "K-000001"))
	w.refusedPost("no request", enrol.Malformed, "simpleenroll", good, []byte("hello"))
	status, text = w.post("simpleenroll", "", "", body, nil)
	w.refused("nobody", enrol.NoCert, status, text)
	forged := bytes.Clone(body)
	forged[len(forged)-1] ^= 1
	w.refusedPost("a request with a bad signature", enrol.Malformed, "simpleenroll", good, forged)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w.refusedPost("a key of another kind", enrol.Malformed, "simpleenroll", good, csr(t, p384, kiosk))
	w.Now = w.Now.Add(15 * 24 * time.Hour)
	w.refusedPost("an expired code", enrol.CodeExpired, "simpleenroll", good, body)
	// Ten failures were too many for a while; then it goes on.
	w.refusedPost("too often", enrol.NoCode, "simpleenroll", enrol.NewCode(), body)
	w.Now = w.Now.Add(time.Minute)
	fresh := w.code(false)
	w.issued(w.post("simpleenroll", kiosk, fresh.Reveal(), body, nil))
}

// Who guesses is slowed down, and others are not.
func TestGuessing(t *testing.T) {
	w := newWorld(t)
	body := csr(t, newKey(t), kiosk)
	for range 10 {
		w.refusedPost("a guess", enrol.NoCode, "simpleenroll", enrol.NewCode(), body)
	}
	w.refusedPost("the eleventh guess", enrol.Busy, "simpleenroll", enrol.NewCode(), body)
	w.refusedPost("the right one after it", enrol.Busy, "simpleenroll", w.code(false), body)
	w.Now = w.Now.Add(31 * time.Second)
	w.issued(w.post("simpleenroll", kiosk, w.code(false).Reveal(), body, nil))
}

// A certificate renews itself, also for a while after its end; not when it is
// revoked; and brings nothing new after its end.
func TestRenewal(t *testing.T) {
	w := newWorld(t)
	code, key := w.code(true), newKey(t)
	der, err := enrol.NewRequest(key, kiosk, false)
	if err != nil {
		t.Fatal(err)
	}
	first := w.issued(w.post("simpleenroll", kiosk, code.Reveal(), der, nil))
	if trust.SoftwareKey(first) {
		t.Error("the certificate of a key in a chip says that it lies in a file")
	}
	as := func(c *x509.Certificate) *tls.Certificate {
		return &tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key}
	}
	start := w.Now
	w.Now = start.AddDate(0, 0, 60)
	second := w.issued(w.post("simplereenroll", "", "", der, as(first)))
	if second.Equal(first) || !second.NotAfter.After(first.NotAfter) {
		t.Error("the renewal is the same certificate")
	}
	if lost := w.issued(w.post("simplereenroll", "", "", der, as(first))); !lost.Equal(second) {
		t.Error("the same renewal again: got another certificate")
	}
	moved := w.issued(w.post("simplereenroll", "", "", csr(t, newKey(t), kiosk), as(first)))
	if !trust.SoftwareKey(moved) {
		t.Error("a key that moved into a file: the certificate does not say so")
	}
	w.issued(w.post("signing/simpleenroll", "", "", csr(t, newKey(t), kiosk), as(second)))

	w.Now = second.NotAfter.Add(29 * 24 * time.Hour)
	status, body := w.post("signing/simpleenroll", "", "", csr(t, newKey(t), kiosk), as(second))
	w.refused("something new after the end", enrol.CertExpired, status, body)
	third := w.issued(w.post("simplereenroll", "", "", der, as(second)))
	w.Now = third.NotAfter.Add(31 * 24 * time.Hour)
	status, body = w.post("simplereenroll", "", "", der, as(third))
	w.refused("too late", enrol.CertExpired, status, body)

	w.Now = start.AddDate(0, 0, 149)
	if n, err := w.s.RevokeKiosk(t.Context(), kiosk, "lost", "operator"); err != nil || n == 0 {
		t.Fatalf("RevokeKiosk = %d, %v", n, err)
	}
	status, body = w.post("simplereenroll", "", "", der, as(second))
	w.refused("a revoked one", enrol.CertRevoked, status, body)
	status, body = w.post("simplereenroll", "", "", csr(t, newKey(t), "K-000001"), &tls.Certificate{Certificate: [][]byte{w.PortalTLS.Cert.Raw}, PrivateKey: w.PortalTLS.Key})
	w.refused("one that is no kiosk's", enrol.CertForeign, status, body)
	other := w.Device.TLS.TLS() // issued by the register: it renews here, too
	w.Now = start.AddDate(0, 0, 60)
	c := w.issued(w.post("simplereenroll", "", "", csr(t, newKey(t), "K-000001"), &other))
	if trust.DeviceID(c) != "K-000001" {
		t.Errorf("renewed for %s, want K-000001", trust.DeviceID(c))
	}
	list, err := w.s.CRL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	crl, err := x509.ParseRevocationList(list)
	if err != nil || crl.CheckSignatureFrom(w.Infrastructure.Cert) != nil || len(crl.RevokedCertificateEntries) != 5 {
		t.Errorf("the list: %v, %d entries; want 5, signed by the centre", err, len(crl.RevokedCertificateEntries))
	}
}

// By stick: the proof of a code, the same file again, another key, a renewal
// without a code.
func TestStick(t *testing.T) {
	w := newWorld(t)
	code, identity, signing := w.code(false), newKey(t), newKey(t)
	file := func(a enrol.Asked, prove bool) []byte {
		t.Helper()
		if prove {
			a.Prove(enrol.ProofKey(code))
		}
		b, err := a.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	asked := enrol.Asked{Kiosk: kiosk, Identity: csr(t, identity, kiosk), Signing: csr(t, signing, kiosk)}
	refused := func(what string, b []byte, want error) {
		t.Helper()
		if _, err := w.s.Take(t.Context(), b); !errors.Is(err, want) {
			t.Errorf("Take of %s = %v, want %v", what, err, want)
		}
	}
	refused("a file without proof of anything", file(asked, false), enrol.NoCert)
	wrong := asked
	wrong.Prove(enrol.ProofKey(enrol.NewCode()))
	refused("a file with the proof of another code", file(wrong, false), enrol.NoCode)
	first := w.taken(file(asked, true))
	if !first.Identity.PublicKey.(*ecdsa.PublicKey).Equal(identity.Public()) || !first.Signing.PublicKey.(*ecdsa.PublicKey).Equal(signing.Public()) {
		t.Error("the certificates are of other keys")
	}
	a, err := enrol.ParseAnswer(first.File)
	if err != nil || a.Kiosk != kiosk || !a.Identity[0].Equal(first.Identity) || len(a.Identity) != 2 {
		t.Fatalf("ParseAnswer = %+v, %v", a, err)
	}
	if _, err := trust.ParseBundle(a.Trust, w.Roots(), 0); err != nil {
		t.Errorf("the trust bundle of the answer: %v", err)
	}
	if again := w.taken(file(asked, true)); !bytes.Equal(again.File, first.File) {
		t.Error("the same file again: got another answer")
	}
	changed := bytes.Replace(file(asked, true), []byte(kiosk), []byte("K-000778"), 1)
	refused("a file whose kiosk was changed", changed, enrol.NoCode)
	refused("a file that was edited", append(file(asked, true), ' '), enrol.ErrFile)
	refused("a later version", bytes.Replace(file(asked, true), []byte("request/1"), []byte("request/2"), 1), enrol.ErrFileVersion)
	other := enrol.Asked{Kiosk: kiosk, Identity: csr(t, newKey(t), kiosk), Signing: csr(t, signing, kiosk)}
	refused("another key with the used code", file(other, true), enrol.CodeUsed)

	w.Now = first.Identity.NotAfter.Add(24 * time.Hour)
	renewed := w.taken(file(asked, false))
	if renewed.Identity.Equal(first.Identity) || !renewed.Signing.Equal(first.Signing) {
		t.Error("a renewal by stick: want a new certificate for the connection, and the same for signing, which is young")
	}
	if again := w.taken(file(asked, false)); !again.Identity.Equal(renewed.Identity) {
		t.Error("the same renewal again: got another certificate")
	}
}

func (w *world) taken(b []byte) *est.Taken {
	w.t.Helper()
	got, err := w.s.Take(w.t.Context(), b)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func TestConfig(t *testing.T) {
	w := newWorld(t)
	good := est.Config{Issuer: w.Infrastructure.Signer(), Codes: make([]byte, 32)}
	if _, err := est.New(good); err != nil {
		t.Errorf("New = %v", err)
	}
	bad := good
	bad.Codes = nil
	if _, err := est.New(bad); err == nil {
		t.Error("New without a key of codes = nil, want an error")
	}
	bad = good
	bad.Issuer = w.PortalTLS.Signer()
	if _, err := est.New(bad); err == nil {
		t.Error("New with a portal's certificate as issuer = nil, want an error")
	}
	for _, c := range []struct {
		kiosk string
		life  time.Duration
		want  error
	}{{"K 1", 0, est.ErrKiosk}, {kiosk, time.Minute, est.ErrLife}, {kiosk, 91 * 24 * time.Hour, est.ErrLife}} {
		if _, _, err := w.s.NewCode(context.Background(), c.kiosk, false, c.life, "operator"); !errors.Is(err, c.want) {
			t.Errorf("NewCode(%q, %v) = %v, want %v", c.kiosk, c.life, err, c.want)
		}
	}
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
