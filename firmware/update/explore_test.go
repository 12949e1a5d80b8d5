package update

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/release/releasetest"
)

var noon = time.Date(2026, 11, 30, 7, 0, 0, 0, time.UTC)

// machine is a kiosk's medium and boot loader, as far as updates go: what survives a
// power cut. Its boot loader is the one of the image: ORDER, and of each slot whether
// it is good and how often it was tried.
type machine struct {
	t     *testing.T
	state []byte // the durable state
	file  int64  // durable bytes of the bundle
	base  uint64 // build of the bundle that is kept; 0: none is
	short bool   // the disk has no room for two
	spoil int    // how often the portal hands out something else
	wrong int    // how often the difference came out wrong
	slots [2]slot
	order []int
	boots int
	runs  int // index of the slot that runs
	up    time.Duration
	now   time.Time
	made  int  // how often the target was installed
	broke bool // the slot of before does not start any more
	notes map[string]int
	how   behaviour

	steps int   // counted
	cuts  []int // steps at which something is cut off
	kinds []kind
}

type slot struct {
	build uint64
	whole bool
	good  bool
	tries int
}

// kind is what is cut off.
type kind int

const (
	power  kind = iota // the machine
	daemon             // only the daemon
)

// behaviour is of the target build.
type behaviour struct {
	name             string
	starts           bool // the kernel does, and the daemon
	crashes          bool // the daemon does, each time
	well             bool // the gate is passed
	refused          bool // by RAUC
	spoiled          int
	base             uint64 // the bundle that is kept before
	differs          bool   // the index lies: what is put together by it is wrong
	short            bool   // the disk has no room for two bundles
	oldBroken        bool   // the slot of before does not start any more
	want             release.Code
	staysOnNewAtLast bool
}

var behaviours = []behaviour{
	{name: "good", starts: true, well: true, want: release.CodeGood, staysOnNewAtLast: true},
	{name: "gate fails", starts: true, want: release.CodeScreen},
	{name: "does not start", want: release.CodeBoot},
	{name: "crash loop", starts: true, crashes: true, want: release.CodeRestarts},
	{name: "RAUC refuses", refused: true, want: release.CodeInstall},
	{name: "damaged once", starts: true, well: true, spoiled: 1, want: release.CodeGood, staysOnNewAtLast: true},
	{name: "good, by the difference", starts: true, well: true, base: 1, want: release.CodeGood, staysOnNewAtLast: true},
	{name: "the index lies", starts: true, well: true, base: 1, differs: true, want: release.CodeGood, staysOnNewAtLast: true},
	{name: "the index lies, then damaged", base: 1, differs: true, spoiled: 99, want: release.CodeCorrupt},
	{name: "no room for two", starts: true, well: true, base: 1, short: true, want: release.CodeGood, staysOnNewAtLast: true},
	{name: "gate fails, by the difference", starts: true, base: 1, want: release.CodeScreen},
	{name: "damaged", spoiled: 99, want: release.CodeCorrupt},
	{name: "gate fails and the old is broken", starts: true, oldBroken: true, want: release.CodeStuck, staysOnNewAtLast: true},
}

// errCut ends what the daemon was doing.
type errCut struct{ kind kind }

// step is a place at which things may be cut off.
func (m *machine) step() {
	m.steps++
	for i, c := range m.cuts {
		if c == m.steps {
			panic(errCut{m.kinds[i]})
		}
	}
}

// boot is the boot loader, and whether what it starts comes up.
func (m *machine) boot() {
	m.boots++
	m.up = 0
	for range 20 {
		i := slices.IndexFunc(m.order, func(i int) bool { return m.slots[i].good && m.slots[i].tries > 0 })
		if i < 0 { // as GRUB's script: all tries are over, begin anew
			for j := range m.slots {
				if m.slots[j].good {
					m.slots[j].tries = 3
				}
			}
			continue
		}
		m.runs = m.order[i]
		s := &m.slots[m.runs]
		s.tries--
		if !s.whole {
			m.t.Fatalf("the boot loader starts a slot that is half written")
		}
		if s.build == 2 && !m.how.starts || s.build == 1 && m.broke {
			continue // it hangs; the watchdog comes
		}
		m.broke = m.broke || s.build == 2 && m.how.oldBroken
		return
	}
	m.t.Fatal("no slot starts")
}

