package tsp_test

import (
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

// openssl runs it in dir, or skips the test where it is not installed.
func openssl(t *testing.T, dir string) func(args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatal("openssl is not installed")
		}
		t.Skip("openssl is not installed")
	}
	return func(args ...string) (string, error) {
		cmd := exec.Command(path, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

func put(t *testing.T, dir, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAuthorityByOpenSSL lets openssl ask this authority and verify its reply.
func TestAuthorityByOpenSSL(t *testing.T) {
	w, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := openssl(t, dir)
	a, err := tsp.NewAuthority(w.TSA.Signer(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "data", []byte("a journal head"))
	put(t, dir, "roots.pem", w.RootPEM())
	var chain []byte
	for _, c := range w.TSA.Chain {
		chain = append(chain, specimen.Identity{Cert: c}.CertPEM()...)
	}
	put(t, dir, "chain.pem", chain)
	if out, err := run("ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "q"); err != nil {
		t.Fatal(out)
	}
	q, err := os.Open(filepath.Join(dir, "q"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = q.Close() }()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", q)
	r.Header.Set("Content-Type", "application/timestamp-query")
	rec := httptest.NewRecorder()
	a.ServeHTTP(rec, r)
	put(t, dir, "reply", rec.Body.Bytes())
	verify := []string{"ts", "-verify", "-queryfile", "q", "-in", "reply", "-CAfile", "roots.pem", "-untrusted", "chain.pem"}
	if out, err := run(verify...); err != nil {
		t.Errorf("openssl refuses the reply: %s", out)
	}
	if out, err := run("ts", "-query", "-data", "roots.pem", "-sha256", "-cert", "-out", "q"); err != nil {
		t.Fatal(out)
	}
	if out, err := run(verify...); err == nil {
		t.Errorf("openssl takes the reply to another question: %s", out)
	}
}

// TestClientOfOpenSSL asks an authority that is openssl.
func TestClientOfOpenSSL(t *testing.T) {
	w, err := specimen.New(time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := openssl(t, dir)
	put(t, dir, "tsa.pem", w.TSA.CertPEM())
	put(t, dir, "tsa.key", w.TSA.KeyPEM())
	put(t, dir, "tsa.cnf", []byte(`[tsa]
default_tsa = t
[t]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
accuracy = secs:1
`))
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		q, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if err := os.WriteFile(filepath.Join(dir, "q"), q, 0o600); err != nil {
			return
		}
		if out, err := run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q", "-out", "reply"); err != nil {
			http.Error(rw, out, http.StatusInternalServerError)
			return
		}
		rw.Header().Set("Content-Type", "application/timestamp-reply; charset=binary")
		http.ServeFile(rw, r, filepath.Join(dir, "reply"))
	}))
	defer srv.Close()
	c := tsp.Client{URL: srv.URL, Trusted: w.Trust().TSA, Policies: []string{"1.2.3.4"}, Now: time.Now}
	imprint := sha256.Sum256([]byte("a journal head"))
	token, _, err := c.Stamp(t.Context(), imprint)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tsp.Parse(token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tok.Verify(imprint, w.Trust().TSA); err != nil {
		t.Error(err)
	}
	c.Policies = []string{tsp.Policy}
	if _, _, err := c.Stamp(t.Context(), imprint); err == nil || !strings.Contains(err.Error(), "policy") {
		t.Errorf("Stamp by another policy = %v, want an error", err)
	}
	c.Policies = nil
	c.Now = func() time.Time { return time.Now().Add(-tsp.Ahead - time.Minute) }
	if _, _, err := c.Stamp(t.Context(), imprint); err == nil || !strings.Contains(err.Error(), "not come yet") {
		t.Errorf("Stamp of the future = %v, want an error", err)
	}
	stranger, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c.Now, c.Trusted = nil, stranger.Trust().TSA
	if _, _, err := c.Stamp(t.Context(), imprint); !errors.Is(err, tsp.ErrSigner) {
		t.Errorf("Stamp by a stranger = %v, want ErrSigner", err)
	}
}

// TestClientRefusesReplies is asked by servers that are no authority.
func TestClientRefusesReplies(t *testing.T) {
	for name, tt := range map[string]struct {
		mime string
		body []byte
	}{
		"another type":  {"text/html", []byte("<p>")},
		"no type":       {"", nil},
		"nothing":       {"application/timestamp-reply", nil},
		"too long":      {"application/timestamp-reply", make([]byte, 1<<20)},
		"a rejection":   {"application/timestamp-reply", []byte{0x30, 5, 0x30, 3, 2, 1, 2}},
		"waiting":       {"application/timestamp-reply", []byte{0x30, 5, 0x30, 3, 2, 1, 3}},
		"granted empty": {"application/timestamp-reply", []byte{0x30, 5, 0x30, 3, 2, 1, 0}},
		"mods empty":    {"application/timestamp-reply", []byte{0x30, 5, 0x30, 3, 2, 1, 1}},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", tt.mime)
			_, _ = rw.Write(tt.body)
		}))
		c := tsp.Client{URL: srv.URL}
		if _, _, err := c.Stamp(t.Context(), [32]byte{1}); err == nil {
			t.Errorf("%s: no error", name)
		}
		srv.Close()
	}
}
