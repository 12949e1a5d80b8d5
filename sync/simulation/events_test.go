package simulation

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/wire"
)

// plan is what may happen in a seed: not everything in each, or nothing would
// ever get far.
type plan struct {
	steps    int
	room     int64 // of the outbox
	faults   map[string]bool
	large    bool
	cardless bool
}

// faultNames are the kinds of faults of which each seed has some.
var faultNames = []string{
	"kiosk", "portal", "torn", "line", "silent", "frames", "clock", "portal full", "unsure", "clone", "old card", "backup", "updates", "kiosk full",
}

func newPlan(r *rand.Rand) plan {
	p := plan{steps: 30 + r.IntN(130), faults: map[string]bool{}}
	few := r.IntN(4) == 0
	for _, f := range faultNames {
		share := 3 // one of three
		switch f {
		case "clone", "old card", "backup", "kiosk full", "frames":
			share = 8
		}
		if few {
			share *= 3
		}
		p.faults[f] = r.IntN(share) == 0
	}
	if p.faults["kiosk full"] {
		p.room, p.large = outbox.MinSize, true
	}
	p.cardless = r.IntN(24) == 0
	return p
}

// papers returns the numbers of the papers that citizens hand in, in order;
// corrections have their own time.
func (p plan) papers(r *rand.Rand, w *world) []int {
	var small, big []int
	for i, d := range w.pool {
		switch {
		case d.corrects >= 0, d.service == "complaint" && !p.cardless:
		case d.large:
			big = append(big, i)
		default:
			small = append(small, i)
		}
	}
	r.Shuffle(len(small), func(i, j int) { small[i], small[j] = small[j], small[i] })
	small = small[:min(len(small), 3+r.IntN(14))]
	if p.large {
		small = append(big, small...)
		r.Shuffle(len(small), func(i, j int) { small[i], small[j] = small[j], small[i] })
	}
	return small
}

// An event does something and says whether there was anything to do.
type event struct {
	name   string
	weight int
	fault  string // it happens only where the plan has this fault
	do     func(s *sim, r *rand.Rand) bool
}

var events []event

func init() {
	events = []event{
		{"carry", 34, "", (*sim).carry},
		{"accept", 12, "", (*sim).accept},
		{"print", 8, "", (*sim).print},
		{"decide", 9, "", (*sim).decide},
		{"wait a little", 8, "", func(s *sim, r *rand.Rand) bool { s.wait(time.Duration(r.Int64N(int64(90 * time.Second)))); return true }},
		{"wait long", 2, "", func(s *sim, r *rand.Rand) bool { s.wait(time.Duration(r.Int64N(int64(3 * time.Hour)))); return true }},
		{"withdraw", 4, "", (*sim).withdraw},
		{"print again", 3, "", (*sim).printAgain},
		{"answer", 6, "", (*sim).answer},
		{"hand in again", 2, "", (*sim).again},
		{"boot", 14, "", (*sim).boot},
		{"restart", 1, "", (*sim).restart},
		{"power", 3, "kiosk", (*sim).power},
		{"fuse", 6, "kiosk", (*sim).lightKiosk},
		{"portal crash", 2, "portal", (*sim).crash},
		{"portal fuse", 6, "portal", (*sim).lightPortal},
		{"cut", 3, "line", (*sim).cut},
		{"no line", 2, "line", (*sim).noLine},
		{"silent", 3, "silent", (*sim).silence},
		{"frames", 8, "frames", (*sim).spoil},
		{"clock", 3, "clock", (*sim).clock},
		{"portal full", 3, "portal full", (*sim).portalFull},
		{"unsure", 3, "unsure", (*sim).unsure},
		{"keep a copy", 3, "clone", (*sim).copyCard},
		{"clone", 2, "clone", (*sim).clone},
		{"keep a copy", 3, "old card", (*sim).copyCard},
		{"old card", 2, "old card", (*sim).putBack},
		{"back up", 3, "backup", (*sim).backUp},
		{"restore", 2, "backup", (*sim).restore},
		{"update", 2, "updates", (*sim).update},
	}
}

// event does one of the events that the plan has, or brings frames on where it
// finds nothing to do.
func (s *sim) event(r *rand.Rand) {
	total := 0
	for _, e := range events {
		if e.fault == "" || s.plan.faults[e.fault] {
			total += e.weight
		}
	}
	n := r.IntN(total)
	for _, e := range events {
		if e.fault != "" && !s.plan.faults[e.fault] {
			continue
		}
		if n -= e.weight; n < 0 {
			if !e.do(s, r) && !s.carry(r) {
				s.wait(time.Duration(r.Int64N(int64(20 * time.Second))))
			}
			return
		}
	}
}

