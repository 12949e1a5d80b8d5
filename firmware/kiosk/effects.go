package kiosk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/piv"
	"github.com/penjire/penjire/firmware/clock"
	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/identity"
	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/firmware/signing"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/outbox"
)

// How long effects may take. After it they have failed, and the visit goes on.
const (
	readTime = 20 * time.Second
	signTime = 60 * time.Second
	findTime = 15 * time.Second
	// A slow stick and a long queue; what is on the stick by then is safe.
	stickTime = 10 * time.Minute
)

// facts are what session.Next may know. k.mu is held.
func (k *Kiosk) facts() session.Facts {
	return session.Facts{
		Now: k.now(), Catalogue: k.know.catalogue(), Blocked: k.blocked(),
		NoReader: k.reader == nil || k.reader.Health() == device.NoDevice, Queue: k.queue,
		Scanner: k.scannerThere(), Software: k.software,
	}
}

// blocked is the phrase key of why no binding request is taken now.
func (k *Kiosk) blocked() string {
	switch {
	case !k.clock.Binding() && k.clock.Trust() == clock.Unknown:
		return "blocked.clock"
	case !k.clock.Binding():
		return "blocked.trust"
	case k.health.Holds(health.Leaving):
		return "blocked.other"
	case k.health.Holds(health.Restored):
		return "blocked.restored"
	case k.health.Holds(health.SupplyFailing):
		return "blocked.power"
	case k.health.Holds(health.DiskFull):
		return "blocked.full"
	case k.health.Holds(health.NoKey):
		return "blocked.key"
	}
	return ""
}

// start carries an effect out, away from the visit. k.mu is held.
func (k *Kiosk) start(v *visit, eff session.Effect) {
	var limit time.Duration
	var do func(context.Context) session.Event
	switch e := eff.(type) {
	case session.Forget:
		v.opened = map[[32]byte]*opened{}
		return
	case session.ReadCard:
		limit, do = readTime, func(ctx context.Context) session.Event { return k.readCard(ctx, e) }
	case session.Submit:
		limit, do = signTime, func(ctx context.Context) session.Event { return k.submit(ctx, v, e) }
	case session.ListRequests:
		limit, do = findTime, func(ctx context.Context) session.Event { return k.list(ctx, e) }
	case session.Lookup:
		limit, do = findTime, func(ctx context.Context) session.Event { return k.lookup(ctx, e) }
	case session.OpenAnswer:
		limit, do = signTime, func(ctx context.Context) session.Event {
			ev, o := k.openAnswer(ctx, e)
			if o != nil {
				k.keepOpened(v, o)
			}
			return ev
		}
	case session.Withdraw:
		limit, do = findTime, func(ctx context.Context) session.Event { return k.withdraw(ctx, e) }
	case session.Export:
		limit, do = stickTime, func(ctx context.Context) session.Event { return k.exportForAssistant(ctx, v, e) }
	case session.Ticket:
		limit, do = signTime, func(ctx context.Context) session.Event { return k.ticketForAssistant(ctx, e) }
	case session.Setup:
		limit, do = findTime, func(context.Context) session.Event {
			if k.setup != nil {
				k.setup(e.Lang)
			}
			return nil
		}
	case session.TakeUpdate:
		limit, do = findTime, func(ctx context.Context) session.Event { return k.takeStick(ctx, e) }
	case session.LeaveUpdate:
		k.leaveStick()
		return
	case session.PrintReceipt:
		limit, do = findTime, func(ctx context.Context) session.Event { return k.printReceipt(ctx, e) }
	case session.PrintCopy:
		limit, do = findTime, func(ctx context.Context) session.Event { return k.printCopy(ctx, e.Doc) }
	default:
		return
	}
	id := v.id
	k.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(k.life, limit)
		defer cancel()
		if ev := do(ctx); ev != nil {
			k.feed(id, ev)
		}
	})
}

// keepOpened keeps an opened answer for as long as its visit lasts.
func (k *Kiosk) keepOpened(v *visit, o *opened) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.visit == v {
		v.opened[o.doc] = o
	}
}

