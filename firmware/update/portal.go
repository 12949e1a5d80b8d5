package update

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"time"

	"github.com/penjire/penjire/sync/release"
)

// Portal fetches releases over the connection of the kiosk's certificate.
type Portal struct {
	Base string             // https://host:port
	TLS  func() *tls.Config // the keys may be renewed
	// Still is how long a download may stand still; 0 is 2 minutes.
	Still time.Duration
}

// Check implements Source.
func (p *Portal) Check(ctx context.Context, r release.Report) ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("update: ask the portal for releases: %w", err)
	}
	res, end, err := p.do(ctx, http.MethodPost, release.CheckPath, bytes.NewReader(body), nil)
	if err != nil {
		return nil, fmt.Errorf("update: ask the portal for releases: %w", err)
	}
	defer end()
	switch res.StatusCode {
	case http.StatusNoContent:
		return nil, nil
	case http.StatusOK:
		b, err := io.ReadAll(io.LimitReader(res.Body, release.MaxSigned+1))
		if err != nil {
			return nil, fmt.Errorf("update: read what the portal offers: %w", err)
		}
		return b, nil
	}
	return nil, fmt.Errorf("update: ask the portal for releases: it answers %s", res.Status)
}

// Bundle implements Source. The stream ends with an error if nothing comes for long.
func (p *Portal) Bundle(ctx context.Context, sha256 [32]byte, from int64) (Stream, error) {
	h := http.Header{}
	if from > 0 {
		h.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	res, end, err := p.do(ctx, http.MethodGet, release.BundlePath+hex.EncodeToString(sha256[:]), nil, h)
	if err != nil {
		return nil, fmt.Errorf("update: fetch a bundle: %w", err)
	}
	switch {
	case from == 0 && res.StatusCode == http.StatusOK, from > 0 && res.StatusCode == http.StatusPartialContent:
		return &stream{body: res.Body, end: end, still: cmp.Or(p.Still, 2*time.Minute)}, nil
	}
	end()
	return nil, fmt.Errorf("update: fetch a bundle from byte %d: the portal answers %s", from, res.Status)
}

// do asks once, on a connection of its own: questions come hours apart.
func (p *Portal) do(ctx context.Context, method, path string, body io.Reader, h http.Header) (*http.Response, func(), error) {
	t := &http.Transport{
		TLSClientConfig: p.TLS(), DialContext: (&net.Dialer{Timeout: time.Minute}).DialContext,
		TLSHandshakeTimeout: time.Minute, ResponseHeaderTimeout: 2 * time.Minute, DisableKeepAlives: true,
	}
	req, err := http.NewRequestWithContext(ctx, method, p.Base+path, body)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(req.Header, h)
	c := http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error {
		return errors.New("it sends us elsewhere")
	}}
	res, err := c.Do(req)
	if err != nil {
		return nil, nil, err
	}
	return res, func() { _ = res.Body.Close(); t.CloseIdleConnections() }, nil
}

// stream is a body that may not stand still.
type stream struct {
	body  io.ReadCloser
	end   func()
	still time.Duration
}

func (s *stream) Read(b []byte) (int, error) {
	t := time.AfterFunc(s.still, s.end)
	defer t.Stop()
	return s.body.Read(b)
}

// Close implements io.Closer.
func (s *stream) Close() error { s.end(); return nil }
