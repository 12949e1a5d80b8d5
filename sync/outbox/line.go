package outbox

import "context"

// Place is where a waiting request stands. It is of use to the outbox that gave it.
type Place int32

// Line returns the places of all requests that have no receipt, but of large ones, in the order in
// which Lease hands them out.
func (o *Outbox) Line() []Place {
	o.mu.RLock()
	defer o.mu.RUnlock()
	out := make([]Place, 0, o.mem.waits)
	for _, l := range o.mem.lanes {
		for _, i := range l.line {
			if o.mem.slots[i].waits && !o.mem.slots[i].large {
				out = append(out, Place(i))
			}
		}
	}
	return out
}

// LeaseLine is Lease for those places, in that order, and returns what is left of
// the line. Who exports to a medium walks along it: Lease would return the first
// ones again and again. A request that got its receipt meanwhile is passed over.
func (o *Outbox) LeaseLine(ctx context.Context, line []Place, max, maxBytes int) (recs []Record, left []Place, err error) {
	err = o.write(ctx, func(t *tx) error {
		recs, left = nil, line
		size := 0
		for len(left) > 0 && (max <= 0 || len(recs) < max) {
			i := int32(left[0])
			if i < 0 || int(i) >= len(t.o.mem.slots) {
				return ErrNotFound
			}
			rec, ok, err := t.lease(i, size, maxBytes, len(recs) == 0)
			if err != nil {
				return err
			}
			if !ok {
				return nil
			}
			left = left[1:]
			if rec.Seq != 0 {
				size += len(rec.Sealed)
				recs = append(recs, rec)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return recs, left, nil
}
