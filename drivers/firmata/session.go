package firmata

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// errNotKnown is a level that was not reported lately.
var errNotKnown = fmt.Errorf("level is not known: %w", device.ErrTimeout)

// session is the time from opening the port to losing it.
type session struct {
	b    *Board
	line link.Line
	news link.Watch // woken by every answer to a question about a pin
	edge link.Watch // woken when an input changes

	mu     sync.Mutex
	err    error // why it is over
	pins   map[byte]*pin
	heard  time.Time // when the board last said anything
	spoken bool      // it said its version

	writing chan struct{} // one token: whose bytes go out
}

// pin is one open line.
type pin struct {
	n    byte
	mode byte

	// Guarded by the session's mu.
	level gpio.Level // believed
	at    time.Time  // when it was last reported; zero: nothing is believed
	maybe gpio.Level // reported once
	asked bool       // and asked for again
	edge  int        // counts changes of level
	state int        // of an output: counts answers to the query …
	high  bool       // … the last of which said this
	typed byte       // … and this mode
	sure  bool       // of an output: it was confirmed, and the board has not started anew since
}

// run keeps the board open until Halt.
func (b *Board) run() {
	defer close(b.done)
	for b.ctx.Err() == nil {
		err := b.session()
		h := device.HardwareError
		if errors.Is(err, device.ErrUnplugged) {
			h = device.NoDevice
		}
		b.set(h, nil)
		t := time.NewTimer(b.o.Reopen)
		select {
		case <-t.C:
		case <-b.ctx.Done():
		}
		t.Stop()
	}
	b.set(device.Offline, nil)
}

func (b *Board) session() (err error) {
	line, err := b.port.Open(b.ctx)
	if err != nil {
		return err
	}
	s := &session{b: b, line: line, pins: map[byte]*pin{}, heard: time.Now(), writing: make(chan struct{}, 1)}
	stop := context.AfterFunc(b.ctx, func() { _ = line.Close() }) // ends a Read
	defer func() {
		stop()
		s.mu.Lock()
		s.err = errors.Join(err, device.ErrUnplugged)
		s.mu.Unlock()
		s.news.Wake()
		s.edge.Wake()
		err = errors.Join(err, line.Close())
	}()
	var p parser
	var asked time.Time
	buf := make([]byte, 256)
	for {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		if now := time.Now(); now.Sub(asked) >= b.o.Poll {
			asked = now
			if err := s.ask(now); err != nil {
				return err
			}
		}
		if err := line.SetReadDeadline(asked.Add(b.o.Poll)); err != nil {
			return err
		}
		n, err := line.Read(buf)
		if err != nil && !errors.Is(err, device.ErrTimeout) {
			return err
		}
		for _, x := range buf[:n] {
			if m, ok := p.feed(x); ok {
				if err := s.hear(m); err != nil {
					return err
				}
			}
		}
	}
}

// ask asks for everything that is to be known, and fails when the board has been
// silent for too long.
func (s *session) ask(now time.Time) error {
	s.mu.Lock()
	silent, spoken := now.Sub(s.heard), s.spoken
	var ports [16]bool
	for n, p := range s.pins {
		ports[n/8] = ports[n/8] || p.mode != modeOutput
	}
	s.mu.Unlock()
	if silent > s.b.o.Timeout {
		return fmt.Errorf("firmata: %v has been silent for %v: %w", s.b, silent, device.ErrTimeout)
	}
	var msg []byte
	for i, want := range ports {
		if want {
			msg = append(msg, cmdReport|byte(i), 1)
		}
	}
	if len(msg) == 0 || !spoken { // else the reports show that it lives
		msg = append(msg, cmdVersion)
	}
	return s.write(msg...)
}

func (s *session) write(msg ...byte) error {
	s.writing <- struct{}{} // held for no longer than a write may take
	defer func() { <-s.writing }()
	if err := s.line.SetWriteDeadline(time.Now().Add(s.b.o.Timeout)); err != nil {
		return err
	}
	_, err := s.line.Write(msg)
	return err
}

// hear takes one message.
func (s *session) hear(m message) error {
	s.mu.Lock()
	now := time.Now()
	again, edge, answer := false, false, false
	var setUp []byte
	switch pin, mode, high, ok := m.state(); {
	case m.kind == cmdDigital:
		s.heard = now
		for n, p := range s.pins {
			if n/8 == m.port && p.mode != modeOutput {
				was := p.edge
				again = p.report(gpio.Level(m.bits>>(n%8)&1 == 1), now) || again
				edge = edge || p.edge != was
			}
		}
	case m.kind == cmdVersion:
		s.heard, s.spoken = now, true
	case m.kind == cmdSysex && m.data[0] == sysexFirmware:
		s.heard = now
		for _, p := range s.pins {
			p.sure = false
			if p.mode != modeOutput { // who set an output sees it at the next Set
				p.at, p.asked = time.Time{}, false
				setUp = append(setUp, p.setUp()...)
			}
		}
	case ok:
		s.heard, answer = now, true
		if p := s.pins[pin]; p != nil {
			p.state, p.high, p.typed = p.state+1, high, mode
		}
	}
	spoken := s.spoken
	s.mu.Unlock()
	if spoken {
		s.b.set(device.Online, s)
	}
	if edge {
		s.edge.Wake()
	}
	if answer {
		s.news.Wake()
	}
	if again {
		setUp = append(setUp, cmdReport|m.port, 1)
	}
	if len(setUp) == 0 {
		return nil
	}
	return s.write(setUp...)
}

// report takes a reported level, and returns whether it must be asked for again
// before it is believed.
func (p *pin) report(l gpio.Level, now time.Time) bool {
	switch {
	case !p.at.IsZero() && l == p.level:
		p.at, p.asked = now, false
		return false
	case p.asked && l == p.maybe:
		p.edge++
		p.level, p.at, p.asked = l, now, false
		return false
	}
	p.maybe, p.asked = l, true
	return true
}

// take opens pin n.
func (s *session) take(n, mode byte) (*pin, error) {
	s.mu.Lock()
	if s.err != nil || s.pins[n] != nil {
		err := s.err
		if err == nil {
			err = fmt.Errorf("line is open already: %w", device.ErrBusy)
		}
		s.mu.Unlock()
		return nil, err
	}
	p := &pin{n: n, mode: mode}
	s.pins[n] = p
	s.mu.Unlock()
	if err := s.write(p.setUp()...); err != nil {
		s.drop(p)
		return nil, err
	}
	return p, nil
}

// setUp is what the board must be told of p.
func (p *pin) setUp() []byte {
	msg := []byte{cmdPinMode, p.n, p.mode}
	if p.mode != modeOutput {
		msg = append(msg, cmdReport|p.n/8, 1)
	}
	return msg
}

func (s *session) drop(p *pin) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pins[p.n] == p {
		delete(s.pins, p.n)
	}
}

// until waits until ok, which is called with s.mu held whenever w wakes.
func (s *session) until(ctx context.Context, w *link.Watch, ok func() bool) error {
	for {
		news := w.Next()
		s.mu.Lock()
		done, err := ok(), s.err
		s.mu.Unlock()
		switch {
		case err != nil:
			return err
		case done:
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", device.ErrTimeout, ctx.Err())
		}
	}
}

// believed waits until something is believed of p.
func (s *session) believed(ctx context.Context, p *pin) error {
	return s.until(ctx, &s.edge, func() bool { return !p.at.IsZero() })
}
