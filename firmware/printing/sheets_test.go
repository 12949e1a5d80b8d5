package printing

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/sync/outbox"
)

// sheets is a printer of sheets whose answers a test sets.
type sheets struct {
	device.DocumentPrinter
	log    *[]string
	media  device.Media
	health device.Health
	takes  error
	submit error
	says   []device.Job // to one question after the other; the last one stays
	cancel []device.Job // … after Cancel
}

func (p *sheets) Health() device.Health { return p.health }

func (p *sheets) Media(context.Context) (device.Media, error) { return p.media, nil }

func (p *sheets) Changes(ctx context.Context) <-chan struct{} {
	c := make(chan struct{})
	go func() { <-ctx.Done(); close(c) }()
	return c
}

func (p *sheets) Takes(context.Context, device.Document) error { return p.takes }

func (p *sheets) Submit(_ context.Context, d device.Document) (device.JobID, error) {
	*p.log = append(*p.log, fmt.Sprint("submit ", d.Pages))
	return 7, p.submit
}

func (p *sheets) Job(context.Context, device.JobID) (device.Job, error) {
	j := p.says[0]
	if len(p.says) > 1 {
		p.says = p.says[1:]
	}
	if j.State == device.JobUnknown {
		return j, device.ErrTimeout
	}
	return j, nil
}

func (p *sheets) Cancel(context.Context, device.JobID) error {
	*p.log = append(*p.log, "cancel")
	if p.cancel != nil {
		p.says = p.cancel
	}
	return nil
}

// emptyPaper is a paper with nothing on it.
func emptyPaper(context.Context, outbox.PrintJob, int, int) (image.Image, error) {
	return image.NewGray(image.Rect(0, 0, 576, 10)), nil
}