// carry brings some frames on.
func (s *sim) carry(r *rand.Rand) bool {
	any := false
	for range 1 + r.IntN(4) {
		type choice struct {
			c   *conn
			way int
		}
		var cs []choice
		for _, m := range s.machines {
			for way := range 2 {
				if m.conn != nil && m.conn.waiting(way) > 0 {
					cs = append(cs, choice{m.conn, way})
				}
			}
		}
		if len(cs) == 0 {
			return any
		}
		c := cs[r.IntN(len(cs))]
		f, ok := c.c.next(c.way)
		if !ok {
			return any
		}
		any = true
		s.say("link: %s goes %s%s", f.what, ways[c.way], c.c.of())
		if c.way == up && !f.eof && len(s.old) < 64 {
			s.old = append(s.old, f)
		}
		c.c.bring(c.way, f)
		s.settle()
		if s.someoneBurnt() {
			return true
		}
	}
	return any
}

func (s *sim) someoneBurnt() bool {
	for _, m := range s.machines {
		if m.life != nil && m.life.fuse.burnt() != "" {
			return true
		}
	}
	return s.c.life != nil && s.c.life.fuse.burnt() != ""
}

// of names the machine, where there are several.
func (c *conn) of() string {
	if len(c.s.machines) < 2 {
		return ""
	}
	return " (" + c.m.name + ")"
}

// pick returns a machine that runs.
func (s *sim) pick(r *rand.Rand) *machine {
	l := s.live()
	if len(l) == 0 {
		return nil
	}
	return l[r.IntN(len(l))]
}

// accept has a citizen hand in the next paper.
func (s *sim) accept(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil || len(s.next) == 0 {
		return false
	}
	p := s.w.pool[s.next[0]]
	s.next = s.next[1:]
	d := &doc{paper: p, n: len(s.docs) + 1, held: map[*machine]bool{}, unmarked: map[uint8]int{}}
	s.docs = append(s.docs, d)
	s.byDoc[p.doc] = d
	s.handIn(m, d)
	return true
}

// again has a citizen, whom nobody told that it was accepted, hand it in again;
// or a screen that was pressed twice.
func (s *sim) again(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil || len(s.docs) == 0 {
		return false
	}
	d := s.docs[r.IntN(len(s.docs))]
	if d.withdrawn || m.tampered || d.told && !d.held[m] {
		return false
	}
	s.handIn(m, d)
	return true
}

func (s *sim) handIn(m *machine, d *doc) {
	var req outbox.Request
	err, done := m.ask(func(o *outbox.Outbox) (err error) {
		req, err = o.Accept(context.Background(), d.draft())
		return err
	})
	switch {
	case !done:
		s.say("%s: a citizen hands in %s, and gets no word", m.name, d)
		d.held[m] = true // it may be there
	case errors.Is(err, outbox.ErrFull):
		s.say("%s: a citizen wants to hand in %s; the kiosk says that it is full", m.name, d)
	case errors.Is(err, outbox.ErrRestored):
		s.say("%s: a citizen wants to hand in %s; the kiosk takes nothing", m.name, d)
	case errors.Is(err, outbox.ErrWithdrawn):
	case err != nil:
		s.broken("KioskWorks", "%s: accept %s: %v", m.name, d, err)
	default:
		again := ""
		if d.told {
			again = " again"
		}
		s.say("%s: a citizen hands in %s%s; the kiosk says accepted (sequence %d)", m.name, d, again, req.Seq)
		if d.told && !m.tampered && !d.messy && (d.epoch != req.Epoch || d.seq != req.Seq) {
			s.broken("AcceptedOnce", "%s has two numbers at the kiosk: %d and %d", d, d.seq, req.Seq)
		}
		n := number{req.Epoch, req.Seq}
		if other := s.seqs[n]; other != nil && other != d && !m.tampered && !other.messy {
			s.broken("AcceptedOnce", "%s and %s have one number: %d", other, d, req.Seq)
		}
		s.seqs[n] = d
		d.held[m], d.told, d.epoch, d.seq = true, true, req.Epoch, req.Seq
		if d.excused != "" && !req.Receipted() {
			d.excused = ""
		}
		if m.tampered && len(s.machines) > 1 {
			d.messy = true
		}
	}
}

