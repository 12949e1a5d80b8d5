package trust

import (
	"fmt"
	"slices"
	"time"
)

// zone is Turkmenistan's: days begin there five hours before those of UTC, all
// the year.
var zone = time.FixedZone("TMT", 5*60*60)

// holdDays is for how many working days a certificate may be suspended at most
// before it counts as cancelled (article 44 of the law).
const holdDays = 2

// Calendar says which days are working days. The zero Calendar has Saturdays
// and Sundays off.
type Calendar struct {
	Off      []time.Weekday // weekly days off; none named: Saturday and Sunday
	Holidays []string       // days off besides, YYYY-MM-DD
	Worked   []string       // days worked although they are among the above
}

// Works reports whether the day of t in Turkmenistan is a working day.
func (c Calendar) Works(t time.Time) bool {
	t = t.In(zone)
	day := t.Format(time.DateOnly)
	off := c.Off
	if len(off) == 0 {
		off = []time.Weekday{time.Saturday, time.Sunday}
	}
	return slices.Contains(c.Worked, day) || !slices.Contains(off, t.Weekday()) && !slices.Contains(c.Holidays, day)
}

// EndOf returns when a term of n working days that begins with an event at t is
// over: at the end of the n-th working day after the day of the event, as terms
// of days are counted.
func (c Calendar) EndOf(t time.Time, n int) time.Time {
	t = t.In(zone)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone)
	// A calendar of holidays alone would never end.
	for days := 0; n > 0 && days < 366; days++ {
		day = day.AddDate(0, 0, 1)
		if c.Works(day) {
			n--
		}
	}
	return day.AddDate(0, 0, 1).UTC()
}

func (c Calendar) check() error {
	for _, d := range c.Off {
		if d < time.Sunday || d > time.Saturday {
			return fmt.Errorf("weekday %d of the calendar is none", d)
		}
	}
	for _, list := range [][]string{c.Holidays, c.Worked} {
		for _, d := range list {
			if _, err := time.Parse(time.DateOnly, d); err != nil {
				return fmt.Errorf("day %q of the calendar is none", d)
			}
		}
	}
	return nil
}
