package release

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Phase is where a kiosk's update stands. Its numbers are stored; they are written
// out, and one that is no longer used stays taken.
//
//	Idle ─offer→ Downloading ─whole→ Staged ─quiet→ Installing ─done→ Installed ─boot→ Trial ─gate→ Idle
//	                                                                      │               │
//	                                                                      └─old boot┐     └─gate fails→ Leaving ─boot→ Idle
//	                                                                                └→ Idle, and the build is remembered
type Phase uint8

// The phases.
const (
	Idle        Phase = 1 // nothing is under way
	Downloading Phase = 2 // the bundle comes, in pieces
	Staged      Phase = 3 // it is whole on the disk; it waits until nobody is disturbed
	Installing  Phase = 4 // RAUC writes the other slot
	Installed   Phase = 5 // the other slot starts next
	Trial       Phase = 6 // it runs and has to prove itself
	Leaving     Phase = 7 // it failed; the slot before starts next
)

var phaseNames = map[Phase]string{
	Idle: "idle", Downloading: "downloading", Staged: "staged", Installing: "installing",
	Installed: "installed", Trial: "trial", Leaving: "leaving",
}

// String returns the phase's name in reports.
func (p Phase) String() string {
	if s, ok := phaseNames[p]; ok {
		return s
	}
	return fmt.Sprintf("phase %d", uint8(p))
}

// Code says how something ended. Codes are stable: words.json has the words for
// people, kiosks report them, the journal keeps them.
type Code string

// Why a release is refused. Nothing was changed.
const (
	CodeForm      Code = "release.form"
	CodeSignature Code = "release.signature"
	CodeRevoked   Code = "release.revoked"
	CodeBoard     Code = "release.board"
	CodeOlder     Code = "release.older"
	CodeFormat    Code = "release.format"
	CodeRing      Code = "release.ring"
	CodeBad       Code = "release.bad"
	CodeSize      Code = "release.size"
	CodeCorrupt   Code = "release.corrupt"
)

// How an update ended, or what interrupts it.
const (
	CodeGood        Code = "update.good"         // it runs and has proved itself
	CodeInterrupted Code = "update.interrupted"  // the stick was pulled out while it was copied
	CodeInstall     Code = "update.install"      // RAUC did not install it
	CodeBoot        Code = "update.boot"         // it did not start: the slot before runs
	CodeScreen      Code = "update.gate.screen"  // no page was painted
	CodeDevices     Code = "update.gate.devices" // a device that worked before does not
	CodeOutbox      Code = "update.gate.outbox"  // the outbox did not open, or lost something
	CodeJournal     Code = "update.gate.journal" // the journal is not the one of before, continued
	CodePortal      Code = "update.gate.portal"  // the portal was reached before, and is not
	CodeRestarts    Code = "update.gate.restarts"
	CodeStuck       Code = "update.stuck" // it failed, and the slot before does not start either
)

// Codes are all of them.
var Codes = []Code{
	CodeForm, CodeSignature, CodeRevoked, CodeBoard, CodeOlder, CodeFormat, CodeRing, CodeBad, CodeSize, CodeCorrupt,
	CodeGood, CodeInterrupted, CodeInstall, CodeBoot, CodeScreen, CodeDevices, CodeOutbox, CodeJournal, CodePortal, CodeRestarts, CodeStuck,
}

// Failed reports whether the code says that something is wrong with a build, or was
// when it ran: what counts against its release.
func (c Code) Failed() bool {
	switch c {
	case CodeSignature, CodeCorrupt, CodeInstall, CodeBoot, CodeScreen, CodeDevices, CodeOutbox, CodeJournal, CodePortal, CodeRestarts, CodeStuck:
		return true
	}
	return false
}

// CodeOf returns the code of an error of Open or of Content; "" for others.
func CodeOf(err error) Code {
	for code, is := range map[Code]error{CodeForm: ErrForm, CodeSignature: ErrSignature, CodeRevoked: ErrRevoked, CodeCorrupt: ErrCorrupt} {
		if errors.Is(err, is) {
			return code
		}
	}
	if errors.Is(err, ErrOldList) {
		return CodeRevoked
	}
	return ""
}

