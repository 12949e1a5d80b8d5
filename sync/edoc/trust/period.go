package trust

import "time"

// Query is what is asked of a certificate: was it good for Use when something
// was signed with it, as known at Now?
//
// When that was is known in one of three ways. A claim: From and To are the
// same and Proven is false; whoever has the key can claim any time. A time
// stamp: From and To are the same and Proven is true; what was signed existed
// then. A bracket: it was signed somewhere between From and To, Proven is true.
type Query struct {
	Use      Use
	From, To time.Time
	Proven   bool
	Now      time.Time

	// What is known of revocations besides the bundle; nil: nothing. What does not
	// verify is passed over.
	Carried *Carried
}

// At returns the query about one time: a claim, or one that is proven.
func At(use Use, at time.Time, proven bool, now time.Time) Query {
	return Query{Use: use, From: at, To: at, Proven: proven, Now: now}
}

// position says where an event lies that ended something for good.
type position int

const (
	before  position = iota // before all that was signed, or at that moment
	within                  // inside the bracket: nobody can tell
	unasked                 // after a claim that nothing proves
	after                   // after a time that is proven
)

// of says where the event at t lies, seen from what was signed. What ends at t
// is no longer in force at t itself.
func (q Query) of(t time.Time) position {
	switch {
	case !t.After(q.From):
		return before
	case !q.Proven:
		return unasked
	case !t.After(q.To):
		return within
	}
	return after
}
