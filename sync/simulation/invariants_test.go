package simulation

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
)

// view is what the portal has, as last read.
type view struct {
	records  map[ledger.Key]ledger.Stored
	docs     map[outbox.Doc][]ledger.Key
	requests map[outbox.Doc]request
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
	return &view{records: map[ledger.Key]ledger.Stored{}, docs: map[outbox.Doc][]ledger.Key{}, requests: map[outbox.Doc]request{}}
}

func (v *view) clone() *view {
	c := newView()
	for k, r := range v.records {
		c.put(k, r)
	}
	for d, r := range v.requests {
		c.requests[d] = r
	}
	return c
}

func (v *view) put(k ledger.Key, r ledger.Stored) {
	if _, ok := v.records[k]; !ok {
		v.docs[r.Doc] = append(v.docs[r.Doc], k)
	}
	v.records[k] = r
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
	}
	as, err := l.db.Alarms(ctx, 1000)
	s.must(err)
	for _, a := range as {
		s.everAlarms[a.Code] = true
	}
	s.viewed, s.viewWrites = v, n
	return v
}

// check holds the invariants, after every step.
func (s *sim) check() {
	s.mu.Lock()
	fresh, bs := s.fresh, s.freshB
	s.fresh, s.freshB = nil, nil
	s.mu.Unlock()
	for i, r := range fresh {
		k := ledger.Key{Kiosk: r.Kiosk, Epoch: r.Epoch, Seq: r.Seq, Digest: r.Digest}
		if had, ok := s.receipts[k]; ok && !bytes.Equal(had, bs[i]) {
			s.broken("SameReceiptForEver", "record %d got two different receipts", k.Seq)
		}
		s.receipts[k] = bs[i]
	}
	var v *view
	if s.up() {
		v = s.see()
		s.checkPortal(v)
	}
	for _, m := range s.live() {
		s.checkKiosk(m, v)
	}
	for _, d := range s.docs {
		if v != nil {
			s.acceptedIsKept(d, v)
			if d.withdrawn && !d.messy && d.excused == "" && len(v.docs[d.doc]) > 0 {
				s.broken("WithdrawnNeverRegistered", "%s was withdrawn, and the portal has it", d)
			}
		}
		for kind, n := range d.unmarked {
			if n > 1 && !d.messy {
				s.broken("PrintedOnceUnmarked", "%d unmarked papers of kind %d of %s came out", n, kind, d)
			}
		}
	}
}

// acceptedIsKept: what was said to be accepted is on the kiosk, or the portal
// has it.
func (s *sim) acceptedIsKept(d *doc, v *view) {
	if !d.told || d.withdrawn || d.excused != "" || v.holds(d) {
		return
	}
	for m := range d.held {
		if m.life == nil || m.life.box == nil {
			return // nobody can tell until it is on again
		}
		r, err := m.life.box.Get(context.Background(), d.doc)
		if err == nil && (!r.Receipted() || d.atRisk) {
			return
		}
		if err != nil && !errors.Is(err, outbox.ErrNotFound) {
			s.broken("AcceptedIsKept", "%s: %s cannot be read: %v", m.name, d, err)
		}
	}
	s.broken("AcceptedIsKept", "%s was accepted, and neither kiosk nor portal has it", d)
}

func (s *sim) checkPortal(v *view) {
	for k, b := range s.receipts {
		r, ok := v.records[k]
		if !ok {
			s.broken("ReceiptIsDurable", "a receipt for record %d left the portal, which does not have it", k.Seq)
		}
		if !bytes.Equal(r.Receipt, b) {
			s.broken("SameReceiptForEver", "the portal has another receipt for record %d than it sent", k.Seq)
		}
	}
	first := map[number]ledger.Key{}
	for k, r := range v.records {
		n := number{k.Epoch, k.Seq}
		if other, ok := first[n]; ok {
			if !s.everAlarms["kiosk.fork"] {
				s.broken("ForkRaisesAlarmAndKeepsBoth", "two records with number %d, and no alarm", k.Seq)
			}
			if r.Fork == v.records[other].Fork && len(s.forksOf(v, n)) == 2 {
				s.broken("ForkRaisesAlarmAndKeepsBoth", "of two records with number %d not one is the fork", k.Seq)
			}
		}
		first[n] = k
	}
	for doc := range v.requests {
		if s.byDoc[doc] == nil {
			s.broken("RegisteredOnce", "the portal has registered what nobody handed in")
		}
	}
	if s.hurtLine || s.restored || slices.ContainsFunc(s.machines, func(m *machine) bool { return m.tampered }) {
		return
	}
	for code := range s.everAlarms {
		s.broken("NoFalseAlarm", "the portal raises %s, and nothing was tampered with", code)
	}
}

func (s *sim) forksOf(v *view, n number) []ledger.Key {
	var out []ledger.Key
	for k := range v.records {
		if k.Epoch == n.epoch && k.Seq == n.seq {
			out = append(out, k)
		}
	}
	return out
}

// byKey returns whose record that is.
func (s *sim) byKey(k ledger.Key) *doc {
	for _, d := range s.docs {
		if d.digest == k.Digest {
			return d
		}
	}
	return nil
}

func (s *sim) checkKiosk(m *machine, v *view) {
	ctx := context.Background()
	st := m.life.box.Stats(ctx)
	if !m.tampered && !s.hurtLine {
		for _, a := range st.Alarms {
			if s.restored && a == outbox.AlarmRestored {
				s.broken("JournalConsistent", "%s: the portal was restored, and the kiosk takes its own medium for an older copy", m.name)
			}
			s.broken("NoFalseAlarm", "%s raises %s", m.name, a)
		}
	}
	if v == nil {
		return
	}
	h, err := s.c.life.db.Head(ctx, s.w.Device.ID, st.Epoch)
	s.must(err)
	if h.Size == 0 || m.tampered {
		return
	}
	root, err := m.life.box.RootAt(ctx, min(h.Size, st.JournalSize))
	if err != nil || h.Size > st.JournalSize || root != h.Root {
		s.broken("JournalConsistent", "%s: its journal of %d entries does not lead to the head of %d entries that the portal keeps: %v", m.name, st.JournalSize, h.Size, err)
	}
}

