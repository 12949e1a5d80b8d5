package printing

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/sync/outbox"
)

// Queue is what the worker needs of an outbox.
type Queue interface {
	NextPrint(ctx context.Context) (outbox.PrintJob, bool, error)
	StartPrint(ctx context.Context, id uint64) error
	EndPrint(ctx context.Context, id uint64, s outbox.PrintState, reason string) error
}

var _ Queue = (*outbox.Outbox)(nil)

// ErrGone is returned by a Source that no longer has what the job prints: a
// certified copy holds personal data and is never kept over the end of a visit.
var ErrGone = errors.New("what was to be printed is no longer here")

// ErrLate is returned by a Source for a paper whose citizen is most likely gone:
// it must not come out in front of somebody else.
var ErrLate = errors.New("whoever was to take the paper is most likely gone")

// Source draws the paper of a job for a printer of that width and resolution.
type Source func(ctx context.Context, job outbox.PrintJob, width, dpi int) (image.Image, error)

// Status is what the worker is doing.
type Status struct {
	Job      outbox.PrintJob // zero: nothing to print
	Printing bool            // its bytes are on the way to the printer
	Why      Why             // what it waits for
}

// Worker takes print jobs from the queue and prints them, one after the other.
//
// Contract: no byte goes to the printer before StartPrint has made durable that
// it may; Printed is said only of what the printer confirmed; what may or may
// not be out is Unknown and is never printed again by the worker. A job that the
// printer cannot take yet (no paper, cover open, unplugged) waits for Patience
// and then fails, so that a paper does not come out long after its citizen left.
type Worker struct {
	Queue   Queue
	Wake    <-chan struct{}       // the queue may have a new job
	Printer device.ReceiptPrinter // nil: there is none, and every job fails
	Paper   Source
	// Sheets, when set, prints the jobs for which there is a Document, where it can:
	// certified copies. What it cannot goes on the roll.
	Sheets   device.DocumentPrinter
	Document Document
	// Patience is how long a job waits for the printer; 0 is two minutes.
	Patience time.Duration
	// Hanging says that a paper of an earlier run may hang out of the printer. It
	// is cut off as soon as the printer can, and before anything is printed
	// below it: it may be the paper of someone who has left.
	Hanging bool
	// Hold, when set, says that no job may begin now: the power is about to go. One
	// that is printing goes on.
	Hold func() bool
	// Notify, when set, is called whenever Status may have changed. It must not
	// block.
	Notify func()
	Log    *slog.Logger // nil: slog.Default()

	roll    uint64 // the job that is for the roll although there are sheets
	stuck   uint64 // the job of which it was said that it cannot begin
	refused bool   // the printer of sheets takes no such documents

	once  sync.Once
	aside chan aside

	mu     sync.Mutex
	status Status
	last   Outcome
}

// Status returns what the worker is doing now.
func (w *Worker) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

func (w *Worker) set(s Status) {
	w.mu.Lock()
	changed := w.status != s
	w.status = s
	w.mu.Unlock()
	if changed && w.Notify != nil {
		w.Notify()
	}
}

// poll is how often a waiting worker looks at the printer and the queue when
// nothing wakes it.
const poll = time.Second

// Run works until ctx ends (then it returns nil) or the queue fails. A job that
// is printing when ctx ends is ended truthfully first.
func (w *Worker) Run(ctx context.Context) error {
	var changes <-chan struct{}
	if w.Printer != nil {
		changes = w.Printer.Changes(ctx)
	}
	var waiting uint64 // the job that waits
	var since time.Time
	hanging := w.Hanging
	for {
		if ctx.Err() != nil {
			return nil
		}
		if hanging && w.ready(ctx) == WhyNothing {
			hanging = false
			w.cutOff(ctx)
			continue
		}
		job, ok, err := w.Queue.NextPrint(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("printing: next job: %w", err)
		}
		wait := time.Duration(-1)
		switch {
		case !ok:
			waiting = 0
			w.set(Status{})
			if hanging {
				wait = poll
			}
		default:
			if job.ID != waiting {
				waiting, since = job.ID, time.Now()
			}
			sheets, why := w.onSheets(ctx, job), WhyNothing
			if !sheets {
				why = w.ready(ctx)
			}
			if why == WhyNothing && hanging && !sheets {
				continue // it has just become ready: the cut comes first
			}
			if why == WhyNothing || w.Printer == nil || time.Since(since) >= w.patience() {
				taken, err := w.work(ctx, job, why, sheets)
				if err != nil {
					return err
				}
				if taken {
					waiting = 0
					continue
				}
			} else {
				w.set(Status{Job: job, Why: why})
			}
			wait = poll
		}
		if err := w.sleep(ctx, wait, &changes); err != nil {
			return nil
		}
	}
}

// cutOff cuts off what may hang out of the printer.
func (w *Worker) cutOff(ctx context.Context) {
	c, ok := w.Printer.(device.Cutter)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := c.Cut(ctx); err != nil {
		w.log().Warn("what may hang out of the printer could not be cut off", "err", err)
	}
}

func (w *Worker) patience() time.Duration {
	if w.Patience > 0 {
		return w.Patience
	}
	return 2 * time.Minute
}

// sleep waits for a new job, a change of the printer, or d; negative: no limit.
func (w *Worker) sleep(ctx context.Context, d time.Duration, changes *<-chan struct{}) error {
	var timer <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-w.Wake:
	case a := <-w.asides():
		w.printAside(ctx, a)
	case <-timer:
	case _, ok := <-*changes:
		if !ok {
			*changes = nil // the printer tells no more: polling goes on
		}
	}
	return nil
}

func (w *Worker) log() *slog.Logger {
	if w.Log != nil {
		return w.Log
	}
	return slog.Default()
}
