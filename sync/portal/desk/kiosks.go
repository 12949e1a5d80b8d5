package desk

import (
	"net/http"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/page"
)

const (
	// alarmsShown is how many alarms the page of the kiosks has; the ledger keeps
	// all of them.
	alarmsShown = 50
	// quiet is after how long without a visit, or with a request unsent, a kiosk is
	// marked: somebody waits for an answer by then (ED-25).
	quiet = 24 * time.Hour
)

// kiosk is one line of the fleet.
type kiosk struct {
	ledger.Kiosk
	Connected bool
	Quiet     bool // not seen for long
	Stuck     bool // a request waits for long
}

// alarm is one thing that somebody has to look at.
type alarm struct {
	ledger.Alarm
	Known bool // there are words for its code
}

type kiosksView struct {
	page.Base
	Requests bool // the reader has an agency's requests too
	Kiosks   []kiosk
	Alarms   []alarm
	More     bool // there may be older ones
}

// kiosks is the operator's page: what has to be looked at, and how each kiosk
// is. Nothing on it is personal.
func (d *Desk) kiosks(w http.ResponseWriter, r *http.Request, o Officer) {
	v := kiosksView{Base: d.base(w, r, &o, "/desk/kiosks"), Requests: o.Agency != ""}
	fleet, err := d.portal.Ledger().Kiosks(r.Context())
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	alarms, err := d.portal.Ledger().Alarms(r.Context(), alarmsShown)
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	here := d.portal.Connected()
	for _, k := range fleet {
		v.Kiosks = append(v.Kiosks, fleetLine(k, slices.Contains(here, k.ID), v.Now))
	}
	for _, a := range alarms {
		v.Alarms = append(v.Alarms, alarm{a, d.texts.Has("alarm." + a.Code)})
	}
	v.More = len(alarms) == alarmsShown
	d.send(w, http.StatusOK, "kiosks", v)
}

func fleetLine(k ledger.Kiosk, connected bool, now time.Time) kiosk {
	return kiosk{
		Kiosk: k, Connected: connected, Quiet: !connected && now.Sub(k.Visit.At) > quiet,
		Stuck: k.Visit.Unsent > 0 && !k.Visit.Oldest.IsZero() && now.Sub(k.Visit.Oldest) > quiet,
	}
}

// operators lets in who looks after the kiosks. For others there is no such page.
func (d *Desk) operators(h func(http.ResponseWriter, *http.Request, Officer)) http.HandlerFunc {
	return d.someone(func(w http.ResponseWriter, r *http.Request, o Officer) {
		if !o.Operator {
			d.fail(w, r, o, ledger.ErrNotFound)
			return
		}
		h(w, r, o)
	})
}
