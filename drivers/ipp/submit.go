package ipp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/OpenPrinting/goipp"

	"github.com/penjire/penjire/drivers/device"
)

// Submit implements device.DocumentPrinter. Documents wait for one another, and
// for a printer that is busy, as long as ctx lasts.
func (d *Dev) Submit(ctx context.Context, doc device.Document) (device.JobID, error) {
	id, effect, err := d.submit(ctx, doc)
	if err != nil {
		id = 0
	}
	return id, d.failed("print", effect, err)
}

// order is a document with what was decided about it.
type order struct {
	name   string // of the job, and of no other
	doc    device.Document
	format string
	dpi    int // of a raster
	color  bool
	media  bool // goes as media-col; otherwise as the name of a size
	sides  bool
}

// The formats that are sent.
const (
	formatPDF    = "application/pdf"
	formatRaster = "image/pwg-raster"
)

func (d *Dev) submit(ctx context.Context, doc device.Document) (device.JobID, device.SideEffect, error) {
	const none = device.SideEffectNo
	release, err := d.take(ctx)
	if err != nil {
		return 0, none, err
	}
	defer release()
	p, o, err := d.agree(ctx, doc, true)
	if err != nil {
		return 0, none, err
	}
	if p.knows(opCreate) && p.knows(opSend) && !d.o.NoCreateJob {
		return d.createAndSend(ctx, o)
	}
	return d.printAtOnce(ctx, o)
}

// Takes implements device.DocumentPrinter.
func (d *Dev) Takes(ctx context.Context, doc device.Document) error {
	release, err := d.take(ctx)
	if err == nil {
		defer release()
		_, _, err = d.agree(ctx, doc, false)
	}
	return d.failed("ask what it takes", device.SideEffectNo, err)
}

// take waits for this document's turn.
func (d *Dev) take(ctx context.Context) (release func(), err error) {
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-d.ctx.Done():
		return nil, device.ErrHalted
	}
	if err := ctx.Err(); err != nil {
		<-d.turn
		return nil, err
	}
	return func() { <-d.turn }, nil
}

// agree finds out how the printer takes a document, and, where it is to be printed,
// that nothing else is in the way.
func (d *Dev) agree(ctx context.Context, doc device.Document, now bool) (p *printer, o order, err error) {
	if doc.PDF == nil && doc.Page == nil || doc.Pages < 1 || doc.Pictures < 0 || doc.Copies < 0 || len(doc.Name) > 200 {
		return nil, o, fmt.Errorf("document %.40q with %d pages and %d copies: %w", doc.Name, doc.Pages, doc.Copies, device.ErrUnsupported)
	}
	if p, err = d.look(ctx, allAttributes); err != nil {
		return nil, o, err
	}
	if now {
		if err := p.problem(d.o.AnyMedia); err != nil {
			return nil, o, err
		}
	}
	if o, err = d.decide(p, doc); err != nil {
		return nil, o, err
	}
	if !now {
		return p, o, d.validate(ctx, p, o)
	}
	return p, o, d.patient(ctx, func() error { return d.validate(ctx, p, o) })
}

// decide chooses what the printer gets.
func (d *Dev) decide(p *printer, doc device.Document) (order, error) {
	o := order{name: strings.TrimSpace(doc.Name + " " + rand.Text()), doc: doc}
	// A size by its name is older than a size as a collection, and some know it only.
	o.media = len(p.creation) == 0 || slices.Contains(p.creation, "media-col")
	o.sides = slices.Contains(p.sides, "one-sided")
	if doc.Copies > 1 && doc.Copies > p.maxCopies {
		return o, fmt.Errorf("%d copies, and the printer makes %d: %w", doc.Copies, p.maxCopies, device.ErrUnsupported)
	}
	if doc.PDF != nil && slices.Contains(p.formats, formatPDF) {
		o.format = formatPDF
		return o, nil
	}
	if doc.Page == nil || !slices.Contains(p.formats, formatRaster) || len(p.dpis) == 0 {
		return o, fmt.Errorf("printer takes %s: %w", strings.Join(p.formats, ", "), device.ErrUnsupported)
	}
	o.format = formatRaster
	o.color = !slices.Contains(p.types, "sgray_8")
	if o.color && !slices.Contains(p.types, "srgb_8") {
		return o, fmt.Errorf("printer takes rasters of %s: %w", strings.Join(p.types, ", "), device.ErrUnsupported)
	}
	// 300 dots an inch are enough for every paper of ours; what is next to it will do.
	o.dpi = slices.MinFunc(p.dpis, func(a, b int) int { return max(a-300, 300-a) - max(b-300, 300-b) })
	return o, nil
}

// attributes says what is wanted of the job.
func (o order) attributes(m *message) {
	m.add("job-name", goipp.TagName, goipp.String(o.name))
	m.template(o)
}

