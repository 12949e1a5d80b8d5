package escpos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// job is one sheet on its way to paper; an empty one only cuts.
type job struct {
	d *Dev
	s *session
	sheet
	id [4]byte
}

// run prints, cuts and waits until the printer says that it has.
func (j *job) run(ctx context.Context) (device.Outcome, error) {
	st, err := j.s.ask(ctx)
	j.d.note(j.s, err)
	if err != nil {
		return device.NotPrinted, err
	}
	if err := st.refuses(); err != nil {
		return device.NotPrinted, err
	}
	if err := j.d.awaitTaken(ctx, j.s, st); err != nil {
		return device.NotPrinted, err
	}
	if err := j.begin(ctx); err != nil {
		return device.NotPrinted, err
	}
	j.s.mu.Lock()
	j.s.ready = false // until the end is confirmed
	j.s.mu.Unlock()
	sent, err := j.send(ctx)
	if err == nil {
		err = j.confirm(ctx)
	}
	if err == nil {
		j.s.setReady()
		j.d.scrap = false
		return device.Printed, nil
	}
	j.s.owed = true
	// What the printer still holds of this job must not come out later.
	if cerr := j.s.clear(); cerr != nil && !errors.Is(err, device.ErrUnplugged) {
		err = errors.Join(err, cerr)
	}
	if !sent {
		return device.NotPrinted, err
	}
	j.d.scrap = true
	return device.PrintUnknown, err
}

// begin brings the printer to a known state, and cuts off what a failed job
// left hanging: it may hold someone's data.
func (j *job) begin(ctx context.Context) error {
	s := j.s
	s.mu.Lock()
	ready := s.ready
	s.mu.Unlock()
	if !ready {
		if err := s.prepare(ctx); err != nil {
			return err
		}
	}
	j.id = s.nextID()
	b := s.opening()
	if j.d.scrap && j.rows > 0 {
		b = append(b, j.d.p.scrap()...)
	}
	if s.p.Confirm == ConfirmJob {
		b = append(append(b, cmdOpen...), j.id[:]...)
	}
	if err := s.write(ctx, stallTimeout, b); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	j.d.forgetRetracted()
	return nil
}

// scrap cuts off what nobody should see, and lets no presenter show it.
func (p Profile) scrap() []byte {
	if p.Presenter == nil {
		return p.Cut
	}
	return append(bytes.Clone(p.Cut), p.Presenter.away()...)
}

// last cuts off what was printed, and has a presenter show it.
func (p Profile) last() []byte {
	if p.Presenter == nil {
		return p.Cut
	}
	return append(bytes.Clone(p.Cut), p.Presenter.Present...)
}

// send sends the sheet, piece by piece, and the cut. It stops between pieces
// when the printer reports trouble. sent says whether anything of the sheet,
// or the cut, may have gone out.
func (j *job) send(ctx context.Context) (sent bool, err error) {
	cut := j.d.p.last()
	if j.rows == 0 {
		cut = j.d.p.scrap()
	}
	// A printer that says nothing by itself must not be blocked by its own buffer:
	// then it could not be asked either.
	little := j.d.p.NoClear || !j.s.knowsID()
	w := window{s: j.s}
	n := len(j.pieces)
	for i, b := range append(j.pieces[:n:n], cut) {
		if err = j.s.problem(); err == nil {
			err = ctx.Err()
		}
		if err == nil && little {
			err = w.room(ctx, len(b))
		}
		if err == nil {
			sent = true
			err = j.s.write(ctx, stallTimeout, b)
		}
		if err == nil && little {
			err = w.mark(ctx, len(b))
		}
		if err != nil {
			return sent, fmt.Errorf("piece %d of %d: %w", i+1, n+1, err)
		}
	}
	return true, w.room(ctx, outstanding)
}

// lookEvery is how often a printer that has all of a job is asked how it is.
const lookEvery = 500 * time.Millisecond

// question asks for a sign that all before it was executed.
func (j *job) question() []byte {
	switch j.s.p.Confirm {
	case ConfirmJob:
		return cmdShut
	case ConfirmID:
		return append(tagJob(j.id), cmdAskPaper...)
	}
	return cmdAskPaper
}

// answered reports whether r is that sign; err says what kept the job from
// being printed.
func (j *job) answered(r reply) (done bool, err error) {
	switch r.kind {
	case processID:
		return bytes.Equal(r.data, j.id[:]), nil
	case jobEnd:
		if !bytes.Equal(r.data[:4], j.id[:]) {
			return false, nil
		}
		if err = fromSingle(r.data[4]).problem(); err == nil && r.data[4] != 0 {
			err = fmt.Errorf("result %02X: %w", r.data[4], device.ErrProtocol)
		}
		return err == nil, err
	case sensor:
		return j.s.p.Confirm != ConfirmJob && !j.s.knowsID(), nil
	}
	return false, nil
}

// confirm asks for the sign and waits for it. Meanwhile it looks at the
// sensors: printers that do not report trouble by themselves are asked.
//
// An answer of GS r names no job. It is believed if no second one follows: else
// one of them was an older question's, or noise, and the question is put anew.
func (j *job) confirm(ctx context.Context) error {
	for range maxDoubts {
		if err := j.await(ctx); err != nil {
			return fmt.Errorf("wait for the end: %w", err)
		}
		if j.s.p.Confirm == ConfirmJob || j.s.knowsID() {
			return nil
		}
		more, err := j.s.settle(ctx, quietSensor)
		if err != nil {
			return fmt.Errorf("wait for the end: %w", err)
		}
		if more == 0 {
			return nil
		}
	}
	return fmt.Errorf("wait for the end: too many answers: %w", device.ErrProtocol)
}

// maxDoubts bounds how often the end of a job is asked for.
const maxDoubts = 4

func (j *job) await(ctx context.Context) error {
	s := j.s
	s.drain()
	if err := s.write(ctx, stallTimeout, j.question()); err != nil {
		return err
	}
	mm := 25.4 / float64(j.d.p.DPI) * float64(j.rows)
	limit := time.NewTimer(j.d.o.Confirm + time.Duration(mm/slowest*float64(time.Second)))
	defer limit.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	begun := time.Now()
	watch := poll{s: s}
	for {
		select {
		case r := <-s.replies:
			if done, err := j.answered(r); done || err != nil {
				return err
			}
		case r := <-s.spoken:
			watch.push(r)
		case <-s.heard:
			// Where a job has an end, the end says how it went.
			if err := s.problem(); err != nil && s.p.Confirm != ConfirmJob {
				return err
			}
		case <-look.C:
			if err := s.problem(); err != nil && s.p.Confirm != ConfirmJob {
				return err
			}
			if err := watch.look(ctx); err != nil {
				return err
			}
		case <-limit.C:
			if s.hot() && time.Since(begun) < hotTimeout {
				limit.Reset(j.d.o.Confirm)
				continue
			}
			return device.ErrTimeout
		case <-s.dead:
			return s.problem()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *session) knowsID() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hasID
}
