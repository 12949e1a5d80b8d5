package main

import (
	"time"

	"github.com/penjire/penjire/firmware/kiosk/pagefile"
)

// limits are how long things may last.
type limits struct {
	first, silent, fresh time.Duration
}

// facts are what is known of a browser that runs.
type facts struct {
	now     time.Time
	started time.Time     // the browser
	painted time.Time     // when a page was last painted; zero: never
	page    pagefile.Page // as it was then
	first   pagefile.Page // as this browser painted its first
	quiet   time.Time     // since when no visit is open; zero: one is
	answers bool          // the daemon gives pages
}

// verdict is what is to be done with a browser.
type verdict string

const (
	keep  verdict = ""                  // leave it
	hangs verdict = "it paints no page" // kill it and start another
	used  verdict = "a visit was on it" // likewise
)

// judge says what is to be done. It does nothing else.
func (l limits) judge(f facts) verdict {
	paints := f.painted.After(f.started)
	since, most := f.started, l.first
	if paints {
		since, most = f.painted, l.silent
	}
	switch {
	case f.now.Sub(since) > most && f.answers:
		return hangs // while the daemon gives no pages there is nothing to paint
	case l.fresh > 0 && paints && f.page.Visits != f.first.Visits && !f.quiet.IsZero() && f.now.Sub(f.quiet) >= l.fresh:
		return used
	}
	return keep
}
