package signing

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"fmt"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/firmware/signing/token"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// Token is a citizen's token that has taken its PIN: one that is no PIV card, by
// its vendor's library. It is good until Lock.
type Token struct {
	m    *token.Module
	t    token.Token
	cert *x509.Certificate
	key  *token.Key
}

// UnlockToken gives the PIN to t, after looking that it holds the certificate
// whose digest is want: nobody's PIN goes to another's token. A wrong PIN is a
// *token.PINError.
func UnlockToken(ctx context.Context, m *token.Module, t token.Token, want [32]byte, pin citizen.Text) (*Token, error) {
	certs, err := m.Certs(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("signing: unlock the token: %w", err)
	}
	for _, c := range certs {
		if sha256.Sum256(c.DER) != want {
			continue
		}
		cert, err := x509.ParseCertificate(c.DER)
		if err != nil {
			return nil, fmt.Errorf("signing: unlock the token: %w", err)
		}
		if err := m.Login(ctx, t, []byte(pin.Reveal())); err != nil {
			return nil, fmt.Errorf("signing: unlock the token: %w", err)
		}
		return &Token{m, t, cert, m.Key(t, c.ID, cert.PublicKey, nil)}, nil
	}
	return nil, fmt.Errorf("signing: unlock the token: %w", ErrOtherCard)
}

// Signer returns the token as the signer of a document. The issuers of its
// certificate are taken from b.
func (t *Token) Signer(b *trust.Bundle) edoc.Signer {
	return edoc.Signer{Key: t.key, Cert: t.cert, Chain: issuers(b, t.cert)}
}

// Opener returns the token as what opens an envelope sealed to it: to the key of
// its first certificate for key agreement on P-256.
func (t *Token) Opener(ctx context.Context) (*envelope.PIVIdentity, error) {
	certs, err := t.m.Certs(ctx, t.t)
	if err != nil {
		return nil, fmt.Errorf("signing: open with the token: %w", err)
	}
	for _, c := range certs {
		cert, err := x509.ParseCertificate(c.DER)
		if err != nil || cert.KeyUsage&x509.KeyUsageKeyAgreement == 0 {
			continue
		}
		pub, ok := cert.PublicKey.(*ecdsa.PublicKey)
		if !ok || pub.Curve != elliptic.P256() {
			continue
		}
		own, err := pub.ECDH()
		if err != nil {
			return nil, fmt.Errorf("signing: open with the token: %w", err)
		}
		key := t.m.Key(t.t, c.ID, pub, nil)
		return &envelope.PIVIdentity{Pub: own, ECDH: func(peer []byte) ([]byte, error) { return key.ECDH(ctx, peer) }}, nil
	}
	return nil, fmt.Errorf("signing: open with the token: it has no key for that: %w", device.ErrUnsupported)
}

// Lock has the token forget that it was given the PIN.
func (t *Token) Lock(ctx context.Context) error { return t.m.Logout(ctx, t.t) }
