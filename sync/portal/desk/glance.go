package desk

import (
	"context"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// glance is what an operator of many kiosks looks for first: how many there are of each
// kind, and which.
type glance struct {
	Only  string // as in the address, and the key of its words
	Icon  string
	Count int
	is    func(kiosk) bool
}

// glances returns the kinds, the most urgent first; those that there are none of too.
func glances() []glance {
	return []glance{
		{Only: "waiting", Icon: "clock", is: func(k kiosk) bool { return k.Stuck }},
		{Only: "silent", Icon: "warning", is: func(k kiosk) bool { return k.Quiet }},
		{Only: "failed", Icon: "cross", is: func(k kiosk) bool { return k.Failed != "" }},
		{Only: "ending", Icon: "paper", is: func(k kiosk) bool { return k.Ending }},
		{Only: "alarmed", Icon: "flag", is: func(k kiosk) bool { return k.Recent > 0 }},
		{Only: "older", Icon: "return", is: func(k kiosk) bool { return k.Older }},
		{Only: "unlisted", Icon: "shield", is: func(k kiosk) bool { return k.Unlisted }},
	}
}

// tally counts all, and leaves in fleet those of the kind only; "" or another: all.
func tally(fleet []kiosk, only string) (seen []glance, chosen string, rest []kiosk) {
	rest = fleet
	for _, g := range glances() {
		these := slices.DeleteFunc(slices.Clone(fleet), func(k kiosk) bool { return !g.is(k) })
		if g.Count = len(these); g.Count == 0 && g.Only != only {
			continue
		}
		if g.Only == only {
			chosen, rest = only, these
		}
		seen = append(seen, g)
	}
	return seen, chosen, rest
}

// fates are what the fleet's lines take from elsewhere in the ledger: how updates went,
// and when certificates end.
type fates struct {
	software map[string]ledger.Software
	certs    map[string][]ledger.Certificate // the newest of each use
}

func (d *Desk) fates(ctx context.Context) (f fates, err error) {
	f = fates{map[string]ledger.Software{}, map[string][]ledger.Certificate{}}
	software, err := d.portal.Ledger().Software(ctx)
	if err != nil {
		return f, err
	}
	for _, s := range software {
		f.software[s.Kiosk] = s
	}
	certs, err := d.portal.Ledger().Certificates(ctx, "")
	if err != nil {
		return f, err
	}
	for _, c := range certViews(certs) {
		f.certs[c.Kiosk] = c.Certs
	}
	return f, nil
}

// tell puts on a line what is known of its kiosk.
func (f fates) tell(k *kiosk, lang string, now time.Time) {
	if s := viewSoftware(f.software[k.ID], lang); s.Bad {
		k.Failed = s.Last.Says
	}
	for _, c := range f.certs[k.ID] {
		if !c.Revoked.IsZero() {
			continue
		}
		if k.Ends.IsZero() || c.Until.Before(k.Ends) {
			k.Ends = c.Until
		}
		// A kiosk renews when two thirds are over; with a quarter left that went wrong.
		k.Ending = k.Ending || now.After(c.Until.Add(-c.Until.Sub(c.From)/4))
	}
}
