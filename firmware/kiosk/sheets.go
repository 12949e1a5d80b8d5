package kiosk

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/sync/edoc/paper"
	"github.com/penjire/penjire/sync/outbox"
)

// sheet lays a certified copy out on A4: as PDF, and as pictures for a printer that
// takes only these. One after a print that may be out says that it is a further one,
// and goes as pictures alone: the PDF is the same bytes whoever prints it.
func (k *Kiosk) sheet(ctx context.Context, job outbox.PrintJob) (device.Document, error) {
	if job.Kind != outbox.PrintCopy {
		return device.Document{}, printing.ErrRoll
	}
	r, err := k.box.Get(ctx, job.Doc)
	if err != nil {
		return device.Document{}, fmt.Errorf("kiosk: find the request of print job %d: %w", job.ID, err)
	}
	o, svc, err := k.toCopy(r)
	if err != nil {
		return device.Document{}, err
	}
	doc, err := printing.OnA4(func(width, dpi int) (image.Image, error) { return k.copyPaper(r, job.Marked, width, dpi) })
	if err != nil || job.Marked {
		return doc, err
	}
	pdf, pages, err := paper.CertifiedPages(paper.Source{
		Answer: o.whole, Seal: o.seal, Bundle: k.know.trust(), Revoked: k.know.revoked(), Now: k.now(), Service: svc,
		Portal: k.s.Portal.PublicURL, Code: o.code,
	})
	if err != nil {
		return device.Document{}, fmt.Errorf("kiosk: lay out a certified copy: %w", err)
	}
	doc.PDF, doc.Pages = bytes.NewReader(pdf), pages
	return doc, nil
}

// watchSheets says what ails the printer of sheets, until ctx ends.
func (k *Kiosk) watchSheets(ctx context.Context) error {
	changes := k.sheets.Changes(ctx)
	tick := time.NewTicker(5 * lookEvery)
	defer tick.Stop()
	for {
		h := k.sheets.Health()
		m, err := k.sheets.Media(ctx)
		gone := time.Since(k.started) > startUp && (err != nil || h == device.NoDevice || h == device.Offline || h == device.Unknown || h == device.Starting)
		k.set(health.SheetsGone, gone)
		k.set(health.SheetsOut, err == nil && m.Paper == device.PaperOut)
		k.set(health.SheetsStuck, err == nil && (m.Paper == device.PaperJammed || m.Cover == device.CoverOpen) || h == device.HardwareError)
		supplies, err := k.sheets.Supplies(ctx)
		low := false
		for _, s := range supplies {
			low = low || s.State == device.TonerLow || s.State == device.TonerOut
		}
		k.set(health.SheetsToner, err == nil && low)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case _, ok := <-changes:
			if !ok {
				changes = nil
			}
		}
	}
}
