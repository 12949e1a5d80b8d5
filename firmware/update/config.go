package update

import (
	"context"
	"crypto/x509"
	"log/slog"
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
	// Bundle returns the bytes of a bundle of that size from an offset up to another.
	Bundle(ctx context.Context, sha256 [32]byte, from, to, size int64) (Stream, error)
	// Index returns a bundle's index, which has so many bytes at most: ErrNoIndex. What
	// came of it is returned with other errors too.
	Index(ctx context.Context, sha256 [32]byte, most int64) ([]byte, error)
}

// Config is what an updater works with.
type Config struct {
	Dir   string // for the state and the bundle; it must be durable
	Roots []*x509.Certificate
	Lists [][]byte // that the image came with
	Own   Own
	Boot  string
	// Trials is the folder in which a file names the slot on trial, for whoever starts
	// the machine anew when nothing comes up in it; "": nobody does.
	Trials string

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

var _ Installer = (*rauc.Client)(nil)
