package printing

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/sync/outbox"
)

// work prints one job, on sheets or on the roll, or ends it with the reason why it
// cannot be printed. It reports false when the job was not started and is not its
// to end.
func (w *Worker) work(ctx context.Context, job outbox.PrintJob, why Why, sheets bool) (bool, error) {
	var img image.Image
	var doc device.Document
	if why == WhyNothing {
		var err error
		if sheets {
			doc, err = w.fit(ctx, job)
			if err != nil && !errors.Is(err, ErrGone) {
				if !errors.Is(err, ErrRoll) {
					w.log().Error("a paper goes on the roll: it could not be laid out for sheets", "job", job.ID, "err", err)
				}
				w.roll = job.ID
				return true, nil // the next look takes it
			}
		} else {
			img, err = w.Paper(ctx, job, w.Printer.Width(), w.Printer.DPI())
		}
		if err != nil {
			switch {
			case errors.Is(err, ErrGone):
				why = WhyForgot
			case errors.Is(err, ErrLate):
				why = WhyLate
			default:
				why = WhyLayout
			}
			w.log().Error("print job is not printed", "job", job.ID, "why", string(why), "err", err)
		}
	}
	if ctx.Err() != nil {
		return false, nil // it stays queued
	}
	at := Outcome{Doc: job.Doc, Place: PlaceRoll}
	if sheets {
		at.Place = PlaceSheets
	}
	if job.Kind == outbox.PrintCopy {
		w.note(at) // before anybody sees that it is printing
	}
	if err := w.Queue.StartPrint(ctx, job.ID); err != nil {
		if errors.Is(err, outbox.ErrPrintState) || errors.Is(err, outbox.ErrNotFound) {
			return false, nil // withdrawn meanwhile
		}
		if ctx.Err() != nil {
			return false, nil
		}
		if errors.Is(err, outbox.ErrDamaged) || errors.Is(err, outbox.ErrFull) { // it is opened again by itself; or somebody makes room
			if w.stuck != job.ID { // a log every second would fill a full disk
				w.log().Error("print job is not started", "job", job.ID, "err", err)
			}
			w.stuck = job.ID
			return false, nil
		}
		return false, fmt.Errorf("printing: start job %d: %w", job.ID, err)
	}
	state := outbox.Failed
	if why == WhyNothing {
		w.set(Status{Job: job, Printing: true})
		if sheets {
			state, why = w.lay(ctx, job, doc)
		} else {
			state, why = w.print(ctx, job, img)
		}
	}
	if at.Why = why; job.Kind == outbox.PrintCopy {
		w.note(at)
	}
	if err := w.end(ctx, job.ID, state, why); err != nil {
		if errors.Is(err, outbox.ErrNotFound) || errors.Is(err, outbox.ErrDamaged) || errors.Is(err, outbox.ErrFull) {
			// The outbox was made anew meanwhile, or will be, or its disk was full
			// until the kiosk is shut down: there it is unknown.
			w.log().Error("how a print job ended is not kept", "job", job.ID, "outcome", state.String(), "err", err)
			return true, nil
		}
		return false, fmt.Errorf("printing: end job %d as %v: %w", job.ID, state, err)
	}
	w.set(Status{})
	return true, nil
}

// end writes how a job ended, even when the kiosk is being shut down. A full disk is
// waited for: nothing else can be printed before. A kiosk that is shut down meanwhile
// tries once more.
func (w *Worker) end(ctx context.Context, id uint64, state outbox.PrintState, why Why) error {
	for told := false; ; told = true {
		last := ctx.Err() != nil
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		err := w.Queue.EndPrint(end, id, state, string(why))
		cancel()
		if last || !errors.Is(err, outbox.ErrFull) {
			return err
		}
		if !told {
			w.log().Error("how a print job ended waits for room on the disk", "job", id, "outcome", state.String(), "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(poll):
		}
	}
}

func (w *Worker) print(ctx context.Context, job outbox.PrintJob, img image.Image) (outbox.PrintState, Why) {
	out, err := w.Printer.Print(ctx, img)
	if err == nil && out == device.Printed {
		return outbox.Printed, WhyNothing
	}
	why := WhyUnknown
	if err != nil {
		why = reason(err)
	}
	w.log().Warn("print job did not end well", "job", job.ID, "outcome", int(out), "why", string(why), "err", err)
	if out == device.NotPrinted {
		return outbox.Failed, why
	}
	return outbox.Unknown, why
}
