package portal

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/service"
)

// Settings from afar (wire.md, section 5b). An operator sets them in layers: for all
// kiosks, for a ring, for one kiosk. A kiosk gets them put together and signed, and
// again whenever what comes out is another.

// AllKiosks is the scope of what is set on every kiosk.
const AllKiosks = "all"

// ErrValues is of values that are no settings.
var ErrValues = errors.New("these are no settings")

// ErrScope is of a scope that is none.
var ErrScope = errors.New("want all, a ring (lab, pilot, broad) or a kiosk's number")

var kioskNames = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$`)

// Scope reads for whom settings are: all, a ring's name, or a kiosk.
func Scope(s string) (string, error) {
	if s == AllKiosks {
		return s, nil
	}
	if _, err := release.ParseRing(s); err == nil {
		return "ring:" + s, nil
	}
	if !kioskNames.MatchString(s) {
		return "", fmt.Errorf("%q: %w", s, ErrScope)
	}
	return "kiosk:" + s, nil
}

// layered returns what the layers say for a kiosk in that ring, put together; nil where
// nobody ever set anything for it. all is as ledger.Settings.Layers has it.
func layered(all []ledger.Layer, kiosk string, ring release.Ring) ([]byte, error) {
	newest := InForce(all)
	var parts [][]byte
	for _, scope := range []string{AllKiosks, "ring:" + ring.String(), "kiosk:" + kiosk} {
		if b := newest[scope].Values; b != nil {
			parts = append(parts, b)
		}
	}
	if parts == nil {
		return nil, nil
	}
	return service.Merge(parts...)
}

// SetSettings keeps what an operator sets for a scope, in place of what was set for it
// before, and returns its number. scope is as [Scope] reads it; values are checked as
// kiosks need them. seen is the number of what the operator saw in force, -1: nobody
// looked; where there is another by now it is [ledger.ErrLayer], and nothing is set.
func SetSettings(ctx context.Context, l ledger.Settings, scope string, values []byte, seen int64, by string, now time.Time) (uint64, error) {
	fail := func(err error) (uint64, error) { return 0, fmt.Errorf("portal: set settings: %w", err) }
	scope, err := Scope(scope)
	if err != nil {
		return fail(err)
	}
	if err := service.CheckValues(values); err != nil {
		return fail(errors.Join(ErrValues, err))
	}
	n, err := l.AddLayer(ctx, ledger.Layer{Scope: scope, Number: uint64(seen + 1), Values: values, By: by, At: now})
	if err != nil {
		return fail(err)
	}
	return n, nil
}

// InForce returns the layer that counts of each scope.
func InForce(all []ledger.Layer) map[string]ledger.Layer {
	out := map[string]ledger.Layer{}
	for _, l := range all { // the newest of a scope first
		if _, ok := out[l.Scope]; !ok {
			out[l.Scope] = l
		}
	}
	return out
}

// TellAll has the sessions look for what there is for their kiosks.
func (p *Portal) TellAll() { p.notifyAll() }

// instruct puts a kiosk's settings among its items, if they are others than it was given
// last.
func (p *Portal) instruct(ctx context.Context, kiosk string) error {
	fail := func(err error) error { return fmt.Errorf("portal: settings for %s: %w", kiosk, err) }
	all, err := p.ledger.Layers(ctx)
	if err != nil {
		return fail(err)
	}
	version, signed, err := p.ledger.LastSettings(ctx, kiosk)
	had := err == nil
	switch {
	case err != nil && !errors.Is(err, ledger.ErrNotFound):
		return fail(err)
	case len(all) == 0 && !had:
		return nil // nobody ever set anything
	}
	ring, err := p.ring(ctx, kiosk)
	if err != nil {
		return fail(err)
	}
	want, err := layered(all, kiosk, ring)
	switch {
	case err != nil:
		return fail(err)
	case want == nil && !had:
		return nil
	case want == nil:
		want = []byte("{}") // it is as it was set up again
	}
	if had {
		if last, err := service.OpenSettings(signed, p.Trust(), kiosk); err == nil && string(last.Values) == string(want) {
			return nil
		}
	}
	now := p.c.Now().UTC().Truncate(time.Second)
	// No lower than the time: a ledger that was put back gives no version again.
	next := service.Settings{Kiosk: kiosk, Version: max(version+1, uint64(max(0, now.UnixMilli()))), Issued: now, Values: want}
	if signed, err = next.Sign(p.c.Receipt); err != nil {
		return fail(err)
	}
	if err := p.ledger.PutSettings(ctx, kiosk, next.Version, p.c.Now(), signed); err != nil {
		return fail(err)
	}
	p.c.Log.Info("portal: settings for a kiosk", "kiosk", kiosk, "version", next.Version)
	return nil
}

// ring returns the ring that counts for a kiosk.
func (p *Portal) ring(ctx context.Context, kiosk string) (release.Ring, error) {
	all, err := p.ledger.Software(ctx)
	if err != nil {
		return 0, err
	}
	for _, s := range all {
		if s.Kiosk == kiosk && s.Ring() != 0 {
			return release.Ring(s.Ring()), nil
		}
	}
	return release.Broad, nil
}
