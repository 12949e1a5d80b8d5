package printing

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/sync/outbox"
)

// queue is a queue in memory that notes what is done to it, in order.
type queue struct {
	jobs []outbox.PrintJob
	log  *[]string
	wake chan struct{}
	fail error // of StartPrint
	full bool  // the disk is, and nothing can be noted
}

func (q *queue) add(id uint64) {
	q.jobs = append(q.jobs, outbox.PrintJob{ID: id, Kind: outbox.PrintReceipt, State: outbox.Queued})
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) NextPrint(context.Context) (outbox.PrintJob, bool, error) {
	for _, j := range q.jobs {
		if j.State == outbox.Queued {
			return j, true, nil
		}
	}
	return outbox.PrintJob{}, false, nil
}

func (q *queue) StartPrint(_ context.Context, id uint64) error {
	if q.fail != nil {
		return q.fail
	}
	if q.full {
		return outbox.ErrFull
	}
	for i := range q.jobs {
		if q.jobs[i].ID == id {
			q.jobs[i].State = outbox.Printing
		}
	}
	*q.log = append(*q.log, fmt.Sprint("start ", id))
	return nil
}

func (q *queue) EndPrint(ctx context.Context, id uint64, s outbox.PrintState, reason string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if q.full {
		return outbox.ErrFull
	}
	for i := range q.jobs {
		if q.jobs[i].ID == id {
			q.jobs[i].State = s
		}
	}
	*q.log = append(*q.log, fmt.Sprint("end ", id, " ", s, " ", reason))
	return nil
}

// printer is a ReceiptPrinter whose answers a test sets.
type printer struct {
	device.ReceiptPrinter
	log     *[]string
	media   device.Media
	health  device.Health
	out     device.Outcome
	err     error
	changes chan struct{}
	hold    bool // Print waits for its context
	during  func()
}

func (p *printer) Health() device.Health                       { return p.health }
func (p *printer) Media(context.Context) (device.Media, error) { return p.media, nil }
func (p *printer) Changes(context.Context) <-chan struct{}     { return p.changes }
func (p *printer) Width() int                                  { return 576 }
func (p *printer) DPI() int                                    { return 203 }
func (p *printer) Print(ctx context.Context, _ image.Image) (device.Outcome, error) {
	*p.log = append(*p.log, "print")
	if p.during != nil {
		p.during()
	}
	if p.hold {
		<-ctx.Done()
		return device.PrintUnknown, ctx.Err()
	}
	return p.out, p.err
}

var good = device.Media{Paper: device.PaperFull, Cover: device.CoverClosed}

// bench runs a worker in a bubble of faked time; play acts, then all is idle.
func play(t *testing.T, act func(q *queue, p *printer, w *Worker)) (log []string) {
	t.Helper()
	return playFrom(t, func(*printer, *Worker) {}, act)
}

// playFrom is play with a worker that begins otherwise.
func playFrom(t *testing.T, begin func(p *printer, w *Worker), act func(q *queue, p *printer, w *Worker)) (log []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		q := &queue{log: &log, wake: make(chan struct{}, 1)}
		p := &printer{log: &log, media: good, health: device.Online, out: device.Printed, changes: make(chan struct{}, 1)}
		w := &Worker{
			Queue: q, Wake: q.wake, Printer: p, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
			Paper: emptyPaper,
		}
		begin(p, w)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		synctest.Wait()
		act(q, p, w)
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want nil after its context ended", err)
		}
	})
	return log
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPrints(t *testing.T) {
	want(t, play(t, func(q *queue, _ *printer, _ *Worker) { q.add(1); q.add(2) }),
		"start 1", "print", "end 1 printed ", "start 2", "print", "end 2 printed ")
}

// The start is durable before the first byte, so a power cut leaves «printing».
func TestOutcomes(t *testing.T) {
	for _, tt := range []struct {
		out  device.Outcome
		err  error
		want string
	}{
		{device.NotPrinted, &device.Error{Op: "print", SideEffect: device.SideEffectNo, Err: device.ErrCoverOpen}, "end 1 failed printer.cover.open"},
		{device.PrintUnknown, &device.Error{Op: "print", SideEffect: device.SideEffectUnknown, Err: device.ErrUnplugged}, "end 1 unknown printer.gone"},
		{device.PrintUnknown, device.ErrTimeout, "end 1 unknown printer.unknown"},
		{device.PrintUnknown, device.ErrNoPaper, "end 1 unknown printer.paper.out"},
		{0, nil, "end 1 unknown printer.unknown"}, // a driver that forgot is not believed
		{device.Printed, errors.New("strange"), "end 1 unknown printer.failed"},
	} {
		want(t, play(t, func(q *queue, p *printer, _ *Worker) { p.out, p.err = tt.out, tt.err; q.add(1) }),
			"start 1", "print", tt.want)
	}
}

