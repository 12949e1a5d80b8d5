package kiosk

import (
	"context"
	"crypto/rand"
	"net/url"
	"time"

	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/ui/form"
	"github.com/penjire/penjire/ui/screen"
	"github.com/penjire/penjire/ui/web"
)

// visit is one citizen's visit. Everything in it is gone when it ends.
type visit struct {
	id     string
	state  session.State
	opened map[[32]byte]*opened // answers read in this visit, for their copies
	signed *signed              // a request of which it is not known whether it is stored; k.mu
	read   bool                 // a card was read in it: what is in the reader is not the next visitor's
	timer  *time.Timer          // idle time
	late   *time.Timer
	armed  armed
	unscan context.CancelFunc // switches the code scanner off; nil: it is off
}

// armed says for what the timers of a visit run.
type armed struct {
	page screen.Name
	idle screen.Idle
}

const (
	endedFor = 6 * time.Second  // how long «nothing remains» is shown
	lateCard = 10 * time.Second // until a card left behind is called
)

// Begin implements web.Kiosk.
func (k *Kiosk) Begin(_ context.Context, lang string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.endVisit()
	card := k.card
	if card == k.spent {
		card = 0 // someone's card was left here: it is not the next one's
	}
	k.visits++
	v := &visit{id: rand.Text(), state: session.Begin(lang, card), opened: map[[32]byte]*opened{}}
	k.visit = v
	k.arm(v, true)
	return v.id, nil
}

// endVisit drops the visit. k.mu is held.
func (k *Kiosk) endVisit() {
	v := k.visit
	if v == nil {
		return
	}
	if v.read {
		k.spent = v.state.Card.In
	}
	v.stop()
	if v.unscan != nil {
		v.unscan()
	}
	k.visit = nil
	v.state, v.opened, v.signed = session.State{}, nil, nil
	k.shine()
	k.hub.Tell(web.Change{Visit: v.id, Reload: true, Devices: k.devices})
}

func (v *visit) stop() {
	for _, t := range []*time.Timer{v.timer, v.late} {
		if t != nil {
			t.Stop()
		}
	}
}

// Start implements web.Kiosk.
func (k *Kiosk) Start(context.Context) screen.View {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.withdrawOffer()
	return screen.View{
		Screen: screen.Start, Lang: "tk", Devices: k.devices,
		Start: &screen.StartView{Unprinted: len(k.interrupted) > 0, Notice: k.health.Notice(), Waiting: k.waitingDays(), Developer: k.developer, Stick: k.stickNotice()},
	}
}

// stickNotice says whether a stick with new software is in. k.mu is held.
func (k *Kiosk) stickNotice() string {
	switch k.software.State {
	case screen.UpdateOffered, screen.UpdateRefused:
		return k.software.State
	}
	return ""
}

// waitingDays is for how many days a request has waited for longer than it should;
// 0: none has. k.mu is held.
func (k *Kiosk) waitingDays() int {
	if !k.queue.Overdue {
		return 0
	}
	return max(1, k.queue.Days)
}

// View implements web.Kiosk.
func (k *Kiosk) View(_ context.Context, id string) (screen.View, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v := k.visit
	if v == nil || v.id != id {
		return screen.View{}, web.ErrVisitOver
	}
	out := v.state.View(k.facts(), k.idle)
	out.Visit, out.Devices = v.id, k.devices
	return out, nil
}

