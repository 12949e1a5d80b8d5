// Package specimen makes a whole world of keys and certificates for tests and
// demonstrations: a root, certification centres, a portal, agencies, a kiosk,
// and citizens with their cards. Everyone in it is made up, and every
// certificate says SPECIMEN or NUSGA (Turkmen for the same).
//
// The private keys are in the world's memory. It is for no other use.
package specimen

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"sync/atomic"
	"time"

	"filippo.io/age"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// The PIV slots of a card.
const (
	SlotAuth = 0x9A // shows who one is; PIN
	SlotSign = 0x9C // binding signatures; PIN each time
	SlotKey  = 0x9D // opens what is sealed to the card; PIN
	SlotCard = 0x9E // shows that the card is the card; no PIN
)

// Card is a specimen card.
type Card struct {
	Name   string // citizen-1, assistant …
	Holder citizen.Person
	PIN    string
	PUK    string
	Slots  map[byte]Identity // SlotAuth, SlotSign, SlotKey and SlotCard
}

// Recipient returns the "agepiv1…" of the card's 9D key.
func (c Card) Recipient() string {
	key, err := c.Slots[SlotKey].Key.ECDH()
	if err != nil {
		return "" // the key is of this package's making, on P-256
	}
	s, err := envelope.PIVRecipient(key.PublicKey())
	if err != nil {
		return ""
	}
	return s
}

// Device is a kiosk's two identities.
type Device struct {
	ID      string   // K-000001
	TLS     Identity // client certificate
	Signing Identity // signs documents as intermediary, and the seals of receipts
}

// World is everything.
type World struct {
	Made           time.Time
	Root           Identity
	Citizens       Identity // certification centres
	AgenciesCA     Identity
	Infrastructure Identity
	PortalTLS      Identity // localhost, portal.specimen, 127.0.0.1, ::1
	PortalReceipt  Identity // signs receipts and beacons
	Register       Identity // signs catalogue and trust bundle
	TSA            Identity
	AgeIdentity    string // AGE-SECRET-KEY-1…, of the portal
	AgeRecipient   string // age1…
	Device         Device // K-000001
	Agencies       map[string]Identity
	Cards          []Card // see CardNames

	devices    []Device
	portals    []*x509.Certificate                   // that signed receipts before PortalReceipt
	responders map[string]Identity                   // by the centre's common name
	revoked    map[string][]x509.RevocationListEntry // by the centre's common name
	version    uint64
	current    atomic.Pointer[published] // kiosks and portals read it while another is issued
}

// AgencyIDs are the agencies of the world, as in the catalogue.
var AgencyIDs = []string{"civil-registry", "employment-service", "ombudsman"}

// New makes a world whose certificates are in force at now: the card "expired"
// excepted. "foreign" is certified by a centre that the bundle does not know,
// "suspended" is on hold.
func New(now time.Time) (*World, error) {
	w := &World{
		Made: now.UTC().Truncate(time.Second), Agencies: map[string]Identity{},
		revoked: map[string][]x509.RevocationListEntry{},
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("specimen: make the portal's recipient: %w", err)
	}
	w.AgeIdentity, w.AgeRecipient = id.String(), id.Recipient().String()
	for _, step := range []func() error{w.makeCentres, w.makePortal, w.makeAgencies, w.makeFirstDevice, w.makeCards, w.Reissue} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("specimen: make a world: %w", err)
		}
	}
	return w, nil
}

// Card returns the card of that name.
func (w *World) Card(name string) (Card, bool) {
	for _, c := range w.Cards {
		if c.Name == name {
			return c, true
		}
	}
	return Card{}, false
}

// published is a trust bundle, signed and as it is read.
type published struct {
	signed []byte
	bundle *trust.Bundle
}

// Trust returns the trust bundle of the last Reissue, as a kiosk reads it.
func (w *World) Trust() *trust.Bundle { return w.current.Load().bundle }

// Bundle returns the trust bundle of the last Reissue, signed.
func (w *World) Bundle() []byte { return w.current.Load().signed }

// Roots returns the root certificate.
func (w *World) Roots() []*x509.Certificate { return []*x509.Certificate{w.Root.Cert} }

// Pool returns the root as a pool, for TLS.
func (w *World) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(w.Root.Cert)
	return p
}

// RootPEM returns the root certificate as PEM.
func (w *World) RootPEM() []byte { return certPEM(w.Root.Cert) }

// CentresPEM returns root and centres as PEM: what openssl verifies with.
func (w *World) CentresPEM() []byte {
	var out []byte
	for _, c := range []Identity{w.Root, w.Citizens, w.AgenciesCA, w.Infrastructure} {
		out = append(out, certPEM(c.Cert)...)
	}
	return out
}

