// Package specimen makes a whole world of keys and certificates for tests and
// demonstrations. Everything in it says that it is a specimen.
package specimen

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// Identity is a key with its certificate.
type Identity struct {
	Key   *ecdsa.PrivateKey
	Cert  *x509.Certificate
	Chain []*x509.Certificate // issuers, up to the root
}

// Signer returns the identity as a signer.
func (i Identity) Signer() cms.Signer { return cms.Signer{Key: i.Key, Cert: i.Cert, Chain: i.Chain} }

// TLS returns the identity for a TLS connection.
func (i Identity) TLS() tls.Certificate { return tls.Certificate{} }

// KeyPEM returns the private key as PEM (PKCS #8).
func (i Identity) KeyPEM() []byte { return nil }

// CertPEM returns the certificate and its issuers, without the root, as PEM.
func (i Identity) CertPEM() []byte { return nil }

// The PIV slots of a card.
const (
	SlotAuth = 0x9A
	SlotSign = 0x9C
	SlotKey  = 0x9D
	SlotCard = 0x9E
)

// Card is a specimen card.
type Card struct {
	Name   string // citizen-1, assistant …
	Holder citizen.Person
	PIN    string
	PUK    string
	Slots  map[byte]Identity // by SlotAuth …
}

// Recipient returns the "agepiv1…" of the card's 9D key.
func (c Card) Recipient() string { return "" }

// Device is a kiosk's two identities.
type Device struct {
	ID      string   // K-000001
	TLS     Identity // client certificate
	Signing Identity // signs documents as intermediary, and receipt seals
}

// World is everything.
type World struct {
	Made           time.Time
	Root           Identity
	Citizens       Identity // certification centres
	AgenciesCA     Identity
	Infrastructure Identity
	PortalTLS      Identity // localhost, portal.specimen, 127.0.0.1, ::1
	PortalReceipt  Identity
	Register       Identity // signs catalogue and trust bundle
	TSA            Identity
	AgeIdentity    string // AGE-SECRET-KEY-1…
	AgeRecipient   string // age1…
	Device         Device
	Agencies       map[string]Identity // by agency id
	Cards          []Card
}

// New makes a world whose certificates are in force at now.
func New(now time.Time) (*World, error) { return nil, errors.New("specimen: not built yet") }

// Card returns the card of that name.
func (w *World) Card(name string) (Card, bool) { return Card{}, false }

// Trust returns the trust bundle.
func (w *World) Trust() *trust.Bundle { return nil }

// Bundle returns the trust bundle, signed.
func (w *World) Bundle() []byte { return nil }

// Roots returns the root certificate.
func (w *World) Roots() []*x509.Certificate { return nil }

// Pool returns the root as a pool, for TLS.
func (w *World) Pool() *x509.CertPool { return nil }

// RootPEM returns the root certificate as PEM.
func (w *World) RootPEM() []byte { return nil }

// NewDevice makes a further kiosk.
func (w *World) NewDevice(id string) (Device, error) { return Device{}, nil }
