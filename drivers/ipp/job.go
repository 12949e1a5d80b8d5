package ipp

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/OpenPrinting/goipp"

	"github.com/penjire/penjire/drivers/device"
)

// job is a job of ours.
type job struct {
	name  string     // that no other job has
	seen  device.Job // what watchers were told last
	ended bool
}

// maxJobs is how many jobs are remembered. A kiosk follows one at a time.
const maxJobs = 256

// remember notes that the printer has given id to the job of that name.
func (d *Dev) remember(id device.JobID, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.recent = slices.DeleteFunc(d.recent, func(r device.JobID) bool { return r == id })
	if len(d.recent) == maxJobs {
		delete(d.jobs, d.recent[0])
		d.recent = d.recent[1:]
	}
	d.jobs[id], d.recent = &job{name: name}, append(d.recent, id)
	d.wakeRun()
}

// wakeRun has run look at once.
func (d *Dev) wakeRun() {
	select {
	case d.nudge <- struct{}{}:
	default:
	}
}

// jobStates are the values of job-state (RFC 8011, 5.3.7).
var jobStates = map[int]device.JobState{
	3: device.JobPending,
	4: device.JobPending, // pending-held: it waits for its document
	5: device.JobProcessing,
	6: device.JobStopped,
	7: device.JobCanceled,
	8: device.JobAborted,
	9: device.JobCompleted,
}

// ended reports whether a job in state s changes no more.
func ended(s device.JobState) bool {
	return s == device.JobCanceled || s == device.JobAborted || s == device.JobCompleted || s == device.JobUnknown
}

func same(a, b device.Job) bool {
	return a.State == b.State && a.Sheets == b.Sheets && slices.Equal(a.Reasons, b.Reasons)
}

// Job implements device.DocumentPrinter. A printer that does not answer gives
// JobUnknown and an error; one that answers and does not know the job gives
// JobUnknown without.
func (d *Dev) Job(ctx context.Context, id device.JobID) (device.Job, error) {
	j, err := d.job(ctx, id)
	return j, d.failed(fmt.Sprintf("ask for job %d", id), device.SideEffectNo, err)
}

func (d *Dev) job(ctx context.Context, id device.JobID) (device.Job, error) {
	unknown := device.Job{ID: id, State: device.JobUnknown, Sheets: -1}
	d.mu.Lock()
	mine, ok := d.jobs[id]
	d.mu.Unlock()
	if d.ctx.Err() != nil {
		return unknown, device.ErrHalted
	}
	if !ok {
		return unknown, nil
	}
	found, err := d.getJob(ctx, id)
	switch {
	case errors.Is(err, device.ErrNoJob), err == nil && found.name != mine.name:
		// Without power it forgot its jobs, and counts anew.
		return unknown, nil
	case err != nil:
		return unknown, err
	}
	if !ended(found.State) {
		d.mu.Lock()
		if d.last != nil {
			found.Reasons = append(found.Reasons, d.last.reasons...)
		}
		d.mu.Unlock()
	}
	found.Reasons = slices.DeleteFunc(found.Reasons, func(s string) bool { return s == "none" })
	slices.Sort(found.Reasons)
	found.Reasons = slices.Compact(found.Reasons)
	return found.Job, nil
}

// listed is a job as the printer lists it.
type listed struct {
	device.Job
	name string
	docs int // that it has; -1: it does not say
}

var jobAttributes = []string{
	"job-id", "job-name", "job-state", "job-state-reasons", "job-media-sheets-completed", "job-impressions-completed", "number-of-documents",
}

func (d *Dev) getJob(ctx context.Context, id device.JobID) (listed, error) {
	m, err := d.ask(ctx, opJob, func(m *message) {
		m.add("job-id", goipp.TagInteger, goipp.Integer(id))
		m.keywords("requested-attributes", jobAttributes...)
	})
	if err != nil {
		return listed{}, err
	}
	j, err := readJob(m.Job)
	if err == nil && j.ID != id {
		err = fmt.Errorf("answer is of job %d, not of %d: %w", j.ID, id, device.ErrProtocol)
	}
	return j, err
}

// withErrors is the reason of a job that is complete and did not come out as it should.
const withErrors = "job-completed-with-errors"

// readJob reads a job's attributes.
func readJob(a goipp.Attributes) (listed, error) {
	j := listed{Job: device.Job{
		ID: device.JobID(number(a, "job-id", 0)), State: jobStates[number(a, "job-state", 0)],
		Sheets: number(a, "job-media-sheets-completed", number(a, "job-impressions-completed", -1)), Reasons: words(a, "job-state-reasons"),
	}, docs: number(a, "number-of-documents", -1)}
	if n := words(a, "job-name"); len(n) == 1 {
		j.name = n[0]
	}
	if j.State == device.JobCompleted && slices.Contains(j.Reasons, withErrors) {
		j.State = device.JobAborted // the word says that it has ended, and no more (RFC 8011, 5.3.8)
	}
	if j.ID < 1 || j.State == "" {
		return listed{}, fmt.Errorf("job has id %d and state %q: %w", j.ID, j.State, device.ErrProtocol)
	}
	return j, nil
}

// search looks for the job of that name among those under way and those that
// have ended. It returns ErrNoJob when both lists came and it is on neither.
func (d *Dev) search(ctx context.Context, name string) (listed, error) {
	for _, which := range []string{"not-completed", "completed"} {
		m, err := d.ask(ctx, opJobs, func(m *message) {
			m.add("which-jobs", goipp.TagKeyword, goipp.String(which))
			m.add("my-jobs", goipp.TagBoolean, goipp.Boolean(true))
			m.keywords("requested-attributes", jobAttributes...)
		})
		if err != nil {
			return listed{}, err
		}
		for _, g := range m.Groups {
			if g.Tag != goipp.TagJobGroup {
				continue
			}
			if j, err := readJob(g.Attrs); err == nil && j.name == name {
				return j, nil
			}
		}
	}
	return listed{}, device.ErrNoJob
}

// Cancel implements device.DocumentPrinter.
func (d *Dev) Cancel(ctx context.Context, id device.JobID) error {
	return d.failed(fmt.Sprintf("cancel job %d", id), device.SideEffectNo, d.cancelJob(ctx, id))
}

func (d *Dev) cancelJob(ctx context.Context, id device.JobID) error {
	j, err := d.job(ctx, id) // never the job of another with the same number
	if err != nil {
		return err
	}
	if j.State == device.JobUnknown {
		return device.ErrNoJob
	}
	return d.cancelListed(ctx, id)
}

// cancelListed cancels the job that the printer knows as id. One that has ended is
// left as it is.
func (d *Dev) cancelListed(ctx context.Context, id device.JobID) error {
	_, err := d.ask(ctx, opCancel, func(m *message) { m.add("job-id", goipp.TagInteger, goipp.Integer(id)) })
	var s *statusError
	if errors.As(err, &s) && s.status == goipp.StatusErrorNotPossible {
		j, jerr := d.getJob(ctx, id)
		if jerr == nil && ended(j.State) {
			return nil
		}
	}
	return err
}

// incoming reports whether the printer still waits for the job's document.
func (j listed) incoming() bool {
	return j.docs == 0 || slices.Contains(j.Reasons, "job-incoming") || slices.Contains(j.Reasons, "job-data-insufficient")
}
