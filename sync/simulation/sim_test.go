package simulation

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/wire"
)

// sim is one seed's world, in a bubble of synctest.
type sim struct {
	w     *world
	seed  uint64
	skip  map[int]bool // steps left out
	plan  plan
	start time.Time
	base  string          // folder of all media
	n     int             // folders made
	disks map[string]bool // of them, those that are disks of their own

	c        *centre
	machines []*machine
	docs     []*doc
	byDoc    map[outbox.Doc]*doc
	next     []int // papers of the pool not handed in yet
	calm     bool  // no faults any more

	card       *card // a copy of a kiosk's medium that somebody kept
	backup     *card // a copy of the portal's
	old        []frame
	sticks     []*stickFile
	restored   bool // the portal was put back to its backup
	clockOff   bool // the portal's clock was off by hours or more
	cloned     bool // a kiosk has a copy of another's medium
	hurtLine   bool // frames were altered, repeated or swapped
	wantAlarm  string
	renounced  int
	lostReply  bool
	receipts   map[ledger.Key][]byte // DURABLE receipts that left the portal
	seqs       map[number]*doc
	viewed     *view
	viewWrites int64
	everAlarms map[string]bool
	brought    map[string]brought // by kiosk

	chance *rand.Rand    // who goes on, in this step
	came   chan struct{} // somebody waits in line

	mu         sync.Mutex
	line       []ticket
	badReceipt error       // of one that left
	fresh      []wire.Kept // receipts that left since the last step
	story      []string
	logs       []string // that are no part of the story yet
	counts     counts
	had        map[string]bool // counted once
	passed     int             // points that somebody passed
	fault      *failure
	step       int
}

// failure is an invariant that does not hold.
type failure struct {
	name string
	what string
	step int
}

// stop ends a seed.
type stop struct{}

func newSim(w *world, seed uint64, skip map[int]bool) *sim {
	s := &sim{
		w: w, seed: seed, skip: skip, start: time.Now(), byDoc: map[outbox.Doc]*doc{},
		receipts: map[ledger.Key][]byte{}, disks: map[string]bool{}, seqs: map[number]*doc{}, everAlarms: map[string]bool{}, brought: map[string]brought{},
		came: make(chan struct{}, 1), counts: counts{}, had: map[string]bool{},
	}
	s.chance = s.rand(1 << 32)
	r := s.rand(-1)
	s.plan = newPlan(r)
	s.next = s.plan.papers(r, w)
	return s
}

// rand returns the chance of one step: leaving out another step does not change it.
func (s *sim) rand(step int) *rand.Rand {
	return rand.New(rand.NewPCG(s.seed, uint64(step+1)))
}

// run plays the seed.
func (s *sim) run() {
	defer func() {
		s.end()
		s.mu.Lock()
		s.tellLogs()
		s.mu.Unlock()
		if p := recover(); p != nil {
			if _, ok := p.(stop); !ok {
				panic(p)
			}
		}
	}()
	var err error
	s.base, err = os.MkdirTemp(base(), "penjire-sim-")
	s.must(err)
	s.c = &centre{s: s, dir: s.dir("portal"), disk: roomy}
	s.must(writeDir(s.c.dir, s.w.empty))
	s.c.boot()
	s.place("kiosk", s.w.Device)
	if s.plan.faults["second"] {
		s.place("other kiosk", s.w.other)
	}
	s.check()
	for s.step = range s.plan.steps {
		if s.skip[s.step] {
			continue
		}
		s.chance = s.rand(1<<32 + 1 + s.step)
		s.event(s.rand(s.step))
		s.settle()
		s.burn(s.rand(-2 - s.step))
		s.check()
	}
	s.finish()
}

// place puts up a kiosk.
func (s *sim) place(name string, dev specimen.Device) {
	m := &machine{s: s, name: name, dev: dev, dir: s.dir("kiosk"), room: s.plan.room, disk: roomy, mirrorDisk: roomy}
	if s.plan.faults["mirror"] {
		m.mirror = s.dir("mirror")
	}
	m.noLine = s.plan.faults["kiosk full"] // or it would not be for long
	m.store.trust, m.store.witnessed = s.w.first, map[outbox.Epoch]int64{}
	s.machines = append(s.machines, m)
	m.boot()
}