func (m *machine) facts() Facts {
	ran := m.slots[m.runs].build
	h := Health{Painted: true, Outbox: true, Journal: 5, Root: []byte{5}, Then: []byte{5}, Devices: []string{"printer"}, Portal: true}
	if ran == 2 && !m.how.well {
		h.Painted = false
	}
	f := Facts{
		Now: m.now, Boot: fmt.Sprint("boot ", m.boots),
		Own:  Own{Board: "vm", Version: "x", Build: ran, Format: 1, Slot: "AB"[m.runs : m.runs+1], Ring: release.Broad},
		Link: true, Quiet: true, Calm: time.Hour, Room: 1 << 30, Slot: 1 << 20, Up: m.up, Health: h,
	}
	if m.base != 0 {
		f.Base = 3
		if m.short {
			f.Room = 2
		}
	}
	return f
}

// live is one life of the daemon: it returns when something is cut off or restarts,
// or when nothing happens any more.
func (m *machine) live(offer *release.Release) (again bool) {
	var s State
	if err := json.Unmarshal(m.state, &s); err != nil {
		m.t.Fatal(err)
	}
	m.up = 0 // of the daemon
	var queue []Event
	feed := func(e Event) {
		next, effects := Next(s, e, m.facts())
		m.step() // before it is durable
		b, err := json.Marshal(next)
		if err != nil {
			m.t.Fatal(err)
		}
		m.state, s = b, next
		for _, x := range effects {
			m.step() // before the effect
			if ev := m.carry(x, s); ev != nil {
				m.step() // after the effect, before it is known
				queue = append(queue, ev)
			}
		}
	}
	feed(Started{})
	if m.slots[m.runs].build == 2 && m.how.crashes {
		panic(errCut{daemon})
	}
	feed(Offered{Release: offer})
	for range 200 {
		for len(queue) > 0 {
			e := queue[0]
			queue = queue[1:]
			feed(e)
		}
		before := string(m.state)
		m.up += 30 * time.Second
		m.now = m.now.Add(30 * time.Second)
		feed(Tick{})
		if s.Phase == release.Staged && m.now.Before(s.NotYet) {
			m.now = s.NotYet
		}
		if len(queue) == 0 && before == string(m.state) && m.up > mostTrial {
			return false
		}
	}
	m.t.Fatalf("it does not come to rest: %s", m.state)
	return false
}

// restart is a machine that restarts because it was told to.
type restart struct{}

func (m *machine) carry(x Effect, s State) Event {
	switch x.(type) {
	case Fetch:
		difference := m.base != 0 && s.Whole != release.WholeDamaged
		if m.short && m.base != 0 {
			m.t.Fatal("it fetches with two bundles on a disk that has no room for them")
		}
		if m.file < 3 {
			m.file++
			if difference {
				return Got{Have: m.file}
			}
			return Got{Have: m.file, New: 1, Left: 3 - m.file, Whole: s.Whole}
		}
		if difference && m.how.differs {
			m.wrong++
			m.file = 2
			return Spoiled{Differs: true}
		}
		if m.spoil < m.how.spoiled {
			m.spoil++
			return Spoiled{}
		}
		return Whole{}
	case Drop:
		m.file = 0
	case Keep:
		if m.file != 0 {
			if m.file != 3 {
				m.t.Fatalf("%d of 3 bytes of a bundle are kept", m.file)
			}
			m.base, m.file = 2, 0
			m.step()
		}
		return Kept{}
	case DropBase:
		m.base = 0
	case Halt:
	case Install:
		return m.install()
	case Reboot:
		panic(restart{})
	case Leave:
		m.slots[m.runs].good, m.slots[m.runs].tries = true, 3
		m.step()
		other := 1 - m.runs
		m.order = []int{other, m.runs}
		m.slots[other].good, m.slots[other].tries = true, 3
		m.step()
		panic(restart{})
	case MarkGood:
		m.slots[m.runs].good, m.slots[m.runs].tries = true, 3
		return Marked{}
	case WriteNotes:
		for _, n := range s.Notes {
			m.notes[n.Reason]++
		}
		return Noted{len(s.Notes)}
	default:
		m.t.Fatalf("unknown effect %T", x)
	}
	return nil
}

func (m *machine) install() Event {
	if m.how.refused {
		return InstallEnded{Code: release.CodeInstall, Detail: "no"}
	}
	i := 1 - m.runs
	m.slots[i] = slot{build: 0} // RAUC marks it bad before it writes
	m.step()
	m.slots[i].build = 2
	m.step()
	m.slots[i].whole = true
	m.step()
	m.slots[i].good, m.slots[i].tries = true, 3
	m.order = []int{i, m.runs}
	m.made++
	m.step()
	return InstallEnded{}
}