// withdraw has a citizen take something back.
func (s *sim) withdraw(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil || len(s.docs) == 0 {
		return false
	}
	d := s.docs[len(s.docs)-1-r.IntN(min(4, len(s.docs)))]
	if !d.held[m] || !d.told {
		return false
	}
	err, done := m.ask(func(o *outbox.Outbox) error { return o.Withdraw(context.Background(), d.doc) })
	switch {
	case !done:
		s.say("%s: a citizen takes %s back, and gets no word", m.name, d)
		d.excused = "it may be withdrawn"
	case err == nil:
		s.say("%s: a citizen takes %s back; the kiosk says withdrawn", m.name, d)
		d.withdrawn = true
	case errors.Is(err, outbox.ErrSent):
		s.say("%s: a citizen wants to take %s back; it has gone already", m.name, d)
	case errors.Is(err, outbox.ErrNotFound) && d.excused != "":
	case errors.Is(err, outbox.ErrFull) && s.plan.room > 0:
		s.say("%s: a citizen wants to take %s back; the kiosk has no room to do so", m.name, d)
	default:
		s.broken("KioskWorks", "%s: withdraw %s: %v", m.name, d, err)
	}
	return true
}

// print takes the printer one step on: a paper begins, or it ends.
func (s *sim) print(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil {
		return false
	}
	ctx := context.Background()
	if p := m.printing; p != nil {
		m.printing = nil
		state, reason, out := outbox.Printed, "", true
		switch r.IntN(8) {
		case 0:
			state, reason, out = outbox.Unknown, "printer.unplugged", r.IntN(2) == 0
		case 1:
			state, reason, out = outbox.Failed, "printer.paper", false
		}
		if out {
			p.d.came(p.job)
		}
		err, done := m.ask(func(o *outbox.Outbox) error { return o.EndPrint(ctx, p.job.ID, state, reason) })
		if done && err != nil {
			s.broken("KioskWorks", "%s: end of the print of %s: %v", m.name, p.d, err)
		}
		s.say("%s: the print of %s ends: %s (it came out: %t)", m.name, p.d, state, out)
		return true
	}
	var job outbox.PrintJob
	var ok bool
	err, done := m.ask(func(o *outbox.Outbox) (err error) {
		if job, ok, err = o.NextPrint(ctx); err != nil || !ok {
			return err
		}
		return o.StartPrint(ctx, job.ID)
	})
	if err != nil {
		s.broken("KioskWorks", "%s: start a print: %v", m.name, err)
	}
	if !done || !ok {
		return !done
	}
	d := s.byDoc[job.Doc]
	if d == nil {
		s.broken("KioskWorks", "%s: a print of a document that nobody handed in", m.name)
	}
	s.say("%s: a paper of %s begins (marked: %t)", m.name, d, job.Marked)
	m.printing = &printing{job, d}
	return true
}

// printAgain has a citizen ask for a paper.
func (s *sim) printAgain(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil || len(s.docs) == 0 {
		return false
	}
	d := s.docs[r.IntN(len(s.docs))]
	if !d.held[m] || !d.told || d.withdrawn {
		return false
	}
	kind := outbox.PrintReceipt
	if d.answered != "" {
		kind = outbox.PrintCopy
	}
	marked := r.IntN(3) == 0
	err, done := m.ask(func(o *outbox.Outbox) error {
		_, err := o.QueuePrint(context.Background(), d.doc, kind, marked)
		return err
	})
	switch {
	case !done:
	case err == nil:
		s.say("%s: a citizen asks for a paper of %s (marked: %t)", m.name, d, marked)
	case errors.Is(err, outbox.ErrMarked):
		s.say("%s: a citizen asks for a paper of %s; only a marked copy may come", m.name, d)
	case errors.Is(err, outbox.ErrPrintState):
		s.say("%s: a citizen asks for a paper of %s, which is being printed", m.name, d)
	case errors.Is(err, outbox.ErrWithdrawn), errors.Is(err, outbox.ErrNotFound):
	default:
		s.broken("KioskWorks", "%s: queue a print of %s: %v", m.name, d, err)
	}
	return true
}

// decide lets the portal look at what it has not decided.
func (s *sim) decide(*rand.Rand) bool {
	if !s.up() {
		return false
	}
	select {
	case s.c.life.led.turns <- struct{}{}:
	default:
		return false
	}
	s.say("portal: it looks at what is undecided")
	return true
}

