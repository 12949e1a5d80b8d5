// Package seal makes and checks the seal printed on paper: a signed statement
// of what the paper says, in one QR code (ED-9).
package seal

import (
	"crypto"
	"crypto/x509"
	"errors"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
)

// The kinds of seal.
const (
	Receipt = "receipt" // by the kiosk: it has accepted a request
	Copy    = "copy"    // by an agency: a paper copy of its e-document
)

// Seal is what a seal states. Its times are whole seconds, UTC.
type Seal struct {
	Kind    string // Receipt or Copy
	Issuer  string // kiosk or agency id
	Service string
	Code    string // the document's tracking code: follows from Doc, set by Parse
	Doc     []byte // the document's id; the seal carries its first 16 bytes
	Date    time.Time
	Subject string      // masked holder of a copy; ""
	Facts   [][2]string // name and value, in the order of the paper
	Index   int64       // receipt: place in the kiosk's journal
	Size    int64       // receipt: size of the journal's tree
	Root    []byte      // receipt: first 8 bytes of the tree's root
	Expires time.Time   // zero: never
}

// Sealed is a signed seal.
type Sealed struct {
	Seal
	raw []byte
}

// Report is what checking a seal found. Its Finding says whether the seal is
// genuine; the facts are then to be compared with the paper.
type Report struct {
	trust.Finding
	Revocation    trust.Finding
	RevocationAge time.Duration
	SignerName    string
	SignerCert    *x509.Certificate
}

var errSoon = errors.New("seal: not built yet")

// Make signs s with key, whose certificate is cert.
func Make(s Seal, key crypto.Signer, cert *x509.Certificate) (*Sealed, error) { return nil, errSoon }

// Parse reads a seal from a scanned text: the URL or the bare Base32.
func Parse(text string) (*Sealed, error) { return nil, errSoon }

// ParseBytes reads the COSE_Sign1 itself.
func ParseBytes(raw []byte) (*Sealed, error) { return nil, errSoon }

// Bytes returns the seal as COSE_Sign1.
func (s *Sealed) Bytes() []byte { return s.raw }

// URL returns the text of the QR code: upper-case BASE/V/<BASE32>.
func (s *Sealed) URL(base string) string { return "" }

// CheckNumber returns the number to type where no code can be scanned.
func (s *Sealed) CheckNumber() string { return "" }

// ID returns the id by which a bundle revokes the seal.
func (s *Sealed) ID() [16]byte { return [16]byte{} }

// Verify checks the seal against b, as known now.
func (s *Sealed) Verify(b *trust.Bundle, now time.Time) Report { return Report{} }
