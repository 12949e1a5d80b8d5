package edoc

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/penjire/penjire/sync/edoc/asic"
)

// maxInMemory is the most that document, manifests and signatures may have
// together. They are held in memory; attachments are not (spec ED-ZIP-7).
const maxInMemory = 8 << 20

// Parse reads a container strictly: its zip, its document, its manifests and
// signatures have the one form the spec gives them, and each manifest covers
// everything. It does not check digests and signatures: until Verify has, the
// document may be anyone's. It takes at most asic.MaxSize. Attachments stay in b,
// which must not be changed.
func Parse(b []byte) (*Container, error) {
	if len(b) > asic.MaxSize {
		return nil, fmt.Errorf("edoc: parse: asic: read: got %d bytes, want at most %d", len(b), asic.MaxSize)
	}
	return read(bytes.NewReader(b), int64(len(b)), asic.MaxSize)
}

// Open is Parse for a container of any size up to asic.MaxStream: the first size
// bytes of r. It reads everything once, in constant memory. The attachments stay
// in r, which has to stay as it is for as long as the container is used; if it
// does not, whoever reads them finds out.
func Open(r io.ReaderAt, size int64) (*Container, error) {
	return read(r, size, asic.MaxStream)
}

func read(r io.ReaderAt, size, limit int64) (*Container, error) {
	a, err := asic.Open(r, size)
	if err == nil && a.Unpacked() > limit {
		err = fmt.Errorf("asic: read: it unpacks to %d bytes, want at most %d", a.Unpacked(), limit)
	}
	if err != nil {
		return nil, fmt.Errorf("edoc: parse: %w", err)
	}
	p := parser{a: a, left: maxInMemory, c: &Container{}}
	if err := p.parse(); err != nil {
		return nil, fmt.Errorf("edoc: parse: %w", err)
	}
	return p.c, nil
}

// parser goes through the entries of a container from the first to the last.
type parser struct {
	a    *asic.Archive
	at   int
	left int64 // of maxInMemory
	c    *Container
}

// name returns the name of the entry after n more; "" after the last.
func (p *parser) name(n int) string {
	if p.at+n >= p.a.Len() {
		return ""
	}
	return p.a.Name(p.at + n)
}

// next reads the next entry into memory.
func (p *parser) next() ([]byte, error) {
	b, err := p.a.ReadAll(p.at, p.left)
	p.at++
	p.left -= int64(len(b))
	return b, err
}

func (p *parser) parse() error {
	if p.name(0) != documentName {
		return errors.New("the first file is not " + documentName)
	}
	var err error
	if p.c.docBytes, err = p.next(); err != nil {
		return err
	}
	p.c.docSum = sha256.Sum256(p.c.docBytes)
	if p.c.doc, err = ParseDocument(p.c.docBytes); err != nil {
		return err
	}
	if err := p.attachments(); err != nil {
		return err
	}
	pairs := (p.a.Len() - p.at) / 2
	if pairs < 1 || pairs > maxSignatures || (p.a.Len()-p.at)%2 != 0 {
		return fmt.Errorf("there are not 1 to %d pairs of manifest and signature", maxSignatures)
	}
	for n := 1; n <= pairs; n++ {
		if p.name(0) != asic.ManifestName(n) || p.name(1) != asic.SignatureName(n) {
			return fmt.Errorf("manifest %d and its signature are not where they belong", n)
		}
		manifest, err := p.next()
		if err != nil {
			return err
		}
		p7s, err := p.next()
		if err != nil {
			return err
		}
		if err := p.c.parsePair(n, manifest, p7s); err != nil {
			return fmt.Errorf("signature %d: %w", n, err)
		}
	}
	return nil
}

func (p *parser) attachments() error {
	refs := p.c.doc.Attachments
	for ; strings.HasPrefix(p.name(0), attachFolder); p.at++ {
		sum, err := p.a.Measure(p.at)
		if err != nil {
			return err
		}
		i := len(p.c.attached)
		if i == len(refs) || attachFolder+refs[i].Name != p.name(0) {
			return errors.New("an attachment is not in the document, or in another order")
		}
		p.c.attached = append(p.c.attached, Attachment{refs[i].Name, refs[i].MediaType, p.a.Content(p.at), sum})
	}
	if len(p.c.attached) != len(refs) {
		return errors.New("an attachment is missing")
	}
	return nil
}

// Bytes returns the container as a file, stored: the same container always gives
// the same bytes. It is what goes into an envelope, which compresses better. One
// of more than asic.MaxSize, or whose attachments cannot be read any more, gives
// nil: WriteTo says why.
func (c *Container) Bytes() []byte {
	if c.tooLarge() {
		return nil
	}
	var b bytes.Buffer
	if _, err := asic.WriteTo(&b, c.entries(), false); err != nil {
		return nil
	}
	return b.Bytes()
}

// WriteStored writes what Bytes returns, in constant memory: what an envelope of many
// pages is made of. After an error what was written is no container.
func (c *Container) WriteStored(w io.Writer) error {
	if c.tooLarge() {
		return fmt.Errorf("edoc: write: more than %d bytes", asic.MaxSize)
	}
	if _, err := asic.WriteTo(w, c.entries(), false); err != nil {
		return fmt.Errorf("edoc: write: %w", err)
	}
	return nil
}

// tooLarge reports whether Parse would refuse the container for its size.
func (c *Container) tooLarge() bool {
	size := int64(1 << 10)
	for _, e := range c.entries() {
		size += 512 + e.Content.Size() // headers and names, twice
	}
	return size > asic.MaxSize
}

// WriteTo writes the container as a file for people and archives: in constant
// memory, with what is small deflated. The bytes may differ between versions of
// this software; the files in it, the ID and the signatures do not. After an
// error what was written is no container; ErrChanged says that an attachment is
// not what was signed.
func (c *Container) WriteTo(w io.Writer) (int64, error) {
	n, err := asic.WriteTo(w, c.entries(), true)
	if err != nil {
		return n, fmt.Errorf("edoc: write: %w", err)
	}
	return n, nil
}

// Packed returns what WriteTo writes, of a container of at most asic.MaxSize;
// else nil, as Bytes.
func (c *Container) Packed() []byte {
	if c.tooLarge() {
		return nil
	}
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil
	}
	return b.Bytes()
}

// entries are the files of the container, in their order.
func (c *Container) entries() []asic.Entry {
	list := make([]asic.Entry, 0, 1+len(c.attached)+2*len(c.signatures))
	list = append(list, asic.Entry{Name: documentName, Content: asic.Bytes(c.docBytes)})
	for _, a := range c.attached {
		list = append(list, asic.Entry{Name: attachFolder + a.Name, Content: a.Content, Sum: a.sum})
	}
	for i, sd := range c.signatures {
		list = append(list,
			asic.Entry{Name: asic.ManifestName(i + 1), Content: asic.Bytes(c.manifests[i])},
			asic.Entry{Name: asic.SignatureName(i + 1), Content: asic.Bytes(sd.Bytes())})
	}
	return list
}

// fits says why a reader would refuse the files for their names and sizes.
func (c *Container) fits() error {
	entries := c.entries()
	left := int64(maxInMemory)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name, attachFolder) {
			left -= e.Content.Size()
		}
	}
	if left < 0 {
		return fmt.Errorf("document, manifests and signatures have more than %d bytes", maxInMemory)
	}
	return asic.CheckEntries(entries)
}
