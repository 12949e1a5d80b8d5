package catalog

import (
	"slices"
	"time"
)

// Due returns the last day on which the answer to a request made at that time
// is in its term: s.TermDays working days later. Saturdays, Sundays and the
// catalogue's holidays are not working days; the day of the request does not
// count. A catalogue that lists no holidays counts every weekday.
func (c *Catalogue) Due(s *Service, made time.Time) time.Time {
	y, m, d := made.Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, made.Location())
	for n := 0; n < s.TermDays; {
		day = day.AddDate(0, 0, 1)
		if c.working(day) {
			n++
		}
	}
	return day
}

func (c *Catalogue) working(day time.Time) bool {
	if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
		return false
	}
	return !slices.Contains(c.Holidays, day.Format(time.DateOnly))
}
