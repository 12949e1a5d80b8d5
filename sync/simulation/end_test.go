package simulation

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
)

// finish ends all faults: then everything must arrive, be decided, answered and
// known at the kiosk.
func (s *sim) finish() {
	s.calm = true
	s.c.skew = 0
	s.say("everybody: FROM HERE ON NOTHING GOES WRONG ANY MORE")
	s.allRoomy()
	for _, m := range s.machines {
		m.noLine, m.skew = false, 0
		m.fetchMirror()
		if m.conn != nil {
			m.conn.cut()
		}
		if m.life != nil {
			m.life.fuse.light(0, nil)
		}
	}
	if s.c.life == nil {
		s.c.boot()
	}
	l := s.c.life
	l.fuse.light(0, nil)
	l.led.full.Store(false)
	l.led.unsure.Store(0)
	l.led.busy.Store(0)
	l.led.slow.Store(0)
	l.led.free.Store(true)
	select {
	case l.led.turns <- struct{}{}:
	default:
	}
	for _, m := range s.machines {
		if m.life == nil {
			m.boot()
		}
	}
	r := s.rand(-1)
	why := ""
	for round := range 400 {
		s.step = s.plan.steps + round
		s.carryAll(r)
		for range 3 - round { // agencies are slow, and answers take us long
			if !s.answer(r) {
				break
			}
		}
		for _, m := range s.machines {
			for m.printing != nil || len(s.docs) > 0 && s.printOn(m, r) {
				if !s.print(r) {
					break
				}
			}
			if m.renewed {
				s.restartOne(m)
			}
		}
		s.settle()
		s.check()
		if why = s.unfinished(); why == "" && round >= 4 {
			break
		}
		for range 1 + round/8 { // a line that nothing is wrong with is quicker than any patience
			s.wait(20 * time.Second)
			s.carryAll(r)
		}
	}
	if why != "" {
		s.broken("NothingStuck", "%s", why)
	}
	s.check()
	s.checkEnd()
}

// carryAll brings on what is under way, and what comes of it.
func (s *sim) carryAll(r *rand.Rand) {
	for range 200 {
		if !s.carry(r) {
			return
		}
	}
}

// printOn says whether the machine has something to print.
func (s *sim) printOn(m *machine, _ any) bool {
	if m.life == nil {
		return false
	}
	_, ok, err := m.life.box.NextPrint(context.Background())
	s.must(err)
	return ok && !s.cloned
}

// unfinished says what is not done yet; "" if everything is.
func (s *sim) unfinished() string {
	ctx := context.Background()
	v := s.see()
	for _, k := range v.records {
		if k.State == ledger.Received {
			return "the portal has not decided everything"
		}
	}
	for _, m := range s.machines {
		o := m.life.box
		if st := o.Stats(ctx); st.Unsent > st.Lost { // what no copy has whole, nobody can send
			return m.name + ": not everything was sent"
		}
		if m.renewed {
			return m.name + ": its outbox is not renewed"
		}
		m.store.mu.Lock()
		bundle, cat := m.store.trust.Version, m.store.catalogue
		m.store.mu.Unlock()
		if want := s.c.life.p.Trust().Version; bundle != want {
			return m.name + ": it does not have the newest trust bundle"
		}
		if want := s.c.life.p.Catalogue().Version; cat != want {
			return m.name + ": it does not have the newest catalogue"
		}
		for _, d := range s.docs {
			if !d.held[m] || !d.told || d.withdrawn || d.excused != "" {
				continue
			}
			if why := s.unknown(m, d, v); why != "" {
				return why
			}
		}
	}
	return ""
}

// unknown says what a kiosk does not know of a request yet.
func (s *sim) unknown(m *machine, d *doc, v *view) string {
	ctx := context.Background()
	rq, ok := v.requests[d.doc]
	if reason := v.refused[d.doc]; !ok && reason != "" && (d.bad || s.clockOff) {
		rq, ok = request{state: ledger.Refused}, true
		s.once("state: a request is refused for " + reason)
	}
	if !ok {
		if d.atRisk && !v.holds(d) {
			return "" // the portal has lost it with what came after its backup, and says so
		}
		return d.String() + " is not registered"
	}
	if d.messy {
		return ""
	}
	r, err := m.life.box.Get(ctx, d.doc)
	if err != nil {
		return d.String() + " cannot be read at " + m.name
	}
	want := map[ledger.State]outbox.State{
		ledger.Registered: outbox.Registered, ledger.Answered: outbox.Answered, ledger.Refused: outbox.Refused, ledger.Returned: outbox.Returned,
	}[rq.state]
	if r.State != want {
		return d.String() + " is " + r.State.String() + " at " + m.name + ", and " + string(rq.state) + " at the portal"
	}
	if rq.packet == nil {
		return ""
	}
	it, err := m.life.box.Item(ctx, d.doc)
	if err != nil || !bytes.Equal(it.Bytes, rq.packet) {
		return "the answer to " + d.String() + " is not at " + m.name
	}
	seen := map[outbox.State]bool{}
	for _, st := range r.Steps {
		if seen[st.State] {
			s.broken("AnswerReachesKioskOnce", "%s became %s twice at %s", d, st.State, m.name)
		}
		seen[st.State] = true
	}
	return ""
}

// checkEnd looks at everything once, when all is done.
func (s *sim) checkEnd() {
	ctx := context.Background()
	for _, m := range s.machines {
		err := m.life.box.Check(ctx)
		if (m.restored || m.tampered) && m.life.box.Stats(ctx).Lost > 0 {
			continue // what no copy had whole is said to be gone
		}
		if err != nil {
			s.broken("KioskIsWhole", "%s: %v", m.name, err)
		}
	}
	if err := s.c.life.db.Check(ctx); err != nil {
		s.broken("PortalIsWhole", "%v", err)
	}
	if s.wantAlarm != "" && !s.restored {
		for code := range s.everAlarms {
			if strings.HasPrefix(code, s.wantAlarm) {
				return
			}
		}
		s.broken("TamperingIsNoticed", "no alarm %s", s.wantAlarm)
	}
}
