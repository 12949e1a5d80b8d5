package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/firmware/printing"
)

// brief is the limit of one question to a device.
const brief = 5 * time.Second

// mediaOf asks a printer for paper and cover; what it does not say is unknown.
func mediaOf(ctx context.Context, ask func(context.Context) (device.Media, error)) device.Media {
	ctx, cancel := context.WithTimeout(ctx, brief)
	defer cancel()
	m, err := ask(ctx)
	if err != nil {
		return device.Media{Paper: device.PaperUnknown, Cover: device.CoverUnknown}
	}
	return m
}

func tryReceipts(ctx context.Context, g *guide, d device.ReceiptPrinter) {
	g.paper(ctx, d.Media)
	out, err := g.ticket(ctx, d)
	g.printed("a test ticket", out, err)
	if t, ok := d.(device.TextPrinter); ok {
		out, err := g.textTicket(ctx, t)
		g.printed("a ticket of the printer's own letters", out, err)
	}
	g.step(g.ask(ctx, "Is the ticket out and cut, and are its frame and bars whole, without white lines?"), "the ticket is well printed")
	g.step(g.ask(ctx, "Are the Turkmen and the Russian letters right, on every ticket?"), "its letters are right")
	if g.await(ctx, d, "Open the cover", "the cover is open", func() bool { return mediaOf(ctx, d.Media).Cover == device.CoverOpen }) {
		g.await(ctx, d, "Close the cover", "the cover is closed", func() bool { return mediaOf(ctx, d.Media).Cover == device.CoverClosed })
	}
	if g.await(ctx, d, "Take the paper out", "there is no paper", func() bool { return mediaOf(ctx, d.Media).Paper == device.PaperOut }) {
		g.await(ctx, d, "Put the paper in and close the cover", "there is paper", func() bool {
			m := mediaOf(ctx, d.Media)
			return (m.Paper == device.PaperFull || m.Paper == device.PaperLow) && m.Cover != device.CoverOpen
		})
	}
}

func (g *guide) ticket(ctx context.Context, d device.ReceiptPrinter) (device.Outcome, error) {
	img, err := printing.Ticket{Device: d.String(), Made: time.Now()}.Draw(d.Width(), d.DPI())
	if err != nil {
		return device.NotPrinted, err
	}
	ctx, cancel := context.WithTimeout(ctx, g.wait)
	defer cancel()
	return d.Print(ctx, img)
}

// textTicket prints a ticket as text: it shows whether the printer's profile fits it.
func (g *guide) textTicket(ctx context.Context, d device.TextPrinter) (device.Outcome, error) {
	lines := printing.Ticket{Device: d.String(), Made: time.Now()}.Lines(d.Width(), d.DPI(), d.Columns())
	ctx, cancel := context.WithTimeout(ctx, g.wait)
	defer cancel()
	return d.PrintText(ctx, lines)
}

// printed says what came of a print.
func (g *guide) printed(what string, out device.Outcome, err error) {
	switch out {
	case device.Printed:
		g.step(passed, "%s: the printer confirms it", what)
	case device.PrintUnknown:
		g.step(unconfirmed, "%s: it may be out, and the printer does not say so: %v", what, err)
	default:
		g.broke(what, err)
	}
}

// paper says what a printer says of its paper.
func (g *guide) paper(ctx context.Context, ask func(context.Context) (device.Media, error)) {
	m := mediaOf(ctx, ask)
	v := passed
	switch {
	case m.Paper == device.PaperUnknown || m.Cover == device.CoverUnknown:
		v = unconfirmed
	case m.Paper == device.PaperOut || m.Paper == device.PaperJammed || m.Cover == device.CoverOpen:
		v = failed
	}
	g.step(v, "paper %s, cover %s", m.Paper, m.Cover)
}

func tryDocuments(ctx context.Context, g *guide, d device.DocumentPrinter) {
	g.paper(ctx, d.Media)
	asked, cancel := context.WithTimeout(ctx, brief)
	supplies, err := d.Supplies(asked)
	cancel()
	for _, s := range supplies {
		if s.Percent < 0 {
			g.say("supply %s: the printer does not say how much is left", s.Name)
		} else {
			g.say("supply %s: %d %%", s.Name, s.Percent)
		}
	}
	if err != nil {
		g.broke("ask for supplies", err)
	}
	sheet, err := printing.Ticket{Device: d.String(), Made: time.Now()}.Sheet()
	if err != nil {
		g.broke("draw a test page", err)
		return
	}
	ctx, cancel = context.WithTimeout(ctx, 2*g.wait)
	defer cancel()
	id, err := d.Submit(ctx, device.Document{Name: "penjire-test", PDF: bytes.NewReader(sheet), Pages: 1})
	if err != nil {
		g.broke("send a test page", err)
		return
	}
	g.step(passed, "the printer has taken a test page as job %d", id)
	g.job(ctx, d, id)
	g.step(g.ask(ctx, "Is the page out, its frame whole and its letters right?"), "the page is well printed")
}

// job follows a job to its end, and says what holds it up.
func (g *guide) job(ctx context.Context, d device.DocumentPrinter, id device.JobID) {
	ends := []device.JobState{device.JobCompleted, device.JobCanceled, device.JobAborted}
	var j device.Job
	said := ""
	until(ctx, d, func() bool {
		asked, cancel := context.WithTimeout(ctx, brief)
		defer cancel()
		now, err := d.Job(asked, id)
		if err != nil {
			now = device.Job{ID: id, State: device.JobUnknown}
		}
		j = now
		if words := fmt.Sprintf("job %d: %s %s", id, j.State, strings.Join(j.Reasons, ", ")); words != said {
			said = words
			g.say("%s", strings.TrimSpace(words))
		}
		return slices.Contains(ends, j.State)
	})
	switch j.State {
	case device.JobCompleted:
		g.step(passed, "the printer says that the job is completed")
	case device.JobCanceled, device.JobAborted:
		g.step(failed, "the printer says that the job is %s", j.State)
	default:
		g.step(unconfirmed, "the job is %s: the printer does not say that it is printed", j.State)
	}
}
