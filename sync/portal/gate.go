package portal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/wire"
)

// The gate stands before the ledger: what a kiosk may not bring now is sent back
// with a time, before anything of it is stored (wire.md, section 10).

// ErrFull says that the portal's disk is too full to take requests in.
var ErrFull = errors.New("the portal's disk has no room for requests")

// CodeFull is the nack while the portal's disk is too full.
const CodeFull = "portal.full"

// What storing a record takes at most, beside its sealed bytes: they are opened,
// stamped and kept as they were, with receipts, in pages with indexes.
const (
	copiesOfRecord = 4
	perRecord      = 16 << 10
)

// waitFull is for how long kiosks are sent back while the disk is full: somebody
// has to make room.
const waitFull = 10 * time.Minute

// Waits of a nack, whatever the measure says.
const (
	leastWait = time.Minute
	mostWait  = 6 * time.Hour
)

// strikes is how often a kiosk may send requests before their time is over until the
// session ends: what was on its way when it was told is no offence.
const strikes = 8

// Disk is how the portal's disk is.
type Disk struct {
	Free    int64 `json:"free"` // bytes; -1: not known
	Reserve int64 `json:"reserve"`
	Full    bool  `json:"full"` // no request is taken in
}

// Disk says how the portal's disk is. What cannot be measured is not called full:
// the ledger itself refuses what it cannot store.
func (p *Portal) Disk() Disk {
	d := Disk{Free: -1, Reserve: p.c.Reserve}
	if p.c.Room == nil {
		return d
	}
	free, err := p.c.Room()
	if err != nil {
		p.c.Log.Error("portal: nobody can tell how full the disk is", "err", err)
		return d
	}
	d.Free, d.Full = free, free < p.c.Reserve
	return d
}

// room says whether records of that many sealed bytes can be stored so that
// everything that is not a request still has the reserve.
func (p *Portal) room(records int, sealed int64) bool {
	d := p.Disk()
	return d.Free < 0 || d.Free-int64(records)*perRecord-sealed*copiesOfRecord >= d.Reserve
}

// gateLarge is the gate of a large request of which size bytes are to come. What is
// over gets the nack that ends it.
func (s *session) gateLarge(ctx context.Context, f *wire.Large, size int64) (over bool, err error) {
	if !s.p.room(1, size) {
		s.p.full(ctx)
		if s.late != nil {
			return true, ErrFull
		}
		return true, s.sendBackLarge(ctx, f, CodeFull, waitFull)
	}
	if s.late != nil || size == 0 {
		return false, nil
	}
	s.purse.refill(s.p.c.Now())
	code, wait := s.purse.room(size)
	if code == "" {
		return false, nil
	}
	s.p.overQuota(ctx, s.kiosk, code, wait)
	return true, s.sendBackLarge(ctx, f, code, wait)
}

// sendBackLarge is sendBack for a large request. What is on its way of it is passed over.
func (s *session) sendBackLarge(ctx context.Context, f *wire.Large, code string, wait time.Duration) error {
	wait = s.waitOf(wait)
	if s.strike() {
		return s.bye(ctx, code, wait)
	}
	s.announced(f.Digest, nil)
	return s.nackLarge(ctx, f, code, wait)
}

// strike counts what was sent before its time, and says whether it was once too often.
func (s *session) strike() bool {
	s.strikes++
	return s.strikes > strikes
}

// waitOf is what a kiosk is told of a measured wait.
func (s *session) waitOf(wait time.Duration) time.Duration {
	wait = min(max(wait, leastWait), mostWait)
	return wait + s.p.c.Jitter(wait/4)
}

// gate returns those of a frame that may be taken in, and sends the others back.
func (s *session) gate(ctx context.Context, epoch ledger.Epoch, in []ledger.Incoming) ([]ledger.Incoming, error) {
	if len(in) == 0 {
		return nil, nil
	}
	sealed := int64(0)
	for _, r := range in {
		sealed += int64(len(r.Sealed))
	}
	if !s.p.room(len(in), sealed) {
		s.p.full(ctx)
		if s.late != nil {
			return nil, ErrFull // the file comes again as it is
		}
		return nil, s.sendBack(ctx, epoch, in, CodeFull, waitFull)
	}
	if s.late != nil {
		return in, nil // a person brought it
	}
	s.purse.refill(s.p.c.Now())
	n, code, wait := s.purse.fit(in)
	if n == len(in) {
		return in, nil
	}
	s.p.overQuota(ctx, s.kiosk, code, wait)
	return in[:n], s.sendBack(ctx, epoch, in[n:], code, wait)
}

// sendBack says of each record when it may come again. One that goes on sending
// all the same is cut off until then.
func (s *session) sendBack(ctx context.Context, epoch ledger.Epoch, recs []ledger.Incoming, code string, wait time.Duration) error {
	wait = s.waitOf(wait)
	if s.strike() {
		return s.bye(ctx, code, wait)
	}
	for _, r := range recs {
		n := &wire.Nack{Of: wire.TypeRecords, Epoch: epoch, Seq: r.Seq, Code: code, Retry: uint(wait / time.Second)}
		if err := s.conn.Send(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// full raises the alarm that people look at.
func (p *Portal) full(ctx context.Context) {
	p.refused.Add(1)
	d := p.Disk()
	p.c.Log.Error("portal: the disk is too full to take requests in", "free", d.Free, "reserve", d.Reserve)
	err := p.ledger.Raise(ctx, ledger.Alarm{
		At: p.c.Now(), Code: ledger.AlarmFull, Note: fmt.Sprintf("%d MiB free, %d MiB are kept", d.Free>>20, d.Reserve>>20),
	})
	if err != nil {
		p.c.Log.Error("portal: an alarm could not be kept", "code", ledger.AlarmFull, "err", err)
	}
}

// SentBack counts frames and sessions that were over a quota or had no room, since
// the start.
func (p *Portal) SentBack() int64 { return p.refused.Load() }

// Away is how many kiosks were asked to come back later and are not due yet.
func (p *Portal) Away() int { return p.away.size() }
