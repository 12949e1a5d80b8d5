package est_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// need skips the test loudly where a peer is missing, or fails it.
func need(t *testing.T, names ...string) {
	t.Helper()
	for _, n := range names {
		if _, err := exec.LookPath(n); err != nil {
			if os.Getenv("PENJIRE_PEERS") == "require" {
				t.Fatalf("PEER MISSING: %s", n)
			}
			t.Skipf("PEER MISSING: %s: what it would have confirmed is not confirmed", n)
		}
	}
}

func run(t *testing.T, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	err = c.Run()
	return out.String(), errs.String(), err
}

// strongSwan's client, which knows nothing of us, gets the centres' certificates,
// enrols with a code and renews with the certificate; wrong and used codes are
// refused; OpenSSL verifies what it got.
func TestStrongSwan(t *testing.T) {
	need(t, "pki", "openssl")
	w := newWorld(t)
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	keep := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pki := func(args ...string) string {
		t.Helper()
		out, errs, err := run(t, "pki", args...)
		if err != nil {
			t.Fatalf("pki %v: %v\n%s", args, err, errs)
		}
		return out
	}
	fails := func(what, status string, args ...string) {
		t.Helper()
		_, errs, err := run(t, "pki", args...)
		if err == nil || !strings.Contains(errs, status) {
			t.Errorf("pki with %s: %v, %s; want HTTP %s", what, err, errs, status)
		}
	}
	keep("roots.pem", string(w.RootPEM()))
	url := strings.Replace(w.url, "127.0.0.1", "localhost", 1)
	pki("--estca", "--url", url, "--cacert", in("roots.pem"), "--caout", in("ca.pem"), "--force")
	found, err := filepath.Glob(in("ca*"))
	if err != nil || len(found) < 2 {
		t.Errorf("pki --estca wrote %v, want the root and the centre", found)
	}
	request := func(n string) {
		keep("key"+n, pki("--gen", "--type", "ecdsa", "--size", "256", "--outform", "pem"))
		keep("req"+n, pki("--req", "--in", in("key"+n), "--type", "ecdsa", "--dn", "CN=Kiosk "+kiosk+", serialNumber="+kiosk, "--outform", "pem"))
	}
	request("1")
	request("2")
	keep("centre.pem", string(pemOf(w.Infrastructure.Cert)))
	est := func(req string, more ...string) []string {
		return append([]string{"--est", "--url", url, "--in", in(req), "--cacert", in("roots.pem"), "--cacert", in("centre.pem"), "--outform", "pem"}, more...)
	}
	code := w.code(false).Written()
	wrong := w.code(false).Reveal()
	wrong = wrong[1:] + wrong[:1]
	fails("a wrong code", "401", est("req1", "--userpass", kiosk+":"+wrong)...)
	keep("cert1", pki(est("req1", "--userpass", kiosk+":"+code)...))
	fails("a used code", "403", est("req2", "--userpass", kiosk+":"+code)...)
	again := pki(est("req1", "--userpass", kiosk+":"+code)...)
	if first, err := os.ReadFile(in("cert1")); err != nil || string(first) != again {
		t.Errorf("the same request and code again: got another certificate, %v", err)
	}
	w.Now = w.Now.Add(time.Second)
	keep("cert2", pki(est("req1", "--cert", in("cert1"), "--key", in("key1"))...))
	for _, c := range []string{"cert1", "cert2"} {
		out, errs, err := run(t, "openssl", "verify", "-CAfile", in("roots.pem"), "-untrusted", in("centre.pem"), "-purpose", "sslclient", "-x509_strict", in(c))
		if err != nil || !strings.Contains(out, ": OK") {
			t.Errorf("openssl verify %s = %v, %s %s", c, err, out, errs)
		}
	}
	text, _, err := run(t, "openssl", "x509", "-in", in("cert2"), "-noout", "-text")
	for _, want := range []string{"serialNumber = " + kiosk, "OU = kiosk", "TLS Web Client Authentication", "Digital Signature"} {
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("OpenSSL's view of the certificate lacks %q: %v\n%s", want, err, text)
		}
	}
}
