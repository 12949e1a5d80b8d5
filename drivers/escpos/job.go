package escpos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// job is one picture on its way to paper; without a picture it only cuts.
type job struct {
	d    *Dev
	s    *session
	bits []byte
	rows int
}

// run prints, cuts and waits until the printer says that it has.
func (j *job) run(ctx context.Context) (device.Outcome, error) {
	st, err := j.s.ask(ctx)
	j.d.note(j.s, err)
	if err != nil {
		return device.NotPrinted, err
	}
	if err := st.problem(); err != nil {
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
		j.s.mu.Lock()
		j.s.ready = true
		j.s.mu.Unlock()
		j.d.scrap = false
		return device.Printed, nil
	}
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
	b := bytes.Join([][]byte{cmdInit, cmdNoKanji, cmdNoPulse, cmdStatusOn}, nil)
	if j.d.scrap && j.rows > 0 {
		b = append(b, cmdCut...)
	}
	if err := s.write(ctx, stallTimeout, b); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	return nil
}

// send sends the picture, band by band, and the cut. It stops between bands
// when the printer reports trouble. sent says whether anything of the picture,
// or the cut, may have gone out.
func (j *job) send(ctx context.Context) (sent bool, err error) {
	stride := j.s.stride
	for y := 0; y < j.rows; y += bandRows {
		if err := j.s.problem(); err != nil {
			return sent, fmt.Errorf("row %d of %d: %w", y, j.rows, err)
		}
		if err := ctx.Err(); err != nil {
			return sent, fmt.Errorf("row %d of %d: %w", y, j.rows, err)
		}
		sent = true
		b := band(j.bits[y*stride:min(y+bandRows, j.rows)*stride], stride)
		if err := j.s.write(ctx, stallTimeout, b); err != nil {
			return sent, fmt.Errorf("row %d of %d: %w", y, j.rows, err)
		}
	}
	if err := j.s.write(ctx, stallTimeout, cmdCut); err != nil {
		return true, fmt.Errorf("cut: %w", err)
	}
	return true, nil
}

// lookEvery is how often a printer that has all of a job is asked how it is.
const lookEvery = 500 * time.Millisecond

// confirm asks for a sign that all before it was executed, and waits for it.
// Meanwhile it looks at the sensors: printers that do not report trouble by
// themselves are asked.
func (j *job) confirm(ctx context.Context) error {
	s := j.s
	id := s.nextID()
	s.drain()
	if err := s.write(ctx, stallTimeout, append(tagJob(id), cmdAskPaper...)); err != nil {
		return fmt.Errorf("ask for the end: %w", err)
	}
	mm := 25.4 / float64(j.d.o.DPI) * float64(j.rows)
	limit := time.NewTimer(j.d.o.Confirm + time.Duration(mm/slowest*float64(time.Second)))
	defer limit.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var watch poll
	for {
		select {
		case r := <-s.replies:
			switch {
			case r.kind == processID && bytes.Equal(r.data, id[:]):
				return nil
			case r.kind == sensor && !s.knowsID():
				return nil
			case r.kind == realTime:
				watch.push(r.data[0])
			}
		case <-s.heard:
			if err := s.problem(); err != nil {
				return fmt.Errorf("wait for the end: %w", err)
			}
		case <-look.C:
			if err := s.problem(); err != nil {
				return fmt.Errorf("wait for the end: %w", err)
			}
			if err := watch.problem(); err != nil {
				return fmt.Errorf("wait for the end: %w", err)
			}
			if err := watch.ask(ctx, s); err != nil {
				return fmt.Errorf("wait for the end: %w", err)
			}
		case <-limit.C:
			return fmt.Errorf("wait for the end: %w", device.ErrTimeout)
		case <-s.dead:
			return fmt.Errorf("wait for the end: %w", s.problem())
		case <-ctx.Done():
			return fmt.Errorf("wait for the end: %w", ctx.Err())
		}
	}
}

func (s *session) knowsID() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hasID
}

// poll asks DLE EOT 1 to 4 while a job is under way. The picture itself may
// hold bytes that a printer takes for such a question, and answers; so a round
// counts only if it has exactly four answers, and a problem only if two rounds
// in a row show it.
type poll struct {
	got  []byte
	seen error
}

func (p *poll) push(b byte) { p.got = append(p.got, b) }

func (p *poll) ask(ctx context.Context, s *session) error {
	p.got = p.got[:0]
	var b []byte
	for n := range byte(4) {
		b = append(b, askStatus(n+1)...)
	}
	if err := s.write(ctx, stallTimeout, b); err != nil && !paperTrouble(err) {
		return err
	}
	return nil
}

// problem judges the round that has ended.
func (p *poll) problem() error {
	if len(p.got) != 4 {
		return nil
	}
	now := fromRealTime([4]byte(p.got)).problem()
	if now != nil && p.seen != nil {
		return now
	}
	p.seen = now
	return nil
}