// finish ends all faults: then everything must arrive, be decided, answered and
// known at the kiosk.
func (s *sim) finish() {
	s.calm = true
	s.say("everybody: FROM HERE ON NOTHING GOES WRONG ANY MORE")
	for _, m := range s.machines {
		m.noLine, m.skew = false, 0
		if m.conn != nil {
			m.conn.cut()
		}
		if m.life != nil {
			m.life.fuse.light(0, nil)
		}
	}
	if s.c.life == nil {
		s.c.boot()
	}
	l := s.c.life
	l.fuse.light(0, nil)
	l.led.full.Store(false)
	l.led.unsure.Store(0)
	l.led.free.Store(true)
	select {
	case l.led.turns <- struct{}{}:
	default:
	}
	for _, m := range s.machines {
		if m.life == nil {
			m.boot()
		}
	}
	r := s.rand(-1)
	why := ""
	for round := range 400 {
		s.step = s.plan.steps + round
		for range 200 {
			if !s.carry(r) {
				break
			}
		}
		for range 3 - round { // agencies are slow, and answers take us long
			if !s.answer(r) {
				break
			}
		}
		for _, m := range s.machines {
			for m.printing != nil || len(s.docs) > 0 && s.printOn(m, r) {
				if !s.print(r) {
					break
				}
			}
			if m.renewed {
				s.restartOne(m)
			}
		}
		s.settle()
		s.check()
		if why = s.unfinished(); why == "" && round >= 4 {
			break
		}
		s.wait(time.Duration(1+round/8) * 20 * time.Second)
	}
	if why != "" {
		s.broken("NothingStuck", "%s", why)
	}
	s.check()
	s.checkEnd()
}

// printOn says whether the machine has something to print.
func (s *sim) printOn(m *machine, _ any) bool {
	if m.life == nil {
		return false
	}
	_, ok, err := m.life.box.NextPrint(context.Background())
	s.must(err)
	return ok && len(s.machines) == 1
}

// unfinished says what is not done yet; "" if everything is.
func (s *sim) unfinished() string {
	ctx := context.Background()
	v := s.see()
	for _, k := range v.records {
		if k.State == ledger.Received {
			return "the portal has not decided everything"
		}
	}
	for _, m := range s.machines {
		o := m.life.box
		if n := o.Stats(ctx).Unsent; n > 0 {
			return m.name + ": not everything was sent"
		}
		if m.renewed {
			return m.name + ": its outbox is not renewed"
		}
		m.store.mu.Lock()
		bundle, cat := m.store.trust.Version, m.store.catalogue
		m.store.mu.Unlock()
		if want := s.c.life.p.Trust().Version; bundle != want {
			return m.name + ": it does not have the newest trust bundle"
		}
		if want := s.c.life.p.Catalogue().Version; cat != want {
			return m.name + ": it does not have the newest catalogue"
		}
		for _, d := range s.docs {
			if !d.held[m] || !d.told || d.withdrawn || d.excused != "" {
				continue
			}
			if why := s.unknown(m, d, v); why != "" {
				return why
			}
		}
	}
	return ""
}

// unknown says what a kiosk does not know of a request yet.
func (s *sim) unknown(m *machine, d *doc, v *view) string {
	ctx := context.Background()
	rq, ok := v.requests[d.doc]
	if !ok {
		if d.atRisk && !v.holds(d) {
			return "" // the portal has lost it with what came after its backup, and says so
		}
		return d.String() + " is not registered"
	}
	if d.messy {
		return ""
	}
	r, err := m.life.box.Get(ctx, d.doc)
	if err != nil {
		return d.String() + " cannot be read at " + m.name
	}
	want := map[ledger.State]outbox.State{
		ledger.Registered: outbox.Registered, ledger.Answered: outbox.Answered, ledger.Refused: outbox.Refused, ledger.Returned: outbox.Returned,
	}[rq.state]
	if r.State != want {
		return d.String() + " is " + r.State.String() + " at " + m.name + ", and " + string(rq.state) + " at the portal"
	}
	if rq.packet == nil {
		return ""
	}
	it, err := m.life.box.Item(ctx, d.doc)
	if err != nil || !bytes.Equal(it.Bytes, rq.packet) {
		return "the answer to " + d.String() + " is not at " + m.name
	}
	seen := map[outbox.State]bool{}
	for _, st := range r.Steps {
		if seen[st.State] {
			s.broken("AnswerReachesKioskOnce", "%s became %s twice at %s", d, st.State, m.name)
		}
		seen[st.State] = true
	}
	return ""
}

// checkEnd looks at everything once, when all is done.
func (s *sim) checkEnd() {
	ctx := context.Background()
	for _, m := range s.machines {
		if err := m.life.box.Check(ctx); err != nil {
			s.broken("KioskIsWhole", "%s: %v", m.name, err)
		}
	}
	if err := s.c.life.db.Check(ctx); err != nil {
		s.broken("PortalIsWhole", "%v", err)
	}
	if s.wantAlarm != "" && !s.restored {
		for code := range s.everAlarms {
			if strings.HasPrefix(code, s.wantAlarm) {
				return
			}
		}
		s.broken("TamperingIsNoticed", "no alarm %s", s.wantAlarm)
	}
}
