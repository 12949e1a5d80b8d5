package tsp

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net/http"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Client asks an authority for time stamps over HTTP (RFC 3161 3.4).
type Client struct {
	URL     string
	HTTP    *http.Client        // nil: http.DefaultClient
	Trusted []*x509.Certificate // authorities to believe; a token of another is refused
	// Policies are those to accept, in dotted decimals; none: any.
	Policies []string
	// Now is a clock to hold the token's time against; nil: none. A token that is
	// ahead of it by more than Ahead is refused.
	Now func() time.Time
}

// Ahead is how far a token may be ahead of who asked for it (ED-TSP-7).
const Ahead = 10 * time.Minute

var _ Stamper = (*Client)(nil)

// Stamp implements Stamper: it asks with a fresh nonce, and checks the token
// before it returns it.
func (c *Client) Stamp(ctx context.Context, imprint [32]byte) ([]byte, time.Time, error) {
	token, at, err := c.stamp(ctx, imprint)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("tsp: ask %s: %w", c.URL, err)
	}
	return token, at, nil
}

func (c *Client) stamp(ctx context.Context, imprint [32]byte) ([]byte, time.Time, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, time.Time{}, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		addImprint(b, imprint[:])
		b.AddASN1BigInt(nonce)
		b.AddASN1Boolean(true) // with the certificate
	})
	query, err := b.Bytes()
	if err != nil {
		return nil, time.Time{}, err
	}
	reply, err := c.post(ctx, query)
	if err != nil {
		return nil, time.Time{}, err
	}
	token, err := readReply(reply)
	if err != nil {
		return nil, time.Time{}, err
	}
	t, err := Parse(token)
	if err != nil {
		return nil, time.Time{}, err
	}
	if t.Nonce == nil || t.Nonce.Cmp(nonce) != 0 {
		return nil, time.Time{}, ErrNonce
	}
	if _, err := t.Verify(imprint, c.Trusted); err != nil {
		return nil, time.Time{}, err
	}
	if len(c.Policies) > 0 && !slices.Contains(c.Policies, t.Policy.String()) {
		return nil, time.Time{}, fmt.Errorf("the token is by policy %v, which is not accepted", t.Policy)
	}
	if c.Now != nil && t.Time.Sub(c.Now()) > Ahead {
		return nil, time.Time{}, fmt.Errorf("the token is of %v, which has not come yet", t.Time)
	}
	return token, t.Time, nil
}

func (c *Client) post(ctx context.Context, query []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", queryType)
	h := c.HTTP
	if h == nil {
		h = http.DefaultClient
	}
	resp, err := h.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || resp.StatusCode != http.StatusOK || kind != replyType {
		return nil, fmt.Errorf("got status %d and %q, want 200 and %q", resp.StatusCode, resp.Header.Get("Content-Type"), replyType)
	}
	reply, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage+1))
	if err == nil && len(reply) > maxMessage {
		err = fmt.Errorf("the reply is longer than %d bytes", maxMessage)
	}
	return reply, err
}

// readReply returns the token of a TimeStampResp that grants one.
func readReply(der []byte) ([]byte, error) {
	in := cryptobyte.String(der)
	var resp, info, token cryptobyte.String
	var status int
	if !in.ReadASN1(&resp, cbasn1.SEQUENCE) || !in.Empty() ||
		!resp.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1Integer(&status) {
		return nil, fmt.Errorf("the reply is malformed")
	}
	// Granted with changes is granted: what was asked for is in the token, and
	// all of it is checked.
	if status != statusGranted && status != statusGrantedWithMods {
		return nil, fmt.Errorf("the authority refuses: status %d", status)
	}
	if !resp.ReadASN1Element(&token, cbasn1.SEQUENCE) || !resp.Empty() {
		return nil, fmt.Errorf("the reply has no token")
	}
	return token, nil
}
