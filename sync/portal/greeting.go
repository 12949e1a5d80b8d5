package portal

import (
	"context"
	"errors"
	"time"
)

// greetersOfOne is how many connections that are not sessions yet one kiosk may
// have: one, and those that died unnoticed. One kiosk cannot keep others out.
const greetersOfOne = 4

// errNoHello ends the wait for hello.
var errNoHello = errors.New("no hello in time")

// greeted makes the connection a session. One that says nothing costs memory
// and a file of the system: it may do so for Config.Greeting, and there is a limit
// to how many do.
func (s *session) greeted(ctx context.Context) error {
	if !s.p.greeter(s.kiosk) {
		return s.bye(ctx, "busy", s.p.later(s.kiosk, time.Minute))
	}
	defer s.p.greeterLeaves(s.kiosk)
	// Not by the context of Receive: some carriers could then say no bye.
	late := time.AfterFunc(s.p.c.Greeting, func() {
		s.cancel(errors.Join(s.bye(ctx, "hello.expected", 0), errNoHello))
	})
	defer late.Stop()
	f, err := s.conn.Receive(ctx)
	if err != nil {
		return err
	}
	late.Stop()
	return s.greet(ctx, f)
}

// greeter counts a connection that is no session yet. False: there are too many.
func (p *Portal) greeter(kiosk string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.greeters >= p.c.Greeters || p.greeting[kiosk] >= greetersOfOne {
		return false
	}
	p.greeters++
	p.greeting[kiosk]++
	return true
}

func (p *Portal) greeterLeaves(kiosk string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.greeters--
	if p.greeting[kiosk]--; p.greeting[kiosk] == 0 {
		delete(p.greeting, kiosk)
	}
}
