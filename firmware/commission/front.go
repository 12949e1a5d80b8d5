package commission

import (
	"context"

	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/ui/screen"
	"github.com/penjire/penjire/ui/web"
)

// Alone returns what screens show while there is no kiosk yet.
func (w *Wizard) Alone() web.Kiosk { return front{w: w} }

// Before returns what screens show of a kiosk that is enrolled: the technician's pages
// while one is at it, else the citizens'.
func (w *Wizard) Before(k *kiosk.Kiosk) web.Kiosk { return w.before(k, k) }

func (w *Wizard) before(k Kiosk, citizens web.Kiosk) web.Kiosk {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kiosk, w.enrol = k, nil
	w.again()
	if w.rec != nil && w.page != pageHelp {
		w.page = pageOwn
		w.entered()
	}
	w.changed()
	return front{w, citizens}
}

// front is a web.Kiosk that has the technician before the citizens.
type front struct {
	w        *Wizard
	citizens web.Kiosk // nil: there are none yet
}

var _ web.Kiosk = front{}

// first reports whether pages are the technician's.
func (f front) first() bool { return f.citizens == nil || f.w.Engaged() }

// Begin implements web.Kiosk.
func (f front) Begin(ctx context.Context, lang string) (string, error) {
	if f.first() {
		return f.w.Begin(lang), nil
	}
	return f.citizens.Begin(ctx, lang)
}

// Start implements web.Kiosk.
func (f front) Start(ctx context.Context) screen.View {
	if f.first() {
		return f.w.Start()
	}
	return f.citizens.Start(ctx)
}

// View implements web.Kiosk.
func (f front) View(ctx context.Context, visit string) (screen.View, error) {
	switch {
	case visit == Visit:
		return f.w.View()
	case f.first():
		return screen.View{}, web.ErrVisitOver
	}
	return f.citizens.View(ctx, visit)
}

// Do implements web.Kiosk.
func (f front) Do(ctx context.Context, visit string, a web.Action) error {
	switch {
	case visit == Visit:
		return f.w.Do(a)
	case f.first():
		return web.ErrVisitOver
	}
	return f.citizens.Do(ctx, visit, a)
}

// Changes implements web.Kiosk: the technician's and the citizens'.
func (f front) Changes(ctx context.Context) <-chan web.Change {
	own := f.w.hub.Subscribe(ctx)
	if f.citizens == nil {
		return own
	}
	theirs, out := f.citizens.Changes(ctx), make(chan web.Change)
	go func() {
		defer close(out)
		for own != nil || theirs != nil {
			var c web.Change
			var ok bool
			select {
			case c, ok = <-own:
				if !ok {
					own = nil
					continue
				}
			case c, ok = <-theirs:
				if !ok {
					theirs = nil
					continue
				}
			}
			select {
			case out <- c:
			case <-ctx.Done():
			}
		}
	}()
	return out
}