// CRLsPEM returns the revocation lists of the last Reissue as PEM, for openssl.
func (w *World) CRLsPEM() []byte {
	var out []byte
	for _, der := range w.Trust().CRLs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})...)
	}
	return out
}

// NewDevice makes a further kiosk and reissues the bundle.
func (w *World) NewDevice(id string) (Device, error) {
	d, err := w.makeDevice(id)
	if err != nil {
		return Device{}, fmt.Errorf("specimen: make kiosk %s: %w", id, err)
	}
	w.devices = append(w.devices, d)
	return d, w.Reissue()
}

// Server issues a certificate for the connections of a portal of that name, good for a
// year until then.
func (w *World) Server(host string, until time.Time) (Identity, error) {
	t := w.server(host)
	t.NotBefore, t.NotAfter = until.AddDate(-1, 0, 0), until
	id, err := issue(t, w.Infrastructure)
	if err != nil {
		return Identity{}, fmt.Errorf("specimen: issue a certificate for %s: %w", host, err)
	}
	return id, nil
}

// RenewPortal gives the portal a further certificate for receipts and reissues the
// bundle. The one before it stays in the bundle: what it signed goes on holding.
func (w *World) RenewPortal() error {
	next, err := issue(w.leaf(subject("SPECIMEN Portal"), binding), w.Infrastructure)
	if err != nil {
		return fmt.Errorf("specimen: renew the portal's certificate: %w", err)
	}
	w.portals = append([]*x509.Certificate{w.PortalReceipt.Cert}, w.portals...)
	w.PortalReceipt = next
	return w.Reissue()
}

// Revoke puts cert on its centre's list from that time on, and reissues the
// bundle. hold suspends it only.
func (w *World) Revoke(cert *x509.Certificate, at time.Time, hold bool) error {
	w.revoke(cert, at, hold)
	return w.Reissue()
}

func (w *World) revoke(cert *x509.Certificate, at time.Time, hold bool) {
	e := x509.RevocationListEntry{SerialNumber: cert.SerialNumber, RevocationTime: at.UTC().Truncate(time.Second)}
	if hold {
		e.ReasonCode = 6 // certificateHold
	}
	key := cert.Issuer.CommonName
	w.revoked[key] = append(w.revoked[key], e)
}

// Reissue makes the bundle's next version, with fresh revocation lists, as of
// when the world was made.
func (w *World) Reissue() error { return w.ReissueAt(w.Made) }

// ReissueAt is Reissue as of another time.
func (w *World) ReissueAt(issued time.Time) error {
	w.version++
	issued = issued.UTC().Truncate(time.Second)
	b := &trust.Bundle{
		Version: w.version, Issued: issued,
		TSA:     []*x509.Certificate{w.TSA.Cert},
		Portals: append([]*x509.Certificate{w.PortalReceipt.Cert}, w.portals...), Recipients: []string{w.AgeRecipient},
	}
	for _, id := range AgencyIDs {
		b.Agencies = append(b.Agencies, w.Agencies[id].Cert)
	}
	for _, d := range w.devices {
		b.SealSigners = append(b.SealSigners, d.Signing.Cert)
	}
	for _, c := range []struct {
		ca   Identity
		kind string
		no   string
	}{
		{w.Citizens, trust.KindCitizens, "SPECIMEN-1"},
		{w.AgenciesCA, trust.KindAgencies, "SPECIMEN-2"},
		{w.Infrastructure, trust.KindInfrastructure, "SPECIMEN-3"},
	} {
		b.Centres = append(b.Centres, trust.Centre{
			Cert: c.ca.Cert, Kind: c.kind, State: trust.Working, Since: c.ca.Cert.NotBefore,
			Accreditation: trust.Accreditation{No: c.no, Date: c.ca.Cert.NotBefore, Address: "NUSGA köçesi 1, Aşgabat"},
		})
		crl, err := newCRL(c.ca, w.revoked[c.ca.Cert.Subject.CommonName], issued, new(big.Int).SetUint64(w.version))
		if err != nil {
			return fmt.Errorf("specimen: make a revocation list: %w", err)
		}
		b.CRLs = append(b.CRLs, crl)
	}
	return w.Publish(b)
}

// Publish signs b, whatever it is, and makes it the world's bundle: for worlds
// in which something is wrong. Its version must not be below the last one's.
func (w *World) Publish(b *trust.Bundle) error {
	signed, err := b.Encode(w.Register.Signer())
	if err != nil {
		return fmt.Errorf("specimen: sign the bundle: %w", err)
	}
	parsed, err := trust.ParseBundle(signed, w.Roots(), b.Version)
	if err != nil {
		return fmt.Errorf("specimen: open the bundle again: %w", err)
	}
	w.version = b.Version
	w.current.Store(&published{signed, parsed})
	return nil
}
