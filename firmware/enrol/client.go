package enrol

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/penjire/penjire/sync/enrol"
)

// patience is how long one exchange with the portal may take: links are slow.
const patience = 2 * time.Minute

// Paths of RFC 7030, and our own.
const (
	estPath       = "/.well-known/est/"
	knowledgePath = "/enrol/knowledge"
)

// client speaks to the portal's EST.
type client struct {
	base  string
	http  *http.Client
	retry time.Duration // what the last answer asked for
	date  time.Time     // when the last answer was made, as it says; zero: it does not
}

// newClient makes a client. The portal is known by the roots of the set-up, never by
// what it says of itself (RFC 7030, section 4.1.1: no trust on first use). cert is
// shown where it is asked for; nil: none.
func newClient(base, name string, roots *x509.CertPool, known []*x509.Certificate, at func(leaf *x509.Certificate) []time.Time, cert *tls.Certificate) (*client, error) {
	if name == "" {
		u, err := url.Parse(base)
		if err != nil {
			return nil, fmt.Errorf("enrol: the portal's address: %w", err)
		}
		name = u.Hostname()
	}
	conf := &tls.Config{
		ServerName: name, MinVersion: tls.VersionTLS13,
		// crypto/tls can check at one time only; IsPortal checks all the rest, too.
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection verifies every connection
		VerifyConnection: func(cs tls.ConnectionState) error {
			if len(cs.PeerCertificates) == 0 {
				return errors.New("the portal shows no certificate")
			}
			return IsPortal(cs.PeerCertificates, known, roots, name, at(cs.PeerCertificates[0])...)
		},
	}
	if cert != nil {
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	return &client{base: base, http: &http.Client{
		Timeout: patience, Transport: &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// ask makes one request and returns the body of a 200. A refusal is *enrol.Refusal.
func (c *client) ask(ctx context.Context, method, path string, body []byte, user, password string) ([]byte, error) {
	c.retry, c.date = 0, time.Time{}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("enrol: ask the portal: %w", err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/pkcs10")
		r.Header.Set("Content-Transfer-Encoding", "base64")
	}
	if password != "" {
		r.SetBasicAuth(user, password)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("enrol: reach the portal: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // it was read
	b, err := io.ReadAll(io.LimitReader(res.Body, enrol.MaxFile))
	if err != nil {
		return nil, fmt.Errorf("enrol: read the portal's answer: %w", err)
	}
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		c.date = at
	}
	if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && n > 0 {
		c.retry = min(time.Duration(n)*time.Second, time.Hour)
	}
	if res.StatusCode != http.StatusOK {
		if no := enrol.RefusalOf(string(b)); no != nil {
			return nil, no
		}
		return nil, fmt.Errorf("enrol: ask the portal: the answer is %s", res.Status)
	}
	return b, nil
}

// certs reads a certs-only answer.
func certs(b []byte, err error) ([]*x509.Certificate, error) {
	if err != nil {
		return nil, err
	}
	der, err := base64.StdEncoding.AppendDecode(nil, bytes.Join(bytes.Fields(b), nil))
	if err != nil {
		return nil, fmt.Errorf("enrol: read the portal's answer: %w", err)
	}
	return enrol.ParseCerts(der)
}

// want is one certificate that is asked for.
type want struct {
	use  string // useIdentity, useSigning
	path string // label of EST and operation
	key  crypto.Signer
	csr  []byte
}

// certificate asks for one, and returns it with the centres below the root.
func (c *client) certificate(ctx context.Context, w want, kiosk, code string, roots *x509.CertPool) ([]*x509.Certificate, error) {
	body := []byte(base64.StdEncoding.EncodeToString(w.csr))
	got, err := certs(c.ask(ctx, http.MethodPost, estPath+w.path, body, kiosk, code))
	if err != nil {
		return nil, err
	}
	above, err := certs(c.ask(ctx, http.MethodGet, estPath+"cacerts", nil, "", ""))
	if err != nil {
		return nil, err
	}
	return checked(append(got, above...), w.use, kiosk, w.key.Public(), roots)
}

// knowledge fetches the signed trust bundle and catalogue.
func (c *client) knowledge(ctx context.Context) (k enrol.Knowledge, err error) {
	b, err := c.ask(ctx, http.MethodGet, knowledgePath, nil, "", "")
	if err != nil {
		return k, err
	}
	if err := json.Unmarshal(b, &k); err != nil {
		return k, fmt.Errorf("enrol: read the portal's answer: %w", err)
	}
	return k, nil
}
