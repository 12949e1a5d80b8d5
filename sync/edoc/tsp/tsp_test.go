package tsp_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

var now = time.Date(2026, 6, 15, 9, 30, 0, 500, time.UTC)

func TestClient(t *testing.T) {
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	a, err := tsp.NewAuthority(w.TSA.Signer(), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	var last []byte // the reply before
	replay := false
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		a.ServeHTTP(rec, r)
		if replay {
			rw.Header().Set("Content-Type", "application/timestamp-reply")
			_, _ = rw.Write(last)
			return
		}
		last = rec.Body.Bytes()
		rw.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
		rw.WriteHeader(rec.Code)
		_, _ = rw.Write(last)
	}))
	defer srv.Close()
	imprint := sha256.Sum256([]byte("x"))
	c := &tsp.Client{URL: srv.URL, Trusted: w.Trust().TSA}
	token, at, err := c.Stamp(t.Context(), imprint)
	if err != nil {
		t.Fatal(err)
	}
	if want := now.Truncate(time.Second); !at.Equal(want) {
		t.Errorf("Stamp: got %v, want %v", at, want)
	}
	tok, err := tsp.Parse(token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tok.Verify(imprint, w.Trust().TSA); err != nil {
		t.Errorf("Verify = %v", err)
	}
	if _, err := tok.Verify(imprint, nil); !errors.Is(err, tsp.ErrSigner) {
		t.Errorf("Verify by no one's trust: %v, want ErrSigner: the certificate inside proves nothing", err)
	}
	replay = true
	if _, _, err := c.Stamp(t.Context(), imprint); !errors.Is(err, tsp.ErrNonce) {
		t.Errorf("Stamp with an old reply: %v, want ErrNonce", err)
	}
	replay = false
	stranger, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	c.Trusted = stranger.Trust().TSA
	if _, _, err := c.Stamp(t.Context(), imprint); !errors.Is(err, tsp.ErrSigner) {
		t.Errorf("Stamp by a stranger: %v, want ErrSigner", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := c.Stamp(ctx, imprint); !errors.Is(err, context.Canceled) {
		t.Errorf("Stamp without time: %v, want context.Canceled", err)
	}
}

func TestAuthorityRefuses(t *testing.T) {
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]specimen.Identity{"a portal": w.PortalReceipt, "a TLS server": w.PortalTLS, "a root": w.Root} {
		if _, err := tsp.NewAuthority(id.Signer(), nil); err == nil {
			t.Errorf("NewAuthority as %s: want an error", name)
		}
	}
	a, err := tsp.NewAuthority(w.TSA.Signer(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, mime string
		query      []byte
		status     int
		reply      []byte
	}{
		{"not a query", "text/plain", nil, http.StatusUnsupportedMediaType, nil},
		{"malformed", "application/timestamp-query", []byte{1}, http.StatusOK, []byte{0x30, 9, 0x30, 7, 2, 1, 2, 3, 2, 2, 4}},
		// version 1, an imprint in SHA-1: status 2, failure bit 0
		{
			"SHA-1", "application/timestamp-query",
			append([]byte{0x30, 36, 2, 1, 1, 0x30, 31, 0x30, 7, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 4, 20}, make([]byte, 20)...),
			http.StatusOK,
			[]byte{0x30, 9, 0x30, 7, 2, 1, 2, 3, 2, 7, 0x80},
		},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/tsa", bytes.NewReader(tt.query))
		r.Header.Set("Content-Type", tt.mime)
		rec := httptest.NewRecorder()
		a.ServeHTTP(rec, r)
		got, err := io.ReadAll(rec.Body)
		if err != nil {
			t.Fatal(err)
		}
		if rec.Code != tt.status || tt.reply != nil && !bytes.Equal(got, tt.reply) {
			t.Errorf("%s: got status %d and % x, want %d and % x", tt.name, rec.Code, got, tt.status, tt.reply)
		}
	}
}