// Without paper nothing starts; with paper again it prints by itself.
func TestWaits(t *testing.T) {
	want(t, play(t, func(q *queue, p *printer, w *Worker) {
		p.media.Paper = device.PaperOut
		q.add(1)
		synctest.Wait()
		if got := w.Status(); got.Why != WhyPaperOut || got.Printing || got.Job.ID != 1 {
			t.Errorf("Status = %+v, want job 1 waiting for paper", got)
		}
		time.Sleep(30 * time.Second) // faked
		p.media.Paper = device.PaperFull
		p.changes <- struct{}{}
	}), "start 1", "print", "end 1 printed ")
}

// A paper must not come out long after its citizen left.
func TestPatience(t *testing.T) {
	want(t, play(t, func(q *queue, p *printer, _ *Worker) {
		p.health = device.NoDevice
		q.add(1)
		time.Sleep(5 * time.Minute) // faked
		p.health = device.Online
	}), "start 1", "end 1 failed printer.gone")
}

func TestNoPrinter(t *testing.T) {
	want(t, play(t, func(q *queue, _ *printer, w *Worker) { w.Printer = nil; q.add(1) }),
		"start 1", "end 1 failed printer.gone")
}

// A copy whose contents left with its citizen is not printed empty.
func TestGone(t *testing.T) {
	want(t, play(t, func(q *queue, _ *printer, w *Worker) {
		w.Paper = func(context.Context, outbox.PrintJob, int, int) (image.Image, error) {
			return nil, fmt.Errorf("copy: %w", ErrGone)
		}
		q.add(1)
	}), "start 1", "end 1 failed print.gone")
}

// Shut down in the middle of a print: how it ended is written all the same.
func TestStopped(t *testing.T) {
	want(t, play(t, func(q *queue, p *printer, _ *Worker) { p.hold = true; q.add(1) }),
		"start 1", "print", "end 1 unknown kiosk.stopped")
}

// A full disk stops the papers and not the kiosk: nothing is printed that could not be
// noted, and what came out while the disk filled is noted when there is room.
func TestFullDisk(t *testing.T) {
	want(t, play(t, func(q *queue, p *printer, w *Worker) {
		q.full = true
		q.add(1)
		time.Sleep(time.Minute) // faked
		synctest.Wait()         // the worker looks at the same instant
		if got := *q.log; len(got) > 0 {
			t.Errorf("on a full disk: %q, want nothing", got)
		}
		p.during = func() { q.full = true }
		q.full = false
		time.Sleep(time.Minute) // faked
		synctest.Wait()
		if got := w.Status(); !got.Printing {
			t.Errorf("Status = %+v, want printing until it is noted", got)
		}
		q.full = false
	}), "start 1", "print", "end 1 printed ")
}

// Shut down while the disk is full: the next start knows that the outcome is unknown.
func TestStoppedOnAFullDisk(t *testing.T) {
	want(t, play(t, func(q *queue, p *printer, _ *Worker) {
		p.during = func() { q.full = true }
		q.add(1)
		time.Sleep(time.Minute) // faked
	}), "start 1", "print")
}

// A job that was withdrawn between looking and starting is left alone.
func TestWithdrawn(t *testing.T) {
	for _, err := range []error{outbox.ErrPrintState, outbox.ErrNotFound} { // a withdrawal removes the job
		want(t, play(t, func(q *queue, _ *printer, _ *Worker) {
			q.fail = fmt.Errorf("start: %w", err)
			q.add(1)
			synctest.Wait()
			q.jobs = nil
		}))
	}
}

// cutter is a printer that can cut.
type cutter struct{ *printer }

func (c cutter) Cut(context.Context) error {
	*c.log = append(*c.log, "cut")
	return nil
}

// What hangs out since a power cut is cut off first, once, and as soon as the
// printer can. A printer that cannot must not keep the jobs waiting for longer
// than ever: their citizens leave.
func TestHanging(t *testing.T) {
	run := func(act func(q *queue, p *printer, w *Worker)) []string {
		return playFrom(t, func(p *printer, w *Worker) {
			w.Printer, w.Hanging, p.health = cutter{p}, true, device.NoDevice
		}, act)
	}
	want(t, run(func(q *queue, p *printer, _ *Worker) {
		p.health = device.Online
		time.Sleep(2 * time.Second) // faked
		q.add(1)
		synctest.Wait()
		q.add(2)
	}), "cut", "start 1", "print", "end 1 printed ", "start 2", "print", "end 2 printed ")
	want(t, run(func(q *queue, p *printer, w *Worker) {
		q.add(1)
		synctest.Wait()
		if got := w.Status(); got.Why != WhyGone || got.Job.ID != 1 {
			t.Errorf("Status = %+v, want job 1 waiting for the printer", got)
		}
		time.Sleep(5 * time.Minute) // faked
		p.health = device.Online
		time.Sleep(2 * time.Second) // faked
	}), "start 1", "end 1 failed printer.gone", "cut")
}