// answer has an agency answer one of the requests that it has.
func (s *sim) answer(r *rand.Rand) bool {
	if !s.up() {
		return false
	}
	v := s.see()
	var open []*doc
	for _, d := range s.docs {
		if v.requests[d.doc].state == ledger.Registered {
			open = append(open, d)
		}
	}
	if len(open) == 0 {
		return false
	}
	d := open[r.IntN(len(open))]
	draft := portal.AnswerDraft{Decision: ledger.Answered, By: "officer"}
	switch r.IntN(4) {
	case 0:
		draft.Decision, draft.Text = ledger.Refused, citizen.NewText("no")
	case 1:
		draft.Decision, draft.Text = ledger.Returned, citizen.NewText("correct it")
	}
	p := s.c.life.p
	service, _ := p.Catalogue().Service(d.service)
	if draft.Decision == ledger.Answered {
		draft.Facts = facts(service)
		if len(draft.Facts) == 0 {
			draft.Text = citizen.NewText("yes")
		}
	}
	var err error
	done := s.try(func() { _, err = p.Answer(context.Background(), service.Agency, d.doc, draft) })
	switch {
	case !done:
		s.say("agency: it answers %s, and the portal stops", d)
	case err != nil:
		s.say("agency: it answers %s; the portal cannot keep it", d)
		if !errors.Is(err, errFull) && !errors.Is(err, errUnsure) && !errors.Is(err, errDead) {
			s.broken("PortalWorks", "answer %s: %v", d, err)
		}
	default:
		s.say("agency: it answers %s: %s", d, draft.Decision)
		if draft.Decision == ledger.Returned {
			s.correct(d)
		}
	}
	return true
}

// correct has the citizen bring the corrected paper, in time.
func (s *sim) correct(d *doc) {
	for i, p := range s.w.pool {
		if p.corrects >= 0 && s.w.pool[p.corrects] == d.paper {
			s.next = append(s.next, i)
		}
	}
}

func facts(service *catalog.Service) []portal.Fact {
	var out []portal.Fact
	for _, f := range service.Result.Facts {
		out = append(out, portal.Fact{Name: f.Name, Value: citizen.NewText("nusga")})
	}
	return out
}

// boot switches on what is off.
func (s *sim) boot(r *rand.Rand) bool {
	if s.c.life == nil && r.IntN(2) == 0 {
		s.say("portal: it starts")
		s.c.boot()
		return true
	}
	for _, m := range s.machines {
		if m.life == nil {
			s.say("%s: it starts", m.name)
			m.boot()
			return true
		}
		if m.renewed && m.life.box != nil {
			s.restartOne(m)
			return true
		}
	}
	if s.c.life == nil {
		s.say("portal: it starts")
		s.c.boot()
		return true
	}
	return false
}

// restart ends a kiosk in order and starts it.
func (s *sim) restart(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil {
		return false
	}
	s.restartOne(m)
	return true
}

func (s *sim) restartOne(m *machine) {
	if m.printing != nil {
		return
	}
	s.say("%s: it is restarted", m.name)
	m.stop()
	m.boot()
}

func (s *sim) power(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil {
		return false
	}
	s.say("%s: THE POWER IS CUT", m.name)
	m.kill(r)
	return true
}

func (s *sim) lightKiosk(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil {
		return false
	}
	var torn func()
	if s.plan.faults["torn"] {
		torn = m.life.tearNext
	}
	m.life.fuse.light(1+r.IntN(6), torn)
	return s.carry(r) // so that something passes it
}

func (s *sim) crash(*rand.Rand) bool {
	if !s.up() {
		return false
	}
	s.say("portal: IT CRASHES")
	s.c.kill()
	return true
}

func (s *sim) lightPortal(r *rand.Rand) bool {
	if !s.up() {
		return false
	}
	s.c.life.fuse.light(1+r.IntN(8), nil)
	return s.carry(r)
}

func (s *sim) cut(r *rand.Rand) bool {
	m := s.machines[r.IntN(len(s.machines))]
	if m.conn == nil || m.conn.over() {
		return false
	}
	s.say("link: it is cut%s", m.conn.of())
	m.conn.cut()
	return true
}

func (s *sim) noLine(r *rand.Rand) bool {
	m := s.machines[r.IntN(len(s.machines))]
	m.noLine = !m.noLine
	if m.noLine {
		s.say("link: %s has no line any more", m.name)
		if m.conn != nil {
			m.conn.cut()
		}
	} else {
		s.say("link: %s has a line again", m.name)
	}
	return true
}

