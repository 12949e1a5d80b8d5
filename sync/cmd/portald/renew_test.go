package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/ledger/postgrestest"
	"github.com/penjire/penjire/sync/portal"
)

// until asks a portal again and again.
func (p *portald) until(what string, ok func(state) bool) {
	p.t.Helper()
	end, again := time.After(30*time.Second), time.NewTicker(50*time.Millisecond)
	defer again.Stop()
	for !ok(p.state()) {
		select {
		case <-again.C:
		case <-end:
			p.t.Fatalf("waited in vain for: %s: %+v", what, p.state())
		}
	}
}

// lookNow has all portals of this process look at their files.
func lookNow(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, b []byte, name ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(name...), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// trusts wants a portal to have that bundle in force, and those troubles.
func (p *portald) trusts(what string, version uint64, troubles ...string) {
	p.t.Helper()
	p.until(what, func(s state) bool {
		return s.Trust == version && strings.Join(s.Troubles, " ") == strings.Join(troubles, " ")
	})
}

// TestTrustWhileItRuns gives a running portal bundles in its folder and by the command:
// it takes what is newer, and goes on with what it has where one is damaged, older,
// another's, or another of the same number. All is said, and over when a good one comes.
func TestTrustWhileItRuns(t *testing.T) {
	dir, w := folder(t)
	stranger, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, "-dir", dir)
	first := w.Bundle()
	if err := w.Reissue(); err != nil {
		t.Fatal(err)
	}
	put(t, w.Bundle(), dir, "trust.cbor")
	lookNow(t)
	p.trusts("the bundle in the folder", 2)

	again, err := w.Trust().Encode(w.Register.Signer())
	if err != nil {
		t.Fatal(err)
	}
	for what, b := range map[string][]byte{
		"cut": w.Bundle()[:len(w.Bundle())/2], "none": nil, "older": first, "another's": stranger.Bundle(), "another of the same number": again,
	} {
		put(t, b, dir, "trust.cbor")
		lookNow(t)
		p.trusts(what, 2, portal.TroubleTrust)
		if got := p.get("/healthz", 200); got != "ok, but a new trust bundle was refused\n" {
			t.Errorf("%s: healthz = %q", what, got)
		}
		if !strings.Contains(p.get("/metrics", 200), "penjire_trouble{what=\"trust\"} 1\n") {
			t.Errorf("%s: the metrics do not say it", what)
		}
		put(t, w.Bundle(), dir, "trust.cbor")
		lookNow(t)
		p.trusts("what is in force, again", 2)
	}

	// By the command, beside the portal: the folder's file is older then.
	command := func(want int, b []byte) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "new.cbor")
		put(t, b, file)
		var out, log bytes.Buffer
		if s := run(t.Context(), []string{"trust", "-dir", dir, file}, &out, &log); s != want {
			t.Errorf("trust = status %d, want %d\n%s%s", s, want, &out, &log)
		}
		return out.String() + log.String()
	}
	if err := w.Reissue(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		bundle []byte
		status int
		says   string
	}{
		{w.Bundle(), 0, "trust bundle 3 of "},
		{w.Bundle(), 0, "published already"},
		{first, 1, "older than the one already known"},
		{stranger.Bundle(), 1, "does not lead to a root"},
		{nil, 1, "open bundle"},
	} {
		if said := command(tt.status, tt.bundle); !strings.Contains(said, tt.says) {
			t.Errorf("trust says %q, want %q", said, tt.says)
		}
	}
	lookNow(t)
	p.trusts("what the command published", 3)
	p.end()

	// A portal that comes back after a power cut serves with the last one that was good.
	put(t, first[:100], dir, "trust.cbor")
	p = start(t, "-dir", dir)
	p.trusts("the last one, with a damaged file", 3, portal.TroubleTrust)
	p.end()
}

