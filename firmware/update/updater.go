package update

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/release"
)

// Updater carries out what Next says. Open it before anything that a new version may
// break, and Run it when the kiosk runs.
type Updater struct {
	c       Config
	store   store
	started time.Time
	keys    release.Keys
	events  chan asked
	slot    string
	room    int64
	pace    pace

	mu       sync.Mutex
	s        State
	saved    State  // as it was last kept
	marked   string // slot that is marked as on trial
	unmarked bool   // no other is
	todo     []Effect
	progress Progress
	asked    bool              // the portal was, and answered
	troubles map[string]string // by what it went wrong with: what was logged last

	fetching context.CancelFunc // nil: nothing is fetched
	fetched  chan struct{}      // closed when the fetch has ended
	plan     *plan              // of what is fetched; the fetch has it, and who has halted it
	brought  int64              // by the link, and not yet told; the same
	hands    sync.Mutex         // held while RAUC or logind is asked
	tasks    sync.WaitGroup
}

// Progress is how far an installation is.
type Progress struct {
	Percent int    `json:"percent"`
	What    string `json:"what"`
}

// asked is an event, and who waits for what came of it.
type asked struct {
	e    Event
	done chan<- State
}

// pace is how often things are looked at and tried again.
type pace struct {
	tick  time.Duration
	first time.Duration // until the portal is asked, after a start
	tell  time.Duration // the same, after something ended
	pause time.Duration // between two tries of a download that was cut
}

var usual = pace{tick: 5 * time.Second, first: time.Minute, tell: 10 * time.Second, pause: time.Minute}

// Open reads where the update stands and takes the first step of this start, which is
// durable when Open returns: a version that cannot even open the outbox is counted
// before it tries. Where the software has to be left Open restarts the machine.
func Open(ctx context.Context, c Config) (*Updater, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Every == 0 {
		c.Every = 6 * time.Hour
	}
	if c.Own.Ring == 0 {
		c.Own.Ring = release.Broad
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("update: make its folder: %w", err)
	}
	u := &Updater{c: c, store: store{c.Dir}, started: time.Now(), events: make(chan asked), pace: usual}
	var err error
	if u.s, err = u.store.load(); err != nil {
		return nil, err
	}
	u.keys = release.NewKeys(c.Roots)
	for _, lists := range [][][]byte{c.Lists, u.s.Lists} {
		for _, l := range lists {
			next, err := u.keys.Take(l)
			if err != nil {
				c.Log.Warn("update: a list of keys that was kept is not taken", "err", err)
				continue
			}
			u.keys = next
		}
	}
	if u.slot, err = c.Installer.Booted(ctx); err != nil {
		c.Log.Warn("update: which slot runs is not known", "err", err)
	}
	u.room = c.Installer.Room(ctx)
	if err := u.step(Started{}, u.own(Facts{})); err != nil {
		return nil, err
	}
	for _, e := range u.todo {
		if _, ok := e.(Leave); ok {
			u.leave(ctx)
		}
	}
	return u, nil
}

// own puts in what the updater itself knows.
func (u *Updater) own(f Facts) Facts {
	if f.Now.IsZero() {
		f.Now = time.Now()
	}
	u.mu.Lock()
	f.Own = u.c.Own
	u.mu.Unlock()
	f.Boot, f.Up, f.Slot = u.c.Boot, time.Since(u.started), u.room
	f.Own.Slot = u.slot
	f.Room, f.Base = u.space()
	f.Link = (u.c.Allowed == nil || u.c.Allowed()) && !u.spent(f.Now)
	return f
}

// Set says how the kiosk is set now, as Config does at the start.
func (u *Updater) Set(ring release.Ring, every time.Duration, perDay int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.c.Own.Ring, u.c.PerDay = ring, perDay
	if every > 0 {
		u.c.Every = every
	}
}

func (u *Updater) facts(ctx context.Context) Facts { return u.own(u.c.Facts(ctx, u.state().Before)) }

func (u *Updater) spent(now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.c.PerDay > 0 && u.s.Spent.On(now) >= u.c.PerDay
}

// step makes the state that follows durable, and keeps what is to be done.
func (u *Updater) step(e Event, f Facts) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	before := u.s
	next, do := Next(u.s, e, f)
	if _, ok := e.(Got); !ok || lags(u.saved, next) {
		if err := errors.Join(u.mark(next), u.store.save(next)); err != nil {
			return err
		}
		u.saved = next
		if err := u.unmark(next); err != nil {
			u.c.Log.Warn("update", "err", err) // the next step tries again
		}
	}
	u.s = next
	u.todo = append(u.todo, do...)
	if before.Phase != next.Phase {
		u.c.Log.Info("update", "phase", next.Phase.String(), "build", next.Target.Build, "last", string(next.Last.Code))
	}
	return nil
}

// How many bytes the state may lag behind: what is right of the bundle is found by its
// digests, and what a power cut keeps from being counted is little beside a day's bytes.
const (
	saveEvery    = 16 << 20
	saveSpending = 2 << 20
)

// lags says whether the state that was kept is too far behind next.
func lags(kept, next State) bool {
	return next.Have-kept.Have >= saveEvery || next.Have < kept.Have || next.Whole != kept.Whole ||
		next.Fetched-kept.Fetched >= saveSpending || next.Fetched < kept.Fetched
}

// Run keeps the update going until ctx ends.
func (u *Updater) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer u.tasks.Wait()
	defer cancel()
	ticker := time.NewTicker(u.pace.tick)
	defer ticker.Stop()
	ask := time.NewTimer(u.pace.first)
	defer ask.Stop()
	for {
		u.carryOut(ctx)
		var a asked
		select {
		case <-ctx.Done():
			return nil
		case a = <-u.events:
		case <-ticker.C:
			a.e = Tick{}
		case <-ask.C:
			ask.Reset(u.next())
			u.tasks.Go(func() { u.ask(ctx) })
			continue
		}
		before := u.untold()
		// Nothing may be done that is not kept; the disk may have room again later.
		u.trouble("update", u.step(a.e, u.facts(ctx)))
		if a.done != nil {
			a.done <- u.state()
		}
		if u.untold() && !before {
			ask.Reset(u.pace.tell)
		}
		if u.c.Changed != nil {
			u.c.Changed()
		}
	}
}

// trouble logs what goes wrong with what, once until it is another error or none: a
// line at each tick would fill a disk that is full.
func (u *Updater) trouble(what string, err error) {
	now := ""
	if err != nil {
		now = err.Error()
	}
	u.mu.Lock()
	before := u.troubles[what]
	if u.troubles == nil {
		u.troubles = make(map[string]string)
	}
	u.troubles[what] = now
	u.mu.Unlock()
	if err != nil && now != before {
		u.c.Log.Error(what, "err", err)
	}
}

// next is how long until the portal is asked again: sooner while it does not know how
// something ended.
func (u *Updater) next() time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.s.Untold {
		return min(u.c.Every, 15*time.Minute)
	}
	return u.c.Every
}

func (u *Updater) untold() bool { return u.state().Untold }

func (u *Updater) state() State {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.s
}

// tell hands an event to Run, and says whether it took it.
func (u *Updater) tell(ctx context.Context, e Event) bool {
	select {
	case u.events <- asked{e: e}:
		return true
	case <-ctx.Done():
		return false
	}
}