// Whole says why all of a bundle is fetched, and not only what a kiosk does not have.
// It is kept and shown; words.json has its words.
type Whole string

// The reasons.
const (
	WholeBase    Whole = "whole.base"    // there is no bundle of before, or nothing of it is of use
	WholeRoom    Whole = "whole.room"    // the disk has no room for two
	WholeIndex   Whole = "whole.index"   // the portal gives no index that can be read
	WholeDamaged Whole = "whole.damaged" // what was put together by the index was wrong
)

// Wholes are all of them.
var Wholes = []Whole{WholeBase, WholeRoom, WholeIndex, WholeDamaged}

// Outcome is how the last thing that a kiosk did with a release ended.
type Outcome struct {
	Build   uint64    `json:"build"`
	Version string    `json:"version,omitempty"`
	Code    Code      `json:"code"`
	At      time.Time `json:"at,omitzero"` // by the kiosk's clock
}

// Report is what a kiosk says of its software when it asks for releases. It names no
// one.
type Report struct {
	Board   string `json:"board"`
	Version string `json:"version"`
	Build   uint64 `json:"build"`
	Format  uint32 `json:"format"` // of its data
	Slot    string `json:"slot"`   // that runs: A or B; "" not known
	Ring    string `json:"ring"`   // that the kiosk was set up for; the portal may say another
	Phase   string `json:"phase"`
	Target  uint64 `json:"target,omitempty"` // the build under way
	Have    int64  `json:"have,omitempty"`   // bytes of it that are durable
	// What of it has to come over the link, and how much has: said only where the portal
	// has an index of it, for one that has none does not know these words.
	Fetch   int64    `json:"fetch,omitempty"`
	Fetched int64    `json:"fetched,omitempty"`
	Last    *Outcome `json:"last,omitempty"`
}

// Paths at the portal, on the connection of the kiosk's certificate.
const (
	CheckPath  = "/releases/check"   // POST a Report: a signed description, or 204
	BundlePath = "/releases/bundle/" // and the SHA-256 in hex: GET, ranges too
	IndexPath  = "/releases/index/"  // and the bundle's SHA-256 in hex: GET its Index
)

// MaxReport is how long a report may be.
const MaxReport = 4 << 10

// ParseReport reads a kiosk's report: strictly, for it comes from outside.
func ParseReport(b []byte) (Report, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var r Report
	if err := d.Decode(&r); err != nil || len(b) > MaxReport {
		return Report{}, fmt.Errorf("release: a report cannot be read: %w", errors.Join(ErrForm, err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Report{}, fmt.Errorf("release: a report is followed by something: %w", ErrForm)
	}
	return r, r.check()
}

func (r *Report) check() error {
	known := false
	for _, name := range phaseNames {
		known = known || name == r.Phase
	}
	const most = 1 << 53
	if _, err := ParseRing(r.Ring); err != nil {
		return fmt.Errorf("release: a report's ring is not known: %w", ErrForm)
	}
	switch {
	case len(r.Board) > maxName || !names.MatchString(r.Board), len(r.Version) > maxName || !names.MatchString(r.Version):
		return fmt.Errorf("release: a report's board or version is no name: %w", ErrForm)
	case !known:
		return fmt.Errorf("release: a report's phase is not known: %w", ErrForm)
	case r.Slot != "" && r.Slot != "A" && r.Slot != "B":
		return fmt.Errorf("release: a report's slot is neither A nor B: %w", ErrForm)
	case r.Build > most || r.Target > most || r.Have < 0 || r.Have > MaxBundle, r.Fetch < 0 || r.Fetch > most, r.Fetched < 0 || r.Fetched > most:
		return fmt.Errorf("release: a number of a report is out of range: %w", ErrForm)
	}
	if l := r.Last; l != nil {
		if l.Build > most || l.Version != "" && (len(l.Version) > maxName || !names.MatchString(l.Version)) || !l.Code.known() {
			return fmt.Errorf("release: a report's last outcome cannot be read: %w", ErrForm)
		}
	}
	return nil
}

func (c Code) known() bool {
	return slices.Contains(Codes, c)
}
