package outbox

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/penjire/penjire/sync/journal"
)

// A print job is a state of its request (outbox.md, section 4): the request says
// which job of which paper is open and how far it is. Memory knows the open ones
// by their ids.

// NextPrint returns the oldest queued print job; false when there is none.
func (o *Outbox) NextPrint(ctx context.Context) (PrintJob, bool, error) {
	for {
		if err := context.Cause(ctx); err != nil {
			return PrintJob{}, false, fmt.Errorf("outbox: next print job: %w", err)
		}
		p, epoch, seq, ok := o.nextOpen()
		if !ok {
			return PrintJob{}, false, nil
		}
		var r request
		err := o.view(ctx, func(b *bolt.Tx) error {
			s, err := newStore(b, o.epoch())
			if err == nil {
				r, err = s.getRequest(epoch, seq)
			}
			return err
		})
		if err != nil {
			return PrintJob{}, false, err
		}
		if *r.job(p.kind) == p.id && r.print(p.kind) == Queued {
			return r.openJob(p.kind), true, nil
		} // else it went on meanwhile
	}
}

// nextOpen returns the oldest print job that is queued, and where its request is.
func (o *Outbox) nextOpen() (p openPrint, epoch Epoch, seq uint64, ok bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	for _, p := range o.mem.jobs {
		if p.state == Queued {
			epoch, seq = o.mem.key(p.slot)
			return p, epoch, seq, true
		}
	}
	return p, epoch, 0, false
}

// StartPrint makes durable that the job is about to be printed: queued becomes
// printing. Only after it may a byte go to the printer. ErrPrintState if the
// job is not queued.
func (o *Outbox) StartPrint(ctx context.Context, id uint64) error {
	return o.write(ctx, func(t *tx) error {
		p, err := t.open(id)
		if err != nil {
			return fmt.Errorf("outbox: start print job %d: %w", id, err)
		}
		if s := p.r.print(p.kind); s != Queued {
			return fmt.Errorf("outbox: start print job %d, which is %v: %w", id, s, ErrPrintState)
		}
		p.r.setPrint(p.kind, Printing)
		return t.update(p.epoch, p.seq, &p.r)
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
	p, err := t.open(id)
	if err != nil {
		return fmt.Errorf("outbox: end print job %d: %w", id, err)
	}
	j := p.r.openJob(p.kind)
	if j.State != Printing {
		return fmt.Errorf("outbox: end print job %d, which is %v: %w", id, j.State, ErrPrintState)
	}
	if _, err := t.append(journal.Entry{Kind: journal.Printed, Fields: journal.Fields{
		Doc: j.Doc[:], Job: id, Print: j.Kind, Outcome: uint8(s), Marked: j.Marked, Reason: reason,
	}}); err != nil {
		return err
	}
	if s != Failed {
		p.r.Copies++
	}
	if s == Failed && j.Marked {
		s = Unknown // what came out before this job still did
	}
	return t.endJob(p, s)
}

// endJob stores that a print is not open any more.
func (t *tx) endJob(p printOf, s PrintState) error {
	id := *p.r.job(p.kind)
	p.r.setPrint(p.kind, s)
	if err := t.update(p.epoch, p.seq, &p.r); err != nil {
		return err
	}
	t.after = append(t.after, func(m *memory) { m.dropJob(id) })
	return nil
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
			out = r.openJob(kind)
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
		if err := t.queue(&r, kind, marked); err != nil {
			return err
		}
		out = r.openJob(kind)
		return t.update(epoch, seq, &r)
	})
	return out, err
}

func (s PrintState) open() bool { return s == Queued || s == Printing }

func (r *request) print(kind uint8) PrintState {
	if kind == PrintCopy {
		return r.Copy
	}
	return r.Receipt
}

// job is the id of the paper's open job.
func (r *request) job(kind uint8) *uint64 {
	if kind == PrintCopy {
		return &r.CopyJob
	}
	return &r.ReceiptJob
}

// openJob is the paper's open job.
func (r *request) openJob(kind uint8) PrintJob {
	return PrintJob{ID: *r.job(kind), Doc: Doc(r.Doc), Kind: kind, Marked: r.Marked&kind != 0, State: r.print(kind)}
}

// setPrint is how far the paper is now; a job that is not open is forgotten.
func (r *request) setPrint(kind uint8, s PrintState) {
	if kind == PrintCopy {
		r.Copy = s
	} else {
		r.Receipt = s
	}
	if !s.open() {
		*r.job(kind) = 0
		r.Marked &^= kind
	}
}

// queue gives the request a new job; it is stored with the request. The ids are
// counted by the bucket of the journal, which tells of them.
func (t *tx) queue(r *request, kind uint8, marked bool) error {
	t.clean = false
	id, err := t.journal.NextSequence()
	if err != nil {
		return fmt.Errorf("outbox: take a print job's id: %w", err)
	}
	*r.job(kind) = id
	if marked {
		r.Marked |= kind
	}
	r.setPrint(kind, Queued)
	return nil
}

// printOf is an open print and its request.
type printOf struct {
	kind  uint8
	epoch Epoch
	seq   uint64
	r     request
}

// open returns the open print job, or ErrNotFound.
func (t *tx) open(id uint64) (printOf, error) {
	at, ok := t.o.mem.job(id)
	if !ok {
		return printOf{}, ErrNotFound
	}
	p := printOf{kind: t.o.mem.jobs[at].kind}
	p.epoch, p.seq = t.o.mem.key(t.o.mem.jobs[at].slot)
	var err error
	if p.r, err = t.getRequest(p.epoch, p.seq); err != nil {
		return printOf{}, err
	}
	if *p.r.job(p.kind) != id {
		return printOf{}, ErrNotFound // it ended in this very transaction
	}
	return p, nil
}

// dropQueued ends the queued receipt of a request that is withdrawn: no paper may
// say that it was accepted. The request is not stored here.
func (t *tx) dropQueued(r *request) {
	if r.Receipt != Queued {
		return
	}
	id := r.ReceiptJob
	if r.Copies > 0 {
		r.setPrint(PrintReceipt, Unknown)
	} else {
		r.setPrint(PrintReceipt, Failed)
	}
	t.after = append(t.after, func(m *memory) { m.dropJob(id) })
}

// interrupted ends every job that the last life of the process left printing:
// nobody knows what came out.
func (t *tx) interrupted() error {
	var errs []error
	for _, p := range t.o.mem.jobs {
		if p.state == Printing {
			errs = append(errs, t.endPrint(p.id, Unknown, "printer.interrupted"))
		}
	}
	return errors.Join(errs...)
}
