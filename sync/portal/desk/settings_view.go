package desk

import (
	"cmp"
	"slices"
	"strings"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/page"
	"github.com/penjire/penjire/sync/release"
)

// oneKiosk is the choice of the form for which the kiosk's number is asked.
const oneKiosk = "kiosk"

// historyShown is how many changes of a scope the page has; portald settings ls has all.
const historyShown = 20

type settingsView struct {
	page.Base
	Scopes []scopeView
	Counts []settledCount
	Fleet  []settledView
	Form   settingsForm
	Done   bool
}

// scopeView is what is in force for a scope.
type scopeView struct {
	Scope   string // as it is typed: all, a ring, a kiosk's number
	Name    string
	Now     ledger.Layer
	Values  []change // none: as the kiosks were set up
	History []historyView
}

// historyView is what one version changed.
type historyView struct {
	ledger.Layer
	Changes []change
}

// settledCount is how many kiosks stand so.
type settledCount struct {
	State portal.Settling
	Count int
}

// Look and Icon are of the chip.
func (c settledCount) Look() string { return settledLooks[c.State][0] }

// Icon is the chip's icon.
func (c settledCount) Icon() string { return settledLooks[c.State][1] }

var settledLooks = map[portal.Settling][2]string{
	portal.SettlingRefused: {"bad", "cross"}, portal.SettlingPartly: {"bad", "warning"}, portal.SettlingSent: {"now", "forward"},
	portal.SettlingWaits: {"now", "clock"}, portal.SettlingTaken: {"good", "check"}, portal.SettlingNone: {"plain", "kiosk"},
}

// settledView is a kiosk's line.
type settledView struct {
	portal.Settled
	Ring  string
	Quiet bool // not heard from for long
}

// Look is that of the state's chip.
func (v settledView) Look() string { return settledLooks[v.State][0] }

// Icon is the chip's icon.
func (v settledView) Icon() string { return settledLooks[v.State][1] }

// Tell says whether there is something to do about it.
func (v settledView) Tell() bool {
	return v.State == portal.SettlingRefused || v.State == portal.SettlingPartly
}

// settingsForm is what is about to be set.
type settingsForm struct {
	Scope   string // all, a ring, or oneKiosk
	Kiosk   string
	Values  string
	Seen    uint64 // number of what was in force when the form was made
	Wrong   string // key
	Field   string // that it is about
	Why     string // in English: what is wrong with the JSON
	Preview bool
	Changes []change
	Unknown []string // names that this portal does not know
	Reaches int      // kiosks
	// ScopeName is the scope in words.
	ScopeName string
	Rings     []choice
}

// choice is a scope to choose.
type choice struct{ Value, Name string }

// scope returns it as portal.Scope reads it.
func (f settingsForm) scope() string {
	if f.Scope == oneKiosk {
		return f.Kiosk
	}
	return f.Scope
}

// scopeName says a scope in words: a ledger's, as all, ring:pilot, kiosk:K-000001.
func scopeName(b page.Base, scope string) (typed, name string, err error) {
	kind, typed, named := strings.Cut(scope, ":")
	switch {
	case !named:
		name, err = b.T("settings.scope.all")
		return portal.AllKiosks, name, err
	case kind == "ring":
		name, err = b.T("settings.scope.ring", release.Say(b.Lang, "ring."+typed).Says)
	default:
		name, err = b.T("settings.scope.kiosk", typed)
	}
	return typed, name, err
}

func (v *settingsView) fill(layers []ledger.Layer, fleet []portal.Settled, d *Desk) (err error) {
	for _, ring := range release.Rings {
		v.Form.Rings = append(v.Form.Rings, choice{ring.String(), release.Say(v.Lang, "ring."+ring.String()).Says})
	}
	for i, l := range layers { // by scope, the newest first
		if len(v.Scopes) == 0 || v.Scopes[len(v.Scopes)-1].Now.Scope != l.Scope {
			s := scopeView{Now: l}
			if s.Scope, s.Name, err = scopeName(v.Base, l.Scope); err != nil {
				return err
			}
			if s.Values, err = changes(v.Base, nil, l.Values); err != nil {
				return err
			}
			v.Scopes = append(v.Scopes, s)
		}
		last := &v.Scopes[len(v.Scopes)-1]
		if len(last.History) == historyShown {
			continue
		}
		var before []byte
		if i+1 < len(layers) && layers[i+1].Scope == l.Scope {
			before = layers[i+1].Values
		}
		h := historyView{Layer: l}
		if h.Changes, err = changes(v.Base, before, l.Values); err != nil {
			return err
		}
		last.History = append(last.History, h)
	}
	counts, connected := map[portal.Settling]int{}, d.portal.Connected()
	for _, s := range fleet {
		counts[s.State]++
		line := fleetLine(s.Kiosk, slices.Contains(connected, s.Kiosk.ID), v.Now, d.silent)
		v.Fleet = append(v.Fleet, settledView{s, release.Say(v.Lang, "ring."+s.Ring.String()).Says, line.Quiet})
	}
	for _, s := range portal.Settlings {
		if counts[s] > 0 {
			v.Counts = append(v.Counts, settledCount{s, counts[s]})
		}
	}
	// What needs somebody first; then who has not been heard from.
	slices.SortStableFunc(v.Fleet, func(a, b settledView) int {
		return cmp.Or(
			cmp.Compare(slices.Index(portal.Settlings, a.State), slices.Index(portal.Settlings, b.State)),
			-cmpBool(a.Quiet, b.Quiet), cmp.Compare(a.Kiosk.ID, b.Kiosk.ID))
	})
	return nil
}
