package commission

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/sync/stick"
)

// withStick does f with the memory stick that is mounted; w.mu is held.
func (w *Wizard) withStick(f func(context.Context, *stick.Folder) (note, error)) {
	w.seen.stick = note{}
	w.begin(jobStick, func(ctx context.Context) func() {
		dir, err := stick.OpenFolder(w.o.Stick, w.o.Dir)
		var n note
		if err == nil {
			n, err = f(ctx, dir)
		}
		if err != nil {
			n = note{say: stickWhy(err)}
			w.o.Log.Warn("the memory stick", "why", n.say, "err", err)
		}
		return func() { w.seen.stick = n }
	})
}

// stickWhy says why something with a stick failed, as first.note. has it.
func stickWhy(err error) string {
	for _, c := range []struct {
		is  error
		say string
	}{
		{stick.ErrNoStick, "stick.none"},
		{stick.ErrNoFolder, "stick.none"},
		{stick.ErrFull, "stick.full"},
		{stick.ErrGone, "stick.gone"},
		{stick.ErrReadOnly, "stick.read-only"},
		{enrol.ErrNoAnswer, "stick.no-answer"},
	} {
		if errors.Is(err, c.is) {
			return c.say
		}
	}
	return "other"
}

// export writes the request for certificates; w.mu is held.
func (w *Wizard) export() {
	e := w.enrol
	if e == nil {
		return
	}
	if e.Setup().Code.IsZero() {
		w.page = pageCode // the request is proved with it
		return
	}
	w.withStick(func(ctx context.Context, dir *stick.Folder) (note, error) {
		file, err := e.Export(ctx, dir)
		return note{"stick.asked", true, []any{filepath.Base(file)}}, err
	})
}

// take reads the portal's answer; w.mu is held.
func (w *Wizard) take() {
	e := w.enrol
	if e == nil {
		return
	}
	w.withStick(func(ctx context.Context, dir *stick.Folder) (note, error) {
		err := e.Import(ctx, dir)
		switch {
		case errors.Is(err, enrol.ErrNoAnswer):
			return note{}, err
		case err != nil && enrol.Lacks(err) != enrol.LacksRoom:
			w.o.Log.Warn("the portal's answer is not taken", "err", err)
			return note{say: "stick.wrong"}, nil
		}
		return note{"stick.taken", true, nil}, err
	})
}

// report writes the report of the hardware; w.mu is held.
func (w *Wizard) report() {
	r := w.seen.hardware
	if r == nil {
		return
	}
	name := "penjire-hardware-" + r.Machine.Matched.Board + ".json"
	w.withStick(func(ctx context.Context, dir *stick.Folder) (note, error) {
		for n := 2; dir.Has(name) && n < 100; n++ { // another machine's
			name = fmt.Sprintf("penjire-hardware-%s-%d.json", r.Machine.Matched.Board, n)
		}
		return note{"report.written", true, []any{name}}, dir.Put(ctx, name, [][]byte{r.Marshal()})
	})
}

// setupLeft reports whether the set-up of this kiosk is on the stick: one that could
// not be wiped there has a one-time code, and a person has to see to it.
func (w *Wizard) setupLeft() bool {
	b, err := enrol.ReadFile(filepath.Join(w.o.Stick, enrol.SetupFile))
	if err != nil {
		return false
	}
	s, err := enrol.ParseSetup(b)
	return err == nil && s.Kiosk == w.o.Number
}