// run lets the machine live until it rests.
func (m *machine) run(offer *release.Release) {
	m.boot()
	for range 60 {
		if m.once(offer) {
			return
		}
	}
	m.t.Fatalf("it restarts for ever: %s", m.state)
}

func (m *machine) once(offer *release.Release) (rests bool) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case restart:
			m.boot()
		case errCut:
			if r.kind == power {
				m.boot()
			}
		default:
			panic(r)
		}
	}()
	return !m.live(offer)
}

// explore runs one behaviour with cuts at these steps, and checks how it ends. It
// returns how many steps there were.
func explore(t *testing.T, offer *release.Release, how behaviour, cuts []int, kinds []kind) int {
	b, err := json.Marshal(New())
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{
		t: t, state: b, base: how.base, short: how.short, order: []int{0, 1}, now: noon, notes: map[string]int{}, how: how, cuts: cuts, kinds: kinds,
		slots: [2]slot{{build: 1, whole: true, good: true, tries: 3}, {}},
	}
	m.run(offer)
	var s State
	if err := json.Unmarshal(m.state, &s); err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("%s, cut at %v (%v)", how.name, cuts, kinds)
	if s.Phase != release.Idle || len(s.Notes) > 0 {
		t.Fatalf("%s: rests in %s with %d notes", at, s.Phase, len(s.Notes))
	}
	want := uint64(1)
	if how.staysOnNewAtLast {
		want = 2
	}
	switch run := m.slots[m.runs]; {
	case how.oldBroken && len(cuts) > 0:
		// Whichever starts is right.
	case run.build != want:
		t.Fatalf("%s: build %d runs, want %d: %s", at, run.build, want, m.state)
	case !run.good || s.Good != m.facts().Boot:
		t.Fatalf("%s: the slot that runs is not marked good", at)
	}
	kept := how.base
	if s.Last.Code == release.CodeGood {
		kept = 2
	} else if how.short {
		kept = 0
	}
	cut := len(cuts) > 0
	switch {
	case m.base != kept || s.Keeps:
		t.Fatalf("%s: the bundle of build %d is kept, want that of %d: %s", at, m.base, kept, m.state)
	case m.wrong > 1+len(cuts):
		t.Fatalf("%s: the difference was tried %d times after it was wrong", at, m.wrong)
	case s.Last.Build != 2 || !s.Untold:
		t.Fatalf("%s: last is %+v, want it told", at, s.Last)
	case s.Last.Code != how.want && (!cut || s.Last.Code == release.CodeGood != (how.want == release.CodeGood)):
		t.Fatalf("%s: ended with %s, want %s", at, s.Last.Code, how.want)
	case s.Last.Code != release.CodeGood && !slices.Contains(s.Bad, 2):
		t.Fatalf("%s: the build is not remembered as bad", at)
	case m.made > maxTries+1:
		t.Fatalf("%s: installed %d times", at, m.made)
	case m.notes[string(s.Last.Code)+" "+s.Last.Version] == 0:
		t.Fatalf("%s: the journal says %v, want %s", at, m.notes, s.Last.Code)
	}
	return m.steps
}

// TestEveryStepCut cuts power, or kills the daemon, at every step of an update, of
// every kind of software, and at pairs of steps (PENJIRE_UPDATE=every: at every pair):
// it always ends in a kiosk that runs, in the right slot, with the right words.
func TestEveryStepCut(t *testing.T) {
	w := releasetest.New(t, noon)
	offer, _, err := release.Open(w.Sign(t, w.Release(t, 2, []byte("abc"))), w.Keys)
	if err != nil {
		t.Fatal(err)
	}
	every := os.Getenv("PENJIRE_UPDATE") == "every"
	runs := 0
	for _, how := range behaviours {
		t.Run(how.name, func(t *testing.T) {
			n := explore(t, offer, how, nil, nil)
			for i := 1; i <= n; i++ {
				for _, k := range []kind{power, daemon} {
					explore(t, offer, how, []int{i}, []kind{k})
					runs++
					for j := i + 1; j <= i+n; j++ {
						near, far := 3, 53
						if how.base != 0 { // the same steps, and where the bytes come from
							near, far = 2, 211
						}
						if !every && j-i > near && (i+j)%far != 0 {
							continue
						}
						for _, k2 := range []kind{power, daemon} {
							explore(t, offer, how, []int{i, j}, []kind{k, k2})
							runs++
						}
					}
				}
			}
			t.Logf("%d steps", n)
		})
	}
	t.Logf("%d lives", runs)
}
