package kiosk

import (
	"context"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/ui/screen"
	"github.com/penjire/penjire/ui/web"
)

// lookEvery is how often it looks, besides whenever something says that it changed.
const lookEvery = time.Second

// wake has watch look at once.
func (k *Kiosk) wake() {
	select {
	case k.woken <- struct{}{}:
	default:
	}
}

// watch keeps what the footer, the start page and the state page say true, and
// puts steps of the clock into the journal, until ctx ends.
func (k *Kiosk) watch(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var paper, reader <-chan struct{}
	if k.printer != nil {
		paper = k.printer.Changes(ctx)
	}
	if r, ok := k.reader.(device.Watcher); ok {
		reader = r.Changes(ctx)
	}
	var scanner <-chan struct{}
	if k.scanner != nil {
		scanner = k.scanner.Changes(ctx)
	}
	box := k.box.Changes()
	for {
		k.lookOnce(ctx)
		k.refresh(ctx)
		k.forgetCodes(ctx)
		k.beat.Store(int64(time.Since(k.started)))
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-k.woken:
		case <-box:
		case _, ok := <-paper:
			if !ok {
				paper = nil
			}
		case _, ok := <-reader:
			if !ok {
				reader = nil
			}
		case _, ok := <-scanner:
			if !ok {
				scanner = nil
			}
		}
	}
}

// lookOnce looks once at everything and says what is new.
func (k *Kiosk) lookOnce(ctx context.Context) {
	d := screen.Devices{
		Printer: k.lookPrinter(ctx), Reader: k.lookReader(), Net: k.lookPortal(), Clock: k.lookClock(ctx),
	}
	q := k.lookOutbox(ctx)
	d.Unsent, d.Days, d.Overdue = q.Count, q.Days, q.Overdue
	if why := k.up.Status().Waits; why != "" {
		d.Waits, d.Until, d.Today = why, q.Until, q.Today
	}
	notice, software := k.health.Notice(), k.lookUpdate(k.clock.Now())
	k.mu.Lock()
	scans := k.scannerThere()
	changed := d != k.devices || notice != k.notice || q != k.queue || scans != k.scans || software != k.software
	k.devices, k.notice, k.queue, k.scans, k.software = d, notice, q, scans, software
	k.shine()
	k.mu.Unlock()
	if changed {
		k.hub.Tell(web.Change{Devices: d})
	}
}

// set says whether a condition holds, and logs what is new.
func (k *Kiosk) set(c *health.Condition, holds bool) {
	if k.health.Set(c, holds, k.clock.Now()) {
		k.log.Info("condition", "code", c.Code, "holds", holds)
	}
}

// takeTime is how long a paper may stand in the output before it is said that
// nobody takes it: whoever it is for is reading the screen.
const takeTime = 15 * time.Second

// mirrorGrace is how long a mirror may be away or behind before anybody is told:
// after a start it is looked at first.
const mirrorGrace = 15 * time.Second

// refresh tells the visit how the requests it shows stand now.
func (k *Kiosk) refresh(ctx context.Context) {
	k.mu.Lock()
	v := k.visit
	if v == nil {
		k.mu.Unlock()
		return
	}
	id, s := v.id, v.state
	k.mu.Unlock()
	for _, q := range []*session.Request{s.Done, s.Request} {
		if q == nil {
			continue
		}
		r, err := k.box.Get(ctx, q.Doc)
		if err != nil {
			continue // withdrawn and gone, or the outbox is closing
		}
		n := k.request(r)
		n.QR = q.QR
		if n.Code == "" {
			n.Code = q.Code
		}
		if !same(n, *q) {
			k.feed(id, session.Updated{Request: n})
		}
		if a := s.Answer; a != nil && a.Doc == q.Doc {
			if c := k.copyState(r).(session.CopyPaper); c.State != a.Paper || c.Why != a.Why || c.Copies != a.Copies {
				k.feed(id, c)
			}
		}
	}
}

// same reports whether a page shows both alike.
func same(a, b session.Request) bool {
	return a.Stage == b.Stage && a.Receipt == b.Receipt && a.Why == b.Why && a.Answer == b.Answer &&
		a.Withdraw == b.Withdraw && a.Overdue == b.Overdue && len(a.Steps) == len(b.Steps)
}
