package update

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/penjire/penjire/firmware/update/rauc"
	"github.com/penjire/penjire/sync/release"
)

// Installer writes slots and speaks to the boot loader; *rauc.Client is one.
type Installer interface {
	// Install writes the bundle into the other slot, which then starts next. A
	// *rauc.Failed is a no that changed nothing.
	Install(ctx context.Context, bundle string, progress func(percent int, what string)) error
	MarkGood(ctx context.Context) error
	ActivateOther(ctx context.Context) error
	Booted(ctx context.Context) (string, error)
	Room(ctx context.Context) int64
}

// Source is where releases come from; *Portal is one.
type Source interface {
	// Check tells the portal how the software is, and returns the description that it
	// has for this kiosk; nil: none.
	Check(ctx context.Context, r release.Report) ([]byte, error)
	// Bundle returns the bytes of a bundle from an offset on.
	Bundle(ctx context.Context, sha256 [32]byte, from int64) (Stream, error)
}

// Config is what an updater works with.
type Config struct {
	Dir   string // for the state and the bundle; it must be durable
	Roots []*x509.Certificate
	Lists [][]byte // that the image came with
	Own   Own
	Boot  string

	Installer Installer
	Restart   func(context.Context) error // of the machine

	// What follows is needed by Run only.

	Source  Source        // nil: memory sticks only
	Every   time.Duration // between questions to the portal; 0 is 6 h
	PerDay  int64         // bytes that downloads may take of the link; 0: no limit
	Allowed func() bool   // the link may be used for downloads now; nil: always
	// Facts returns what is known beside what the updater knows itself. before is how
	// the kiosk was when the installation began whose trial it is.
	Facts func(ctx context.Context, before Health) Facts
	// Journal puts a note into the journal.
	Journal func(context.Context, Note) error
	Changed func() // what Status says is new; nil: nobody wants to know
	Log     *slog.Logger
}

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
	saved    int64 // Have when the state was last kept
	todo     []Effect
	progress Progress
	asked    bool // the portal was, and answered

	fetching context.CancelFunc // nil: nothing is fetched
	fetched  chan struct{}      // closed when the fetch has ended
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
	f.Boot, f.Own, f.Up, f.Slot = u.c.Boot, u.c.Own, time.Since(u.started), u.room
	f.Own.Slot = u.slot
	f.Room = room(u.c.Dir)
	f.Link = (u.c.Allowed == nil || u.c.Allowed()) && !u.spent(f.Now)
	return f
}

func (u *Updater) facts(ctx context.Context) Facts { return u.own(u.c.Facts(ctx, u.state().Before)) }

func (u *Updater) spent(now time.Time) bool {
	return u.c.PerDay > 0 && u.s.Spent.On(now) >= u.c.PerDay
}

// step makes the state that follows durable, and keeps what is to be done.
func (u *Updater) step(e Event, f Facts) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	before := u.s
	next, do := Next(u.s, e, f)
	if _, ok := e.(Got); !ok || next.Have-u.saved >= saveEvery || next.Have < u.saved {
		if err := u.store.save(next); err != nil {
			return err
		}
		u.saved = next.Have
	}
	u.s = next
	u.todo = append(u.todo, do...)
	if before.Phase != next.Phase {
		u.c.Log.Info("update", "phase", next.Phase.String(), "build", next.Target.Build, "last", string(next.Last.Code))
	}
	return nil
}

// saveEvery is how many fetched bytes the state may lag behind: what is right of the
// bundle is found by its digests.
const saveEvery = 16 << 20

// Status is where the update stands, for people and for the portal.
type Status struct {
	Report   release.Report `json:"report"`
	Ring     string         `json:"ring"`
	Version  string         `json:"target_version,omitempty"`
	Size     int64          `json:"size,omitempty"`
	Progress *Progress      `json:"progress,omitempty"`
	Detail   string         `json:"detail,omitempty"` // RAUC's own words of the last failure
	Bad      []uint64       `json:"bad,omitempty"`
	Keys     uint64         `json:"key_list"`
	Asked    bool           `json:"asked"` // the portal answered since the start
}

// Status returns where the update stands.
func (u *Updater) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := Status{
		Report: u.report(), Version: u.s.Target.Version, Size: u.s.Target.Size, Detail: u.s.Detail,
		Bad: u.s.Bad, Keys: u.keys.Version(), Asked: u.asked, Ring: u.c.Own.Ring.String(),
	}
	if u.s.Phase == release.Installing {
		s.Progress = &u.progress
	}
	return s
}

