package commission

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/network"
	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/sync/uplink"
)

// lookEvery is how often what a page shows is looked at anew.
const lookEvery = 3 * time.Second

// Run looks at what the pages show, and before enrolment has the network joined that
// the set-up or the technician names, until ctx ends.
func (w *Wizard) Run(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.keepNetwork(ctx)
	}()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		w.look(ctx)
		select {
		case <-ctx.Done():
		case <-w.wake:
		case <-tick.C:
		}
	}
	<-done
}

// keepNetwork joins the network of the set-up while the kiosk is not enrolled, and
// anew when the technician chose another.
func (w *Wizard) keepNetwork(ctx context.Context) {
	for w.o.Networks != nil {
		tries, stop := context.WithCancel(ctx)
		over := make(chan struct{})
		w.mu.Lock()
		enrolling := w.enrol != nil
		w.mu.Unlock()
		go func() {
			defer close(over)
			if enrolling {
				w.keepOnce(tries)
			}
		}()
		select {
		case <-ctx.Done():
		case <-w.rejoin:
		}
		stop()
		<-over
		if ctx.Err() != nil {
			return
		}
	}
	<-ctx.Done()
}

// keepOnce tries the network of the set-up until it is joined.
func (w *Wizard) keepOnce(ctx context.Context) {
	w.count(jobJoin, 1)
	err := w.o.Networks.Keep(ctx, w.o.Dir, w.o.Log, func(why network.Why) {
		w.tell(why)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.seen.why, w.seen.looked = why, false
		w.changed()
	})
	w.count(jobJoin, -1)
	if err == nil {
		w.tell("")
	}
	if ctx.Err() != nil {
		return // another was chosen
	}
	if err != nil {
		w.o.Log.Warn("the network of the set-up is not joined", "err", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.joined(err)
	w.changed()
}

func (w *Wizard) tell(why network.Why) {
	if w.o.Joined != nil {
		w.o.Joined(why)
	}
}

func (w *Wizard) count(j job, by int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy[j] += by
	w.changed()
}

// look brings up to date what the page shows that is open. It is called by one
// goroutine.
func (w *Wizard) look(ctx context.Context) {
	w.mu.Lock()
	if w.rec == nil {
		w.mu.Unlock()
		return
	}
	at, p, seen, e, k := w.at(), w.page, w.seen, w.enrol, w.kiosk
	w.mu.Unlock()
	switch {
	case seen.hardware == nil && w.o.Hardware != nil:
		r, err := w.o.Hardware()
		if err != nil {
			w.o.Log.Warn("the hardware is not known", "err", err)
			return
		}
		w.note(func(s *snapshot) bool { s.hardware = &r; return true })
	case at == stepHardware:
		left := w.setupLeft()
		w.note(func(s *snapshot) bool {
			was := s.left
			s.left = left
			return was != left
		})
	case p == pageWiFi && w.o.Networks != nil:
		all, err := w.o.Networks.Networks(ctx)
		if err == nil {
			w.note(func(s *snapshot) bool { return update(&s.wifi, all) })
		}
	case at == stepNetwork && p == pageOwn && w.o.Networks != nil:
		all, err := w.o.Networks.Devices(ctx)
		nobody := errors.Is(err, network.ErrNone)
		if err == nil || nobody {
			w.note(func(s *snapshot) bool {
				was := s.nobody
				s.nobody = nobody
				return update(&s.devices, all) || was != nobody
			})
		}
	case at == stepCheck:
		w.lookWay(ctx, e, k, seen.kind)
	case at == stepTest && k != nil:
		w.lookDevices(ctx, k)
	case at == stepReady && k != nil:
		w.lookWay(ctx, e, k, seen.kind)
		w.lookDevices(ctx, k)
	}
}

func (w *Wizard) lookWay(ctx context.Context, e *enrol.Enroller, k Kiosk, kind enrol.Kind) {
	if kind == enrol.Stick {
		return
	}
	c := w.way(ctx, e, k)
	w.note(func(s *snapshot) bool {
		fresh := !s.looked || fmt.Sprint(s.check) != fmt.Sprint(c)
		s.check, s.looked = c, true
		return fresh
	})
}

// lookDevices asks the devices again: what was just plugged in is seen at once.
func (w *Wizard) lookDevices(ctx context.Context, k Kiosk) {
	t := k.SelfTest(ctx)
	w.note(func(s *snapshot) bool { return update(&s.tested, t) })
}

// note changes what is known, and has pages drawn anew if that is new.
func (w *Wizard) note(f func(*snapshot) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f(&w.seen) {
		w.Changed()
	}
}

// update makes to what was seen, and reports whether that differs.
func update[T any](to *[]T, seen []T) bool {
	same := fmt.Sprint(*to) == fmt.Sprint(seen) && (*to == nil) == (seen == nil)
	*to = seen
	return !same
}

// way looks at the way to the portal. A kiosk that is enrolled knows best itself
// whether it speaks with its portal.
func (w *Wizard) way(ctx context.Context, e *enrol.Enroller, k Kiosk) network.Check {
	var portal network.Portal
	if e != nil {
		portal = func(ctx context.Context) (time.Duration, error) {
			off, err := e.Probe(ctx)
			if err != nil && enrol.Lacks(err) == enrol.LacksTrust {
				err = fmt.Errorf("%w: %w", network.ErrImposter, err)
			}
			return off, err
		}
	}
	w.mu.Lock()
	nets := w.nets()
	w.mu.Unlock()
	if nets == nil {
		nets = (*network.Manager)(nil)
	}
	c := nets.Look(ctx, w.o.Portal, portal)
	if k == nil {
		return c
	}
	r := k.Reaches()
	for i := range c.Steps {
		s := &c.Steps[i]
		switch {
		case s.Name == network.StepPortal && r.Portal == printing.Good, s.Name == network.StepIdentity && r.Portal == printing.Good, s.Name == network.StepClock && r.Clock == printing.Good:
			s.OK = network.Yes
		case s.Name == network.StepIdentity && r.Words == uplink.CodePortalCertificate:
			s.OK = network.No
		}
	}
	return c
}

// scan has the wireless networks looked for; w.mu is held.
func (w *Wizard) scan() {
	nets := w.nets()
	if nets == nil || w.life.Err() != nil {
		return
	}
	w.jobs.Go(func() {
		if err := nets.Scan(w.life); err != nil {
			w.o.Log.Info("wireless networks are not looked for", "err", err)
		}
	})
}

// test has every device tested; w.mu is held.
func (w *Wizard) test() {
	k := w.kiosk
	if k == nil {
		return
	}
	w.begin(jobTest, func(ctx context.Context) func() {
		t := k.SelfTest(ctx)
		return func() { w.seen.tested = t }
	})
}

// print has the status ticket printed; w.mu is held. That it may be out is durable
// before it is: it does not come out twice by itself.
func (w *Wizard) print() {
	k, lang := w.kiosk, w.rec.Lang
	if k == nil {
		return
	}
	w.begin(jobPrint, func(ctx context.Context) func() {
		w.mayBeOut(true)
		t := k.PrintTicket(ctx, lang)
		if t.Outcome == kiosk.TicketNot {
			w.mayBeOut(false)
		}
		return func() { w.seen.ticket, w.seen.tested = t.Outcome, t.Devices }
	})
}

// mayBeOut keeps whether a ticket may have come out.
func (w *Wizard) mayBeOut(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rec != nil {
		w.rec.Ticket = yes
		w.save()
	}
}
