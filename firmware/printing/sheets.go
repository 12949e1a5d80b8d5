package printing

import (
	"context"
	"errors"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/sync/outbox"
)

// ErrRoll is returned by a Document for a job that goes on the roll.
var ErrRoll = errors.New("this paper is printed on the roll")

// Document returns what a job prints on sheets of A4. Errors: ErrRoll, ErrGone.
type Document func(ctx context.Context, job outbox.PrintJob) (device.Document, error)

// fit lays a job out for the sheets. ErrRoll also where the printer of sheets does not
// take such a document: asked now, it can still go on the roll, and nobody waits.
func (w *Worker) fit(ctx context.Context, job outbox.PrintJob) (device.Document, error) {
	doc, err := w.Document(ctx, job)
	if err != nil {
		return doc, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := w.Sheets.Takes(ctx, doc); errors.Is(err, device.ErrUnsupported) {
		w.log().Warn("the printer of sheets does not take a paper", "job", job.ID, "err", err)
		return doc, ErrRoll
	}
	return doc, nil // what else is wrong, printing finds out
}

// onSheets reports whether a job goes to the printer of sheets: there is one, it
// can print now, and it has not refused such papers before. Otherwise it goes on
// the roll: a citizen does not wait for the larger paper.
func (w *Worker) onSheets(ctx context.Context, job outbox.PrintJob) bool {
	if w.Sheets == nil || w.Document == nil || job.Kind != outbox.PrintCopy || job.ID == w.roll || w.refused {
		return false
	}
	if w.Hold != nil && w.Hold() || w.Sheets.Health() != device.Online {
		return false
	}
	m, err := w.Sheets.Media(ctx)
	return err == nil && m.Cover != device.CoverOpen && (m.Paper == device.PaperFull || m.Paper == device.PaperLow)
}

// lay prints a document on sheets, and says how that ended. Printed is said only of
// what the printer says is complete.
func (w *Worker) lay(ctx context.Context, job outbox.PrintJob, doc device.Document) (outbox.PrintState, Why) {
	id, err := w.Sheets.Submit(ctx, doc)
	if err != nil {
		w.log().Warn("sheets could not be printed", "job", job.ID, "err", err)
		w.refused = w.refused || errors.Is(err, device.ErrUnsupported)
		if e, ok := errors.AsType[*device.Error](err); ok && e.SideEffect == device.SideEffectNo {
			return outbox.Failed, reason(err)
		}
		return outbox.Unknown, reason(err)
	}
	// At one look in two the printer may not answer: that is not the end of a job.
	wait, cancel := context.WithTimeout(ctx, w.patience())
	defer cancel()
	changes := w.Sheets.Changes(wait)
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		j, err := w.Sheets.Job(wait, id)
		if state, why, ended := ended(j, err); ended {
			return state, why
		}
		select {
		case <-wait.Done():
			return w.takeBack(ctx, job, id)
		case <-tick.C:
		case _, ok := <-changes:
			if !ok {
				changes = nil
			}
		}
	}
}

// ended says whether a job came to its end, and to which.
func ended(j device.Job, err error) (outbox.PrintState, Why, bool) {
	switch {
	case err != nil:
	case j.State == device.JobCompleted:
		return outbox.Printed, WhyNothing, true
	case j.State != device.JobAborted && j.State != device.JobCanceled:
	case j.Sheets == 0:
		return outbox.Failed, WhyBroken, true
	default:
		return outbox.Unknown, WhyBroken, true
	}
	return 0, WhyNothing, false
}

// takeBack has the printer forget a job that took too long: it would come out when
// the printer is mended, in front of somebody else.
func (w *Worker) takeBack(ctx context.Context, job outbox.PrintJob, id device.JobID) (outbox.PrintState, Why) {
	why := WhyUnknown
	if ctx.Err() != nil {
		why = WhyStopped
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := w.Sheets.Cancel(ctx, id); err != nil {
		w.log().Warn("a job could not be taken back from the printer of sheets", "job", job.ID, "err", err)
	}
	j, err := w.Sheets.Job(ctx, id)
	state, _, over := ended(j, err)
	switch {
	case !over:
		return outbox.Unknown, why
	case state == outbox.Printed:
		return state, WhyNothing
	}
	return state, why
}