func (u *Updater) report() release.Report {
	r := release.Report{
		Board: u.c.Own.Board, Version: u.c.Own.Version, Build: u.c.Own.Build, Format: u.c.Own.Format, Slot: u.slot,
		Ring: u.c.Own.Ring.String(), Phase: u.s.Phase.String(), Target: u.s.Target.Build, Have: u.s.Have,
	}
	if u.s.Last.Code != "" {
		last := u.s.Last
		r.Last = &last
	}
	return r
}

// Installs reports whether RAUC writes, or the machine is about to restart.
func (u *Updater) Installs() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.s.Phase == release.Installing || u.s.Phase == release.Installed || u.s.Phase == release.Leaving
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
		if err := u.step(a.e, u.facts(ctx)); err != nil {
			// Nothing may be done that is not kept; the disk may have room again later.
			u.c.Log.Error("update", "err", err)
		}
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

// next is how long until the portal is asked again: sooner while it does not know how
// something ended.
func (u *Updater) next() time.Duration {
	if u.untold() {
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

// tell hands an event to Run.
func (u *Updater) tell(ctx context.Context, e Event) {
	select {
	case u.events <- asked{e: e}:
	case <-ctx.Done():
	}
}

// ask tells the portal how the software is, and takes what it offers.
func (u *Updater) ask(ctx context.Context) {
	if u.c.Source == nil || u.c.Allowed != nil && !u.c.Allowed() {
		return
	}
	u.mu.Lock()
	r := u.report()
	u.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	signed, err := u.c.Source.Check(ctx, r)
	if err != nil {
		u.c.Log.Info("update: the portal was not asked", "err", err)
		return
	}
	u.mu.Lock()
	u.asked = true
	u.mu.Unlock()
	if r.Last != nil {
		u.tell(ctx, Told{r.Last.Build})
	}
	if signed == nil {
		u.tell(ctx, Withdrawn{})
		return
	}
	if _, err := u.Offer(ctx, signed, "", false, false); err != nil {
		u.c.Log.Warn("update: what the portal offers is not taken", "err", err)
	}
}

// Ask asks the portal now, beside its turn.
func (u *Updater) Ask(ctx context.Context) error {
	if u.c.Source == nil {
		return errors.New("update: this kiosk has no portal to ask")
	}
	u.mu.Lock()
	u.asked = false
	u.mu.Unlock()
	u.ask(ctx)
	if !u.Status().Asked {
		return errors.New("update: the portal was not reached, or these are not the hours for it")
	}
	return nil
}

// Refused is a release that this kiosk does not take.
type Refused struct {
	Code release.Code
	Err  error // nil: the code says all
}

// Error implements error.
func (r *Refused) Error() string {
	s := "update: refused: " + string(r.Code)
	if r.Err != nil {
		s += ": " + r.Err.Error()
	}
	return s
}

// Unwrap returns what the reader said.
func (r *Refused) Unwrap() error { return r.Err }

// Offer opens a signed description and takes it on, or says why not: a *Refused.
// path is the bundle's on a memory stick; hand says that a person asks, and again that
// they do although it failed here before. Run must be running.
func (u *Updater) Offer(ctx context.Context, signed []byte, path string, hand, again bool) (*release.Release, error) {
	u.mu.Lock()
	keys := u.keys
	u.mu.Unlock()
	r, keys, err := release.Open(signed, keys)
	u.mu.Lock()
	learned := keys.Version() > u.keys.Version()
	if learned {
		u.keys = keys
	}
	u.mu.Unlock()
	if learned {
		u.tell(ctx, Learned{keys.Lists()})
	}
	if err != nil {
		return nil, &Refused{release.CodeOf(err), err}
	}
	done := make(chan State, 1)
	select {
	case u.events <- asked{Offered{Release: r, Path: path, Hand: hand, Again: again}, done}:
	case <-ctx.Done():
		return nil, fmt.Errorf("update: offer a release: %w", ctx.Err())
	}
	s := <-done
	switch {
	case s.Target.Build == r.Build:
		return r, nil
	case s.Last.Build == r.Build && s.Last.Code != release.CodeGood:
		return r, &Refused{Code: s.Last.Code}
	case s.Target.Build != 0:
		return r, errors.New("update: another update is under way")
	}
	return r, &Refused{Code: release.CodeOlder}
}

var _ Installer = (*rauc.Client)(nil)
