package ledger

import (
	"context"
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

// Settings is the part of a Ledger that knows what operators set on kiosks from afar.
type Settings interface {
	// AddLayer keeps a layer, which takes the place of the one before it in its scope,
	// and returns its number. Layer.Number is not looked at.
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