func (m message) template(o order) {
	if o.doc.Copies > 1 {
		m.Job.Add(goipp.MakeAttribute("copies", goipp.TagInteger, goipp.Integer(o.doc.Copies)))
	}
	if o.sides {
		m.Job.Add(goipp.MakeAttribute("sides", goipp.TagKeyword, goipp.String("one-sided")))
	}
	if !o.media {
		m.Job.Add(goipp.MakeAttribute("media", goipp.TagKeyword, goipp.String(a4Name)))
		return
	}
	m.Job.Add(goipp.MakeAttrCollection("media-col", goipp.MakeAttrCollection(
		"media-size",
		goipp.MakeAttribute("x-dimension", goipp.TagInteger, goipp.Integer(a4Width)),
		goipp.MakeAttribute("y-dimension", goipp.TagInteger, goipp.Integer(a4Height)),
	)))
}

// validate asks whether the printer would take the job, before it gets any of it.
func (d *Dev) validate(ctx context.Context, p *printer, o order) error {
	if !p.knows(opValidate) {
		return nil
	}
	m, err := d.ask(ctx, opValidate, func(m *message) {
		o.attributes(m)
		m.add("document-format", goipp.TagMimeType, goipp.String(o.format))
	})
	if err != nil {
		return fmt.Errorf("validate the job: %w", err)
	}
	for _, name := range []string{"media", "media-col", "copies"} {
		if find(m.Unsupported, name) != nil {
			return fmt.Errorf("printer would ignore %s: %w", name, device.ErrUnsupported)
		}
	}
	return nil
}

// patient does f again while the printer is busy, at growing distances.
func (d *Dev) patient(ctx context.Context, f func() error) error {
	for wait := time.Second; ; wait = min(2*wait, 15*time.Second) {
		err := f()
		if !errors.Is(err, device.ErrBusy) {
			return err
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("%w: %w", err, ctx.Err())
		case <-d.ctx.Done():
			t.Stop()
			return device.ErrHalted
		}
	}
}

// create makes an empty job. Where the answer was lost, the job is looked for; one
// that is not found prints nothing, so that another may be made.
func (d *Dev) create(ctx context.Context, o order) (device.JobID, error) {
	for tried := 0; ; tried++ {
		m, sent, err := d.exchange(ctx, d.request(opCreate, o.attributes), nil)
		var j listed
		if err == nil {
			j, err = readJob(m.Job)
		}
		var s *statusError
		if err == nil || !sent || errors.As(err, &s) || ctx.Err() != nil {
			return j.ID, err
		}
		j, ferr := d.search(ctx, o.name)
		if ferr == nil {
			return j.ID, nil
		}
		if tried > 0 || !errors.Is(ferr, device.ErrNoJob) {
			return 0, err
		}
	}
}

// createAndSend makes the job first and gives it the document then: the id is
// known before a page can come out.
func (d *Dev) createAndSend(ctx context.Context, o order) (device.JobID, device.SideEffect, error) {
	var id device.JobID
	err := d.patient(ctx, func() (err error) { id, err = d.create(ctx, o); return err })
	if err != nil {
		d.abandon(o.name, 0)
		return 0, device.SideEffectNo, fmt.Errorf("create the job: %w", err)
	}
	b, err := o.body()
	if err == nil {
		_, _, err = d.exchange(ctx, d.request(opSend, func(m *message) {
			m.add("job-id", goipp.TagInteger, goipp.Integer(id))
			m.add("document-format", goipp.TagMimeType, goipp.String(o.format))
			m.add("last-document", goipp.TagBoolean, goipp.Boolean(true))
		}), b)
	}
	if err == nil {
		d.remember(id, o.name)
		return id, 0, nil
	}
	return d.settle(ctx, o, id, b != nil && b.gone(), fmt.Errorf("send the document of job %d: %w", id, err))
}

// printAtOnce sends job and document in one request.
func (d *Dev) printAtOnce(ctx context.Context, o order) (device.JobID, device.SideEffect, error) {
	var m *goipp.Message
	var b *body
	sent := false
	err := d.patient(ctx, func() (err error) {
		if b, err = o.body(); err != nil {
			return err
		}
		m, sent, err = d.exchange(ctx, d.request(opPrintJob, func(m *message) {
			o.attributes(m)
			m.add("document-format", goipp.TagMimeType, goipp.String(o.format))
		}), b)
		return err
	})
	var j listed
	if err == nil {
		j, err = readJob(m.Job)
	}
	if err == nil {
		d.remember(j.ID, o.name)
		return j.ID, 0, nil
	}
	err = fmt.Errorf("send the job: %w", err)
	if s := (*statusError)(nil); errors.As(err, &s) || !sent {
		return 0, device.SideEffectNo, err // refused, or never there
	}
	return d.settle(ctx, o, 0, b.gone(), err)
}

// body returns the document, from its beginning.
func (o order) body() (*body, error) {
	if o.format == formatPDF {
		return pdfBody(o.doc)
	}
	return rasterBody(o.doc, o.dpi, o.color), nil
}