func (k *Kiosk) readCard(ctx context.Context, e session.ReadCard) session.Event {
	if k.reader == nil {
		return session.CardRead{Job: e.Job, Problem: string(identity.Gone)}
	}
	end, err := k.talk(ctx)
	if err != nil {
		return session.CardRead{Job: e.Job, Problem: string(identity.Unreadable)}
	}
	defer end()
	t := identity.Time{Now: k.clock.Now(), Known: k.clock.Binding()}
	if !t.Known { // the machine's clock may claim any year: no good card has expired by that
		t.Now = k.clock.Signed()
	}
	h, err := identity.Read(ctx, k.reader, e.Gen, k.know.trust(), t)
	if err == nil && e.Service != nil {
		err = h.May(e.Service, t.Now)
	}
	if err != nil {
		reason := identity.Unreadable
		if ie, ok := errors.AsType[*identity.Error](err); ok {
			reason = ie.Reason
		}
		k.log.Info("a card is not accepted", "reason", string(reason))
		return session.CardRead{Job: e.Job, Problem: string(reason)}
	}
	return session.CardRead{Job: e.Job, Holder: &session.Holder{
		Gen: e.Gen, Person: h.Person, Card: h.Card(), Recipient: h.Recipient, Tries: h.Tries,
		Assistant: trust.Unit(h.Cert) == trust.UnitAssistant,
	}}
}

// talk waits until nobody else has a conversation with the card, and returns
// what ends this one. A conversation is many commands: a reading that nobody
// waits for any more must not take the answers of the next one, nor come
// between the PIN and the signature.
func (k *Kiosk) talk(ctx context.Context) (end func(), err error) {
	select {
	case k.talking <- struct{}{}:
		return sync.OnceFunc(func() { <-k.talking }), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("kiosk: wait for the card: %w", ctx.Err())
	}
}

// cardFailed says what a failed exchange with the card means for the visit.
func (k *Kiosk) cardFailed(job uint64, err error) session.Failed {
	f := session.Failed{Job: job, Why: session.Broken, Left: -1}
	pin, wrong := errors.AsType[*piv.PINError](err)
	switch {
	case wrong && pin.Blocked:
		f.Why = session.BlockedPIN
	case wrong:
		f.Why, f.Left = session.WrongPIN, pin.Left
	case errors.Is(err, piv.ErrPINForm): // it was not sent: no try is lost
		f.Why = session.WrongPIN
	case errors.Is(err, signing.ErrOtherCard):
		f.Why = session.OtherCard
	case errors.Is(err, device.ErrUnplugged):
		f.Why = session.NoReader
	case errors.Is(err, device.ErrMediaGone), errors.Is(err, device.ErrNoMedia):
		f.Why = session.CardGone
	default:
		f.Code = "card.exchange"
		k.log.Warn("an exchange with a card failed", "err", err)
	}
	return f
}

func (k *Kiosk) list(ctx context.Context, e session.ListRequests) session.Event {
	rs, err := k.box.Mine(ctx, k.owners.of(e.Holder.Person.ID))
	if err != nil {
		return k.storeFailed(e.Job, "list", err)
	}
	out := session.Listed{Job: e.Job}
	for _, r := range rs {
		out.List = append(out.List, k.request(r))
	}
	return out
}

func (k *Kiosk) lookup(ctx context.Context, e session.Lookup) session.Event {
	code, err := edoc.ParseCode(e.Code.Reveal())
	if err != nil {
		return session.Found{Job: e.Job, Fault: "track.fault.code"}
	}
	r, err := k.box.ByCode(ctx, code)
	switch {
	case errors.Is(err, outbox.ErrNotFound):
		return session.Found{Job: e.Job}
	case err != nil:
		return k.storeFailed(e.Job, "lookup", err)
	}
	q := k.request(r)
	return session.Found{Job: e.Job, Request: &q}
}

func (k *Kiosk) withdraw(ctx context.Context, e session.Withdraw) session.Event {
	err := k.box.Withdraw(ctx, e.Doc)
	if errors.Is(err, outbox.ErrSent) {
		return session.Failed{Job: e.Job, Why: session.TooLate}
	}
	if err != nil {
		return k.storeFailed(e.Job, "withdraw", err)
	}
	r, err := k.box.Get(ctx, e.Doc)
	if err != nil {
		return k.storeFailed(e.Job, "withdraw", err)
	}
	q := k.request(r)
	return session.Found{Job: e.Job, Request: &q}
}

// storeFailed is for an outbox that does not answer as it should.
func (k *Kiosk) storeFailed(job uint64, what string, err error) session.Event {
	k.log.Error("the outbox failed", "what", what, "err", err)
	return session.Failed{Job: job, Why: session.Broken, Code: "outbox." + what}
}
