// Package update brings new software to a kiosk, and back again when it does not
// prove itself.
//
// Every rule about what happens next is in one pure function, [Next]: from a State
// and an Event it makes the State that follows and the Effects to carry out. The
// state is durable before an effect begins, so that whatever is cut off goes on, or
// back, at the next start; a test cuts it off at every step. [Updater] is the part
// with hands: it fetches, asks RAUC, restarts, and feeds back what came of it.
//
// # What is promised
//
//   - The kiosk always has a slot that starts. RAUC writes only the slot that does
//     not run, and the boot loader goes back to the other after a few tries.
//   - Nothing is changed by a release that is older, foreign, for another board, too
//     large, damaged or cut: it is said, in words of package release.
//   - A build that failed here is not tried again by itself.
//   - The bundle that went well is kept, and of the next only what it has not is fetched.
//     That is a saving and no more: what comes of it is checked as what is fetched whole,
//     and where it does not come out the whole is fetched.
//   - Software reads the form of the kiosk's data before its own as well ([Reads]), and
//     a release says which forms it reads: what would not is refused before it is there.
//
// Which slot starts, and how often it may try, is the boot loader's; the slots are
// RAUC's ("RAUC Documentation", "Reference", D-Bus API); signatures of bundles are
// checked by it as well.
package update

import (
	"slices"
	"time"

	"github.com/penjire/penjire/sync/release"
)

// State is where the update stands. It is a value, is kept as JSON, and names no one.
type State struct {
	Phase   release.Phase   `json:"phase"`
	Target  Target          `json:"target,omitzero"` // what is under way
	Signed  []byte          `json:"signed,omitempty"`
	Path    string          `json:"path,omitempty"`    // bundle on a memory stick; "": the portal has it
	Hand    bool            `json:"hand,omitempty"`    // a person asked for it: it waits for no quiet hours
	Have    int64           `json:"have,omitempty"`    // bytes that are durable and right
	Fetch   int64           `json:"fetch,omitempty"`   // bytes of it that have to come over the link; 0: not known yet
	Fetched int64           `json:"fetched,omitempty"` // that have
	Whole   release.Whole   `json:"whole,omitempty"`   // why all of it has to
	Keeps   bool            `json:"keeps,omitempty"`   // the bundle of the last one went well, and is not yet kept for the next
	Spoiled int             `json:"spoiled,omitempty"`
	Boot    string          `json:"boot,omitempty"`     // in which installing, or leaving, began
	Tries   int             `json:"tries,omitempty"`    // of installing, or of leaving
	Starts  int             `json:"starts,omitempty"`   // of the daemon, on trial
	NotYet  time.Time       `json:"not_yet,omitzero"`   // after a failed installation: no other before
	Before  Health          `json:"before,omitzero"`    // how the kiosk was when installing began
	Why     release.Code    `json:"why,omitempty"`      // it leaves
	Detail  string          `json:"detail,omitempty"`   // RAUC's own words, for the technician
	Good    string          `json:"good,omitempty"`     // boot that the running slot was marked good in
	Bad     []uint64        `json:"bad,omitempty"`      // builds that failed here, the newest last
	Last    release.Outcome `json:"last,omitzero"`      // how the last one ended
	Untold  bool            `json:"untold,omitempty"`   // the portal does not know of Last
	Notes   []Note          `json:"notes,omitempty"`    // for the journal, not yet in it
	Lists   [][]byte        `json:"key_lists,omitzero"` // whom releases are believed from
	Spent   Spent           `json:"spent,omitzero"`
}

// Spent is what downloads took of a day's bytes.
type Spent struct {
	Day   string `json:"day"` // 2026-11-30, in Turkmenistan
	Bytes int64  `json:"bytes"`
}

// Target is what State says of a release beside the signed description.
type Target struct {
	Build   uint64    `json:"build"`
	Version string    `json:"version"`
	Size    int64     `json:"size"`
	SHA256  []byte    `json:"sha256"`
	By      time.Time `json:"by,omitzero"` // from then on it waits for no quiet hours
}

// Note is an entry of the journal: journal.Update with this Reason and Digest.
type Note struct {
	Reason string `json:"reason"` // a code and a version
	Digest []byte `json:"digest,omitempty"`
}

// Limits of the policy.
const (
	maxBad      = 32
	maxSpoiled  = 3                // whole bundles that came damaged
	maxTries    = 3                // of installing; of leaving
	maxStarts   = 3                // of the daemon on trial
	againAfter  = 20 * time.Hour   // a failed installation: the next quiet hours
	calmFor     = 10 * time.Minute // nobody has touched the kiosk
	calmForHand = time.Minute      // the same where somebody asked and waits for it
)

// New returns the state of a kiosk that never saw an update.
func New() State { return State{Phase: release.Idle} }

// Own is the software that runs.
type Own struct {
	Board, Version string
	Build          uint64
	Format         uint32       // of the kiosk's data
	Slot           string       // A or B; "" not known
	Ring           release.Ring // of this kiosk
}

// Facts are what is known at the moment of an event.
type Facts struct {
	Now  time.Time
	Boot string // names this start of the machine
	Own  Own

	Link    bool          // the link may be used for a download now
	Quiet   bool          // these are quiet hours; never while the clock is not known
	Visit   bool          // somebody stands at the kiosk
	Calm    time.Duration // since when nobody has
	Busy    bool          // it prints, or writes or reads a stick
	Battery bool          // it runs on its battery, or nobody knows
	Room    int64         // bytes that a bundle may take on the disk; negative: the disk is short of them
	Base    int64         // bytes of the bundle that is kept, which gives way to a new one
	Slot    int64         // bytes of the smaller slot; 0 not known
	Up      time.Duration // since the daemon started
	Health  Health
}

// Reset returns the state of a kiosk with nothing under way. What it learned stays.
func (s State) reset() State {
	return State{
		Phase: release.Idle, Good: s.Good, Bad: s.Bad, Last: s.Last, Untold: s.Untold, Notes: s.Notes, Lists: s.Lists, Spent: s.Spent,
	}
}

// end says how the target ended, and has the journal and the portal know.
func (s State) end(code release.Code, f Facts) State {
	s = s.note(code)
	s.Last = release.Outcome{Build: s.Target.Build, Version: s.Target.Version, Code: code, At: f.Now.UTC().Truncate(time.Second)}
	s.Untold = true
	if code != release.CodeGood && code != release.CodeInterrupted {
		s.Bad = append(slices.DeleteFunc(slices.Clone(s.Bad), func(b uint64) bool { return b == s.Target.Build }), s.Target.Build)
		s.Bad = s.Bad[max(0, len(s.Bad)-maxBad):]
	}
	detail := s.Detail
	s = s.reset()
	s.Detail = detail
	return s
}

// note puts a line for the journal beside the state, until it is there.
func (s State) note(code release.Code) State {
	s.Notes = append(slices.Clone(s.Notes), Note{string(code) + " " + s.Target.Version, s.Target.SHA256})
	return s
}

// calm says whether nobody and nothing is disturbed by a restart.
func (s State) calm(f Facts) bool {
	least := calmFor
	if s.Hand {
		least = calmForHand
	}
	return !f.Visit && f.Calm >= least && !f.Busy && !f.Battery
}

// due says whether installing may begin.
func (s State) due(f Facts) bool {
	if !s.calm(f) || f.Now.Before(s.NotYet) && !s.Hand {
		return false
	}
	return s.Hand || f.Quiet || !s.Target.By.IsZero() && !f.Now.Before(s.Target.By)
}
