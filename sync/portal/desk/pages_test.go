package desk

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/page"
	"github.com/penjire/penjire/sync/portal/page/pagetest"
	"github.com/penjire/penjire/sync/release"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, page.Zone)

func testCatalogue(t *testing.T) *catalog.Catalogue {
	t.Helper()
	ps, err := catalog.ReadPacks(packs.FS)
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Build(1, ps...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sampleEntry(n byte, state ledger.State) entry {
	q := ledger.Request{
		Doc: ledger.Doc{n, 1}, Code: "K7M4P29QD" + string('0'+n), Kiosk: "K-000001", Service: "residence-certificate",
		Identified: n%3 != 2, Signer: citizen.NewText("Nusgaýewa Aýna"), State: state, Claimed: noon.Add(-50 * time.Hour),
		Received: noon.Add(-time.Duration(n) * 9 * time.Hour), Registered: noon.Add(-time.Duration(n)*9*time.Hour + time.Minute),
		Due: noon.Add(4*24*time.Hour - time.Duration(n)*26*time.Hour),
	}
	e := entry{
		Request: q, Doc: hexDoc(q.Doc), Code: q.Code[:5] + "·" + q.Code[5:], Service: "Ýaşaýan ýeri hakynda güwänama",
		Signer: q.Signer.Reveal(), Open: state == ledger.Registered, Left: page.Term(q.Due).Sub(noon), Over: noon.Sub(page.Term(q.Due)),
	}
	e.Late = e.Open && late(q.Due, noon)
	return e
}

// pagesIn returns every page of the desk in every state worth looking at.
func pagesIn(t *testing.T, d *Desk, lang string) map[string]any {
	t.Helper()
	base := page.Base{Lang: lang, Texts: d.texts, Now: noon, Self: "/desk/requests", Who: "Nusgaýew Myrat", Role: "Raýat ýagdaýynyň ýazgylary edarasy", Wide: true}
	out := map[string]any{}
	door := base
	door.Who, door.Wide, door.Self = "", false, "/desk/sign-in"
	out["sign-in"] = signInView{Base: door}
	door.Fault = true
	out["sign-in wrong"] = signInView{Base: door, ID: "officer-1", Wrong: "sign-in.wrong"}
	out["sign-in slow"] = signInView{Base: door, Wrong: "sign-in.slow"}

	list := listView{Base: base, Show: "open"}
	for i, s := range shows {
		list.Tabs = append(list.Tabs, tab{Show: s, Count: 7 - i, On: i == 0, Late: s == "late"})
	}
	out["list empty"] = list
	for i, s := range []ledger.State{ledger.Registered, ledger.Registered, ledger.Registered, ledger.Registered, ledger.Registered, ledger.Registered, ledger.Answered, ledger.Returned, ledger.Refused} {
		e := sampleEntry(byte(i), s)
		e.Mine = i == 1
		if i > 2 {
			e.Officer = "Nusgaýewa Ogulgerek"
		}
		list.Entries = append(list.Entries, e)
	}
	out["list"] = list
	found := listView{Base: base, Found: true, Show: "all", Query: "Nusg", Entries: list.Entries[:2]}
	found.Post = map[string]string{"text": "Nusg"}
	out["list found"] = found
	found.Entries = nil
	out["list found none"] = found

	service, ok := d.portal.Catalogue().Service("residence-certificate")
	if !ok {
		t.Fatal("the packs have no residence-certificate")
	}
	doc := &edoc.Document{
		Lang: "tk", Service: service.ID, ServiceVersion: service.Version, Regulation: service.Regulation.Title.In("tk") + ", " + service.Regulation.Number,
		Sender: edoc.Party{
			ID: citizen.ID{Text: citizen.NewText("SPEC1001")}, Surname: citizen.NewText("Nusgaýewa"),
			Name: citizen.NewText("Aýna"), Patronymic: citizen.NewText("Myradowna"),
		},
		Consents: []edoc.Consent{{Rule: service.Rules[0].ID, Version: 1, At: noon.Add(-51 * time.Hour)}},
	}
	given := map[string]string{"gone": "<script>alert(1)</script>"}
	for _, row := range service.Survey {
		switch row.Kind() {
		case catalog.KindSelectOne:
			given[row.Name] = service.ChoicesOf(row)[0].Name
		case catalog.KindDate:
			given[row.Name] = "1984-03-07"
		default:
			given[row.Name] = "Magtymguly şaýoly 12"
		}
	}
	doc.Answers = citizen.NewAnswers(given)
	yes := ledger.Finding{Verdict: "yes", Reason: "ok"}
	good := verified{Again: true, Facts: ledger.Facts{Whole: yes, Signer: yes, Revocation: yes, Claimed: noon.Add(-50 * time.Hour), Trusted: noon.Add(-9 * time.Hour), RevocationAge: 3 * time.Hour}}
	bad := verified{Stamp: ledger.Finding{Verdict: "no", Reason: "stamp.broken"}, Facts: ledger.Facts{
		Whole: ledger.Finding{Verdict: "no", Reason: "whole.digest"}, Signer: ledger.Finding{Verdict: "unknown", Reason: "cert.expired_since"},
		Revocation: ledger.Finding{Verdict: "no", Reason: "cert.suspended"}, Claimed: noon.Add(-50 * time.Hour),
	}}
	view := func(e entry, f verified) requestView {
		v := requestView{
			Base: base, Req: e, Service: service, Version: 1, Document: doc, Again: true,
			Answers: answers(service, doc, lang), Consents: consents(service, doc, lang), Accepted: f.accepted(),
		}
		var err error
		if v.Applicant, err = d.applicant(base, doc.Sender); err != nil {
			t.Fatal(err)
		}
		if v.Checks, err = checks(base, e.Request, f); err != nil {
			t.Fatal(err)
		}
		if v.Steps, err = steps(base, e); err != nil {
			t.Fatal(err)
		}
		return v
	}
	out["request"] = view(sampleEntry(1, ledger.Registered), good)
	v := view(sampleEntry(5, ledger.Registered), bad)
	v.Older, v.Req.Mine = true, true
	v.Req.Corrects = &ledger.Doc{9}
	out["request bad"] = v
	v = view(sampleEntry(2, ledger.Registered), good)
	v.Service, v.Answers, v.Again = nil, nil, false
	v.Req.Officer = "Nusgaýewa Ogulgerek"
	out["request anonymous"] = v
	for s, word := range map[ledger.State]string{ledger.Answered: "answered", ledger.Refused: "refused", ledger.Returned: "returned"} {
		e := sampleEntry(1, s)
		e.Answer = &ledger.Answer{State: s, At: noon}
		v := view(e, good)
		v.Done = s == ledger.Answered
		v.Answer = &answerView{State: s, By: "Nusgaýew Myrat", At: noon, Text: "Güwänama taýýar.\nIkinji setir.", Seal: "/v/ABC"}
		for _, f := range service.Result.Facts {
			v.Answer.Facts = append(v.Answer.Facts, line{Label: f.Label.In(lang), Value: "Magtymguly şaýoly 12"})
		}
		out["request "+word] = v
		if s == ledger.Answered {
			revoked := v
			a := *v.Answer
			a.Revoked = &ledger.Revocation{Reason: ledger.RevokedOrder, By: "Nusgaýewa Ogulgerek", At: noon}
			revoked.Answer = &a
			out["request revoked"] = revoked
			form := revokeView{requestView: v, Number: "K7M4P·29QDX", Reasons: ledger.RevokeReasons}
			out["revoke"] = form
			form.Fault = true
			out["revoke wrong"] = form
		}
	}

	for decision := range decisions {
		f := formView{requestView: view(sampleEntry(1, ledger.Registered), good), Decision: decision, In: "Türkmençe", Draft: blank(service, doc, "K7M4P29QD1", decision, lang), Copy: decision == "answer"}
		out["decide "+decision] = f
		wrong := f
		wrong.Draft = blank(service, doc, "K7M4P29QD1", decision, lang)
		for i := range wrong.Draft.Facts {
			wrong.Draft.Facts[i].Value = strings.Repeat("x", i*factMax*2)
		}
		wrong.Draft.check(decision)
		wrong.Fault = true
		out["decide "+decision+" wrong"] = wrong
		full := f
		full.Draft = blank(service, doc, "K7M4P29QD1", decision, lang)
		full.Draft.Text = "Güwänama taýýar."
		for i := range full.Draft.Facts {
			full.Draft.Facts[i].Value = "Magtymguly şaýoly 12"
		}
		full.Preview = true
		out["decide "+decision+" preview"] = full
	}
	kiosks := kiosksView{Base: base}
	kiosks.Self = "/desk/kiosks"
	out["kiosks empty"] = kiosks
	for i, code := range append(slices.Clone(ledger.AlarmCodes), "of.tomorrow") {
		kiosks.Alarms = append(kiosks.Alarms, alarm{
			ledger.Alarm{At: noon.Add(-time.Duration(i*i) * time.Hour), Kiosk: "K-000002", Code: code, Note: "epoch 4f81c2aa, kept size 41"},
			d.texts.Has("alarm." + code),
		})
	}
	for i, id := range []string{"K-000001", "K-000002", "K-000003"} {
		visit := ledger.Visit{At: noon.Add(-time.Duration(i*i*20) * time.Hour), Software: "0.3.0", Unsent: uint64(i)}
		if i > 0 {
			visit.Oldest = visit.At.Add(-5 * time.Hour)
		}
		kiosks.Kiosks = append(kiosks.Kiosks, fleetLine(ledger.Kiosk{ID: id, Visit: visit, JournalSize: 4120, Records: 980, Alarms: 3 * i}, i == 0, noon, 24*time.Hour))
	}
	last := &kiosks.Kiosks[2]
	last.Forks, last.Restored, last.Recent, last.Older, last.Unlisted = 1, 1, 2, true, true
	last.Plot = plot{[]bar{{0, 20, 3, 4}, {40, 0, 3, 24}, {108, 12, 3, 12}}, 61}
	fates{
		software: map[string]ledger.Software{last.ID: {Kiosk: last.ID, Report: []byte(
			`{"board":"rpi4","version":"0.6.1","build":1,"format":1,"slot":"A","ring":"broad","phase":"idle","last":{"build":2,"code":"update.gate.devices"}}`)}},
		certs: map[string][]ledger.Certificate{last.ID: {{Use: ledger.CertIdentity, From: noon.AddDate(0, 0, -80), Until: noon.AddDate(0, 0, 10)}}},
	}.tell(last, lang, noon)
	if last.Failed == "" || !last.Ending {
		t.Errorf("a kiosk whose update failed and whose certificate ends = %+v", last)
	}
	kiosks.Glances, kiosks.Only, kiosks.Kiosks = tally(kiosks.Kiosks, "")
	kiosks.All = len(kiosks.Kiosks)
	kiosks.Order, kiosks.Orders = "worst", fleetOrders
	kiosks.Requests, kiosks.More = true, true
	for _, what := range portal.Troubles {
		kiosks.Troubles = append(kiosks.Troubles, portal.Trouble{What: what, Since: noon, Why: "trust.cbor: trust: the bundle is older than the one already known: version 2, want 3 or later"})
	}
	kiosks.Bundle = &trust.Bundle{Version: 3, Issued: noon.AddDate(0, 0, -3)}
	out["kiosks"] = kiosks
	one := kioskView{Base: base, Kiosk: kiosks.Kiosks[2], Alarms: kiosks.Alarms[:2], Software: viewSoftware(ledger.Software{Report: []byte(
		`{"board":"rpi4","version":"0.6.1","build":1,"format":1,"slot":"A","ring":"broad","phase":"trial","last":{"build":2,"code":"update.gate.devices"}}`)}, lang)}
	one.Settled = settledView{Settled: portal.Settled{State: portal.SettlingPartly}}
	one.Certs = certView{Certs: []ledger.Certificate{{Use: ledger.CertIdentity, Until: noon.AddDate(0, 0, 10)}, {Use: ledger.CertSigning, Revoked: noon}}}
	var err error
	if one.Set, err = changes(base, nil, []byte(`{"log_level": "debug", "night": {"from": "20:00", "to": "06:00"}}`)); err != nil {
		t.Fatal(err)
	}
	out["kiosk"] = one
	out["kiosk new"] = kioskView{Base: base, Kiosk: kiosks.Kiosks[0], Settled: settledView{Settled: portal.Settled{State: portal.SettlingNone}}}
	kiosks.Glances, kiosks.Only, kiosks.Kiosks = tally(kiosks.Kiosks[:1], "failed")
	kiosks.All, kiosks.Alarms, kiosks.Troubles = 1, nil, nil
	out["kiosks only"] = kiosks
	rel := releasesView{Base: base, Rings: release.Rings}
	rel.Self = "/desk/releases"
	out["releases empty"] = rel
	var fleet []ledger.Software
	var ended []ledger.Ended
	for i, phase := range []string{"idle", "downloading", "staged", "trial"} {
		id := fmt.Sprintf("K-00000%d", i)
		code := release.Codes[10+3*i]
		fleet = append(fleet, ledger.Software{Kiosk: id, At: noon.Add(-time.Hour), OwnRing: 3, Assigned: uint8(i), Report: fmt.Appendf(nil,
			`{"board":"rpi4","version":"0.6.1","build":1793000000,"format":1,"slot":"A","ring":"broad","phase":%q,"last":{"build":1794000000,"code":%q}}`, phase, code)})
		ended = append(ended, ledger.Ended{Kiosk: id, Board: "rpi4", Build: 1794000000, Ring: 3, Code: string(code)})
	}
	fleet = append(fleet, ledger.Software{Kiosk: "K-000009", At: noon, Assigned: 1})
	for i, paused := range []string{"", "", ledger.PausedByFailures, ledger.PausedByOperator} {
		rel.Releases = append(rel.Releases, viewRelease(ledger.Release{
			Board: "rpi4", Build: 1794000000 + uint64(i), Version: "0.6.2", Widest: 3, Ring: uint8(i), Paused: paused, By: "serdar", At: noon,
		}, fleet, ended, base.Lang))
	}
	for _, s := range fleet {
		rel.Fleet = append(rel.Fleet, viewSoftware(s, base.Lang))
	}
	out["releases"] = rel
	maps.Copy(out, settingsPages(t, d, base))
	en := enrolView{Base: base, Off: true}
	en.Self = "/desk/enrol"
	out["enrol off"] = en
	en.Off = false
	out["enrol empty"] = en
	en.Wrong, en.Field, en.Kiosk, en.Fault = "enrol.wrong.kiosk", "kiosk", "<script>", true
	out["enrol wrong"] = en
	en.Wrong, en.Field, en.Fault, en.Kiosk, en.Code, en.Until = "", "", false, "K-000123", "K7M4-P29Q-DX3B-5TRE", noon.AddDate(0, 0, 14)
	gone := ledger.Certificate{Kiosk: "K-000002", Use: ledger.CertIdentity, Until: noon, Revoked: noon}
	en.Fleet = certViews([]ledger.Certificate{
		{Kiosk: "K-000001", Use: ledger.CertIdentity, Until: noon.AddDate(0, 0, 60)}, {Kiosk: "K-000001", Use: ledger.CertSigning, Until: noon.AddDate(2, 0, 0)}, gone,
	})
	en.Codes = codeViews([]ledger.Code{
		{Kiosk: "K-000123", Made: noon, Until: noon.AddDate(0, 0, 14), By: "operator"},
		{Kiosk: "K-000001", Made: noon, Until: noon, By: "operator", Used: noon},
		{Kiosk: "K-000002", Made: noon, Until: noon, By: "operator", Taken: noon},
		{Kiosk: "K-000003", Made: noon, Until: noon.Add(-1), By: "operator"},
	}, noon)
	en.Unlisted = []string{"K-000001", "K-000123"}
	out["enrol"] = en
	sticks := stickView{Base: base}
	sticks.Self, sticks.Wide = "/desk/stick", false
	out["stick"] = sticks
	sticks.Fault, sticks.Wrong = true, "stick.nothing"
	out["stick wrong"] = sticks
	sticks.Fault, sticks.Wrong, sticks.Done = false, "", true
	in := portal.Imported{Kiosk: "K-000001", Number: 7, Made: noon.Add(-50 * time.Hour), Records: 12, New: 12, Name: "K-000001-0a1b2c3d-7-answer-1.penjire"}
	sticks.Files = append(sticks.Files, taken{Imported: in, File: "K-000001-0a1b2c3d-7.penjire", ID: "A"})
	in.Records, in.New, in.Forks, in.Waiting, in.Cut, in.Damaged = 5, 2, 1, 1, true, 2
	sticks.Files = append(sticks.Files, taken{Imported: in, File: "<script>alert(1)</script>.penjire", ID: "B"})
	sticks.Files = append(sticks.Files, taken{Imported: portal.Imported{Kiosk: "K-000002", Number: 1, Made: noon}, File: "K-000002-11111111-1.penjire", ID: "C"})
	sticks.Files = append(sticks.Files, taken{Imported: portal.Imported{Kiosk: "K-000123"}, Enrolled: true, File: "penjire-enrol-K-000123.json", ID: "D"})
	out["stick done"] = sticks
	sticks.Files = nil
	for _, code := range []string{"export", "stranger", "newer", "damaged", "cut", "other", "large", "busy"} {
		sticks.Files = append(sticks.Files, taken{Code: code, File: code + ".penjire"})
	}
	out["stick not"] = sticks
	for _, k := range []string{"internal", "missing", "no-key", "draft", "not-certified", "stick"} {
		out["problem "+k] = problem{base, "problem." + k}
	}
	return out
}

// TestPages draws every page in every language and reads it strictly. With
// PENJIRE_PAGES=folder the pages are left there to be looked at.
func TestPages(t *testing.T) {
	d := testDesk(t, nil)
	drawn := map[string]bool{}
	for _, lang := range page.Codes {
		pages := pagesIn(t, d, lang)
		for _, name := range slices.Sorted(maps.Keys(pages)) {
			file, _, _ := strings.Cut(name, " ")
			drawn[file] = true
			b, err := d.pages.Draw(file, pages[name])
			if err != nil {
				t.Errorf("%s (%s): %v", name, lang, err)
				continue
			}
			for _, f := range pagetest.Faults(b, lang) {
				t.Errorf("%s (%s): %s", name, lang, f)
			}
			if strings.Contains(string(b), "<script") {
				t.Errorf("%s (%s): an answer was not escaped", name, lang)
			}
			if dir := os.Getenv("PENJIRE_PAGES"); dir != "" {
				out := filepath.Join(dir, "desk-"+strings.ReplaceAll(name, " ", "-")+"-"+lang+".html")
				if err := os.WriteFile(out, b, 0o644); err != nil {
					t.Error(err)
				}
			}
		}
	}
	for _, name := range d.pages.Names() {
		if !drawn[name] {
			t.Errorf("page %s: no test draws it", name)
		}
	}
}

func TestTexts(t *testing.T) {
	d := testDesk(t, nil)
	keys, err := pagetest.Keys(files, "templates")
	if err != nil || len(keys) < 20 {
		t.Fatalf("Keys = %d keys, %v, want many", len(keys), err)
	}
	if m := pagetest.Missing(d.texts, keys); len(m) > 0 {
		t.Errorf("templates name texts that are not there: %v", m)
	}
}
