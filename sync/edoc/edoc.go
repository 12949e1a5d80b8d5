// Package edoc makes and checks e-documents: what a citizen asks and what an
// agency answers, signed, in a container that unzip and openssl can check
// (REQUIREMENTS ED-4 to ED-8, ED-28, ED-29; sync/spec/edoc.md).
//
// A container is ASiC-E with CAdES signatures: the common part of ED-6 at its
// root, the special part under META-INF. What a document is, is the digest of
// its first manifest: raising a signature changes the zip and not the document.
//
// The package does no I/O and asks no network. Checking gives three answers:
// is it whole, was the signer entitled, what is known of revocation.
package edoc

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/tsp"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// ID names a document: the SHA-256 of its ASiCManifest001.xml.
type ID [32]byte

// String returns the id as lower-case hex.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Signer is who signs; see [cms.Signer].
type Signer = cms.Signer

// Verdict and Finding are those of package trust.
type (
	Verdict = trust.Verdict
	Finding = trust.Finding
)

// The verdicts, as in package trust.
const (
	Yes     = trust.Yes
	No      = trust.No
	Unknown = trust.Unknown
)

var errSoon = errors.New("edoc: not built yet")

// Code returns the tracking code of the document.
func (id ID) Code() string { return "" }

// FormatCode returns a code as people read it.
func FormatCode(code string) string { return code }

// ParseCode reads a tracking code as people type it.
func ParseCode(s string) (string, error) { return "", errSoon }

// Marshal returns the document as document.json.
func (d *Document) Marshal() ([]byte, error) { return nil, errSoon }

// ParseDocument reads document.json.
func ParseDocument(b []byte) (*Document, error) { return nil, errSoon }

// Container is a signed e-document. It does not change: Stamp and Cosign
// return another.
type Container struct{}

// Sign makes the container of d with s's signature (CAdES-B-B). claimed is when
// the signer's clock says it is.
func Sign(d *Document, s Signer, claimed time.Time) (*Container, error) { return nil, errSoon }

// Parse reads a container strictly. It checks structure and digests, no signature.
func Parse(b []byte) (*Container, error) { return nil, errSoon }

// ID returns what document this is.
func (c *Container) ID() ID { return ID{} }

// Bytes returns the container as a file.
func (c *Container) Bytes() []byte { return nil }

// Document returns the common part.
func (c *Container) Document() *Document { return nil }

// Manifest returns ASiCManifest001.xml: the bytes that are signed.
func (c *Container) Manifest() []byte { return nil }

// SignatureDigest returns the SHA-256 of the first signature's value.
func (c *Container) SignatureDigest() [32]byte { return [32]byte{} }

// Stamp raises the first signature from B-B to B-T. The ID stays.
func (c *Container) Stamp(ctx context.Context, t tsp.Stamper) (*Container, error) {
	return nil, errSoon
}

// Report is what checking a container found: three answers, never one.
type Report struct {
	ID            ID
	Whole         Finding // is it complete and unchanged since signing?
	Signer        Finding // was the signer entitled at the trusted time?
	Revocation    Finding // was the certificate cancelled or suspended?
	SignerUse     trust.Use
	SignerName    string // personal data if SignerUse is a citizen's
	SignerCert    *x509.Certificate
	Claimed       time.Time     // by the signer's clock
	Trusted       time.Time     // by a time stamp; zero if there is only the claim
	RevocationAge time.Duration // how old the knowledge of revocation is
	Provisional   bool          // nothing but the claim says when it was signed
}

// Accepted reports whether the document may be acted upon: whole, by an
// entitled signer, and not known to be revoked.
func (r Report) Accepted() bool {
	return r.Whole.Verdict == Yes && r.Signer.Verdict == Yes && r.Revocation.Verdict != No
}

// Verify checks the container against b, as known now.
func (c *Container) Verify(b *trust.Bundle, now time.Time) Report { return Report{} }
