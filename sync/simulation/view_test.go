package simulation

import (
	"bytes"
	"context"
	"maps"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
)

// view is what the portal has, as last read.
type view struct {
	records  map[ledger.Key]ledger.Stored
	docs     map[outbox.Doc][]ledger.Key
	requests map[outbox.Doc]request
	refused  map[outbox.Doc]string // why a record of it was
	last     uint64
	open     []uint64 // numbers of records that were not decided when read
}

// request is what the portal has registered.
type request struct {
	state      ledger.State
	registered time.Time
	epoch      outbox.Epoch
	seq        uint64
	packet     []byte
}

func newView() *view {
	return &view{records: map[ledger.Key]ledger.Stored{}, docs: map[outbox.Doc][]ledger.Key{}, requests: map[outbox.Doc]request{}, refused: map[outbox.Doc]string{}}
}

func (v *view) clone() *view {
	c := newView()
	for k, r := range v.records {
		c.put(k, r)
	}
	maps.Copy(c.requests, v.requests)
	maps.Copy(c.refused, v.refused)
	return c
}

func (v *view) put(k ledger.Key, r ledger.Stored) {
	if _, ok := v.records[k]; !ok {
		v.docs[r.Doc] = append(v.docs[r.Doc], k)
	}
	v.records[k] = r
	if r.State == ledger.Refused {
		v.refused[r.Doc] = r.Reason
	}
}

// holds says whether the portal has the request as it was sealed.
func (v *view) holds(d *doc) bool {
	for _, k := range v.docs[d.doc] {
		if k.Digest == d.digest && bytes.Equal(v.records[k].Sealed, d.sealed) {
			return true
		}
	}
	return false
}

func (s *sim) forgetView() { s.viewed, s.viewWrites = nil, -1 }

// see reads what the portal has.
func (s *sim) see() *view {
	l, ctx := s.c.life, context.Background()
	n := l.led.writes.Load()
	if s.viewed != nil && s.viewWrites == n {
		return s.viewed
	}
	v := s.viewed
	if v == nil {
		v = newView()
	}
	nums, err := l.db.RecordsAfter(ctx, v.last, 1000)
	s.must(err)
	if len(nums) > 0 {
		v.last = nums[len(nums)-1]
	}
	todo := append(v.open, nums...)
	v.open = nil
	for _, i := range todo {
		r, err := l.db.StoredRecord(ctx, i)
		s.must(err)
		if r.State == ledger.Received {
			v.open = append(v.open, i)
		}
		v.put(r.Key, r)
	}
	docs, err := l.db.DocsAfter(ctx, 0, 1000)
	s.must(err)
	for _, nd := range docs {
		if old, ok := v.requests[nd.Doc]; ok && old.packet != nil {
			continue
		}
		rq, err := l.db.Get(ctx, nd.Doc)
		s.must(err)
		now := request{state: rq.State, registered: rq.Registered, epoch: rq.Epoch, seq: rq.Seq}
		if rq.Answer != nil {
			now.packet = rq.Answer.Packet
			if d := s.byDoc[nd.Doc]; d != nil {
				d.answered, d.packet = rq.Answer.State, rq.Answer.Packet
			}
		}
		if old, ok := v.requests[nd.Doc]; ok && (!old.registered.Equal(now.registered) || old.epoch != now.epoch || old.seq != now.seq) {
			s.broken("RegisteredOnce", "%v was registered twice", s.byDoc[nd.Doc])
		}
		v.requests[nd.Doc] = now
		s.once("state: a request is " + string(now.state))
	}
	as, err := l.db.Alarms(ctx, 1000)
	s.must(err)
	for _, a := range as {
		s.everAlarms[a.Code] = true
		s.once("state: the portal's alarm " + a.Code)
	}
	s.viewed, s.viewWrites = v, n
	return v
}
