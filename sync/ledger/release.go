package ledger

import (
	"context"
	"errors"
	"time"
)

// ErrRelease is returned for a release under a board and build that have another one.
var ErrRelease = errors.New("there is another release of that board and build")

// Why a release is paused. The words are stored.
const (
	PausedByOperator = "operator"
	PausedByFailures = "failures"
)

// Release is a release of the kiosks' software (sync/spec/release.md).
type Release struct {
	Board   string
	Build   uint64
	Version string
	SHA256  [32]byte // of the bundle
	Size    int64    // of it
	Signed  []byte   // the description
	Widest  uint8    // the widest ring that it may reach, as signed
	Ring    uint8    // that it has been let out to, and those inside it; 0: none
	Paused  string   // PausedBy…; "": it is not
	By      string   // who changed that last
	At      time.Time
}

// Software is what a kiosk last said of its software.
type Software struct {
	Kiosk    string
	At       time.Time
	OwnRing  uint8  // that it was set up for
	Assigned uint8  // by an operator; 0: none was, OwnRing counts
	Report   []byte // release.Report as JSON; nil: it never said
}

// Ring returns the ring that counts.
func (s Software) Ring() uint8 {
	if s.Assigned != 0 {
		return s.Assigned
	}
	return s.OwnRing
}

// Ended is how a release ended on a kiosk: the last word of it.
type Ended struct {
	Kiosk string
	Board string
	Build uint64
	Ring  uint8 // of the kiosk then
	Code  string
	At    time.Time
}

// Releases is the part of a Ledger that knows releases of the kiosks' software.
type Releases interface {
	// AddRelease keeps a release, let out to nobody. The same one again changes
	// nothing; another of the same board and build is ErrRelease.
	AddRelease(ctx context.Context, r Release) error

	// Releases returns all releases, by board, the newest build first.
	Releases(ctx context.Context) ([]Release, error)

	// SetRelease says how far a release goes and why it is paused. ErrNotFound.
	SetRelease(ctx context.Context, board string, build uint64, ring uint8, paused, by string, at time.Time) error

	// AssignRing puts a kiosk into a ring; 0: back into the one it was set up for.
	AssignRing(ctx context.Context, kiosk string, ring uint8, by string, at time.Time) error

	// Reported keeps what a kiosk says of its software, and how a release ended there;
	// nil: it says of none. It returns the software with its ring.
	Reported(ctx context.Context, s Software, e *Ended) (Software, error)

	// Software returns what every kiosk said, by kiosk; also those of which only the
	// ring is known.
	Software(ctx context.Context) ([]Software, error)

	// Ended returns how releases ended, by board, build and kiosk.
	Ended(ctx context.Context) ([]Ended, error)
}