// TestTrustOfTwoPortals gives one of two portals on one PostgreSQL a bundle: the other
// takes it too, and gets none that was refused.
func TestTrustOfTwoPortals(t *testing.T) {
	url := postgrestest.Start(t).Database(t)
	dir, w := folder(t)
	other := t.TempDir()
	if err := os.CopyFS(other, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tls", "receipt", "register", "tsa", "ombudsman", "age"} {
		for _, ext := range []string{".key", ".txt"} {
			if err := os.Chmod(filepath.Join(other, name+ext), 0o600); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
	}
	a, b := start(t, "-dir", dir, "-ledger", url), start(t, "-dir", other, "-ledger", url)
	first := w.Bundle()
	if err := w.Reissue(); err != nil {
		t.Fatal(err)
	}
	put(t, w.Bundle(), dir, "trust.cbor")
	lookNow(t)
	a.trusts("its own file", 2)
	b.trusts("the other portal's", 2)
	put(t, first, other, "trust.cbor") // copied anew, and old
	lookNow(t)
	b.trusts("an older file", 2, portal.TroubleTrust)
	a.trusts("what is in force", 2)
	if err := w.Reissue(); err != nil {
		t.Fatal(err)
	}
	put(t, w.Bundle(), dir, "trust.cbor")
	lookNow(t)
	b.trusts("a newer one ends the trouble", 3)
	a.end()
	b.end()
}

// shows returns the serial number of the certificate that is shown at addr.
func shows(t *testing.T, addr string, w *specimen.World) string {
	t.Helper()
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", addr, &tls.Config{RootCAs: w.Pool(), ServerName: "portal.specimen"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// TestCertificateWhileItRuns renews what the portal shows to kiosks, and whom it lets
// in. A pair that does not fit, is over, is for another name or of another root leaves
// the one before.
func TestCertificateWhileItRuns(t *testing.T) {
	dir, w := folder(t)
	p := start(t, "-dir", dir)
	before := shows(t, p.Sync, w)
	stranger, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	issue := func(host string, until time.Time) specimen.Identity {
		t.Helper()
		id, err := w.Server(host, until)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	year := time.Now().Add(364 * 24 * time.Hour)
	good, over, elsewhere := issue("portal.specimen", year), issue("portal.specimen", time.Now().Add(-time.Hour)), issue("other.specimen", year)
	write := func(cert, key specimen.Identity) {
		t.Helper()
		put(t, cert.CertPEM(), dir, "tls.crt")
		put(t, key.KeyPEM(), dir, "tls.key")
		lookNow(t)
	}
	for what, pair := range map[string][2]specimen.Identity{
		"a key of another": {good, over}, "over": {over, over}, "another name": {elsewhere, elsewhere},
		"another root": {stranger.PortalTLS, stranger.PortalTLS},
	} {
		write(pair[0], pair[1])
		p.trusts(what, 1, portal.TroubleTLS)
		if got := shows(t, p.Sync, w); got != before {
			t.Errorf("%s: the portal shows another certificate", what)
		}
		if got := p.get("/healthz", 200); got != "ok, but the certificate for kiosks wants to be renewed\n" {
			t.Errorf("%s: healthz = %q", what, got)
		}
		write(w.PortalTLS, w.PortalTLS)
		p.trusts("the one of before, again", 1)
	}
	write(good, good)
	p.until("the new certificate", func(s state) bool { return shows(t, p.Sync, w) == good.Cert.SerialNumber.String() })

	// One that ends soon is said before it ends.
	write(issue("portal.specimen", time.Now().Add(soon-time.Hour)), good)
	p.trusts("a key of another", 1, portal.TroubleTLS)
	near := issue("portal.specimen", time.Now().Add(soon-time.Hour))
	write(near, near)
	p.until("the one that ends soon", func(s state) bool { return shows(t, p.Sync, w) == near.Cert.SerialNumber.String() })
	p.trusts("it is said", 1, portal.TroubleTLS)
	write(good, good)
	p.trusts("and over", 1)

	// Whom it lets in.
	let := func() bool {
		c, err := tls.Dial("tcp", p.Sync, &tls.Config{RootCAs: w.Pool(), ServerName: "portal.specimen", Certificates: []tls.Certificate{w.Device.TLS.TLS()}})
		if err == nil {
			_, err = c.Write([]byte("GET /healthz HTTP/1.1\r\nHost: portal.specimen\r\n\r\n"))
			if err == nil {
				_, err = c.Read(make([]byte, 1))
			}
			_ = c.Close()
		}
		return err == nil
	}
	if !let() {
		t.Fatal("the kiosk is not let in")
	}
	put(t, []byte("nothing"), dir, "devices.pem")
	lookNow(t)
	p.trusts("no centres", 1, portal.TroubleDevices)
	if !let() {
		t.Error("a damaged file of centres shuts kiosks out")
	}
	put(t, w.Citizens.CertPEM(), dir, "devices.pem")
	lookNow(t)
	p.trusts("other centres", 1)
	p.until("another centre's kiosk stays out", func(state) bool { return !let() })
	p.end()
}

// TestHalfCopied: files that still change are left alone, unless somebody says now.
func TestHalfCopied(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x")
	put(t, []byte("a"), name)
	taken := 0
	stamp := stampOf([]string{name})
	w := &watched{files: []string{name}, take: func(context.Context) error { taken++; return nil }, seen: stamp, taken: stamp}
	for i, tt := range []struct {
		write string
		now   bool
		want  int
	}{
		{"", false, 0}, {"ab", false, 0}, {"abc", false, 0}, {"", false, 1}, {"", false, 1}, {"abcd", true, 2}, {"", false, 2},
	} {
		if tt.write != "" {
			put(t, []byte(tt.write), name)
		}
		if _, err := w.look(t.Context(), tt.now); err != nil || taken != tt.want {
			t.Errorf("look %d: taken %d times, %v, want %d", i, taken, err, tt.want)
		}
	}
}
