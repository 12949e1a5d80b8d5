package portal

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/socket"
	"github.com/penjire/penjire/sync/wire"
)

// SyncHandler takes kiosks' connections. It wants a server with TLSConfig.
func (p *Portal) SyncHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
			http.Error(w, "a client certificate is needed", http.StatusForbidden)
			return
		}
		cert := r.TLS.PeerCertificates[0]
		kiosk, err := p.admit(r.Context(), cert)
		if err != nil {
			p.c.Log.Warn("portal: a kiosk is turned away", "kiosk", trust.DeviceID(cert), "err", err)
			http.Error(w, "this certificate is not accepted", http.StatusForbidden)
			return
		}
		conn, err := socket.Accept(w, r)
		if err != nil {
			p.c.Log.Info("portal: no session", "kiosk", kiosk, "err", err)
			return
		}
		_ = p.serve(context.WithoutCancel(r.Context()), kiosk, cert, conn) // it has logged
	})
}

// Peer is who is at the other end of a carrier, as the transport proved it.
type Peer struct {
	Kiosk string            // its id
	Cert  *x509.Certificate // its device certificate; the transport has checked the chain to a centre of devices
}

// codeRefused is the bye to a kiosk whose certificate is not accepted, where the
// carrier has no word of its own for it.
const codeRefused = "certificate.refused"

// Serve runs one session over c, whose other end has proved to be who, and returns
// when it has ended: nil after a bye of the kiosk. It cuts c.
func (p *Portal) Serve(ctx context.Context, who Peer, c wire.Carrier) error {
	kiosk, err := p.admit(ctx, who.Cert)
	if err == nil && kiosk != who.Kiosk {
		err = fmt.Errorf("the certificate is the one of %s", kiosk)
	}
	if err != nil {
		p.c.Log.Warn("portal: a kiosk is turned away", "kiosk", who.Kiosk, "err", err)
		defer c.Cut()
		return errors.Join((&session{p: p, conn: c}).bye(ctx, codeRefused, time.Hour), err)
	}
	return p.serve(ctx, kiosk, who.Cert, c)
}

// Admit returns the kiosk that a certificate is of, if it is let in: for what kiosks
// ask beside sync, on the same connection.
func (p *Portal) Admit(ctx context.Context, cert *x509.Certificate) (kiosk string, err error) {
	return p.admit(ctx, cert)
}

// admit returns the kiosk's id. TLS has checked the chain; the bundle knows what
// happened since (WIRE-TRN-1).
func (p *Portal) admit(ctx context.Context, cert *x509.Certificate) (string, error) {
	if cert == nil {
		return "", errors.New("no certificate was shown")
	}
	id := trust.DeviceID(cert)
	if id == "" {
		return "", errors.New("the certificate names no kiosk")
	}
	if err := p.inBundle(cert); err != nil {
		return "", err
	}
	// Here it is known at once; the bundle's list follows (ENR-REV-1).
	if revoked, err := p.ledger.CertRevoked(ctx, ledger.Serial(cert)); err != nil || revoked {
		return "", cmp.Or(err, error(ledger.ErrCertRevoked))
	}
	return id, nil
}

// inBundle says whether the bundle in force lets a certificate in.
func (p *Portal) inBundle(cert *x509.Certificate) error {
	r := p.Trust().CheckCert(cert, trust.UseDevice, p.c.Now(), true, p.c.Now())
	if r.Centre == nil || r.Centre.Kind != trust.KindInfrastructure || r.Centre.State != trust.Working {
		return errors.New("no working centre of the bundle issued the certificate")
	}
	if r.Revocation.Verdict == trust.No {
		return fmt.Errorf("the certificate: %s", r.Revocation.Reason)
	}
	return nil
}

// Expel ends the session of a kiosk, if there is one here: it was revoked. Where
// several portals share a ledger, the others end theirs at the next beacon.
func (p *Portal) Expel(kiosk string) {
	p.mu.Lock()
	s := p.sessions[kiosk]
	p.mu.Unlock()
	if s != nil {
		s.cancel(ledger.ErrCertRevoked)
	}
}
