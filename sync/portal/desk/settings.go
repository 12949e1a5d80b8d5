package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/service"
)

// telling is a portal that can tell the kiosks that are connected to it at once.
type telling interface{ TellAll() }

// settingsPage is the operator's page of what is set on kiosks from afar.
func (d *Desk) settingsPage(w http.ResponseWriter, r *http.Request, o Officer) {
	v := settingsView{Base: d.base(w, r, &o, "/desk/settings"), Done: r.URL.Query().Get("done") == "yes"}
	v.Form.Scope = portal.AllKiosks
	if scope, err := portal.Scope(r.URL.Query().Get("scope")); err == nil {
		kind, typed, _ := strings.Cut(scope, ":")
		switch kind {
		case "kiosk":
			v.Form.Scope, v.Form.Kiosk = oneKiosk, typed
		case "ring":
			v.Form.Scope = typed
		}
	}
	layers, ok := d.settingsFill(w, r, o, &v)
	if !ok {
		return
	}
	v.Form.Values = "{}"
	if scope, err := portal.Scope(v.Form.scope()); err == nil {
		if now, ok := portal.InForce(layers)[scope]; ok {
			v.Form.Seen, v.Form.Values = now.Number, indented(now.Values)
		}
	}
	d.send(w, http.StatusOK, "settings", v)
}

// settingsFill reads what the page shows whatever the form says. False: it has answered.
func (d *Desk) settingsFill(w http.ResponseWriter, r *http.Request, o Officer, v *settingsView) ([]ledger.Layer, bool) {
	l := d.portal.Ledger()
	layers, err := l.Layers(r.Context())
	var fleet []portal.Settled
	if err == nil {
		var b *trust.Bundle
		if d.bundle != nil {
			b = d.bundle()
		}
		fleet, err = portal.SettledFleet(r.Context(), l, b)
	}
	if err == nil {
		err = v.fill(layers, fleet, d)
	}
	if err != nil {
		d.fail(w, r, o, err)
		return nil, false
	}
	return layers, true
}

// changeSettings shows what would change, and then sets it.
func (d *Desk) changeSettings(w http.ResponseWriter, r *http.Request, o Officer) {
	v := settingsView{Base: d.base(w, r, &o, "/desk/settings")}
	f := &v.Form
	f.Scope, f.Kiosk = r.PostFormValue("scope"), strings.TrimSpace(r.PostFormValue("kiosk"))
	f.Values = strings.TrimSpace(r.PostFormValue("values"))
	var err error
	if f.Seen, err = strconv.ParseUint(r.PostFormValue("seen"), 10, 32); err != nil {
		d.fail(w, r, o, ledger.ErrNotFound) // the page sends no such form
		return
	}
	layers, ok := d.settingsFill(w, r, o, &v)
	if !ok {
		return
	}
	step := r.PostFormValue("step")
	if step == "edit" {
		d.send(w, http.StatusOK, "settings", v)
		return
	}
	if !d.checkSettings(&v, layers, step == "set") || step != "set" {
		f.Preview = f.Wrong == ""
		status := http.StatusOK
		if v.Fault = f.Wrong != ""; v.Fault {
			status = http.StatusUnprocessableEntity
		}
		d.send(w, status, "settings", v)
		return
	}
	n, err := portal.SetSettings(context.WithoutCancel(r.Context()), d.portal.Ledger(), f.scope(), []byte(f.Values), int64(f.Seen), o.ID, d.now())
	switch {
	case errors.Is(err, ledger.ErrLayer):
		f.Wrong, f.Field, v.Fault = "settings.wrong.seen", "scope", true
		d.send(w, http.StatusConflict, "settings", v)
	case err != nil:
		d.fail(w, r, o, err)
	default:
		d.log.Info("desk: set settings", "scope", f.scope(), "number", n, "officer", o.ID)
		if p, ok := d.portal.(telling); ok {
			p.TellAll()
		}
		http.Redirect(w, r, "/desk/settings?done=yes", http.StatusSeeOther)
	}
}

// checkSettings says whether the form can be set, and what it would change.
func (d *Desk) checkSettings(v *settingsView, layers []ledger.Layer, set bool) bool {
	f := &v.Form
	wrong := func(field, key string) bool {
		f.Field, f.Wrong = field, key
		return false
	}
	known := f.Scope == portal.AllKiosks || f.Scope == oneKiosk || slices.ContainsFunc(f.Rings, func(c choice) bool { return c.Value == f.Scope })
	scope, err := portal.Scope(f.scope())
	switch {
	case !known:
		f.Scope = portal.AllKiosks
		return wrong("scope", "settings.wrong.scope")
	case err != nil, f.Scope == oneKiosk && !strings.HasPrefix(scope, "kiosk:"):
		return wrong("kiosk", "enrol.wrong.kiosk")
	}
	if err := service.CheckValues([]byte(f.Values)); err != nil {
		f.Why = err.Error()
		return wrong("values", "settings.wrong.values")
	}
	now := portal.InForce(layers)[scope]
	if !set {
		f.Seen = now.Number // what the preview compares with
	}
	if _, f.ScopeName, err = scopeName(v.Base, scope); err != nil {
		return wrong("scope", "settings.wrong.scope")
	}
	if f.Changes, err = changes(v.Base, now.Values, []byte(f.Values)); err != nil {
		return wrong("values", "settings.wrong.values")
	}
	if len(f.Changes) == 0 && f.Seen == now.Number {
		return wrong("values", "settings.wrong.same")
	}
	f.Unknown = service.UnknownNames([]byte(f.Values))
	for _, s := range v.Fleet {
		if scope == portal.AllKiosks || scope == "ring:"+s.Settled.Ring.String() || scope == "kiosk:"+s.Kiosk.ID {
			f.Reaches++
		}
	}
	return true
}

// indented returns JSON as people write it.
func indented(b []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return string(b)
	}
	return out.String()
}
