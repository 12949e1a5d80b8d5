package portal

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"slices"
	"testing"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/uplink"
)

// TestAlone: a kiosk that knows the centre is shown the portal's certificate
// alone and shows its own alone; one that does not know it yet is shown the
// centre's too, at its second try.
func TestAlone(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		what  string
		knows bool
		shown []int // certificates of the portal, by connection
	}{
		{"it knows the centre", true, []int{1}},
		{"the centre is new to it", false, []int{1, 2}},
	} {
		k := w.kiosk()
		c := k.uplinkConfig()
		var shown []int // by one connection after the other
		if !tt.knows {
			c.TLS.RootCAs = w.Pool()
		}
		c.TLS.InsecureSkipVerify = true //nolint:gosec // VerifyConnection does what crypto/tls would
		roots := c.TLS.RootCAs
		c.TLS.VerifyConnection = func(s tls.ConnectionState) error {
			shown = append(shown, len(s.PeerCertificates))
			return verify(s, roots)
		}
		_, stop := k.run(c)
		k.untilState(k.one("citizen-1").ID(), outbox.Registered)
		stop()
		if !slices.Equal(shown, tt.shown) {
			t.Errorf("%s: the portal showed %v, want %v", tt.what, shown, tt.shown)
		}
	}
}

// verify is what crypto/tls does where it is not told to skip it.
func verify(s tls.ConnectionState, roots *x509.CertPool) error {
	o := x509.VerifyOptions{Roots: roots, DNSName: "portal.specimen", Intermediates: x509.NewCertPool()}
	for _, c := range s.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	if _, err := s.PeerCertificates[0].Verify(o); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
	}
	return nil
}

// TestKioskAlone counts what a kiosk shows.
func TestKioskAlone(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		what  string
		names bool // the portal names the centre
		want  int
	}{{"named", true, 1}, {"not named", false, 2}} {
		k := w.kiosk()
		pool := w.Pool()
		if tt.names {
			pool = w.devices()
		}
		server, client := net.Pipe()
		s := tls.Server(server, TLSConfig(w.PortalTLS.TLS(), pool))
		done := make(chan error, 1)
		go func() { done <- s.HandshakeContext(t.Context()) }()
		cc := k.tls()
		cc.GetClientCertificate = uplink.ShowAlone(cc.Certificates[0])
		cc.SessionTicketsDisabled = true
		if err := tls.Client(client, cc).HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		go func() { // what comes after the handshake
			_, _ = client.Read(make([]byte, 4<<10))
		}()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n := len(s.ConnectionState().PeerCertificates); n != tt.want {
			t.Errorf("%s: the kiosk showed %d certificates, want %d", tt.what, n, tt.want)
		}
		_, _ = client.Close(), server.Close()
	}
}
