package printing

import (
	"context"
	"fmt"
	"image"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// aside is a paper that is no job of the queue: a technician's ticket.
type aside struct {
	draw func(width, dpi int) (image.Image, error)
	done chan asideEnd
}

type asideEnd struct {
	out device.Outcome
	why Why
}

// asideFor is how long a paper that is no job may take: a receipt waits behind it.
const asideFor = time.Minute

// Aside prints a paper that is no job of the queue, between two jobs, and returns
// when it is out or why it is not. Nothing of it is durable: after a power cut nobody
// knows of it, and it is printed again by whoever wants it.
func (w *Worker) Aside(ctx context.Context, draw func(width, dpi int) (image.Image, error)) (device.Outcome, Why) {
	a := aside{draw, make(chan asideEnd, 1)}
	select {
	case w.asides() <- a:
	case <-ctx.Done():
		return device.NotPrinted, WhyStopped
	}
	// It is under way: its end is waited for, and comes, whatever the asker wants.
	e := <-a.done
	return e.out, e.why
}

// asides is where papers that are no jobs are handed over.
func (w *Worker) asides() chan aside {
	w.once.Do(func() { w.aside = make(chan aside) })
	return w.aside
}

// printAside prints a.
func (w *Worker) printAside(ctx context.Context, a aside) {
	out, why := device.NotPrinted, w.ready(ctx)
	if why == WhyNothing {
		out, why = w.drawAside(ctx, a)
	}
	a.done <- asideEnd{out, why}
}

func (w *Worker) drawAside(ctx context.Context, a aside) (device.Outcome, Why) {
	img, err := a.draw(w.Printer.Width(), w.Printer.DPI())
	if err != nil {
		w.log().Error("a ticket is not printed", "err", fmt.Errorf("printing: draw a ticket: %w", err))
		return device.NotPrinted, WhyLayout
	}
	ctx, cancel := context.WithTimeout(ctx, asideFor)
	defer cancel()
	out, err := w.Printer.Print(ctx, img)
	switch {
	case err != nil:
		return out, reason(err)
	case out != device.Printed:
		return out, WhyUnknown
	}
	return out, WhyNothing
}
