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
	"sync"
	"time"

	"github.com/penjire/penjire/sync/release"
)

// Portal fetches releases over the connection of the kiosk's certificate.
type Portal struct {
	Base string             // https://host:port
	TLS  func() *tls.Config // the keys may be renewed
	// Still is how long a download may stand still; 0 is 2 minutes.
	Still time.Duration

	once   sync.Once
	client *http.Client
}

// Check implements Source.
func (p *Portal) Check(ctx context.Context, r release.Report) ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("update: ask the portal for releases: %w", err)
	}
	res, err := p.do(ctx, http.MethodPost, release.CheckPath, bytes.NewReader(body), nil)
	if err != nil {
		return nil, fmt.Errorf("update: ask the portal for releases: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // all that is wanted was read
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
func (p *Portal) Bundle(ctx context.Context, sha256 [32]byte, from, to, size int64) (Stream, error) {
	h, want := http.Header{}, http.StatusOK
	if from > 0 || to < size {
		h.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to-1))
		want = http.StatusPartialContent
	}
	res, err := p.do(ctx, http.MethodGet, release.BundlePath+hex.EncodeToString(sha256[:]), nil, h)
	if err != nil {
		return nil, fmt.Errorf("update: fetch a bundle: %w", err)
	}
	s := p.stream(res)
	if res.StatusCode != want {
		return nil, errors.Join(fmt.Errorf("update: fetch a bundle from byte %d: the portal answers %s", from, res.Status), s.Close())
	}
	if r := res.Header.Get("Content-Range"); want == http.StatusPartialContent && r != fmt.Sprintf("bytes %d-%d/%d", from, to-1, size) {
		return nil, errors.Join(fmt.Errorf("update: fetch a bundle from byte %d: the portal answers with %q", from, r), s.Close())
	}
	return s, nil
}

// Index implements Source. A portal that answers in the middle of failing is asked again
// later; any other answer is that there is none.
func (p *Portal) Index(ctx context.Context, sha256 [32]byte, most int64) ([]byte, error) {
	res, err := p.do(ctx, http.MethodGet, release.IndexPath+hex.EncodeToString(sha256[:]), nil, nil)
	if err != nil {
		return nil, fmt.Errorf("update: ask what of a bundle is new: %w", err)
	}
	s := p.stream(res)
	defer func() { _ = s.Close() }() // all that is wanted was read
	if res.StatusCode != http.StatusOK {
		what := ErrNoIndex
		if res.StatusCode >= 500 {
			what = errPortalFails
		}
		return nil, fmt.Errorf("update: ask what of a bundle is new: %w: it answers %s", what, res.Status)
	}
	b, err := io.ReadAll(io.LimitReader(s, most+1))
	if err != nil {
		return b, fmt.Errorf("update: read what of a bundle is new: %w", err)
	}
	return b, nil
}

func (p *Portal) stream(res *http.Response) *stream {
	return &stream{body: res.Body, end: func() { _ = res.Body.Close() }, still: cmp.Or(p.Still, 2*time.Minute)}
}

// idle is how long a connection waits for the next question: the pieces of a difference
// come one after the other, other questions hours apart.
const idle = 30 * time.Second

// do asks once. A connection is used again while it is there; the keys of a new one are
// those of its time.
func (p *Portal) do(ctx context.Context, method, path string, body io.Reader, h http.Header) (*http.Response, error) {
	p.once.Do(func() {
		d := &net.Dialer{Timeout: 2 * time.Minute} // the handshake too
		p.client = &http.Client{
			Transport: &http.Transport{
				DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
					return (&tls.Dialer{NetDialer: d, Config: p.TLS()}).DialContext(ctx, network, addr)
				},
				ResponseHeaderTimeout: 2 * time.Minute, IdleConnTimeout: idle, MaxIdleConns: 1,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("it sends us elsewhere") },
		}
	})
	req, err := http.NewRequestWithContext(ctx, method, p.Base+path, body)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, h)
	return p.client.Do(req)
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
