package desk

import (
	"net/http"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/page"
)

const (
	// alarmsShown is how many alarms the page of the kiosks has; the ledger keeps
	// all of them.
	alarmsShown = 50
	// alarmsWeighed is how many it counts.
	alarmsWeighed = 2000
)

// alarm is one thing that somebody has to look at.
type alarm struct {
	ledger.Alarm
	Known bool // there are words for its code
}

type kiosksView struct {
	page.Base
	Requests bool // the reader has an agency's requests too
	Kiosks   []kiosk
	Glances  []glance
	Only     string // one of their names; "": all are shown
	All      int    // kiosks there are
	Order    string // one of fleetOrders
	Orders   []string
	Troubles []portal.Trouble
	Bundle   *trust.Bundle // in force; nil: not said
	Alarms   []alarm
	More     bool // there may be older ones
}

// kiosks is the operator's page: what has to be looked at, and how each kiosk
// is. Nothing on it is personal.
func (d *Desk) kiosks(w http.ResponseWriter, r *http.Request, o Officer) {
	v := kiosksView{Base: d.base(w, r, &o, "/desk/kiosks"), Requests: o.Agency != ""}
	v.Troubles = d.troubles()
	if d.bundle != nil {
		v.Bundle = d.bundle()
	}
	fleet, err := d.portal.Ledger().Kiosks(r.Context())
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	alarms, err := d.portal.Ledger().Alarms(r.Context(), alarmsWeighed)
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	traffic, err := d.portal.Ledger().Traffic(r.Context(), "", v.Now.Add(-plotBars*plotBar))
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	fates, err := d.fates(r.Context())
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	brought := plots(traffic, v.Now)
	for _, k := range fleet {
		l := d.line(k, v.Bundle, v.Now)
		l.Plot = brought[k.ID]
		l.weigh(alarms, v.Now)
		fates.tell(&l, v.Lang, v.Now)
		v.Kiosks = append(v.Kiosks, l)
	}
	v.All = len(v.Kiosks)
	v.Glances, v.Only, v.Kiosks = tally(v.Kiosks, r.URL.Query().Get("only"))
	v.Orders, v.Order = fleetOrders, fleetOrders[0]
	if by := r.URL.Query().Get("by"); slices.Contains(fleetOrders, by) {
		v.Order = by
	}
	order(v.Kiosks, v.Order)
	for _, a := range alarms[:min(len(alarms), alarmsShown)] {
		v.Alarms = append(v.Alarms, alarm{a, d.texts.Has("alarm." + a.Code)})
	}
	v.More = len(alarms) > alarmsShown
	d.send(w, http.StatusOK, "kiosks", v)
}

// line is what a kiosk's last visit says of it.
func (d *Desk) line(k ledger.Kiosk, b *trust.Bundle, now time.Time) kiosk {
	l := fleetLine(k, slices.Contains(d.portal.Connected(), k.ID), now, d.silent)
	l.Older = k.Visit.Catalogue < d.portal.Catalogue().Version || b != nil && k.Visit.Trust < b.Version
	l.Unlisted = b != nil && !listed(b, k.ID, now)
	return l
}

func fleetLine(k ledger.Kiosk, connected bool, now time.Time, silent time.Duration) kiosk {
	return kiosk{
		Kiosk: k, Connected: connected, Quiet: !connected && now.Sub(k.Visit.At) > silent,
		Stuck: k.Visit.Unsent > 0 && !k.Visit.Oldest.IsZero() && now.Sub(k.Visit.Oldest) > silent,
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
