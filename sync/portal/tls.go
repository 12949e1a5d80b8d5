package portal

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penjire/penjire/sync/socket"
)

// Credentials are what a portal shows to kiosks, and the centres whose kiosks it lets
// in. They may be changed while it serves: connections that are open go on.
type Credentials struct{ now atomic.Pointer[shown] }

// shown is how connections are taken with one set of them.
type shown struct {
	cert tls.Certificate
	full *tls.Config // the certificate with its issuers
	leaf *tls.Config // the certificate alone
}

// NewCredentials returns credentials.
func NewCredentials(cert tls.Certificate, devices *x509.CertPool) *Credentials {
	c := new(Credentials)
	c.Set(cert, devices)
	return c
}

// Set changes the credentials. Kiosks come with a full handshake once: what was resumed
// was let in by the credentials of before.
func (c *Credentials) Set(cert tls.Certificate, devices *x509.CertPool) {
	t := &tickets{m: map[[16]byte]ticket{}}
	full := &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{cert},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    devices,
		NextProtos:   []string{"http/1.1"}, // a WebSocket needs no more
		WrapSession: func(_ tls.ConnectionState, s *tls.SessionState) ([]byte, error) {
			return t.put(s)
		},
		UnwrapSession: func(h []byte, _ tls.ConnectionState) (*tls.SessionState, error) {
			return t.get(h)
		},
	}
	alone := cert
	alone.Certificate = cert.Certificate[:min(1, len(cert.Certificate))]
	leaf := full.Clone()
	leaf.Certificates = []tls.Certificate{alone}
	c.now.Store(&shown{cert, full, leaf})
}

// Certificate returns the certificate that is shown now, for [tls.Config.GetCertificate].
func (c *Credentials) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return &c.now.Load().cert, nil
}

// TLSConfig returns how the portal takes kiosks' connections: TLS 1.3, a client
// certificate of one of the devices' centres, and session tickets that are a
// 16-byte handle of what is kept here. Go's own tickets hold the client's
// certificate and cost a kiosk more than a full handshake. A kiosk that says that it
// knows the centres is shown the certificate alone.
func (c *Credentials) TLSConfig() *tls.Config {
	base := c.now.Load().full.Clone()
	base.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		s := c.now.Load()
		if slices.Contains(h.SupportedProtos, socket.CertificateAlone) {
			return s.leaf, nil
		}
		return s.full, nil
	}
	return base
}

// TLSConfig is [Credentials.TLSConfig] with credentials that stay.
func TLSConfig(cert tls.Certificate, devices *x509.CertPool) *tls.Config {
	return NewCredentials(cert, devices).TLSConfig()
}

// Tickets live for a day in memory; a portal that restarts asks for a full
// handshake.
const (
	ticketLife = 24 * time.Hour
	ticketMax  = 50_000
)

type ticket struct {
	state []byte
	until time.Time
}

type tickets struct {
	mu sync.Mutex
	m  map[[16]byte]ticket
}

func (t *tickets) put(s *tls.SessionState) ([]byte, error) {
	b, err := s.Bytes()
	if err != nil {
		return nil, err
	}
	var h [16]byte
	if _, err := rand.Read(h[:]); err != nil {
		return nil, err
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.m) >= ticketMax {
		for k, v := range t.m { // the old ones go, or else any
			if now.After(v.until) || len(t.m) >= ticketMax {
				delete(t.m, k)
			}
		}
	}
	t.m[h] = ticket{b, now.Add(ticketLife)}
	return h[:], nil
}

// get returns the state of a handle, once. Nil without an error is «not known»:
// a full handshake follows.
func (t *tickets) get(h []byte) (*tls.SessionState, error) {
	if len(h) != 16 {
		return nil, nil
	}
	t.mu.Lock()
	v, ok := t.m[[16]byte(h)]
	delete(t.m, [16]byte(h))
	t.mu.Unlock()
	if !ok || time.Now().After(v.until) {
		return nil, nil
	}
	return tls.ParseSessionState(v.state)
}
