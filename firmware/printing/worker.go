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

// Why says why a job waits or failed, as a stable code: it keys words of the
// screen and is written to the journal.
type Why string

// The reasons.
const (
	WhyNothing  Why = ""
	WhyPaperOut Why = "printer.paper.out"
	WhyPaperJam Why = "printer.paper.jam"
	WhyCover    Why = "printer.cover.open"
	WhyHot      Why = "printer.hot"     // it prints when it has cooled
	WhyGone     Why = "printer.gone"    // unplugged, or there is none
	WhyUnknown  Why = "printer.unknown" // it does not say what ails it
	WhyBroken   Why = "printer.failed"
	WhyStopped  Why = "kiosk.stopped" // the kiosk was shut down
	WhyPower    Why = "power.failing" // the power is about to go
	WhyForgot   Why = "print.gone"    // ErrGone
	WhyLate     Why = "print.late"    // ErrLate
	WhyLayout   Why = "print.layout"  // the paper could not be drawn
)

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

// Place is where a paper comes out.
type Place int

// The places.
const (
	PlaceUnknown Place = 0
	PlaceRoll    Place = 1
	PlaceSheets  Place = 2
)

// Outcome is where the copy of a request was printed last, and why it was not.
type Outcome struct {
	Doc   outbox.Doc
	Place Place
	Why   Why // once it has ended
}

// Last returns where the certified copy that was begun last came out, or is coming
// out. It is forgotten when the kiosk is restarted.
func (w *Worker) Last() Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

func (w *Worker) note(o Outcome) {
	w.mu.Lock()
	w.last = o
	w.mu.Unlock()
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

// ready says what keeps the printer from printing; WhyNothing when it can.
func (w *Worker) ready(ctx context.Context) Why {
	if w.Printer == nil {
		return WhyGone
	}
	if w.Hold != nil && w.Hold() {
		return WhyPower
	}
	switch w.Printer.Health() {
	case device.NoDevice, device.Offline:
		return WhyGone
	case device.HardwareError:
		return WhyBroken
	}
	m, err := w.Printer.Media(ctx)
	if err != nil {
		return reason(err)
	}
	switch {
	case m.Cover == device.CoverOpen:
		return WhyCover
	case m.Paper == device.PaperOut:
		return WhyPaperOut
	case m.Paper == device.PaperJammed:
		return WhyPaperJam
	case m.Hot:
		return WhyHot
	case m.Paper == device.PaperUnknown && m.Cover == device.CoverUnknown:
		return WhyUnknown
	}
	return WhyNothing
}

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

// reason gives the code for what a driver reported.
func reason(err error) Why {
	switch {
	case errors.Is(err, device.ErrNoPaper):
		return WhyPaperOut
	case errors.Is(err, device.ErrCoverOpen):
		return WhyCover
	case errors.Is(err, device.ErrPaperJam):
		return WhyPaperJam
	case errors.Is(err, device.ErrHot):
		return WhyHot
	case errors.Is(err, device.ErrUnplugged):
		return WhyGone
	case errors.Is(err, context.Canceled):
		return WhyStopped
	case errors.Is(err, device.ErrTimeout):
		return WhyUnknown
	}
	return WhyBroken
}

func (w *Worker) log() *slog.Logger {
	if w.Log != nil {
		return w.Log
	}
	return slog.Default()
}
