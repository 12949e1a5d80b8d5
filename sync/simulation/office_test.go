package simulation

import (
	"context"
	"math/rand/v2"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
)

// decide lets the portal look at what it has not decided.
func (s *sim) decide(*rand.Rand) bool {
	if !s.up() {
		return false
	}
	select {
	case s.c.life.led.turns <- struct{}{}:
	default:
		return false
	}
	s.say("portal: it looks at what is undecided")
	return true
}

// answer has an agency answer one of the requests that it has.
func (s *sim) answer(r *rand.Rand) bool {
	if !s.up() || s.plan.faults["slow agency"] && !s.calm {
		return false
	}
	v := s.see()
	var open []*doc
	for _, d := range s.docs {
		if v.requests[d.doc].state == ledger.Registered {
			open = append(open, d)
		}
	}
	if len(open) == 0 {
		return false
	}
	d := open[r.IntN(len(open))]
	draft := portal.AnswerDraft{Decision: ledger.Answered, By: "officer"}
	switch r.IntN(4) {
	case 0:
		draft.Decision, draft.Text = ledger.Refused, citizen.NewText("no")
	case 1:
		draft.Decision, draft.Text = ledger.Returned, citizen.NewText("correct it")
	}
	p := s.c.life.p
	service, _ := p.Catalogue().Service(d.service)
	if draft.Decision == ledger.Answered {
		draft.Facts = facts(service)
		if len(draft.Facts) == 0 {
			draft.Text = citizen.NewText("yes")
		}
	}
	var err error
	done := s.try(func() { _, err = p.Answer(context.Background(), service.Agency, d.doc, draft) })
	switch {
	case !done:
		s.say("agency: it answers %s, and waits for the portal", d)
	case err != nil:
		s.say("agency: it answers %s; the portal cannot keep it", d)
		if !excusable(err) {
			s.broken("PortalWorks", "answer %s: %v", d, err)
		}
	default:
		s.say("agency: it answers %s: %s", d, draft.Decision)
		if draft.Decision == ledger.Returned {
			s.correct(d)
		}
	}
	return true
}

// correct has the citizen bring the corrected paper, in time.
func (s *sim) correct(d *doc) {
	for i, p := range s.w.pool {
		if p.corrects >= 0 && s.w.pool[p.corrects] == d.paper {
			s.next = append(s.next, i)
		}
	}
}

func facts(service *catalog.Service) []portal.Fact {
	var out []portal.Fact
	for _, f := range service.Result.Facts {
		out = append(out, portal.Fact{Name: f.Name, Value: citizen.NewText("nusga")})
	}
	return out
}

// update publishes a newer trust bundle, or restarts the portal with a newer
// catalogue.
func (s *sim) update(r *rand.Rand) bool {
	if !s.up() {
		return false
	}
	if r.IntN(2) == 0 && s.c.bundle+1 < len(s.w.bundles) {
		var err error
		s.c.bundle++
		p := s.c.life.p
		b := s.w.bundles[s.c.bundle]
		if done := s.try(func() { err = p.PublishTrust(context.Background(), b) }); done && err != nil && !s.clockOff && !excusable(err) {
			s.broken("PortalWorks", "publish a bundle: %v", err)
		}
		s.say("portal: it publishes a new trust bundle")
		return true
	}
	if s.c.catalogue+1 < len(s.w.catalogues) {
		s.c.catalogue++
		s.say("portal: it is restarted with a new catalogue")
		s.c.stop()
		s.c.boot()
		return true
	}
	return false
}
