package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/release"
)

// TestKeyToKiosk makes roots, keys and lists, signs a bundle, and reads it as a kiosk
// does, before and after its key was revoked.
func TestKeyToKiosk(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	in := func(name string) string { return filepath.Join(dir, name) }
	do := func(want int, args ...string) string {
		t.Helper()
		var out, fault bytes.Buffer
		if got := run(args, now, &out, &fault); got != want {
			t.Fatalf("release %s = %d, want %d\n%s%s", strings.Join(args, " "), got, want, &out, &fault)
		}
		return out.String() + fault.String()
	}
	do(0, "root", "-name", "NUSGA root 1", "-out", in("r1"))
	do(1, "root", "-name", "NUSGA root 1", "-out", in("r1")) // no key is replaced
	do(0, "root", "-name", "NUSGA root 2", "-out", in("r2"))
	do(0, "key", "-root", in("r1"), "-name", "NUSGA key 1", "-out", in("k1"))
	do(0, "key", "-root", in("r2"), "-name", "NUSGA key 2", "-out", in("k2"))
	var both []byte
	for _, n := range []string{"r1/root.pem", "r2/root.pem"} {
		b, err := os.ReadFile(in(n))
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, b...)
	}
	for name, b := range map[string][]byte{"roots.pem": both, "x.raucb": bytes.Repeat([]byte("x"), 3<<20)} {
		if err := os.WriteFile(in(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sign := func(key string, more ...string) string {
		t.Helper()
		args := append([]string{"sign", "-cert", in(key + "/release.pem"), "-key", in(key + "/release.key"), "-board", "vm", "-version", "0.6.2"}, more...)
		return do(0, append(args, in("x.raucb"))...)
	}
	sign("k1", "-build", "2026-11-30T08:00:00Z", "-formats", "1-2", "-ring", "pilot", "-by", now.AddDate(0, 1, 0).Format(time.RFC3339))
	if got := do(0, "show", "-roots", in("r1/root.pem"), in("x.release")); !strings.Contains(got, "build 1796025600") || !strings.Contains(got, "believed") {
		t.Errorf("show = %s", got)
	}
	do(1, "show", "-roots", in("r2/root.pem"), in("x.release"))
	do(0, "list", "-root", in("r1"), "-roots", in("roots.pem"), "-out", in("lists1"))
	do(0, "list", "-root", in("r2"), "-roots", in("roots.pem"), "-after", in("lists1"), "-revoke", in("k1/release.pem"), "-out", in("lists2"))
	sign("k2", "-build", "7", "-lists", in("lists2"))

	certs, err := keyfile.Certificates(in("r1/root.pem"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := os.ReadFile(in("x.release"))
	if err != nil {
		t.Fatal(err)
	}
	r, keys, err := release.Open(signed, release.NewKeys(certs))
	if err != nil || r.Build != 7 || keys.Version() != 2 {
		t.Fatalf("Open = %+v, list %d, %v, want build 7 by the second root", r, keys.Version(), err)
	}
	sign("k1", "-build", "8", "-lists", in("lists2"))
	if got := do(1, "show", "-roots", in("r1/root.pem"), in("x.release")); !strings.Contains(got, "revoked") {
		t.Errorf("show of what a revoked key signed = %s", got)
	}
	for _, args := range [][]string{{}, {"nothing"}, {"sign"}, {"root", "-name", "x"}, {"show"}} {
		do(2, args...)
	}
	do(1, "sign", "-cert", in("k1/release.pem"), "-key", in("k1/release.key"), "-board", "vm", "-version", "1", "-build", "soon", in("x.raucb"))
}
