package portal

import (
	"context"
	"fmt"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/service"
	"github.com/penjire/penjire/sync/wire"
)

// Settling is how a kiosk stands to what is set for it from afar.
type Settling string

// The states, the most urgent first.
const (
	SettlingRefused Settling = "refused" // it did not take it: it believes it not, or has newer
	SettlingPartly  Settling = "partly"  // it has it, and cannot use some of it
	SettlingSent    Settling = "sent"    // it was signed for it; the kiosk has not said that it has it
	SettlingWaits   Settling = "waits"   // it is another than the kiosk was given: it gets it when it connects
	SettlingTaken   Settling = "taken"   // it has it
	SettlingNone    Settling = "none"    // nothing was ever set for it
)

// Settlings are all of them, in that order.
var Settlings = []Settling{SettlingRefused, SettlingPartly, SettlingSent, SettlingWaits, SettlingTaken, SettlingNone}

// Settled is how one kiosk stands.
type Settled struct {
	Kiosk ledger.Kiosk
	Ring  release.Ring
	State Settling
	Want  []byte       // JSON: what is set for it, put together; nil: nothing ever was
	Given ledger.Given // zero: it was never given any
}

// SettledFleet returns how each kiosk stands to what is set from afar, by kiosk. b is the
// trust bundle by which what was given is read.
func SettledFleet(ctx context.Context, l ledger.Ledger, b *trust.Bundle) ([]Settled, error) {
	fail := func(err error) ([]Settled, error) {
		return nil, fmt.Errorf("portal: look at the kiosks' settings: %w", err)
	}
	layers, err := l.Layers(ctx)
	if err != nil {
		return fail(err)
	}
	kiosks, err := l.Kiosks(ctx)
	if err != nil {
		return fail(err)
	}
	software, err := l.Software(ctx)
	if err != nil {
		return fail(err)
	}
	rings := map[string]release.Ring{}
	for _, s := range software {
		if s.Ring() != 0 {
			rings[s.Kiosk] = release.Ring(s.Ring())
		}
	}
	given, err := l.GivenSettings(ctx)
	if err != nil {
		return fail(err)
	}
	had := map[string]ledger.Given{}
	for _, g := range given {
		had[g.Kiosk] = g
	}
	var out []Settled
	for _, k := range kiosks {
		s := Settled{Kiosk: k, Ring: release.Broad, Given: had[k.ID]}
		if r := rings[k.ID]; r != 0 {
			s.Ring = r
		}
		if s.Want, err = layered(layers, k.ID, s.Ring); err != nil {
			return fail(fmt.Errorf("%s: %w", k.ID, err))
		}
		s.State = s.state(b)
		out = append(out, s)
	}
	return out, nil
}

func (s Settled) state(b *trust.Bundle) Settling {
	if s.Want == nil && s.Given.Version == 0 {
		return SettlingNone
	}
	want := string(s.Want)
	if want == "" {
		want = "{}" // as it was set up
	}
	last, err := service.OpenSettings(s.Given.Signed, b, s.Kiosk.ID)
	switch {
	case err != nil || string(last.Values) != want:
		return SettlingWaits
	case s.Given.Refused == wire.CodeSettings:
		return SettlingRefused
	case s.Given.Refused != "":
		return SettlingPartly
	case s.Given.Acked.IsZero():
		return SettlingSent
	}
	return SettlingTaken
}
