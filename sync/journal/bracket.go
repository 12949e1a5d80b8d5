package journal

import "time"

// Bracket is between which trusted times an entry was made. Neither is the
// kiosk's clock, and each is zero where nobody can tell.
type Bracket struct {
	// NotBefore is the portal's signed time in the last beacon entry before it:
	// the entry is of a tree that already held that time.
	NotBefore time.Time
	// NotAfter is the time stamp over the first head witnessed that includes it:
	// the tree was there by then.
	NotAfter time.Time
}
