// Package signing has documents signed: by the citizen's card, whose key never
// leaves it, or by the kiosk's own key (Device) where the kiosk is the intermediary
// (dellal) for somebody who need not say who he is (EG-18, ED-28).
//
// It also has a card open what was sealed to it. It decides nothing: whether a
// card may sign at all is package identity's answer.
package signing

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"

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
	return edoc.Signer{Key: c.card.Signer(c.ctx, piv.Signature, c.cert.PublicKey), Cert: c.cert, Chain: issuers(b, c.cert)}
}

// issuers returns the centre of b that issued cert, nil if none did.
func issuers(b *trust.Bundle, cert *x509.Certificate) []*x509.Certificate {
	for _, centre := range b.Centres {
		if bytes.Equal(centre.Cert.RawSubject, cert.RawIssuer) && cert.CheckSignatureFrom(centre.Cert) == nil {
			return []*x509.Certificate{centre.Cert}
		}
	}
	return nil
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
