package edoc

import (
	"io"
	"slices"

	"github.com/penjire/penjire/sync/edoc/asic"
)

// Content is what an attachment holds: in memory (Bytes) or in an open file
// (At). It is read more than once.
type Content = asic.Content

// Bytes is content in memory.
type Bytes = asic.Bytes

// At returns the first size bytes of r as content: of an open file, which has to
// stay open and as it is for as long as the container is used.
func At(r io.ReaderAt, size int64) Content { return asic.At(r, size) }

// ErrChanged is found in the error of whoever reads an attachment that is no
// longer what it was when it was signed, or when its container was opened.
var ErrChanged = asic.ErrChanged

// Attachment is a file of the common part, besides the document.
type Attachment struct {
	Name      string // letters and digits of ASCII, . _ - inside
	MediaType string // type/subtype
	Content   Content

	sum asic.Sum
}

// Size returns how many bytes it has.
func (a Attachment) Size() int64 { return a.Content.Size() }

// Reader reads what the attachment holds. At the end it fails with ErrChanged,
// in place of io.EOF, if that is no longer what was signed or checked: until the
// end has come, what was read may be anything.
func (a Attachment) Reader() io.Reader { return asic.Checked(a.Content, a.sum) }

func (a *Attachment) measure() (err error) {
	a.sum, err = asic.Measure(a.Content)
	return err
}

func (a Attachment) ref() AttachmentRef {
	return AttachmentRef{Name: a.Name, MediaType: a.MediaType, Size: a.sum.Size, SHA256: a.sum.SHA256}
}

// Attachments returns the files of the common part besides the document.
func (c *Container) Attachments() []Attachment { return slices.Clone(c.attached) }