// await runs f and waits until it has ended.
func (s *sim) await(f func(), of *fuse) bool {
	fin := make(chan struct{})
	go func() {
		f()
		close(fin)
	}()
	for {
		s.settle()
		select {
		case <-fin:
			return true
		default:
			if of.burnt() != "" && !of.isDead() {
				return false
			}
			s.wait(time.Second)
		}
	}
}

// try runs f and says whether it has ended when nothing moves any more.
func (s *sim) try(f func()) bool {
	fin := make(chan struct{})
	go func() {
		f()
		close(fin)
	}()
	s.settle()
	select {
	case <-fin:
		return true
	default:
		return false
	}
}

// now is the true time.
func (s *sim) now() time.Time { return morning.Add(time.Since(s.start)) }

// say tells the story on.
func (s *sim) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.story = append(s.story, s.told(fmt.Sprintf(format, args...)))
}

// told is a line of the story.
func (s *sim) told(what string) string {
	at := s.now()
	day := ""
	if d := int(at.Sub(morning.Truncate(24*time.Hour)).Hours() / 24); d > 0 {
		day = fmt.Sprintf("day %d, ", d+1)
	}
	return fmt.Sprintf("%4d  %s%s  %s", s.step, day, at.Format("15:04:05"), what)
}

// tellLogs adds what the processes have logged since everybody waited last. Two that
// were woken at once log in the order in which the scheduler had it: it is no part of
// the story.
func (s *sim) tellLogs() {
	slices.Sort(s.logs)
	s.story, s.logs = append(s.story, s.logs...), nil
}

// broken notes that an invariant does not hold, and ends the seed.
func (s *sim) broken(name, format string, args ...any) {
	if s.fault == nil {
		s.fault = &failure{name, fmt.Sprintf(format, args...), s.step}
	}
	panic(stop{})
}

// must ends the process: the simulation itself does not work.
func (s *sim) must(err error) {
	if err != nil {
		panic(fmt.Sprintf("seed %d, step %d: the simulation fails: %v", s.seed, s.step, err))
	}
}

// burn looks whose power went in the last step.
func (s *sim) burn(r *rand.Rand) {
	for _, m := range s.machines {
		if m.life == nil {
			continue
		}
		if at := m.life.fuse.burnt(); at != "" {
			s.say("%s: THE POWER IS CUT %s", m.name, at)
			s.countPoint("kiosk", at)
			m.kill(r)
		}
	}
	if v := s.c.life; v != nil {
		if at := v.fuse.burnt(); at != "" {
			s.say("portal: IT CRASHES %s", at)
			s.countPoint("portal", at)
			s.c.kill()
		}
	}
}

// end lets go of everything.
func (s *sim) end() {
	for _, m := range s.machines {
		if m.conn != nil {
			m.conn.cut()
		}
		if l := m.life; l != nil {
			m.life = nil
			l.fuse.end()
			l.cancel()
			l.wg.Wait()
			if l.box != nil {
				_ = l.box.Close()
			}
		}
	}
	if s.c != nil && s.c.life != nil {
		v := s.c.life
		v.fuse.end()
		v.cancel()
		v.wg.Wait()
		if v.db != nil {
			_ = v.db.Close()
		}
	}
	if os.Getenv("PENJIRE_KEEP") == "" {
		for d := range s.disks {
			s.lose(d)
		}
		_ = os.RemoveAll(s.base)
	}
}

func (s *sim) noteRenounced(m *machine) {
	s.say("%s: the portal has shown that this is an older copy, or another's: it takes nothing more", m.name)
	s.mu.Lock()
	defer s.mu.Unlock()
	m.renewed = true
	s.renounced++
}

// live returns the machines that run.
func (s *sim) live() []*machine {
	return slices.DeleteFunc(slices.Clone(s.machines), func(m *machine) bool { return m.life == nil || m.life.box == nil })
}

func (s *sim) up() bool { return s.c.life != nil && s.c.life.p != nil }

// tale is the story as text.
func (s *sim) tale() string { return strings.Join(s.story, "\n") }
