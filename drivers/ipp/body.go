package ipp

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/pwgraster"
)

// body is a document on its way. It is read once.
type body struct {
	r    io.Reader
	size int64 // -1: not known before it is drawn

	timer  *time.Timer
	limit  time.Duration
	closed chan struct{}
	once   sync.Once

	mu    sync.Mutex
	whole bool  // it was read to its end
	err   error // of the document itself
}

// begin returns what to send: head and then the document. stop is called when
// nothing of it is taken for limit, or no answer comes for so long after its end.
func (b *body) begin(head []byte, limit time.Duration, stop context.CancelCauseFunc) io.ReadCloser {
	b.closed, b.limit = make(chan struct{}), limit
	b.timer = time.AfterFunc(limit, func() {
		stop(fmt.Errorf("printer stopped taking the document: %w", device.ErrTimeout))
	})
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), b), b}
}

// end waits until nobody reads the document any more.
func (b *body) end() {
	b.timer.Stop()
	<-b.closed
}

// Close implements io.Closer: net/http calls it when it is done with the body.
func (b *body) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// length returns the whole length behind head bytes, or -1.
func (b *body) length(head int) int64 {
	if b.size < 0 {
		return -1
	}
	return b.size + int64(head)
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	b.timer.Reset(b.limit)
	n, err := b.r.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == io.EOF {
		b.whole = true
	} else if err != nil {
		b.err = fmt.Errorf("read the document: %w", err)
	}
	return n, err
}

// gone reports whether all of the document was taken from here.
func (b *body) gone() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.whole
}

// failed returns the error of the document itself, or nil.
func (b *body) failed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// pdfBody returns doc's PDF as a body.
func pdfBody(doc device.Document) (*body, error) {
	size, err := doc.PDF.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = doc.PDF.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	var magic [5]byte
	if _, err := io.ReadFull(doc.PDF, magic[:]); err != nil || string(magic[:]) != "%PDF-" {
		return nil, fmt.Errorf("document begins with %q: %w", magic, device.ErrUnsupported)
	}
	return &body{r: io.MultiReader(bytes.NewReader(magic[:]), doc.PDF), size: size}, nil
}

// raster draws and encodes one page at a time, as the printer takes them.
type raster struct {
	doc   device.Document
	dpi   int
	color bool
	page  int
	out   bytes.Buffer
	enc   *pwgraster.Encoder
}

func rasterBody(doc device.Document, dpi int, inColor bool) *body {
	r := &raster{doc: doc, dpi: dpi, color: inColor}
	r.enc = pwgraster.NewEncoder(&r.out)
	return &body{r: r, size: -1}
}

func (r *raster) pages() int { return cmp.Or(r.doc.Pictures, r.doc.Pages) }

// Read implements io.Reader.
func (r *raster) Read(p []byte) (int, error) {
	for r.out.Len() == 0 {
		if r.page == r.pages() {
			return 0, io.EOF
		}
		img, err := r.doc.Page(r.page, r.dpi)
		if err != nil {
			return 0, fmt.Errorf("draw page %d at %d dpi: %w", r.page, r.dpi, err)
		}
		b := img.Bounds()
		// A4 is 210 by 297 mm; whoever draws may round to whole dots.
		if w, h := a4Width*r.dpi/2540, a4Height*r.dpi/2540; b.Dx() < w-8 || b.Dx() > w+8 || b.Dy() < h-8 || b.Dy() > h+8 {
			return 0, fmt.Errorf("page %d at %d dpi is %v, want A4 of %d by %d dots: %w", r.page, r.dpi, b.Size(), w, h, device.ErrUnsupported)
		}
		r.page++
		err = r.enc.Encode(pwgraster.Header{
			DPI: r.dpi, Width: b.Dx(), Height: b.Dy(), Color: r.color, Pages: r.pages(), SizeName: a4Name,
		}, img)
		if err != nil {
			return 0, err
		}
	}
	return r.out.Read(p)
}
