package desk

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/page"
	"github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/service"
)

// settingsPages are the page of settings in every state.
func settingsPages(t *testing.T, d *Desk, base page.Base) map[string]any {
	t.Helper()
	base.Self = "/desk/settings"
	fill := func(layers []ledger.Layer, fleet []portal.Settled) settingsView {
		v := settingsView{Base: base, Form: settingsForm{Scope: "all", Values: "{}"}}
		if err := v.fill(layers, fleet, d); err != nil {
			t.Fatal(err)
		}
		return v
	}
	out := map[string]any{"settings empty": fill(nil, nil)}
	layer := func(scope string, n uint64, days int, values string) ledger.Layer {
		return ledger.Layer{Scope: scope, Number: n, Values: []byte(values), By: "serdar", At: noon.AddDate(0, 0, -days)}
	}
	layers := []ledger.Layer{
		layer("all", 3, 2, `{"log_level": "info", "phone": "+993 12 94-00-11", "update": {"quiet": [{"from": "01:00", "to": "04:00"}], "every_h": 6, "bytes_per_day": 5000000}}`),
		layer("all", 2, 9, `{"log_level": "debug", "update": {"quiet": [{"from": "02:00", "to": "05:00"}]}, "night": {"from": "20:00", "to": "06:00"}}`),
		layer("all", 1, 30, `{"log_level": "info"}`),
		layer("kiosk:K-000001", 1, 1, `{"power": {"profile": "solar"}, "sync": {"windows": [], "bytes_per_day": 0}, "of_tomorrow": true}`),
		layer("ring:pilot", 2, 3, `{}`), layer("ring:pilot", 1, 5, `{"update": {"ring": "lab"}}`),
	}
	var fleet []portal.Settled
	for i, s := range portal.Settlings {
		k := portal.Settled{
			Kiosk: ledger.Kiosk{ID: fmt.Sprintf("K-00000%d", i+1), Visit: ledger.Visit{At: noon.Add(-time.Duration(i*i*5) * time.Hour)}}, Ring: release.Rings[i%3], State: s,
		}
		if s != portal.SettlingNone {
			k.Given = ledger.Given{Version: 1795500000000 + uint64(i), At: noon.Add(-48 * time.Hour)}
		}
		if s == portal.SettlingTaken || s == portal.SettlingPartly {
			k.Given.Acked = noon.Add(-40 * time.Hour)
		}
		fleet = append(fleet, k)
	}
	out["settings"] = fill(layers, fleet)
	check := func(scope, kiosk, values string, set bool) settingsView {
		v := fill(layers, fleet)
		v.Form.Scope, v.Form.Kiosk, v.Form.Values = scope, kiosk, values
		ok := d.checkSettings(&v, layers, set)
		v.Form.Preview, v.Fault = ok, !ok
		return v
	}
	out["settings preview"] = check("all", "", `{"log_level": "debug", "phone": "<script>", "log_levle": "info"}`, false)
	out["settings wrong"] = check("kiosk", "../x", `{}`, false)
	out["settings wrong values"] = check("pilot", "", `[1]`, false)
	done := fill(layers, fleet)
	done.Done = true
	out["settings done"] = done
	return out
}

