package desk

import (
	"net/http"
	"slices"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/page"
)

// alarmsOfOne is how many alarms the page of one kiosk has.
const alarmsOfOne = 20

// kioskView is all that the portal knows of one kiosk.
type kioskView struct {
	page.Base
	Kiosk    kiosk
	Software softwareView
	Certs    certView
	Settled  settledView
	Set      []change // what is set for it from afar, in words
	Alarms   []alarm
}

// Uses are the certificates that a kiosk has.
func (kioskView) Uses() []string { return enrolView{}.Uses() }

// kiosk is the operator's page of one kiosk. Nothing on it is personal.
func (d *Desk) kiosk(w http.ResponseWriter, r *http.Request, o Officer) {
	id := r.PathValue("kiosk")
	v := kioskView{Base: d.base(w, r, &o, "/desk/kiosks/"+id)}
	if err := d.kioskFill(r, id, &v); err != nil {
		d.fail(w, r, o, err)
		return
	}
	d.send(w, http.StatusOK, "kiosk", v)
}

func (d *Desk) kioskFill(r *http.Request, id string, v *kioskView) error {
	l := d.portal.Ledger()
	var b *trust.Bundle
	if d.bundle != nil {
		b = d.bundle()
	}
	fleet, err := portal.SettledFleet(r.Context(), l, b)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(fleet, func(s portal.Settled) bool { return s.Kiosk.ID == id })
	if at < 0 {
		return ledger.ErrNotFound
	}
	v.Kiosk = d.line(fleet[at].Kiosk, b, v.Now)
	v.Settled = settledView{Settled: fleet[at], Quiet: v.Kiosk.Quiet}
	if v.Set, err = changes(v.Base, nil, fleet[at].Want); err != nil {
		return err
	}
	alarms, err := l.Alarms(r.Context(), alarmsWeighed)
	if err != nil {
		return err
	}
	v.Kiosk.weigh(alarms, v.Now)
	for _, a := range alarms {
		if a.Kiosk == id && len(v.Alarms) < alarmsOfOne {
			v.Alarms = append(v.Alarms, alarm{a, d.texts.Has("alarm." + a.Code)})
		}
	}
	traffic, err := l.Traffic(r.Context(), id, v.Now.Add(-plotBars*plotBar))
	if err != nil {
		return err
	}
	v.Kiosk.Plot = plots(traffic, v.Now)[id]
	fates, err := d.fates(r.Context())
	if err != nil {
		return err
	}
	fates.tell(&v.Kiosk, v.Lang, v.Now)
	v.Software = viewSoftware(fates.software[id], v.Lang)
	v.Certs = certView{Kiosk: id, Certs: fates.certs[id]}
	return nil
}
