package trust

import "time"

// Interval is a span of time in which something is known to lie, as a journal
// between two beacons proves it. The zero Interval says nothing.
//
// It has the fields of journal.Bracket, so that one converts to the other, and
// neither package needs the other.
type Interval struct{ NotBefore, NotAfter time.Time }

// IsZero reports whether the interval says nothing: without an end to it no
// time is proven.
func (i Interval) IsZero() bool { return i.NotAfter.IsZero() }
