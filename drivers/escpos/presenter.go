package escpos

import (
	"context"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// away lets no one take the paper: into the bin, or where there is none, out.
func (p *Presenter) away() []byte {
	if len(p.Retract) > 0 {
		return p.Retract
	}
	return p.Eject
}

// untaken returns how much longer the paper in the output may stand there.
func (d *Dev) untaken() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shown.IsZero() {
		return d.o.Take
	}
	return d.o.Take - time.Since(d.shown)
}

// forgetRetracted: a new paper is on its way.
func (d *Dev) forgetRetracted() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.retracted = false
}

// Times of a presenter.
const (
	exitEvery = 250 * time.Millisecond // between looks whether the paper was taken
	moveTime  = 3 * time.Second        // for pulling a paper back
)

// awaitTaken waits until the paper in the output was taken, or its time is over
// and it was pulled back: two papers must not come into one hand, nor one be
// torn off by the next. The bus is held.
func (d *Dev) awaitTaken(ctx context.Context, s *session, st status) error {
	for st.waiting {
		left := d.untaken()
		if left <= 0 {
			return d.pullBack(ctx, s)
		}
		var err error
		if st, err = d.lookAgain(ctx, s, min(left, exitEvery)); err != nil {
			return err
		}
		if err := st.refuses(); err != nil {
			return err
		}
	}
	return nil
}

// pullBack pulls the paper in the output back and waits until it is gone. The
// bus is held.
func (d *Dev) pullBack(ctx context.Context, s *session) error {
	if err := s.write(ctx, stallTimeout, d.p.Presenter.away()); err != nil {
		return fmt.Errorf("pull a paper back: %w", err)
	}
	d.mu.Lock()
	d.retracted = len(d.p.Presenter.Retract) > 0
	d.mu.Unlock()
	for end := time.Now().Add(moveTime); ; {
		st, err := d.lookAgain(ctx, s, exitEvery)
		switch {
		case err != nil:
			return fmt.Errorf("pull a paper back: %w", err)
		case !st.waiting:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("pull a paper back: it stays: %w", device.ErrPaperJam)
		}
	}
}

// lookAgain waits a little and asks.
func (d *Dev) lookAgain(ctx context.Context, s *session, t time.Duration) (status, error) {
	pause(ctx, t)
	if err := ctx.Err(); err != nil {
		return status{}, err
	}
	st, err := s.ask(ctx)
	d.note(s, err)
	return st, err
}

// pause waits for t, or less when ctx ends.
func pause(ctx context.Context, t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
