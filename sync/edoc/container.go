package edoc

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/cms"
)

// The names and types of the common part.
const (
	documentName = "document.json"
	documentType = "application/json"
	attachFolder = "attachments/"
	manifestType = "text/xml"
)

// maxSignatures is how many signatures a container may have.
const maxSignatures = 8

// Container is a signed e-document. It does not change: Stamp, Complete, Cosign
// and CounterSign return another. Its attachments stay where they were, and are
// read from there when somebody wants them.
type Container struct {
	doc        *Document
	docBytes   []byte
	docSum     [sha256.Size]byte
	attached   []Attachment
	manifests  [][]byte
	parsed     []asic.Manifest
	signatures []*cms.SignedData
}

// Sign makes the container of d, without attachments, with s's signature
// (CAdES-B-B). claimed is when the signer's clock says it is. Of s's
// certificates only the signer's own goes into it.
func Sign(d *Document, s Signer, claimed time.Time) (*Container, error) {
	return SignWith(d, nil, s, claimed)
}

// SignWith is Sign with attachments, which replace what d.Attachments says. Each
// is read once, in constant memory, and again by whoever writes the container:
// if it has changed by then that fails.
func SignWith(d *Document, files []Attachment, s Signer, claimed time.Time) (*Container, error) {
	withRefs := *d
	withRefs.Attachments = nil
	attached := slices.Clone(files)
	for i := range attached {
		if err := attached[i].measure(); err != nil {
			return nil, fmt.Errorf("edoc: sign: attachment %d: %w", i, err)
		}
		withRefs.Attachments = append(withRefs.Attachments, attached[i].ref())
	}
	doc, err := withRefs.Marshal()
	if err != nil {
		return nil, err
	}
	// What is kept is what a reader will see, not what the caller may change.
	c := &Container{doc: withRefs.clone(), docBytes: doc, docSum: sha256.Sum256(doc), attached: attached}
	return c.signed(s, claimed)
}

// Cosign returns the container with one more signature, over the same common
// part and the first manifest: a kiosk as witness, a second official.
func (c *Container) Cosign(s Signer, claimed time.Time) (*Container, error) {
	if len(c.signatures) == maxSignatures {
		return nil, fmt.Errorf("edoc: cosign: there are %d signatures already", maxSignatures)
	}
	return c.signed(s, claimed)
}

func (c *Container) signed(s Signer, claimed time.Time) (*Container, error) {
	n := len(c.signatures) + 1
	m := asic.Manifest{Signature: asic.SignatureName(n), Objects: c.objects(n)}
	manifest, err := m.Marshal()
	if err != nil {
		return nil, fmt.Errorf("edoc: sign: %w", err)
	}
	sd, err := cms.Make(manifest, Signer{Key: s.Key, Cert: s.Cert}, claimed)
	if err != nil {
		return nil, fmt.Errorf("edoc: sign: %w", err)
	}
	e := *c
	e.manifests = append(slices.Clip(c.manifests), manifest)
	e.parsed = append(slices.Clip(c.parsed), m)
	e.signatures = append(slices.Clip(c.signatures), sd)
	if err := e.fits(); err != nil {
		return nil, fmt.Errorf("edoc: sign: %w", err)
	}
	return &e, nil
}

// objects returns what the nth manifest must cover, with the digests of what is
// there.
func (c *Container) objects(n int) []asic.Object {
	list := []asic.Object{{URI: documentName, MediaType: documentType, Root: true, SHA256: c.docSum}}
	for _, a := range c.attached {
		list = append(list, asic.Object{URI: attachFolder + a.Name, MediaType: a.MediaType, SHA256: a.sum.SHA256})
	}
	if n > 1 {
		list = append(list, asic.Object{URI: asic.ManifestName(1), MediaType: manifestType, SHA256: c.ID()})
	}
	return list
}

// parsePair reads the nth manifest and its signature.
func (c *Container) parsePair(n int, manifest, p7s []byte) error {
	m, err := asic.ParseManifest(manifest)
	if err != nil {
		return err
	}
	sd, err := cms.Parse(p7s)
	if err != nil {
		return err
	}
	c.manifests = append(c.manifests, manifest)
	if m.Signature != asic.SignatureName(n) {
		return errors.New("the manifest is of another signature")
	}
	want := c.objects(n)
	if len(want) != len(m.Objects) {
		return errors.New("the manifest does not cover every file, or covers others")
	}
	for i, o := range m.Objects {
		if o.SHA256 = want[i].SHA256; o != want[i] {
			return errors.New("the manifest does not cover every file, or covers others")
		}
	}
	c.parsed = append(c.parsed, m)
	c.signatures = append(c.signatures, sd)
	return nil
}

// whole reports whether the files are what the manifests say they were.
func (c *Container) whole() bool {
	for i, m := range c.parsed {
		if !slices.Equal(m.Objects, c.objects(i+1)) {
			return false
		}
	}
	for i, a := range c.attached {
		if a.ref() != c.doc.Attachments[i] {
			return false
		}
	}
	return true
}

// ID returns what document this is.
func (c *Container) ID() ID { return sha256.Sum256(c.manifests[0]) }

// Document returns a copy of the common part.
func (c *Container) Document() *Document {
	d := *c.doc
	return &d
}

// DocumentBytes returns document.json.
func (c *Container) DocumentBytes() []byte { return bytes.Clone(c.docBytes) }

// Manifest returns ASiCManifest001.xml: the bytes that the first signature is
// over.
func (c *Container) Manifest() []byte { return bytes.Clone(c.manifests[0]) }

// Signatures returns the signatures, in their order.
func (c *Container) Signatures() []*cms.SignedData { return slices.Clone(c.signatures) }

// SignatureDigest returns the SHA-256 of the first signature's value: what its
// time stamp is over, and what the kiosk's journal records.
func (c *Container) SignatureDigest() [32]byte { return c.signatures[0].Imprint() }

// Claimed returns when the first signer's clock said it was; nothing proves it.
func (c *Container) Claimed() time.Time { return c.signatures[0].SigningTime() }
