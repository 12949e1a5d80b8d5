package ipp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// settle finds out what became of a document whose sending failed with cause. id
// is 0 where the printer has not told it; whole says whether the document went
// out to its end. The document is never sent again:
//   - the printer has all of it: that is a success after all;
//   - it has a part, and confirms that the job ended before a sheet was out: no
//     side effect;
//   - anything else is unknown, and what the printer may still hold of it is
//     canceled as soon as it can be: who waited for it may have left.
func (d *Dev) settle(ctx context.Context, o order, id device.JobID, whole bool, cause error) (device.JobID, device.SideEffect, error) {
	unknown := func() (device.JobID, device.SideEffect, error) {
		d.abandon(o.name, id)
		return 0, device.SideEffectUnknown, cause
	}
	if ctx.Err() != nil || d.ctx.Err() != nil {
		return unknown()
	}
	ctx, cancel := d.within(ctx, d.o.Answer)
	defer cancel()
	var refused *statusError
	whole = whole && !errors.As(cause, &refused)
	canceled := false
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		j, err := d.seek(ctx, o.name, id)
		switch {
		case errors.Is(err, device.ErrNoJob) && id != 0:
			return unknown() // forgotten, with what may have been printed of it
		case err != nil && !errors.Is(err, device.ErrNoJob):
			if errors.Is(err, device.ErrUnplugged) && !errors.Is(err, errCut) {
				cause = fmt.Errorf("%w, and then: %w", cause, err)
				return unknown()
			}
		case err != nil: // on no list, perhaps not yet
		case j.State == device.JobCompleted && !whole:
			return 0, device.SideEffectYes, cause
		case ended(j.State) && j.State != device.JobCompleted && j.Sheets == 0:
			return 0, device.SideEffectNo, cause
		case ended(j.State) && j.State != device.JobCompleted:
			return unknown()
		case whole && !j.incoming() && !canceled:
			d.remember(j.ID, o.name)
			return j.ID, 0, nil
		case !canceled:
			id = j.ID
			canceled = d.cancelListed(ctx, id) == nil // what became of it is seen next
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return unknown()
		}
	}
}

// seek asks for the job, by its id if that is known.
func (d *Dev) seek(ctx context.Context, name string, id device.JobID) (listed, error) {
	if id == 0 {
		return d.search(ctx, name)
	}
	j, err := d.getJob(ctx, id)
	if err == nil && j.name != name {
		return listed{}, device.ErrNoJob
	}
	return j, err
}

// orphan is a job that nobody waits for any more.
type orphan struct {
	name  string
	id    device.JobID // 0: not known
	since time.Time
}

// How many orphans are looked for, and for how long.
const (
	maxOrphans = 16
	orphanTime = 15 * time.Minute
)

// abandon has run cancel the job.
func (d *Dev) abandon(name string, id device.JobID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.orphans) == maxOrphans {
		d.orphans = d.orphans[1:]
	}
	d.orphans = append(d.orphans, orphan{name, id, time.Now()})
	d.wakeRun()
}

// cancelOrphans cancels what was abandoned, and reports whether some is left.
func (d *Dev) cancelOrphans() bool {
	d.mu.Lock()
	all := d.orphans
	d.orphans = nil
	d.mu.Unlock()
	var left []orphan
	for _, o := range all {
		j, err := d.seek(d.ctx, o.name, o.id)
		if err == nil && !ended(j.State) {
			o.id = j.ID
			err = d.cancelListed(d.ctx, j.ID)
		}
		if err != nil && !errors.Is(err, device.ErrNoJob) && time.Since(o.since) < orphanTime {
			left = append(left, o)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.orphans = append(left, d.orphans...)
	return len(d.orphans) > 0
}
