package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/sync/portal/est"
	"github.com/penjire/penjire/sync/portal/portaltest"
)

// A kiosk that was just flashed: penjired says what it lacks on its socket, takes a
// code there, gets its certificates from the portal, and then the kiosk opens with
// what came.
func TestFromSetupToService(t *testing.T) {
	w, s, srv := newEST(t)
	dir, err := os.MkdirTemp("", "kiosk") // short: a socket is in it
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	setup := enrol.Setup{
		Kiosk: "K-000042", Portal: enrol.Portal{URL: "wss://127.0.0.1:1/sync", EST: srv.URL, ServerName: "portal.specimen"}, Roots: string(w.RootPEM()),
		Settings: json.RawMessage(`{"listen": "127.0.0.1:0"}`),
	}
	b, err := setup.Marshal()
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, enrol.SetupFile), b, 0o600))
	file := filepath.Join(dir, enrol.SettingsFile)
	if !enrol.Due(file) {
		t.Fatal("Due of a fresh kiosk = false")
	}
	done, onto := make(chan error, 1), t.TempDir()
	log := slog.New(slog.DiscardHandler)
	go func() {
		w, err := enrolFirst(t.Context(), dir, "bench", onto, log, new(pages))
		if err == nil {
			w.Close()
		}
		done <- err
	}()

	var st enrol.Status
	for st.Lacks != enrol.LacksCode { // until it has tried once
		if raw := ask(t, dir, http.MethodGet, "/enrol"); raw != nil {
			must(t, json.Unmarshal(raw, &st))
		}
	}
	if st.Kiosk != "K-000042" || st.Next.IsZero() {
		t.Errorf("Status = %+v, want a next try", st)
	}
	if b, err := os.ReadFile(filepath.Join(onto, "enrol.json")); err != nil || !strings.Contains(string(b), `"ENROL"`) {
		t.Errorf("on the panel: %s, %v", b, err)
	}
	if raw := ask(t, dir, http.MethodPost, "/enrol/code?code=K7M4"); !strings.Contains(string(raw), "not a one-time code") {
		t.Errorf("what is no code: got %s", raw)
	}
	code, _, err := s.NewCode(t.Context(), "K-000042", true, 0, "operator")
	must(t, err)
	if raw := ask(t, dir, http.MethodPost, "/enrol/code?code="+code.Written()); strings.Contains(string(raw), "error") {
		t.Errorf("the right code: got %s", raw)
	}
	must(t, <-done)
	conf, err := settings.Load(file)
	must(t, err)
	if _, err := os.Stat(filepath.Join(conf.State, kiosk.TicketDue)); err != nil {
		t.Errorf("the first ticket is not due: %v", err)
	}
	k, err := kiosk.Open(t.Context(), kiosk.Options{Settings: conf, Version: "test", Boot: "test", Log: log})
	must(t, err)
	must(t, k.Close())
}

// newEST is a portal that gives certificates.
func newEST(t *testing.T) (*portaltest.World, *est.Service, *httptest.Server) {
	t.Helper()
	w := portaltest.Open(t, time.Now())
	pool := x509.NewCertPool()
	pool.AddCert(w.Infrastructure.Cert)
	s, err := est.New(est.Config{
		Ledger: w.Ledger(), Issuer: w.Infrastructure.Signer(), Roots: w.Roots(), Devices: pool, Codes: bytes.Repeat([]byte{7}, 32), Bundle: w.Trust,
	})
	must(t, err)
	srv := httptest.NewUnstartedServer(s.Handler())
	srv.TLS = est.TLSConfig(w.PortalTLS.TLS())
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return w, s, srv
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask asks the control socket; nil: it is not there yet.
func ask(t *testing.T, dir, method, path string) []byte {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", enrol.Socket(dir))
	}}}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://kiosk"+path, nil)
	must(t, err)
	res, err := c.Do(r)
	if err != nil {
		return nil
	}
	defer func() { _ = res.Body.Close() }() // it was read
	b, err := io.ReadAll(res.Body)
	must(t, err)
	return b
}
