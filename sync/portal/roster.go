package portal

import (
	"context"
	"errors"
	"sync"
	"time"
)

// enter makes s the kiosk's session. An older one, mostly a connection that died
// unnoticed, has ended when it returns: two would disagree about the journal
// head and the items. One that reads a file is short, and is waited for. False:
// there are too many.
func (p *Portal) enter(s *session) bool {
	p.mu.Lock()
	old := p.sessions[s.kiosk]
	for old != nil && old.late != nil {
		p.mu.Unlock()
		<-old.ended
		p.mu.Lock()
		old = p.sessions[s.kiosk]
	}
	if old == nil && s.late == nil && len(p.sessions) >= p.c.Herd {
		p.mu.Unlock()
		return false
	}
	p.sessions[s.kiosk] = s
	p.mu.Unlock()
	if old != nil {
		old.cancel(errors.New("replaced by a newer session"))
		<-old.ended
	}
	return true
}

func (p *Portal) leave(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sessions[s.kiosk] == s {
		delete(p.sessions, s.kiosk)
	}
}

// Connected returns the kiosks that are connected now.
func (p *Portal) Connected() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]string, 0, len(p.sessions))
	for k, s := range p.sessions {
		if s.late == nil {
			out = append(out, k)
		}
	}
	return out
}

// notify tells a kiosk's session, if there is one, that there may be items.
func (p *Portal) notify(kiosk string) {
	p.mu.Lock()
	s := p.sessions[kiosk]
	p.mu.Unlock()
	if s != nil {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

func (p *Portal) notifyAll() {
	for _, k := range p.Connected() {
		p.notify(k)
	}
}

// closeSessions says bye to everyone and waits until they are gone.
func (p *Portal) closeSessions() {
	p.mu.Lock()
	all := make([]*session, 0, len(p.sessions))
	for _, s := range p.sessions {
		all = append(all, s)
	}
	p.mu.Unlock()
	var wg sync.WaitGroup
	for _, s := range all {
		wg.Go(func() {
			_ = s.bye(context.Background(), "", spread(len(all), p.c.Jitter))
			s.cancel(errors.New("the portal stops"))
			<-s.ended
		})
	}
	wg.Wait()
}

// later returns when a kiosk that is sent away may come back.
func (p *Portal) later(kiosk string, least time.Duration) time.Duration {
	return p.away.later(kiosk, least, p.c.Now(), p.c.Jitter)
}
