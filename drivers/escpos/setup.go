package escpos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// clear makes the printer forget what it has received and not printed. Without
// this the rest of a failed job comes out when the cover is closed again, into
// the hands of whoever stands there. It waits for the printer to say that it has:
// over a network much of the job may still be on its way, and the command comes
// behind it.
func (s *session) clear() error {
	if s.p.NoClear {
		return nil
	}
	ctx := context.Background() // also after the caller's has ended
	s.drain()
	if err := s.force(cmdClear); err != nil {
		return fmt.Errorf("clear buffers: %w", err)
	}
	patience := replyTimeout
	if s.clears {
		patience = stallTimeout
	}
	_, err := s.wait(ctx, patience, cleared)
	switch {
	case err == nil:
		s.clears = true
	case !errors.Is(err, device.ErrTimeout):
		return fmt.Errorf("clear buffers: %w", err)
	case s.clears:
		// It has answered before. Nobody knows what is on its way: the line is opened
		// anew, and what waits in it is thrown away where that can be done.
		return fmt.Errorf("clear buffers: %w", errors.Join(err, s.line.Flush(), s.line.Close()))
	}
	return nil
}

// force writes b whether or not the printer has troubles. Where the line is
// stuck, what waits in it is thrown away first.
func (s *session) force(b []byte) error {
	try := func() error {
		if err := s.line.SetWriteDeadline(time.Now().Add(replyTimeout)); err != nil {
			return err
		}
		_, err := s.line.Write(b)
		return err
	}
	err := try()
	if errors.Is(err, device.ErrTimeout) {
		if err = s.line.Flush(); err == nil {
			err = try()
		}
	}
	return err
}

// setUp brings a printer in an unknown state, perhaps in the middle of a
// picture that a killed driver began, to a known one.
func (s *session) setUp(ctx context.Context) error {
	if err := s.clear(); err != nil {
		return err
	}
	if s.dl.kind == single {
		// The question takes its turn: inside a picture it would be dots.
		if err := s.write(ctx, stallTimeout, s.blank()); err != nil {
			return err
		}
	}
	st, err := s.ask(ctx)
	if err != nil {
		return err
	}
	if st.refuses() != nil {
		return nil // it executes nothing now; a job sets it up
	}
	return s.prepare(ctx)
}

// blank ends a picture that was left unfinished, as white rows; between commands
// it means nothing.
func (s *session) blank() []byte { return make([]byte, bandRows*s.stride) }

// prepare sends what every job begins with.
func (s *session) prepare(ctx context.Context) error {
	b := append(s.blank(), s.opening()...)
	if err := s.write(ctx, stallTimeout, b); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	return s.probe(ctx)
}

// opening is what every job begins with. Where the end of a job has no number,
// the printer must not talk by itself: a part of what it says, hurt on its way,
// looks like that end.
func (s *session) opening() []byte {
	b := append(bytes.Clone(cmdInit), cmdNoKanji...)
	switch s.p.Status {
	case StatusEpson:
		b = append(b, cmdNoPulse...)
	case StatusNippon:
		b = append(b, cmdDrop...)
	}
	if s.knowsID() {
		return append(b, s.dl.on...)
	}
	return append(b, s.dl.off...)
}

// probe waits until all was executed, and finds out whether the printer knows
// GS ( H.
func (s *session) probe(ctx context.Context) error {
	if s.p.Confirm == ConfirmJob {
		_, err := s.ask(ctx) // answered in its turn
		if err == nil {
			s.setReady()
		}
		return err
	}
	if err := s.probeOnce(ctx); err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	if s.owed && !s.knowsID() {
		// That may have been the answer to an older question. Once more, and then
		// nothing may follow: the printer has now executed all it had.
		if err := s.probeOnce(ctx); err != nil {
			return fmt.Errorf("probe: %w", err)
		}
		if _, err := s.settle(ctx, quietSensor); err != nil {
			return fmt.Errorf("probe: %w", err)
		}
	}
	s.owed = false
	s.setReady()
	return nil
}

func (s *session) setReady() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = true
}

func (s *session) probeOnce(ctx context.Context) error {
	var b []byte
	if s.p.Confirm == ConfirmID {
		b = tagJob(s.nextID())
	}
	s.drain()
	if err := s.write(ctx, stallTimeout, append(b, cmdAskPaper...)); err != nil {
		return err
	}
	t := time.NewTimer(probeTimeout)
	defer t.Stop()
	for {
		select {
		case r := <-s.replies:
			switch r.kind {
			case processID:
				s.mu.Lock()
				s.hasID = true
				s.mu.Unlock()
			case sensor:
				return nil
			}
		case <-t.C:
			return device.ErrTimeout
		case <-s.dead:
			return s.problem()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