// TestSheets: what became of a copy is what the printer of sheets says, and where it
// cannot print the roll does.
func TestSheets(t *testing.T) {
	job := func(s device.JobState, n int) device.Job { return device.Job{ID: 7, State: s, Sheets: n} }
	refuses := func(e device.SideEffect, err error) error {
		return &device.Error{Dev: "x", Op: "submit", SideEffect: e, Err: err}
	}
	for name, v := range map[string]struct {
		bend func(p *sheets)
		doc  error
		kind uint8
		want []string
	}{
		"printed": {
			bend: func(p *sheets) {
				p.says = []device.Job{job(device.JobProcessing, 0), job(device.JobUnknown, -1), job(device.JobCompleted, 2)}
			},
			want: []string{"start 1", "submit 2", "end 1 printed "},
		},
		"a receipt":            {kind: outbox.PrintReceipt, want: []string{"start 1", "print", "end 1 printed "}},
		"no paper in it":       {bend: func(p *sheets) { p.media.Paper = device.PaperOut }, want: []string{"start 1", "print", "end 1 printed "}},
		"open":                 {bend: func(p *sheets) { p.media.Cover = device.CoverOpen }, want: []string{"start 1", "print", "end 1 printed "}},
		"not known":            {bend: func(p *sheets) { p.media.Paper = device.PaperUnknown }, want: []string{"start 1", "print", "end 1 printed "}},
		"unplugged":            {bend: func(p *sheets) { p.health = device.NoDevice }, want: []string{"start 1", "print", "end 1 printed "}},
		"for the roll":         {doc: ErrRoll, want: []string{"start 1", "print", "end 1 printed "}},
		"it cannot be laid":    {doc: errors.New("no certificate"), want: []string{"start 1", "print", "end 1 printed "}},
		"it takes no such":     {bend: func(p *sheets) { p.takes = refuses(device.SideEffectNo, device.ErrUnsupported) }, want: []string{"start 1", "print", "end 1 printed "}},
		"it cannot be asked":   {bend: func(p *sheets) { p.takes = refuses(device.SideEffectNo, device.ErrTimeout) }, want: []string{"start 1", "submit 2", "end 1 printed "}},
		"the visit has ended":  {doc: ErrGone, want: []string{"start 1", "end 1 failed print.gone"}},
		"nothing was taken":    {bend: func(p *sheets) { p.submit = refuses(device.SideEffectNo, device.ErrNoPaper) }, want: []string{"start 1", "submit 2", "end 1 failed printer.paper.out"}},
		"nobody knows":         {bend: func(p *sheets) { p.submit = refuses(device.SideEffectUnknown, device.ErrUnplugged) }, want: []string{"start 1", "submit 2", "end 1 unknown printer.gone"}},
		"aborted at once":      {bend: func(p *sheets) { p.says = []device.Job{job(device.JobAborted, 0)} }, want: []string{"start 1", "submit 2", "end 1 failed printer.failed"}},
		"aborted in the midst": {bend: func(p *sheets) { p.says = []device.Job{job(device.JobAborted, 1)} }, want: []string{"start 1", "submit 2", "end 1 unknown printer.failed"}},
		"it does not say how much": {
			bend: func(p *sheets) { p.says = []device.Job{job(device.JobAborted, -1)} },
			want: []string{"start 1", "submit 2", "end 1 unknown printer.failed"},
		},
		"stopped for too long": {
			bend: func(p *sheets) {
				p.says = []device.Job{job(device.JobStopped, 0)}
				p.cancel = []device.Job{job(device.JobCanceled, 0)}
			},
			want: []string{"start 1", "submit 2", "cancel", "end 1 failed printer.unknown"},
		},
		"stopped after a sheet": {
			bend: func(p *sheets) {
				p.says = []device.Job{job(device.JobStopped, 1)}
				p.cancel = []device.Job{job(device.JobCanceled, 1)}
			},
			want: []string{"start 1", "submit 2", "cancel", "end 1 unknown printer.unknown"},
		},
		"it printed before it was taken back": {
			bend: func(p *sheets) {
				p.says = []device.Job{job(device.JobUnknown, -1)}
				p.cancel = []device.Job{job(device.JobCompleted, 2)}
			},
			want: []string{"start 1", "submit 2", "cancel", "end 1 printed "},
		},
		"it is never heard of again": {
			bend: func(p *sheets) { p.says = []device.Job{job(device.JobUnknown, -1)} },
			want: []string{"start 1", "submit 2", "cancel", "end 1 unknown printer.unknown"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log []string
				q := &queue{log: &log, wake: make(chan struct{}, 1)}
				q.add(1)
				q.jobs[0].Doc = outbox.Doc{1}
				if v.kind != outbox.PrintReceipt {
					q.jobs[0].Kind = outbox.PrintCopy
				}
				roll := &printer{log: &log, media: good, health: device.Online, out: device.Printed, changes: make(chan struct{})}
				a4 := &sheets{
					log: &log, media: good, health: device.Online, says: []device.Job{job(device.JobCompleted, 2)},
				}
				if v.bend != nil {
					v.bend(a4)
				}
				w := &Worker{
					Queue: q, Wake: q.wake, Printer: roll, Paper: emptyPaper, Sheets: a4, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
					Document: func(context.Context, outbox.PrintJob) (device.Document, error) {
						return device.Document{Pages: 2}, v.doc
					},
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- w.Run(ctx) }()
				time.Sleep(5 * time.Minute)
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
				if !slices.Equal(log, v.want) {
					t.Errorf("did %q, want %q", log, v.want)
				}
				// Where it came out is what the screen says.
				where := Outcome{Doc: q.jobs[0].Doc}
				switch did := strings.Join(log, " "); {
				case v.kind == outbox.PrintReceipt, !strings.Contains(did, "start"):
					where = Outcome{}
				case strings.Contains(did, "submit"), errors.Is(v.doc, ErrGone): // it was to
					where.Place = PlaceSheets
				default:
					where.Place = PlaceRoll
				}
				if got := w.Last(); got.Doc != where.Doc || got.Place != where.Place {
					t.Errorf("Last = %+v, want %+v", got, where)
				} else if got.Why != WhyNothing && !strings.HasSuffix(log[len(log)-1], " "+string(got.Why)) {
					t.Errorf("Last says %q, and the job ended with %q", got.Why, log[len(log)-1])
				}
			})
		})
	}
}

// TestSheetsStopped: a shutdown takes the job back, and says that nobody knows.
func TestSheetsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		q := &queue{log: &log, wake: make(chan struct{}, 1)}
		q.add(1)
		q.jobs[0].Kind = outbox.PrintCopy
		a4 := &sheets{
			log: &log, media: good, health: device.Online,
			says: []device.Job{{State: device.JobProcessing}}, cancel: []device.Job{{State: device.JobCanceled, Sheets: 1}},
		}
		w := &Worker{
			Queue: q, Wake: q.wake, Sheets: a4, Log: slog.New(slog.DiscardHandler),
			Document: func(context.Context, outbox.PrintJob) (device.Document, error) { return device.Document{Pages: 2}, nil },
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if want := []string{"start 1", "submit 2", "cancel", "end 1 unknown kiosk.stopped"}; !slices.Equal(log, want) {
			t.Errorf("did %q, want %q", log, want)
		}
	})
}
