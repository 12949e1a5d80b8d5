package edoc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/tsp"
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

// Attachment is a file of the common part, besides the document.
type Attachment struct {
	Name      string // letters and digits of ASCII, . _ - inside
	MediaType string // type/subtype
	Data      []byte
}

// Container is a signed e-document. It does not change: Stamp and Cosign
// return another.
type Container struct {
	doc        *Document
	docBytes   []byte
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

// SignWith is Sign with attachments. They replace what d.Attachments says.
func SignWith(d *Document, files []Attachment, s Signer, claimed time.Time) (*Container, error) {
	withRefs := *d
	withRefs.Attachments = nil
	for _, a := range files {
		withRefs.Attachments = append(withRefs.Attachments, a.ref())
	}
	doc, err := withRefs.Marshal()
	if err != nil {
		return nil, err
	}
	c := &Container{docBytes: doc, attached: files}
	// What is kept is what a reader will see, not what the caller may change.
	if c.doc, err = ParseDocument(doc); err != nil {
		return nil, err
	}
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
	p7s, err := cms.Sign(manifest, Signer{Key: s.Key, Cert: s.Cert}, claimed)
	if err != nil {
		return nil, fmt.Errorf("edoc: sign: %w", err)
	}
	sd, err := cms.Parse(p7s)
	if err != nil {
		return nil, fmt.Errorf("edoc: sign: %w", err)
	}
	e := *c
	e.manifests = append(slices.Clip(c.manifests), manifest)
	e.parsed = append(slices.Clip(c.parsed), m)
	e.signatures = append(slices.Clip(c.signatures), sd)
	if _, err := asic.Write(e.files()); err != nil {
		return nil, fmt.Errorf("edoc: sign: %w", err)
	}
	return &e, nil
}

// objects returns what the nth manifest must cover, with the digests of what is
// there.
func (c *Container) objects(n int) []asic.Object {
	list := []asic.Object{{URI: documentName, MediaType: documentType, Root: true, SHA256: sha256.Sum256(c.docBytes)}}
	for _, a := range c.attached {
		list = append(list, asic.Object{URI: attachFolder + a.Name, MediaType: a.MediaType, SHA256: sha256.Sum256(a.Data)})
	}
	if n > 1 {
		list = append(list, asic.Object{URI: asic.ManifestName(1), MediaType: manifestType, SHA256: sha256.Sum256(c.manifests[0])})
	}
	return list
}

func (a Attachment) ref() AttachmentRef {
	return AttachmentRef{Name: a.Name, MediaType: a.MediaType, Size: int64(len(a.Data)), SHA256: sha256.Sum256(a.Data)}
}

func (c *Container) files() []asic.File {
	files := []asic.File{{Name: documentName, Data: c.docBytes}}
	for _, a := range c.attached {
		files = append(files, asic.File{Name: attachFolder + a.Name, Data: a.Data})
	}
	for i := range c.signatures {
		files = append(files,
			asic.File{Name: asic.ManifestName(i + 1), Data: c.manifests[i]},
			asic.File{Name: asic.SignatureName(i + 1), Data: c.signatures[i].Bytes()})
	}
	return files
}

// Parse reads a container strictly: its zip, its document, its manifests and
// signatures have the one form the spec gives them, and each manifest covers
// everything. It does not check digests and signatures: until Verify has, the
// document may be anyone's.
func Parse(b []byte) (*Container, error) {
	files, err := asic.Read(b)
	if err != nil {
		return nil, fmt.Errorf("edoc: parse: %w", err)
	}
	c, err := parse(files)
	if err != nil {
		return nil, fmt.Errorf("edoc: parse: %w", err)
	}
	return c, nil
}

func parse(files []asic.File) (*Container, error) {
	if len(files) == 0 || files[0].Name != documentName {
		return nil, errors.New("the first file is not " + documentName)
	}
	c := &Container{docBytes: files[0].Data}
	var err error
	if c.doc, err = ParseDocument(c.docBytes); err != nil {
		return nil, err
	}
	files = files[1:]
	for len(files) > 0 {
		name, ok := strings.CutPrefix(files[0].Name, attachFolder)
		if !ok {
			break
		}
		i := len(c.attached)
		if i == len(c.doc.Attachments) || c.doc.Attachments[i].Name != name {
			return nil, errors.New("an attachment is not in the document, or in another order")
		}
		c.attached = append(c.attached, Attachment{name, c.doc.Attachments[i].MediaType, files[0].Data})
		files = files[1:]
	}
	if len(c.attached) != len(c.doc.Attachments) {
		return nil, errors.New("an attachment is missing")
	}
	if len(files) == 0 || len(files)%2 != 0 || len(files)/2 > maxSignatures {
		return nil, fmt.Errorf("there are not 1 to %d pairs of manifest and signature", maxSignatures)
	}
	for n := 1; len(files) > 0; n, files = n+1, files[2:] {
		if files[0].Name != asic.ManifestName(n) || files[1].Name != asic.SignatureName(n) {
			return nil, fmt.Errorf("manifest %d and its signature are not where they belong", n)
		}
		if err := c.parsePair(n, files[0].Data, files[1].Data); err != nil {
			return nil, fmt.Errorf("signature %d: %w", n, err)
		}
	}
	return c, nil
}

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

// Bytes returns the container as a file. The same container always gives the
// same bytes.
func (c *Container) Bytes() []byte {
	b, err := asic.Write(c.files())
	if err != nil {
		return nil // it was written or read before
	}
	return b
}

// Document returns a copy of the common part.
func (c *Container) Document() *Document {
	d := *c.doc
	return &d
}

// DocumentBytes returns document.json.
func (c *Container) DocumentBytes() []byte { return bytes.Clone(c.docBytes) }

// Attachments returns the files of the common part besides the document.
func (c *Container) Attachments() []Attachment { return slices.Clone(c.attached) }

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

// Stamp raises the first signature from B-B to B-T with a time stamp from t. The
// ID stays. A token that is over something else is refused; whether to believe
// its authority is Verify's question. A container that has a stamp keeps it:
// where Verify says no to that stamp, first take it off (WithoutStamp).
func (c *Container) Stamp(ctx context.Context, t tsp.Stamper) (*Container, error) {
	if c.signatures[0].TimeStamp() != nil {
		return c, nil
	}
	imprint := c.SignatureDigest()
	token, _, err := t.Stamp(ctx, imprint)
	if err != nil {
		return nil, fmt.Errorf("edoc: stamp: %w", err)
	}
	parsed, err := tsp.Parse(token)
	if err != nil {
		return nil, fmt.Errorf("edoc: stamp: %w", err)
	}
	if err := parsed.Over(imprint); err != nil {
		return nil, fmt.Errorf("edoc: stamp: %w", err)
	}
	e := *c
	e.signatures = slices.Clone(c.signatures)
	e.signatures[0] = c.signatures[0].WithTimeStamp(token)
	return &e, nil
}

// WithoutStamp returns the container without the first signature's time stamp,
// which anyone could have put there. The ID stays.
func (c *Container) WithoutStamp() *Container {
	e := *c
	e.signatures = slices.Clone(c.signatures)
	e.signatures[0] = c.signatures[0].WithTimeStamp(nil)
	return &e
}
