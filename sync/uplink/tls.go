package uplink

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"sync/atomic"

	"github.com/penjire/penjire/sync/socket"
)

// KeyExchange is how kiosk and portal agree on the keys of a connection. The
// post-quantum exchange takes 2.3 KiB more each time, a third of a day's sync on a
// slow link, and what it would protect is sealed by X25519 already (ADR 0013). A
// portal takes both: where the envelope changes, this changes with it.
var KeyExchange = []tls.CurveID{tls.X25519}

// secure makes connections secure. It asks the portal for its own certificate
// alone, since a kiosk has those of the centres, and for all of them after that
// did not do: the portal may have a certificate of a centre that this kiosk has
// not heard of yet.
type secure struct {
	alone, all *tls.Config
	whole      atomic.Bool // the next connection asks for all
}

func newSecure(c *tls.Config) *secure {
	c = c.Clone()
	c.MinVersion = tls.VersionTLS13
	if c.CurvePreferences == nil {
		c.CurvePreferences = KeyExchange
	}
	if c.ClientSessionCache == nil {
		c.ClientSessionCache = tls.NewLRUClientSessionCache(2)
	}
	if len(c.NextProtos) == 0 {
		c.NextProtos = []string{"http/1.1"} // a WebSocket needs no more
	}
	if c.GetClientCertificate == nil && len(c.Certificates) == 1 {
		c.GetClientCertificate = ShowAlone(c.Certificates[0])
	}
	s := &secure{alone: c.Clone(), all: c}
	s.alone.NextProtos = append(s.alone.NextProtos, socket.CertificateAlone)
	return s
}

// client does the handshake over conn, which it closes if that fails.
func (s *secure) client(ctx context.Context, conn net.Conn) (net.Conn, error) {
	c := s.alone
	if s.whole.Load() {
		c = s.all
	}
	t := tls.Client(conn, c)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // there is an error already
		_, wrong := errors.AsType[*tls.CertificateVerificationError](err)
		s.whole.Store(wrong && c == s.alone)
		return nil, err
	}
	return t, nil
}

// ShowAlone returns what shows a kiosk's certificate without those above it where
// the portal names the centre that issued it among those it knows, and otherwise
// with them.
func ShowAlone(cert tls.Certificate) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	alone := cert
	alone.Certificate = cert.Certificate[:min(1, len(cert.Certificate))]
	return func(r *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if leaf, err := x509.ParseCertificate(alone.Certificate[0]); err == nil &&
			slices.ContainsFunc(r.AcceptableCAs, func(name []byte) bool { return bytes.Equal(name, leaf.RawIssuer) }) {
			return &alone, nil
		}
		return &cert, nil
	}
}
