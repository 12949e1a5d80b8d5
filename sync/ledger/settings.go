package ledger

import (
	"context"
	"errors"
	"time"
)

// Layer is what an operator set for some kiosks. All that were ever set are kept: they
// say who set what and when.
type Layer struct {
	Scope  string // "all", "ring:pilot" or "kiosk:K-000001"
	Number uint64 // of the scope's layers, from 1
	Values []byte // JSON object
	By     string
	At     time.Time
}

// ErrLayer is returned for a layer that was to follow on one that is not the newest of
// its scope any more.
var ErrLayer = errors.New("somebody else set something for it meanwhile")

// Settings is the part of a Ledger that knows what operators set on kiosks from afar.
type Settings interface {
	// AddLayer keeps a layer, which takes the place of the one before it in its scope,
	// and returns its number. Layer.Number, if it is not 0, says which one that has to be:
	// ErrLayer where it is another, and nothing is kept.
	AddLayer(ctx context.Context, l Layer) (uint64, error)

	// Layers returns every layer that was ever set, by scope, the newest first.
	Layers(ctx context.Context) ([]Layer, error)

	// PutSettings puts signed settings among the items of a kiosk. A version not above
	// the last one is refused.
	PutSettings(ctx context.Context, kiosk string, version uint64, at time.Time, signed []byte) error

	// LastSettings returns what PutSettings was last given for the kiosk. ErrNotFound.
	LastSettings(ctx context.Context, kiosk string) (version uint64, signed []byte, err error)

	// SettingsRefused notes what a kiosk said against that version of its settings: the
	// code of its nack. Of what PutSettings was not given it changes nothing.
	SettingsRefused(ctx context.Context, kiosk string, version uint64, code string) error

	// GivenSettings returns what PutSettings was last given for each kiosk, by kiosk.
	GivenSettings(ctx context.Context) ([]Given, error)
}

// Given is what a kiosk was given last of settings.
type Given struct {
	Kiosk   string
	Version uint64
	At      time.Time
	Acked   time.Time // when the kiosk said that it has it; zero: not yet
	Refused string    // what it said against it, by SettingsRefused; "": nothing
	Signed  []byte
}
