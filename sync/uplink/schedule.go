package uplink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Schedule says when the link may be used and how much of it (M3-2.2a: links that
// exist a few times a day, or are paid by the byte). The zero value is always and
// everything. Nothing breaks a window, not even an urgent lane: outside of it there
// mostly is no link.
type Schedule struct {
	Windows     []Window       // none: always
	Zone        *time.Location // of windows and days; nil is UTC
	BytesPerDay int64          // up and down, as the link carries them; 0: no limit
	File        string         // keeps over restarts what was spent; "": nothing does
}

// Window is a time of day.
type Window struct {
	Days     []time.Weekday // on which it begins; none: every day
	From, To time.Duration  // since midnight; it goes over midnight where To is not above From
}

// on says whether a window begins on a day.
func (w Window) on(d time.Weekday) bool {
	return len(w.Days) == 0 || slices.Contains(w.Days, d)
}

// Allows says whether that moment is in one of the windows; where there are none it is.
func (s Schedule) Allows(at time.Time) bool {
	_, open := s.open(at)
	return open
}

// open says whether the link may be used, and until when; or when it may again.
func (s Schedule) open(at time.Time) (until time.Time, open bool) {
	at = at.In(s.zone())
	var next time.Time
	for off := -1; off <= 8; off++ {
		midnight := time.Date(at.Year(), at.Month(), at.Day()+off, 0, 0, 0, 0, s.zone())
		for _, w := range s.Windows {
			if !w.on(midnight.Weekday()) {
				continue
			}
			start, end := midnight.Add(w.From), midnight.Add(w.To)
			if w.To <= w.From {
				end = end.Add(24 * time.Hour)
			}
			switch {
			case !at.Before(end):
			case at.Before(start):
				if next.IsZero() || start.Before(next) {
					next = start
				}
			case end.After(until):
				until, open = end, true
			}
		}
	}
	if open {
		return until, true
	}
	return next, len(s.Windows) == 0
}

func (s Schedule) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// How a day's bytes are shared. A quarter is kept from requests, so that receipts,
// answers and the portal's time come down on any day; a request that is larger than
// what requests have on a day may go at its beginning, at the cost of the next.
const (
	keptDown  = 4
	keptSmall = 4
	beginning = 8
)

// budget counts a day's bytes.
type budget struct {
	s    Schedule
	mu   sync.Mutex
	day  string
	used int64
	seen int64 // of what all carriers carried
	kept int64 // of used, in the file
}

// kept is the file.
type kept struct {
	Day   string `json:"day"`
	Spent int64  `json:"spent"`
}

func openBudget(s Schedule) (*budget, error) {
	b := &budget{s: s}
	if s.BytesPerDay <= 0 || s.File == "" {
		return b, nil
	}
	raw, err := os.ReadFile(s.File)
	if errors.Is(err, os.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("uplink: read what was spent: %w", err)
	}
	var k kept
	if json.Unmarshal(raw, &k) == nil && k.Spent >= 0 { // damaged: a day's bytes are no reason to stop
		b.day, b.used, b.kept = k.Day, k.Spent, k.Spent
	}
	return b, nil
}

// spend takes note of what all carriers have carried so far.
func (b *budget) spend(total int64, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roll(now)
	b.used += total - b.seen
	b.seen = total
}

// roll begins a new day. What was overdrawn is the next day's, but not more than
// all of it. A clock that goes back gets nothing for it.
func (b *budget) roll(now time.Time) {
	day := now.In(b.s.zone()).Format(time.DateOnly)
	if day <= b.day {
		return
	}
	b.day, b.used = day, min(max(0, b.used-b.s.BytesPerDay), b.s.BytesPerDay)
}

// room returns how many bytes requests may still take today, and whether the day
// has just begun. limited is false where there is no budget.
func (b *budget) room(now time.Time) (n int64, fresh, limited bool) {
	if b.s.BytesPerDay <= 0 {
		return 0, false, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roll(now)
	return b.s.BytesPerDay - b.s.BytesPerDay/keptDown - b.used, b.used <= b.s.BytesPerDay/beginning, true
}

// largeRoom returns how many bytes the chunks of large requests may still take today:
// they leave as much to small ones as those and they leave to what comes down.
func (u *Uplink) largeRoom() (n int64, limited bool) {
	u.account(false)
	n, _, limited = u.budget.room(u.c.Now())
	return n - u.budget.s.BytesPerDay/keptSmall - chunkFrame, limited
}

// chunkFrame is about what a chunk takes beside its bytes, with its answer.
const chunkFrame = 256

// spent says whether there is nothing left today, and when the next day begins.
func (b *budget) spent(now time.Time) (until time.Time, spent bool) {
	if b.s.BytesPerDay <= 0 {
		return time.Time{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roll(now)
	return b.tomorrow(), b.used >= b.s.BytesPerDay
}

// lacks returns when the next day begins, if there is no room on this one.
func (b *budget) lacks(none bool) time.Time {
	if !none {
		return time.Time{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tomorrow()
}

func (b *budget) tomorrow() time.Time {
	d, err := time.ParseInLocation(time.DateOnly, b.day, b.s.zone())
	if err != nil {
		return time.Time{}
	}
	return d.AddDate(0, 0, 1)
}

// keep writes what was spent, if it is more than a hundredth of a day since the
// last time, or anyway.
func (b *budget) keep(anyway bool) error {
	b.mu.Lock()
	k := kept{b.day, b.used}
	due := b.s.BytesPerDay > 0 && b.s.File != "" && k.Spent != b.kept && (anyway || k.Spent-b.kept > b.s.BytesPerDay/100 || k.Spent < b.kept)
	if due {
		b.kept = k.Spent
	}
	b.mu.Unlock()
	if !due {
		return nil
	}
	raw, err := json.Marshal(k)
	if err != nil {
		return err
	}
	// A file that is half written counts as none: whole, or as before.
	tmp := filepath.Join(filepath.Dir(b.s.File), "."+filepath.Base(b.s.File))
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return fmt.Errorf("uplink: keep what was spent: %w", err)
	}
	if err := os.Rename(tmp, b.s.File); err != nil {
		return fmt.Errorf("uplink: keep what was spent: %w", err)
	}
	return nil
}

// errSchedule ends a session because its time or its bytes are over.
var errSchedule = errors.New("uplink: the window or the day's bytes are over")

// SetSchedule takes another schedule into force: for what is asked next, and for the
// length of a session from the next one on. Its File is the one of the Config.
func (u *Uplink) SetSchedule(s Schedule) {
	s.File = u.c.Schedule.File
	u.schedule.Store(&s)
	u.budget.mu.Lock()
	u.budget.s = s
	u.budget.mu.Unlock()
}

// closed returns what has to be waited for, and until when; "": nothing.
func (u *Uplink) closed() (waits string, until time.Time) {
	now := u.c.Now()
	if next, open := u.schedule.Load().open(now); !open {
		return WaitsWindow, next
	}
	if next, spent := u.budget.spent(now); spent {
		return WaitsBudget, next
	}
	return "", time.Time{}
}

// account notes what was carried.
func (u *Uplink) account(anyway bool) {
	u.st.mu.Lock()
	sent, received := u.bytes()
	u.st.mu.Unlock()
	u.budget.spend(sent+received, u.c.Now())
	if err := u.budget.keep(anyway); err != nil {
		u.c.Log.Error("uplink: a restart will forget what was spent today", "err", err)
	}
}

// mindEvery is how often a session looks at the clock and at its bytes.
const mindEvery = 5 * time.Second

// mind ends a session in order when its window ends, or when the day's bytes are
// spent and nothing moves: what is under way would only have to go again.
func (u *Uplink) mind(ctx context.Context, end context.CancelCauseFunc) {
	if s := u.schedule.Load(); len(s.Windows) == 0 && s.BytesPerDay <= 0 {
		return
	}
	tick := time.NewTicker(mindEvery)
	defer tick.Stop()
	moved := func() int64 {
		u.st.mu.Lock()
		defer u.st.mu.Unlock()
		sent, received := u.bytes()
		return sent + received
	}
	for before := moved(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		u.account(false)
		now := moved()
		if waits, _ := u.closed(); waits == WaitsWindow || waits == WaitsBudget && now == before {
			end(errSchedule)
			return
		}
		before = now
	}
}

// rest waits while the schedule is closed; false: ctx has ended. The clock may be
// set meanwhile, so it is looked at every minute.
func (u *Uplink) rest(ctx context.Context) bool {
	for {
		waits, until := u.closed()
		u.st.waits(waits, until)
		if waits == "" {
			return true
		}
		t := time.NewTimer(min(max(until.Sub(u.c.Now()), time.Second), time.Minute))
		select {
		case <-ctx.Done():
			t.Stop()
			return false
		case <-t.C:
		}
	}
}
