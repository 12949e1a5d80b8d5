package portal

import (
	"context"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// Quota is what one kiosk may bring, so that one that runs wild, or is not ours
// any more, fills neither the portal's disk nor its days. What does not fit waits
// at the kiosk and comes later: nothing is lost by it. Zero fields are the
// defaults. They come from DESIGN 14: a kiosk has some 500 requests a day, and the
// 10,000 that gathered in an outage must come in without a stop.
type Quota struct {
	Records  Allowance // records that are new; 20,000 at once, 5,000 a day
	Bytes    Allowance // their sealed bytes; 4 GiB at once, 1 GiB a day
	Sessions Allowance // sessions begun; 500 at once, 10,000 a day
}

// Allowance is a bucket: so much is there at most and may be used at once, and so
// much comes back in a day.
type Allowance struct {
	Burst int64 `json:"burst,omitempty"`
	Day   int64 `json:"day,omitempty"`
}

func (q Quota) withDefaults() Quota {
	or := func(a *Allowance, burst, day int64) {
		if a.Burst <= 0 {
			a.Burst = burst
		}
		if a.Day <= 0 {
			a.Day = day
		}
	}
	or(&q.Records, 20_000, 5_000)
	or(&q.Bytes, 4<<30, 1<<30)
	or(&q.Sessions, 500, 10_000)
	return q
}

// Codes of what is over a quota: of nacks and byes (wire.md, section 10).
const (
	codeRecords  = "quota.records"
	codeBytes    = "quota.bytes"
	codeSessions = "quota.sessions"
)

// bucket is how much of an allowance is left.
type bucket struct {
	Allowance
	left float64
	at   time.Time
}

// bucketOf is full.
func bucketOf(a Allowance, at time.Time) bucket { return bucket{a, float64(a.Burst), at} }

// refill gives back what the time has brought. A clock that goes back takes and
// gives nothing.
func (b *bucket) refill(now time.Time) {
	if d := now.Sub(b.at); d > 0 {
		b.left = min(float64(b.Burst), b.left+float64(b.Day)*d.Hours()/24)
	}
	b.at = now
}

// until is how long n has to wait. More than the bucket holds has to wait for a
// full one.
func (b *bucket) until(n int64) time.Duration {
	lack := float64(min(n, b.Burst)) - b.left
	if lack <= 0 {
		return 0
	}
	return time.Duration(lack / float64(b.Day) * float64(24*time.Hour))
}

// memory is how far back a bucket may remember: an empty one is full again by then.
func (a Allowance) memory() time.Duration {
	return time.Duration(float64(a.Burst) / float64(a.Day) * float64(24*time.Hour))
}

// purse is what a kiosk may still bring.
type purse struct{ records, bytes bucket }

// purse returns what the kiosk may bring, from what the ledger has counted: it
// holds over a restart of the portal, and for several on one ledger.
func (p *Portal) purse(ctx context.Context, kiosk string) (purse, error) {
	q, now := p.c.Quota, p.c.Now()
	since := now.Add(-max(q.Records.memory(), q.Bytes.memory()))
	hours, err := p.ledger.Traffic(ctx, kiosk, since)
	if err != nil {
		return purse{}, fmt.Errorf("portal: what a kiosk has brought: %w", err)
	}
	w := purse{bucketOf(q.Records, since), bucketOf(q.Bytes, since)}
	for _, h := range hours {
		w.spend(h.Hour, h.Records, h.Bytes)
	}
	w.refill(now)
	return w, nil
}

func (w *purse) refill(now time.Time) {
	w.records.refill(now)
	w.bytes.refill(now)
}

// spend takes what came at a time. It may be more than was left: what was
// measured before it was known whether it is new.
func (w *purse) spend(at time.Time, records, bytes int64) {
	w.refill(at)
	w.records.left -= float64(records)
	w.bytes.left -= float64(bytes)
}

// fit returns how many of recs may come now, in their order; where not all may, by
// which quota, and how long until the next may.
func (w *purse) fit(recs []ledger.Incoming) (n int, code string, wait time.Duration) {
	records, bytes := w.records, w.bytes
	for i, r := range recs {
		size := int64(len(r.Sealed))
		rest := purse{records, bytes}
		if code, wait := rest.room(size); code != "" {
			return i, code, wait
		}
		records.left--
		bytes.left -= float64(size)
	}
	return len(recs), "", 0
}

// room says by which quota one more record of that size may not come, and how long
// until it may; "": it may.
func (w *purse) room(size int64) (code string, wait time.Duration) {
	if d := w.records.until(1); d > 0 {
		// Not for one only: half a batch at least, or it would come for each.
		return codeRecords, max(d, w.records.until(min(32, w.records.Burst)))
	}
	if d := w.bytes.until(size); d > 0 {
		return codeBytes, d
	}
	return "", 0
}

// sessionFits counts a session that begins. Otherwise it says how long until the
// next may.
func (p *Portal) sessionFits(kiosk string) (wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.c.Now()
	b, ok := p.begun[kiosk]
	if !ok {
		b = bucketOf(p.c.Quota.Sessions, now)
	}
	b.refill(now)
	if wait = b.until(1); wait == 0 {
		b.left--
	}
	p.begun[kiosk] = b
	return wait
}

// overQuota raises the alarm that people look at.
func (p *Portal) overQuota(ctx context.Context, kiosk, code string, wait time.Duration) {
	p.refused.Add(1)
	p.c.Log.Warn("portal: a kiosk is over its quota", "kiosk", kiosk, "code", code, "wait", wait.String())
	err := p.ledger.Raise(ctx, ledger.Alarm{
		At: p.c.Now(), Kiosk: kiosk, Code: ledger.AlarmQuota, Note: fmt.Sprintf("%s; the next in %s", code, wait.Round(time.Second)),
	})
	if err != nil {
		p.c.Log.Error("portal: an alarm could not be kept", "code", ledger.AlarmQuota, "err", err)
	}
}

// bill takes from the purse what a frame brought that was new.
func (s *session) bill(in []ledger.Incoming, out []ledger.Outcome) {
	for i, o := range out {
		if o.New {
			s.purse.spend(s.p.c.Now(), 1, int64(len(in[i].Sealed)))
		}
	}
}
