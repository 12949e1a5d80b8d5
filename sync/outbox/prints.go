package outbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/penjire/penjire/sync/journal"
)

// NextPrint returns the oldest queued print job; false when there is none.
func (o *Outbox) NextPrint(ctx context.Context) (PrintJob, bool, error) {
	if err := context.Cause(ctx); err != nil {
		return PrintJob{}, false, fmt.Errorf("outbox: next print job: %w", err)
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	for _, j := range o.mem.jobs {
		if j.State == Queued {
			return j, true, nil
		}
	}
	return PrintJob{}, false, nil
}

// StartPrint makes durable that the job is about to be printed: queued becomes
// printing. Only after it may a byte go to the printer. ErrPrintState if the
// job is not queued.
func (o *Outbox) StartPrint(ctx context.Context, id uint64) error {
	return o.write(ctx, func(t *tx) error {
		j, err := t.getJob(id)
		if err != nil {
			return fmt.Errorf("outbox: start print job %d: %w", id, err)
		}
		if j.State != Queued {
			return fmt.Errorf("outbox: start print job %d, which is %v: %w", id, j.State, ErrPrintState)
		}
		_, epoch, seq, r, err := t.find(Doc(j.Doc))
		if err != nil {
			return fmt.Errorf("outbox: request of print job %d: %w", id, err)
		}
		j.State = Printing
		if err := t.putJob(id, j); err != nil {
			return err
		}
		r.setPrint(j.Kind, Printing)
		return t.update(epoch, seq, &r)
	})
}

// EndPrint makes durable how a started job ended: Printed, Unknown or Failed
// (nothing came out, for certain), and writes it to the journal. The reason is
// a stable code, empty for Printed. ErrPrintState if the job is not printing.
func (o *Outbox) EndPrint(ctx context.Context, id uint64, s PrintState, reason string) error {
	if s != Printed && s != Unknown && s != Failed {
		return fmt.Errorf("outbox: end print job %d as %v", id, s)
	}
	return o.write(ctx, func(t *tx) error { return t.endPrint(id, s, reason) })
}

func (t *tx) endPrint(id uint64, s PrintState, reason string) error {
	j, err := t.getJob(id)
	if err != nil {
		return fmt.Errorf("outbox: end print job %d: %w", id, err)
	}
	if j.State != Printing {
		return fmt.Errorf("outbox: end print job %d, which is %v: %w", id, j.State, ErrPrintState)
	}
	_, epoch, seq, r, err := t.find(Doc(j.Doc))
	if err != nil {
		return fmt.Errorf("outbox: request of print job %d: %w", id, err)
	}
	if _, err := t.append(journal.Entry{Kind: journal.Printed, Fields: journal.Fields{
		Doc: j.Doc, Job: id, Print: j.Kind, Outcome: uint8(s), Marked: j.Marked, Reason: reason,
	}}); err != nil {
		return err
	}
	if s != Failed {
		r.Copies++
	}
	if s == Failed && j.Marked {
		s = Unknown // what came out before this job still did
	}
	r.setPrint(j.Kind, s)
	if err := t.update(epoch, seq, &r); err != nil {
		return err
	}
	return t.dropJob(id)
}

// QueuePrint queues one more print of the document. Where a print of the kind
// came out or may have, only a marked one is taken: ErrMarked. Where one is
// queued and not started, that one is returned instead; while one is being
// printed none is taken: ErrPrintState.
func (o *Outbox) QueuePrint(ctx context.Context, doc Doc, kind uint8, marked bool) (PrintJob, error) {
	if kind != PrintReceipt && kind != PrintCopy {
		return PrintJob{}, fmt.Errorf("outbox: queue a print of unknown kind %d", kind)
	}
	var out PrintJob
	err := o.write(ctx, func(t *tx) error {
		_, epoch, seq, r, err := t.find(doc)
		if err != nil {
			return fmt.Errorf("outbox: queue a print: %w", err)
		}
		switch r.print(kind) {
		case Queued:
			id, j, err := t.queuedJob(doc, kind)
			if err != nil {
				return err
			}
			out = j.public(id)
			return nil
		case Printing:
			return fmt.Errorf("outbox: queue a print of request %d, which is being printed: %w", seq, ErrPrintState)
		case Printed, Unknown:
			if !marked {
				return fmt.Errorf("outbox: queue a print of request %d, %v before: %w", seq, r.print(kind), ErrMarked)
			}
		}
		if kind == PrintReceipt && r.state() == Withdrawn {
			return fmt.Errorf("outbox: queue the receipt of request %d: %w", seq, ErrWithdrawn)
		}
		j := job{Doc: doc[:], Kind: kind, Marked: marked, State: Queued}
		if out, err = t.queue(j); err != nil {
			return err
		}
		r.setPrint(kind, Queued)
		return t.update(epoch, seq, &r)
	})
	return out, err
}

func (r *request) print(kind uint8) PrintState {
	if kind == PrintCopy {
		return r.Copy
	}
	return r.Receipt
}

func (r *request) setPrint(kind uint8, s PrintState) {
	if kind == PrintCopy {
		r.Copy = s
	} else {
		r.Receipt = s
	}
}

// queue stores a new job.
func (t *tx) queue(j job) (PrintJob, error) {
	t.clean = false
	id, err := t.print.NextSequence()
	if err != nil {
		return PrintJob{}, fmt.Errorf("outbox: take a print job's id: %w", err)
	}
	if err := t.putJob(id, j); err != nil {
		return PrintJob{}, err
	}
	return j.public(id), nil
}

func (t *tx) putJob(id uint64, j job) error {
	p, err := encode(j)
	if err != nil {
		return err
	}
	if err := t.put(t.print, kindPrint, t.epoch, id, p); err != nil {
		return err
	}
	t.after = append(t.after, func(m *memory) {
		at, ok := m.job(id)
		if ok {
			m.jobs[at] = j.public(id)
			return
		}
		m.jobs = append(m.jobs, PrintJob{})
		copy(m.jobs[at+1:], m.jobs[at:])
		m.jobs[at] = j.public(id)
	})
	return nil
}

func (t *tx) dropJob(id uint64) error {
	if err := t.remove(t.print, numberKey(id)); err != nil {
		return err
	}
	t.after = append(t.after, func(m *memory) {
		if at, ok := m.job(id); ok {
			m.jobs = append(m.jobs[:at], m.jobs[at+1:]...)
		}
	})
	return nil
}

func (s *store) getJob(id uint64) (job, error) {
	b := s.print.Get(numberKey(id))
	if b == nil {
		return job{}, ErrNotFound
	}
	v, err := wholeValue(b, kindPrint, id)
	if err != nil {
		return job{}, err
	}
	return parseJob(v.payload, false)
}

// queuedJob finds the queued job of the document and kind. There are few jobs.
func (t *tx) queuedJob(doc Doc, kind uint8) (uint64, job, error) {
	c := t.print.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		id := short(k)
		j, err := t.getJob(id)
		if err != nil {
			return 0, job{}, err
		}
		if Doc(j.Doc) == doc && j.Kind == kind && j.State == Queued {
			return id, j, nil
		}
	}
	return 0, job{}, fmt.Errorf("outbox: queued print job of a request is gone: %w", ErrDamaged)
}

// dropQueued removes the queued receipt of a request that is withdrawn: no
// paper may say that it was accepted.
func (t *tx) dropQueued(r *request) error {
	if r.Receipt != Queued {
		return nil
	}
	id, _, err := t.queuedJob(Doc(r.Doc), PrintReceipt)
	if err != nil {
		return err
	}
	if r.Copies > 0 {
		r.Receipt = Unknown
	} else {
		r.Receipt = Failed
	}
	return t.dropJob(id)
}

// interrupted ends every job that the last life of the process left printing:
// nobody knows what came out.
func (t *tx) interrupted() error {
	var ids []uint64
	c := t.print.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		j, err := t.getJob(short(k))
		if err != nil {
			return err
		}
		if j.State == Printing {
			ids = append(ids, short(k))
		}
	}
	var errs []error
	for _, id := range ids {
		errs = append(errs, t.endPrint(id, Unknown, "printer.interrupted"))
	}
	return errors.Join(errs...)
}
