package simulation

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
)

// quotas are what one kiosk may bring, where that is little: what a day of the seed
// brings does not fit at once, and all of it does in time.
func quotas(r *rand.Rand) (q portal.Quota, u ledger.Quota) {
	q.Records = portal.Allowance{Burst: 1 + r.Int64N(6), Day: 100 + r.Int64N(1000)}
	q.Bytes = portal.Allowance{Burst: 4<<10 + r.Int64N(300<<10), Day: 4<<20 + r.Int64N(64<<20)}
	q.Sessions = portal.Allowance{Burst: 2 + r.Int64N(6), Day: 200 + r.Int64N(1000)}
	u = ledger.Quota{Uploads: 1, Bytes: 2*large + r.Int64N(large), Rest: time.Hour}
	return q, u
}

// byHand marks what a person brings on a stick: no quota holds it up.
type byHand struct{}

// brought is what came over lines from a kiosk and was new.
type brought struct{ records, bytes int64 }

// bring notes what the portal has taken in.
func (s *sim) bring(ctx context.Context, kiosk string, in []ledger.Incoming, out []ledger.Outcome) {
	if ctx.Value(byHand{}) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.brought[kiosk]
	for i, o := range out {
		if o.New {
			b.records++
			b.bytes += int64(len(in[i].Sealed))
		}
	}
	s.brought[kiosk] = b
}

// checkQuota: no kiosk brings more than it may. The portal counts by the hour, so an
// hour may count twice; and one record may be larger than all that is allowed at once.
func (s *sim) checkQuota() {
	if !s.plan.faults["quota"] || s.restored || s.plan.faults["portal clock"] {
		return
	}
	for kiosk, b := range s.brought {
		most := func(a portal.Allowance) int64 {
			return a.Burst + int64(float64(a.Day)*(time.Since(s.start)+time.Hour).Hours()/24)
		}
		if most := most(s.plan.quota.Records); b.records > most {
			s.broken("QuotaHolds", "%s has brought %d records, and may bring %d", kiosk, b.records, most)
		}
		if most := most(s.plan.quota.Bytes) + 2*large; b.bytes > most {
			s.broken("QuotaHolds", "%s has brought %d bytes, and may bring %d", kiosk, b.bytes, most)
		}
	}
}
