// Package signing has documents signed: by the citizen's card, whose key never
// leaves it, or by the kiosk's own key where the kiosk is the intermediary
// (dellal) for somebody who need not say who he is (EG-18, ED-28).
//
// It also has a card open what was sealed to it. It decides nothing: whether a
// card may sign at all is package identity's answer.
package signing

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/drivers/piv"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// ErrOtherCard is returned when the card in the reader is not the one meant.
var ErrOtherCard = errors.New("another card is in the reader")

// Device returns the kiosk's own signer from a PEM certificate (its issuers may
// follow it) and a PEM key.
func Device(certFile, keyFile string) (edoc.Signer, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return edoc.Signer{}, fmt.Errorf("signing: load the kiosk's key: %w", err)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return edoc.Signer{}, fmt.Errorf("signing: load the kiosk's key: %T does not sign", pair.PrivateKey)
	}
	s := edoc.Signer{Key: key, Cert: pair.Leaf}
	for _, der := range pair.Certificate[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return edoc.Signer{}, fmt.Errorf("signing: load the kiosk's certificate: %w", err)
		}
		s.Chain = append(s.Chain, c)
	}
	return s, nil
}

// Roots reads the root certificates in a PEM file.
func Roots(path string) ([]*x509.Certificate, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("signing: read roots: %w", err)
	}
	var out []*x509.Certificate
	for {
		var blk *pem.Block
		if blk, b = pem.Decode(b); blk == nil {
			break
		}
		c, err := x509.ParseCertificate(blk.Bytes)
		if err != nil {
			return nil, fmt.Errorf("signing: read roots: %s: %w", path, err)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("signing: read roots: %s: no certificate in it", path)
	}
	return out, nil
}

// Card is a card that has taken its PIN and signs once. It is good until the
// card leaves the reader.
type Card struct {
	ctx  context.Context
	card *piv.Card
	cert *x509.Certificate
}

// Unlock gives the PIN to the card of generation gen in r, after looking that
// it is the card want (identity.Holder.Card): nobody's PIN goes to another's
// card. The card's own words are in the error: *piv.PINError, device.ErrMediaGone.
func Unlock(ctx context.Context, r device.CardReader, gen uint64, want [32]byte, pin citizen.Text) (*Card, error) {
	c, err := piv.Select(ctx, iso7816.On(r, gen))
	if err != nil {
		return nil, fmt.Errorf("signing: unlock the card: %w", err)
	}
	cert, err := c.ReadCert(ctx, piv.Signature)
	if err != nil {
		return nil, fmt.Errorf("signing: unlock the card: %w", err)
	}
	if sha256.Sum256(cert.Raw) != want {
		return nil, fmt.Errorf("signing: unlock the card: %w", ErrOtherCard)
	}
	if err := c.VerifyPIN(ctx, pin.Reveal()); err != nil {
		return nil, fmt.Errorf("signing: unlock the card: %w", err)
	}
	return &Card{ctx, c, cert}, nil
}

// Signer returns the card as the signer of a document. The issuers of its
// certificate are taken from b.
func (c *Card) Signer(b *trust.Bundle) edoc.Signer {
	s := edoc.Signer{Key: c.card.Signer(c.ctx, piv.Signature, c.cert.PublicKey), Cert: c.cert}
	for _, centre := range b.Centres {
		if bytes.Equal(centre.Cert.RawSubject, c.cert.RawIssuer) && c.cert.CheckSignatureFrom(centre.Cert) == nil {
			s.Chain = append(s.Chain, centre.Cert)
			break
		}
	}
	return s
}

// Opener returns the card as what opens an envelope sealed to its key of slot
// 9D. Reading that certificate needs no PIN; the opening does.
func (c *Card) Opener() (*envelope.PIVIdentity, error) {
	cert, err := c.card.ReadCert(c.ctx, piv.KeyManagement)
	if err != nil {
		return nil, fmt.Errorf("signing: open with the card: %w", err)
	}
	pub, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("signing: open with the card: its key is %T: %w", cert.PublicKey, device.ErrUnsupported)
	}
	own, err := pub.ECDH()
	if err != nil {
		return nil, fmt.Errorf("signing: open with the card: %w", err)
	}
	return &envelope.PIVIdentity{Pub: own, ECDH: func(peer []byte) ([]byte, error) {
		p, err := ecdh.P256().NewPublicKey(peer)
		if err != nil {
			return nil, fmt.Errorf("signing: open with the card: %w", err)
		}
		return c.card.ECDH(c.ctx, piv.KeyManagement, p)
	}}, nil
}
