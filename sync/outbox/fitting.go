package outbox

import "context"

// LeaseFitting is Lease for who may send only so much: what is larger than what is
// left of maxBytes is passed by, and stays as it is, and smaller ones behind it go.
// Nothing is returned where nothing fits.
func (o *Outbox) LeaseFitting(ctx context.Context, max, maxBytes int) ([]Record, error) {
	if maxBytes <= 0 {
		return nil, nil
	}
	var out []Record
	err := o.write(ctx, func(t *tx) error {
		out = nil
		size := 0
		for _, l := range t.o.mem.lanes {
			for _, i := range l.line {
				if !t.o.mem.slots[i].waits || t.o.mem.slots[i].large {
					continue
				}
				if max > 0 && len(out) >= max {
					return nil
				}
				rec, ok, err := t.lease(i, size, maxBytes, false)
				if err != nil {
					return err
				}
				if ok && rec.Seq != 0 {
					size += len(rec.Sealed)
					out = append(out, rec)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