// Do implements web.Kiosk.
func (k *Kiosk) Do(_ context.Context, id string, a web.Action) error {
	if id == "" {
		if a.Name == "reprint" {
			k.reprintInterrupted()
		}
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	v := k.visit
	if v == nil || v.id != id {
		return web.ErrVisitOver
	}
	if v.state.Ended() { // «begin again»
		k.endVisit()
		return web.ErrVisitOver
	}
	act, ok := v.act(a)
	if !ok {
		return nil
	}
	k.apply(v, act)
	return nil
}

// act turns what the page sent into what it means here; false: nothing.
func (v *visit) act(a web.Action) (session.Act, bool) {
	act := session.Act{Name: a.Name}
	get := func(name string) citizen.Text { return citizen.NewText(a.Values.Get(name)) }
	switch a.Name {
	case "lang", "size", "theme", "help":
		act.Arg = a.Values.Get(a.Name)
		act.Text = v.typed(a.Values)
	case "choose":
		act.Arg = a.Values.Get("service")
	case "change":
		act.Arg = a.Values.Get("name")
	case "open":
		act.Arg = a.Values.Get("ref")
	case "pin":
		act.Text = get("pin")
	case "track":
		act.Text = get("code")
	case "answer":
		if form.For(a.Values) != v.state.Apply.Row {
			return act, false // of a page that was shown before
		}
		act.Text = v.typed(a.Values)
	}
	return act, true
}

// typed returns what stands in the page's field.
func (v *visit) typed(values url.Values) citizen.Text {
	switch v.state.Page {
	case screen.Question:
		svc := v.state.Apply.Service
		if row, ok := svc.Row(form.For(values)); ok && row.Name == v.state.Apply.Row {
			return citizen.NewText(form.Read(row, values))
		}
	case screen.Track:
		return citizen.NewText(values.Get("code"))
	}
	return citizen.Text{}
}

// feed gives an event to the visit id, if it is still there.
func (k *Kiosk) feed(id string, e session.Event) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if v := k.visit; v != nil && v.id == id {
		k.apply(v, e)
	}
}

// apply moves the visit on. k.mu is held.
func (k *Kiosk) apply(v *visit, e session.Event) {
	before := v.state
	next, effects := session.Next(before, e, k.facts())
	v.state = next
	if c, ok := e.(session.CardRead); ok && c.Holder != nil {
		v.read = true
	}
	if v.read && (next.Page == screen.TakeCard || next.Ended()) {
		k.spent, v.read = before.Card.In, false // what comes into the reader from here on is the next visitor's
	}
	if next.Page == screen.TakeCard && before.Page != screen.TakeCard || next.Ended() && !before.Ended() {
		k.giveBack()
	}
	for _, eff := range effects {
		k.start(v, eff)
	}
	k.aim(v)
	hand := false
	switch e.(type) {
	case session.Act, session.Scanned: // a paper was held there
		hand = true
	}
	k.arm(v, hand)
	k.shine()
	k.hub.Tell(web.Change{Visit: v.id, Reload: true, Devices: k.devices})
}

// arm sets the timers of the page that is shown. The server keeps the time: a
// page cannot forget it. A hand begins it anew, news from elsewhere do not.
func (k *Kiosk) arm(v *visit, hand bool) {
	now := armed{v.state.Shown(), v.state.Idle(k.idle)}
	if !hand && now == v.armed {
		return
	}
	v.armed = now
	v.stop()
	v.late = nil
	later := func(d time.Duration, e session.Event) *time.Timer {
		return time.AfterFunc(d, func() { k.feed(v.id, e) })
	}
	switch {
	case v.state.Ended():
		v.timer = time.AfterFunc(min(endedFor, k.idle.End), func() {
			k.mu.Lock()
			defer k.mu.Unlock()
			if k.visit == v {
				k.endVisit()
			}
		})
	case v.state.Page == screen.TakeCard:
		v.timer = later(now.idle.End, session.IdleEnd{})
		v.late = later(lateCard, session.CardLeft{})
	case v.state.Over == screen.Away:
		v.timer = later(now.idle.End, session.IdleEnd{})
	case now.idle.Warn > 0:
		v.timer = later(now.idle.Warn, session.IdleWarn{})
	}
}

// Changes implements web.Kiosk.
func (k *Kiosk) Changes(ctx context.Context) <-chan web.Change { return k.hub.Subscribe(ctx) }
