package lamp

import (
	"errors"
	"time"

	"periph.io/x/conn/v3/gpio"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/gpioline"
)

// wire is a light's line.
type wire struct {
	light Light
	out   gpioline.Output // nil: not open
	set   gpio.Level      // what it was set to last: remembered, as it cannot be read
	at    time.Time       // when
	retry time.Time       // when to try to open it again
	err   error           // why it is not open
}

// run makes the lights shine until Halt.
func (d *Dev) run() {
	defer close(d.done)
	wires := make([]*wire, len(d.o.Lights))
	for i, l := range d.o.Lights {
		wires[i] = &wire{light: l}
	}
	for d.ctx.Err() == nil {
		news := d.news.Next()
		hold := refresh
		for _, w := range wires {
			hold = min(hold, d.step(w))
		}
		d.judge(wires)
		t := time.NewTimer(max(hold, time.Millisecond))
		select {
		case <-t.C:
		case <-news:
		case <-d.ctx.Done():
		}
		t.Stop()
	}
	for _, w := range wires {
		if w.out != nil {
			// Best effort: a line that is gone is dark already.
			_ = errors.Join(w.out.Set(w.light.level(false)), w.out.Close())
		}
	}
	d.say(device.Offline)
}

// step makes one light shine as it should now, and returns for how long at most it
// does.
func (d *Dev) step(w *wire) time.Duration {
	now := time.Now()
	d.mu.Lock()
	on, hold := d.on(w.light.Name, d.want[w.light.Name], now)
	d.mu.Unlock()
	l := w.light.level(on)
	switch {
	case w.out == nil && now.Before(w.retry):
		return min(hold, w.retry.Sub(now))
	case w.out == nil:
		w.out, w.err = d.src.Output(d.ctx, w.light.Line, l)
	case l != w.set || now.Sub(w.at) >= refresh:
		w.err = w.out.Set(l)
	default:
		return min(hold, refresh-now.Sub(w.at))
	}
	if w.err != nil {
		if w.out != nil {
			_ = w.out.Close() // it failed already
		}
		w.out, w.retry = nil, now.Add(d.o.Reopen)
		return min(hold, d.o.Reopen)
	}
	w.set, w.at = l, now
	return hold
}

// judge says how the lights are: as the worst of them is.
func (d *Dev) judge(wires []*wire) {
	h := device.Online
	for _, w := range wires {
		switch {
		case errors.Is(w.err, device.ErrUnplugged):
			h = device.NoDevice
		case w.err != nil && h == device.Online:
			h = device.HardwareError
		}
	}
	d.say(h)
}

func (d *Dev) say(h device.Health) {
	d.mu.Lock()
	changed := d.health != h
	d.health = h
	d.mu.Unlock()
	if changed {
		d.watch.Wake()
	}
}