func (s *sim) silence(r *rand.Rand) bool {
	m := s.machines[r.IntN(len(s.machines))]
	if m.conn == nil || m.conn.over() {
		return false
	}
	m.conn.mu.Lock()
	defer m.conn.mu.Unlock()
	if m.conn.silent.IsZero() {
		s.say("link: nothing comes through any more%s", m.conn.of())
		m.conn.silent = time.Now()
	} else {
		s.say("link: it comes through again%s", m.conn.of())
		m.conn.silent = time.Time{}
	}
	return true
}

// spoil does to a frame what a line must not do.
func (s *sim) spoil(r *rand.Rand) bool {
	m := s.machines[r.IntN(len(s.machines))]
	if m.conn == nil {
		return false
	}
	way := r.IntN(2)
	if m.conn.waiting(way) == 0 {
		way = 1 - way
	}
	f, ok := m.conn.next(way)
	if !ok {
		return false
	}
	s.hurtLine = true
	switch r.IntN(4) {
	case 0:
		s.say("link: %s goes %s twice", f.what, ways[way])
		m.conn.bring(way, f)
		s.settle()
		m.conn.bring(way, f)
	case 1:
		g, ok := m.conn.next(way)
		if !ok {
			m.conn.bring(way, f)
			return true
		}
		s.say("link: %s goes %s before %s", g.what, ways[way], f.what)
		m.conn.bring(way, g)
		s.settle()
		m.conn.bring(way, f)
	case 2:
		if len(s.old) > 0 && way == up {
			g := s.old[r.IntN(len(s.old))]
			s.say("link: somebody sends again, from before: %s", g.what)
			m.conn.bring(way, g)
			s.settle()
		}
		m.conn.bring(way, f)
	default:
		if f.fixed || f.eof {
			m.conn.bring(way, f)
			return true
		}
		b := append([]byte(nil), f.bytes...)
		at := r.IntN(len(b))
		b[at] ^= 1 << r.IntN(8)
		s.say("link: %s goes %s, and byte %d of %d has changed", f.what, ways[way], at, len(b))
		f.bytes = b
		if s.renames(b) {
			s.say("link: it is cut for that")
			m.conn.cut()
			return true
		}
		m.conn.bring(way, f)
	}
	return true
}

// renames says whether a frame gives a record another document's name and leaves
// its bytes. Nothing in a record tells that; the portal would keep it under the
// wrong name, and the kiosk would never believe its receipt. TLS, and the digests
// of a stick, stand before it.
func (s *sim) renames(b []byte) bool {
	f, err := wire.Parse(b)
	rs, ok := f.(*wire.Records)
	if err != nil || !ok {
		return false
	}
	for _, r := range rs.Records {
		if s.byDoc[r.Doc] == nil {
			return true
		}
	}
	return false
}

func (s *sim) clock(r *rand.Rand) bool {
	m := s.machines[r.IntN(len(s.machines))]
	steps := []time.Duration{-48 * time.Hour, -time.Hour, -time.Minute, time.Minute, time.Hour, 72 * time.Hour, -20 * 365 * 24 * time.Hour}
	m.skew = steps[r.IntN(len(steps))]
	if r.IntN(3) == 0 {
		m.skew = 0
	}
	s.say("%s: its clock is off by %s now", m.name, m.skew)
	return true
}

func (s *sim) portalFull(*rand.Rand) bool {
	if !s.up() {
		return false
	}
	full := !s.c.life.led.full.Load()
	s.c.life.led.full.Store(full)
	if full {
		s.say("portal: its medium is full")
	} else {
		s.say("portal: its medium has room again")
	}
	return true
}

func (s *sim) unsure(r *rand.Rand) bool {
	if !s.up() {
		return false
	}
	s.lostReply = true
	s.c.life.led.unsure.Store(1 + r.Int32N(2))
	s.say("portal: the word of its next commits gets lost")
	return s.carry(r)
}

// copyCard keeps a copy of a kiosk's medium.
func (s *sim) copyCard(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil {
		return false
	}
	files, err := readDir(m.dir)
	s.must(err)
	st := m.life.box.Stats(context.Background())
	c := &card{files: files, docs: map[*doc]bool{}, m: m, epoch: st.Epoch, size: st.JournalSize}
	m.store.copyTo(&c.store)
	for _, d := range s.docs {
		if d.held[m] {
			c.docs[d] = true
		}
	}
	s.card = c
	s.say("somebody: copies the medium of %s (%d requests, %d journal entries)", m.name, len(c.docs), c.size)
	return true
}

