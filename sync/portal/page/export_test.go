package page

// Len returns how many addresses l keeps.
func (l *Limiter) Len() int { return len(l.seen) }
