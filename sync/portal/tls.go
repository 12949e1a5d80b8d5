package portal

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/socket"
)

// TLSConfig returns how the portal takes kiosks' connections: TLS 1.3, a client
// certificate of one of the devices' centres, and session tickets that are a
// 16-byte handle of what is kept here. Go's own tickets hold the client's
// certificate and cost a kiosk more than a full handshake. A kiosk that says that it
// knows the centres is shown the certificate alone.
func TLSConfig(cert tls.Certificate, devices *x509.CertPool) *tls.Config {
	t := &tickets{m: map[[16]byte]ticket{}}
	alone := cert
	alone.Certificate = cert.Certificate[:min(1, len(cert.Certificate))]
	c := &tls.Config{
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
	leaf := c.Clone()
	leaf.Certificates = []tls.Certificate{alone}
	c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(h.SupportedProtos, socket.CertificateAlone) {
			return leaf, nil
		}
		return nil, nil // c itself
	}
	return c
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
