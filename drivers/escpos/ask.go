package escpos

import (
	"context"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// hot reports whether the printer waits for its head to cool.
func (s *session) hot() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known && s.last.hot
}

func (s *session) setHot(hot bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last.hot = hot
}

// settle waits until nothing has come for a while: an answer that was late may
// still come, and must not be taken for the next one's. It returns how many
// answers of GS r came meanwhile.
func (s *session) settle(ctx context.Context, quiet time.Duration) (sensors int, err error) {
	end := time.NewTimer(replyTimeout + quiet)
	defer end.Stop()
	t := time.NewTimer(quiet)
	defer t.Stop()
	for {
		select {
		case r := <-s.replies:
			if r.kind == sensor {
				sensors++
			}
			t.Reset(quiet)
		case <-s.spoken:
			t.Reset(quiet)
		case <-t.C:
			return sensors, nil
		case <-end.C:
			return sensors, device.ErrProtocol // it talks without end
		case <-s.dead:
			return sensors, s.problem()
		case <-ctx.Done():
			return sensors, ctx.Err()
		}
	}
}

// How long a late answer is waited for.
const (
	quietStatus = 100 * time.Millisecond
	quietSensor = 400 * time.Millisecond
)

// ask asks for the status. Real-time questions are answered even when the
// printer is offline or its buffer is full.
func (s *session) ask(ctx context.Context) (status, error) {
	if s.shaky {
		if _, err := s.settle(ctx, quietStatus); err != nil {
			return status{}, err
		}
		s.shaky = false
	}
	s.drain()
	answers := make([][]byte, len(s.dl.asks))
	for i, q := range s.dl.asks {
		if err := s.write(ctx, replyTimeout, q); err != nil && !paperTrouble(err) {
			return status{}, fmt.Errorf("ask for status: %w", err)
		}
		r, err := s.wait(ctx, replyTimeout, s.dl.kind)
		if err != nil {
			s.shaky = true
			return status{}, fmt.Errorf("ask for status: %w", err)
		}
		answers[i] = r
	}
	st := s.dl.read(answers)
	s.mu.Lock()
	s.last, s.known = st, true
	s.mu.Unlock()
	return st, nil
}