// TestSettings has an operator set something: it is shown before it counts, what is none
// is refused, who was slower is told, and each kiosk's state is there.
func TestSettings(t *testing.T) {
	o := openOffice(t)
	l := o.Ledger()
	b := o.browser(t).signIn("serdar")
	wants1(t, "the page with nothing set", b.get("/desk/settings", 200), "Nothing is set from afar")
	form := func(step, scope, kiosk, values, seen string) url.Values {
		return url.Values{"step": {step}, "scope": {scope}, "kiosk": {kiosk}, "values": {values}, "seen": {seen}}
	}
	preview := b.page(b.send("POST", "/desk/settings", form("check", "all", "", `{"log_level": "debug", "nigth": 1}`, "0")), "the preview", 200)
	wants1(t, "the preview", preview, "Set this?", "How much is logged", "in detail", "does not know these names", "<code>nigth</code>")
	if all, err := l.Layers(t.Context()); err != nil || len(all) != 0 {
		t.Fatalf("Layers after a preview = %v, %v, want none", all, err)
	}
	b.post("/desk/settings", form("set", "all", "", `{"log_level": "debug"}`, "0"), "/desk/settings?done=yes")
	all, err := l.Layers(t.Context())
	if err != nil || len(all) != 1 || all[0].By != "serdar" || all[0].Scope != "all" {
		t.Fatalf("Layers = %+v, %v, want one by serdar", all, err)
	}
	wants1(t, "the page", b.get("/desk/settings?scope=all", 200), "No. 1, by serdar", "in detail", `name="seen" value="1"`)
	wants1(t, "its correction", b.page(b.send("POST", "/desk/settings", form("edit", "all", "", `{"log_level": "info"}`, "1")), "edit", 200), "&#34;info&#34;")

	for what, tt := range map[string]struct {
		form   url.Values
		status int
		says   string
	}{
		"no object":         {form("check", "all", "", `[]`, "1"), 422, "This is no JSON object"},
		"too large":         {form("check", "all", "", `{"a": "`+strings.Repeat("x", service.MaxSettings)+`"}`, "1"), 422, "at most 8192"},
		"no scope":          {form("check", "everyone", "", `{}`, "1"), 422, "Choose for whom"},
		"no kiosk":          {form("check", "kiosk", "", `{}`, "0"), 422, "Enter the number"},
		"a ring as a kiosk": {form("check", "kiosk", "lab", `{}`, "0"), 422, "Enter the number"},
		"what is so":        {form("check", "all", "", `{"log_level":"debug"}`, "1"), 422, "Nothing would change"},
		"slower":            {form("set", "all", "", `{"log_level": "info"}`, "0"), 409, "Somebody else has changed it"},
		"no number":         {form("set", "all", "", `{"log_level": "info"}`, "x"), 404, ""},
	} {
		wants1(t, what, b.page(b.send("POST", "/desk/settings", tt.form), what, tt.status), tt.says)
	}
	if all, err := l.Layers(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("Layers = %v, %v, want what was set and nothing of what was refused", all, err)
	}
	// From another site, and by who is no operator.
	r := form("set", "all", "", `{}`, "1")
	officer := o.browser(t).signIn("myrat")
	officer.get("/desk/settings", http.StatusNotFound)
	if w := officer.send("POST", "/desk/settings", r); w.Code != http.StatusNotFound {
		t.Errorf("POST by an officer = %d, want 404", w.Code)
	}
	if w := b.cross("/desk/settings", r); w.Code != http.StatusForbidden {
		t.Errorf("POST from another site = %d, want 403", w.Code)
	}

	// How a kiosk took it.
	kiosk := "K-000001"
	if err := l.Visited(t.Context(), kiosk, ledger.Visit{At: noon, Software: "0.6.0"}); err != nil {
		t.Fatal(err)
	}
	state := func(want portal.Settling) {
		t.Helper()
		fleet, err := portal.SettledFleet(t.Context(), l, o.Trust())
		i := slices.IndexFunc(fleet, func(s portal.Settled) bool { return s.Kiosk.ID == kiosk })
		if err != nil || i < 0 || fleet[i].State != want {
			t.Fatalf("the kiosk's state = %+v, %v, want %s", fleet, err, want)
		}
		word, err := o.desk.texts.Say("en", "settings.state."+string(want))
		if err != nil {
			t.Fatal(err)
		}
		wants1(t, string(want), b.get("/desk/settings", 200), word)
	}
	state(portal.SettlingWaits)
	give := func(version uint64, values string) {
		t.Helper()
		signed, err := service.Settings{Kiosk: kiosk, Version: version, Issued: noon, Values: []byte(values)}.Sign(o.PortalReceipt.Signer())
		if err == nil {
			err = l.PutSettings(t.Context(), kiosk, version, noon, signed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	give(1, `{"log_level":"debug"}`)
	state(portal.SettlingSent)
	its, err := l.Items(t.Context(), kiosk, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Acked(t.Context(), kiosk, its[len(its)-1].ID, noon); err != nil {
		t.Fatal(err)
	}
	state(portal.SettlingTaken)
	for _, tt := range []struct {
		code string
		want portal.Settling
	}{{"settings.refused", portal.SettlingPartly}, {"settings.invalid", portal.SettlingRefused}} {
		if err := l.SettingsRefused(t.Context(), kiosk, 1, tt.code); err != nil {
			t.Fatal(err)
		}
		state(tt.want)
	}
	wants1(t, "its own page", b.get("/desk/kiosks/"+kiosk, 200), "Refused it", "in detail", "This kiosk has raised", "this portal issued none")
	b.get("/desk/kiosks/K-000099", http.StatusNotFound)
	officer.get("/desk/kiosks/"+kiosk, http.StatusNotFound)
	give(2, `{"log_level":"info"}`) // not what is set
	state(portal.SettlingWaits)
}

// TestChanges says in words how two versions differ.
func TestChanges(t *testing.T) {
	d := testDesk(t, nil)
	b := page.Base{Lang: "en", Texts: d.texts, Now: noon}
	say := func(before, after string) string {
		t.Helper()
		var was []byte
		if before != "" {
			was = []byte(before)
		}
		all, err := changes(b, was, []byte(after))
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, c := range all {
			out = append(out, c.Name+": "+c.Was+" > "+c.Now)
		}
		return strings.Join(out, "; ")
	}
	for _, tt := range []struct{ before, after, want string }{
		{"", `{}`, ""},
		{"", `{"log_level": "debug"}`, "How much is logged:  > in detail"},
		{`{"log_level": "debug"}`, `{"log_level": "info"}`, "How much is logged: in detail > as usual"},
		{`{"log_level": "debug"}`, `{}`, "How much is logged: in detail > "},
		{`{"night": {"from": "20:00", "to": "06:00"}}`, `{"night": {"to": "06:00", "from": "20:00"}}`, ""},
		{`{"update": {"quiet": [{"from": "01:00", "to": "04:00"}], "every_h": 6}}`, `{"update": {"quiet": [], "every_h": 6}}`, "Hours for installing: 01:00–04:00 > at any time"},
		{`{"sync": {"bytes_per_day": 0}}`, `{"sync": {"bytes_per_day": 100000}}`, "For the portal a day: no limit > 100 kB"},
		{"", `{"update": {"ring": "lab"}, "sync": 5, "x": {"y": "z"}}`, `sync:  > 5; Ring of releases:  > Lab; x:  > {"y":"z"}`},
		{"", `{"log_level": "loud", "update": {"every_h": "six", "bytes_per_day": "much"}}`, "How much is logged:  > «loud»; For releases a day:  > «much»; How often to ask for releases:  > «six»"},
	} {
		if got := say(tt.before, tt.after); got != tt.want {
			t.Errorf("changes(%s, %s) = %q, want %q", tt.before, tt.after, got, tt.want)
		}
	}
}