// clone puts a copy of the medium into a second kiosk.
func (s *sim) clone(*rand.Rand) bool {
	c := s.card
	if c == nil || len(s.machines) > 1 {
		return false
	}
	s.say("somebody: puts the copy into a second kiosk")
	m := &machine{s: s, name: "clone", dir: s.dir("clone"), room: s.plan.room, tampered: true}
	c.m.tampered = true
	s.must(writeDir(m.dir, c.files))
	c.store.copyTo(&m.store)
	for _, d := range s.docs {
		if c.docs[d] {
			d.held[m], d.messy = true, true
		}
		d.messy = d.messy || d.held[c.m]
	}
	s.machines = append(s.machines, m)
	m.boot()
	return true
}

// putBack puts an older copy of its medium into a kiosk.
func (s *sim) putBack(*rand.Rand) bool {
	c := s.card
	if c == nil {
		return false
	}
	m := c.m
	if m.life != nil {
		m.stop()
	}
	m.printing = nil
	s.say("somebody: puts the older copy of its medium into %s", m.name)
	m.tampered = true
	s.wantAlarm = ""
	if s.up() && s.c.life.fuse.burnt() == "" && len(s.machines) == 1 {
		if h, err := s.c.life.db.Head(context.Background(), s.w.Device.ID, c.epoch); err == nil && h.Size > c.size {
			s.wantAlarm = "journal."
		}
	}
	s.must(os.RemoveAll(m.dir))
	m.dir = s.dir(m.name)
	s.must(writeDir(m.dir, c.files))
	c.store.copyTo(&m.store)
	for _, d := range s.docs {
		if d.held[m] && !c.docs[d] {
			delete(d.held, m)
			if len(d.held) == 0 {
				d.excused = "the medium was put back to before it"
			}
		}
		d.messy = d.messy || c.docs[d]
	}
	return true
}

// backUp keeps a copy of the portal's medium.
func (s *sim) backUp(*rand.Rand) bool {
	if !s.up() {
		return false
	}
	files, err := readDir(s.c.dir)
	s.must(err)
	s.backup = &card{files: files, view: s.see().clone()}
	s.say("portal: a backup is made")
	return true
}

// restore puts the portal back to its backup.
func (s *sim) restore(*rand.Rand) bool {
	b := s.backup
	if b == nil {
		return false
	}
	if s.c.life != nil {
		s.c.kill()
	}
	s.say("portal: ITS MEDIUM BREAKS; it is restored from its backup")
	s.restored = true
	s.must(os.RemoveAll(s.c.dir))
	s.c.dir = s.dir("portal")
	s.must(writeDir(s.c.dir, b.files))
	s.forgetView()
	kept := map[ledger.Key]bool{}
	for k := range b.view.records {
		kept[k] = true
	}
	for k := range s.receipts {
		if !kept[k] {
			delete(s.receipts, k)
			if d := s.byKey(k); d != nil {
				d.atRisk = true
			}
		}
	}
	for _, d := range s.docs {
		if !b.view.holds(d) {
			d.atRisk = true
		}
		if rq := b.view.requests[d.doc]; rq.state != ledger.Answered && rq.state != ledger.Refused && rq.state != ledger.Returned {
			if d.answered != "" {
				d.messy = true // it may be answered again, and otherwise
			}
			d.answered, d.packet = "", nil
		}
	}
	return true
}

// update publishes a newer trust bundle, or restarts the portal with a newer
// catalogue.
func (s *sim) update(r *rand.Rand) bool {
	if !s.up() {
		return false
	}
	if r.IntN(2) == 0 && s.c.bundle+1 < len(s.w.bundles) {
		var err error
		s.c.bundle++
		p := s.c.life.p
		b := s.w.bundles[s.c.bundle]
		if done := s.try(func() { err = p.PublishTrust(context.Background(), b) }); done && err != nil {
			s.broken("PortalWorks", "publish a bundle: %v", err)
		}
		s.say("portal: it publishes a new trust bundle")
		return true
	}
	if s.c.catalogue+1 < len(s.w.catalogues) {
		s.c.catalogue++
		s.say("portal: it is restarted with a new catalogue")
		s.c.stop()
		s.c.boot()
		return true
	}
	return false
}
