package trust

import (
	"errors"
	"time"
)

func (c Calendar) wire() *wireDays {
	if len(c.Off)+len(c.Holidays)+len(c.Worked) == 0 {
		return nil
	}
	w := &wireDays{Holidays: c.Holidays, Worked: c.Worked}
	for _, d := range c.Off {
		w.Off = append(w.Off, uint8(d)) //nolint:gosec // a weekday; check refuses others
	}
	return w
}

func (w *wireDays) read() (Calendar, error) {
	if w == nil {
		return Calendar{}, nil
	}
	c := Calendar{Holidays: w.Holidays, Worked: w.Worked}
	for _, d := range w.Off {
		c.Off = append(c.Off, time.Weekday(d))
	}
	return c, c.check()
}

func (h Hold) wire() wireHold {
	w := wireHold{h.Centre[:], h.Serial, h.From.Unix(), 0, h.Order}
	if !h.Until.IsZero() {
		w.Until = h.Until.Unix()
	}
	return w
}

func (w wireHold) read() (Hold, error) {
	h := Hold{Serial: w.Serial, From: time.Unix(w.From, 0).UTC(), Order: w.Order}
	if w.Until != 0 {
		h.Until = time.Unix(w.Until, 0).UTC()
	}
	switch {
	case len(w.Centre) != len(h.Centre):
		return h, errors.New("its centre is not named by 32 bytes")
	case len(w.Serial) == 0 || w.Serial[0] == 0:
		return h, errors.New("its serial number is not in its one form")
	case !h.Until.IsZero() && !h.Until.After(h.From):
		return h, errors.New("it ends before it begins")
	}
	copy(h.Centre[:], w.Centre)
	return h, nil
}
