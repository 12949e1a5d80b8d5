package escpos

import (
	"context"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// outstanding is how many bytes a printer that cannot be told to forget, or does
// not speak by itself, holds at most. It is less than such printers have room
// for: so their buffer never runs full, a piece is never half received when they
// stop, and no question for its status ends up inside a picture.
const outstanding = 3600

// window keeps count of what the printer has not executed. Each piece is followed
// by a question that is answered in its turn.
type window struct {
	s    *session
	sent []int // bytes of pieces whose answers are missing, oldest first
	held int   // their sum
}

// question is answered when all before it was executed.
func (w *window) question() ([]byte, replyKind) {
	if w.s.p.Status == StatusNippon {
		return []byte{0x1B, 'v'}, single
	}
	return cmdAskPaper, sensor
}

// mark follows a piece of n bytes.
func (w *window) mark(ctx context.Context, n int) error {
	q, _ := w.question()
	if err := w.s.write(ctx, stallTimeout, q); err != nil {
		return err
	}
	w.sent = append(w.sent, n)
	w.held += n
	return nil
}

// room waits until n bytes more can be given to the printer. Meanwhile it looks
// at the sensors, as await does.
func (w *window) room(ctx context.Context, n int) error {
	_, kind := w.question()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	watch := poll{s: w.s}
	begun := time.Now()
	last := begun
	for w.held > 0 && w.held+n > outstanding {
		select {
		case r := <-w.s.replies:
			if r.kind != kind {
				continue
			}
			if len(w.sent) > 0 {
				w.held -= w.sent[0]
				w.sent = w.sent[1:]
			}
			last = time.Now()
			if err := w.s.problem(); err != nil && kind == single {
				return err
			}
		case r := <-w.s.spoken:
			watch.push(r)
		case <-w.s.heard:
			if err := w.s.problem(); err != nil {
				return err
			}
		case <-look.C:
			if err := w.s.problem(); err != nil {
				return err
			}
			if err := w.look(ctx, &watch); err != nil {
				return err
			}
			if w.s.hot() && time.Since(begun) < hotTimeout {
				last = time.Now()
			}
			if time.Since(last) > stallTimeout {
				return device.ErrTimeout
			}
		case <-w.s.dead:
			return w.s.problem()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// look asks for the status in between, where that is another question.
func (w *window) look(ctx context.Context, p *poll) error {
	if w.s.dl.kind == single {
		return nil // the answers that are missing say it
	}
	return p.look(ctx)
}
