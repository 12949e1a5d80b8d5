package ipp

import (
	"context"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// run looks at the printer until Halt: gently, and more often while a job of ours
// is under way there.
func (d *Dev) run() {
	defer close(d.done)
	for d.ctx.Err() == nil {
		d.glance()
		busy := d.follow()
		busy = d.cancelOrphans() || busy
		wait := d.o.Poll
		if busy {
			wait = d.o.Job
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-d.nudge:
		case <-d.ctx.Done():
		}
		t.Stop()
	}
	d.mu.Lock()
	d.health, d.last = device.Offline, nil
	d.mu.Unlock()
	d.watch.Wake()
}

// glance looks at the printer once. One that owes the answer for longer than
// Quiet is not called good any more, though the answer may still come.
func (d *Dev) glance() {
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = d.look(d.ctx, stateAttributes) // it notes the error
	}()
	t := time.NewTimer(d.o.Quiet)
	defer t.Stop()
	select {
	case <-answered:
	case <-t.C:
		d.note(nil, device.ErrTimeout)
		<-answered
	}
}

// follow asks for the jobs of ours that have not ended, and reports whether there
// are any.
func (d *Dev) follow() bool {
	busy := false
	for _, id := range d.open() {
		j, err := d.job(d.ctx, id)
		d.mu.Lock()
		mine := d.jobs[id]
		news := err == nil && mine != nil && !same(mine.seen, j)
		if news {
			mine.seen = j
		}
		if err == nil && mine != nil {
			mine.ended = ended(j.State)
		}
		d.mu.Unlock()
		if news {
			d.watch.Wake()
		}
		busy = busy || err != nil || !ended(j.State)
	}
	return busy
}

// open returns the jobs that have not ended as far as is known.
func (d *Dev) open() []device.JobID {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []device.JobID
	for _, id := range d.recent {
		if !d.jobs[id].ended {
			out = append(out, id)
		}
	}
	return out
}

// within bounds ctx by t and by the life of d.
func (d *Dev) within(ctx context.Context, t time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeoutCause(ctx, t, device.ErrTimeout)
	stop := context.AfterFunc(d.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}
