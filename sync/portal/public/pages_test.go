package public

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/edoc/explain"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/page"
	"github.com/penjire/penjire/sync/portal/page/pagetest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, page.Zone)

// fakePortal has a catalogue and, if given, a ledger.
type fakePortal struct {
	l   ledger.Ledger
	cat *catalog.Catalogue
}

func (f *fakePortal) Ledger() ledger.Ledger         { return f.l }
func (f *fakePortal) Catalogue() *catalog.Catalogue { return f.cat }

func (f *fakePortal) RevokedSeals() *trust.RevokedSeals { return nil }

func testCatalogue(t *testing.T) *catalog.Catalogue {
	t.Helper()
	c, err := packs.Catalogue(1)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func testPages(t *testing.T, l ledger.Ledger, b *trust.Bundle) *Pages {
	t.Helper()
	p, err := New(Config{
		Portal: &fakePortal{l, testCatalogue(t)}, Bundle: func() *trust.Bundle { return b },
		Now: func() time.Time { return noon }, Floor: time.Nanosecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var world = sync.OnceValue(func() *specimen.World {
	w, err := specimen.New(noon)
	if err != nil {
		panic(err)
	}
	return w
})

// pagesIn returns every page in every state worth looking at.
func pagesIn(t *testing.T, p *Pages, lang string) map[string]any {
	t.Helper()
	base := page.Base{Lang: lang, Texts: p.texts, Now: noon, Self: "/"}
	out := map[string]any{}
	front := frontView{Base: base}
	out["front empty"] = front
	c := p.portal.Catalogue()
	for i := range c.Services {
		s := &c.Services[i]
		front.Services = append(front.Services, p.offer(s))
		out["service "+s.ID] = serviceView{Base: base, offer: p.offer(s), Day: "15.01.2026"}
	}
	out["front"] = front
	form := statusFormView{Base: base}
	out["status-form"] = form
	form.Fault = true
	for _, k := range []string{"code", "none", "slow"} {
		form.Code, form.Wrong = "K7M4P·29QDX", "wrong."+k
		out["status-form "+k] = form
	}
	due := noon.Add(5 * 24 * time.Hour)
	answer := &ledger.Answer{At: noon.Add(-time.Hour)}
	for name, q := range map[string]ledger.Request{
		"received":       {State: ledger.Received},
		"registered":     {State: ledger.Registered, Identified: true, Due: due},
		"late":           {State: ledger.Registered, Identified: true, Due: noon.Add(-25 * time.Hour)},
		"answered":       {State: ledger.Answered, Identified: true, Answer: answer},
		"refused":        {State: ledger.Refused, Identified: true, Answer: answer},
		"returned":       {State: ledger.Returned, Identified: true, Answer: answer},
		"answered-code":  {State: ledger.Answered, Answer: answer},
		"refused-code":   {State: ledger.Refused, Answer: answer},
		"returned-code":  {State: ledger.Returned, Answer: answer},
		"portal-refused": {State: ledger.Refused, Reason: "cert.suspended"},
		"unheard-reason": {State: ledger.Refused, Reason: "no.such.reason"},
	} {
		q.Service, q.Agency = "residence-certificate", "civil-registry"
		q.Received, q.Registered = noon.Add(-26*time.Hour), noon.Add(-26*time.Hour+time.Minute)
		s, err := p.standing(base, q)
		if err != nil {
			t.Fatalf("%s (%s): %v", name, lang, err)
		}
		v := statusView{Base: base, Code: "K7M4P·29QDX", List: []standing{s}}
		v.Self, v.Post = "/status", map[string]string{"code": "K7M4P29QDX"}
		out["status "+name] = v
	}
	check := checkFormView{Base: base}
	out["check-form"] = check
	check.Fault, check.Number = true, "K7M4P 29QDX"
	for _, wrong := range []string{"wrong.number", "wrong.no-copy", "wrong.copies", "wrong.slow"} {
		check.Wrong = wrong
		out["check-form "+wrong] = check
	}
	seal := sealView{
		Base: base, Verdict: "yes", Icon: "check", Reason: "ok", Kind: "copy", Service: "Ýaşaýan ýeri hakynda güwänama",
		Facts:  []fact{{"Güwänamanyň belgisi", "YH-2026-00417"}, {"Ýaşaýan ýeri", "Aşgabat ş., Magtymguly şaýoly 12"}, {"Eýesi", "Aýna N."}},
		About:  []fact{{"Edara", "Raýat ýagdaýynyň ýazgylary edarasy"}, {"Gol çeken", "NUSGA Raýat ýagdaýy edarasy"}, {"Senesi", "22.11.2026"}, {"Möhleti", "22.05.2027"}},
		Number: "0417·2953·8841",
	}
	seal.Lists, _ = base.T("seal.lists", "3 sagat")
	out["seal yes"] = seal
	partly := seal
	partly.Partly, _ = base.T("seal.partly", 2, 5)
	out["seal partly"] = partly
	partly.Partly, _ = base.T("seal.whole", 2, 3)
	out["seal whole"] = partly
	seal.Verdict, seal.Icon, seal.Reason = "unknown", "question", "crl.stale"
	seal.Why, _ = base.T("reason.crl.stale")
	seal.Means, _ = base.T("means.crl.stale")
	out["seal unknown"] = seal
	out["seal unreadable"] = sealView{Base: base, Verdict: "unknown", Icon: "question", Reason: "seal.unreadable"}
	out["seal no"] = sealView{Base: base, Verdict: "no", Icon: "cross", Reason: "no.words.for.it", Kind: "copy"}
	receipt := seal
	receipt.Verdict, receipt.Icon, receipt.Reason, receipt.Kind, receipt.Why = "yes", "check", "ok", "receipt", ""
	receipt.Arrived = []page.Step{{Key: "seal.arrived", At: noon, Look: page.Done, Icon: "check"}}
	for _, j := range []page.Step{
		{Key: "journal.same", At: noon, Look: page.Done, Icon: "check"},
		{Key: "journal.other", At: noon, Look: page.Bad, Icon: "cross"},
		{Key: "journal.ahead", Look: page.Current, Icon: "clock"},
		{Key: "journal.beyond", At: noon, Look: page.Current, Icon: "clock"},
		{Key: "journal.unknown", Look: page.Current, Icon: "clock"},
	} {
		j.Note, _ = base.T(j.Key + ".note")
		receipt.Arrived = append(receipt.Arrived, j)
	}
	if err := base.Words(receipt.Arrived); err != nil {
		t.Fatal(err)
	}
	out["seal receipt"] = receipt
	var err error
	if receipt.Fresh, err = base.T("seal.new-kiosk"); err != nil {
		t.Fatal(err)
	}
	out["seal new kiosk"] = receipt
	check.Wrong, check.WrongFile = "", "file.large"
	out["check-form file"] = check
	line := func(q explain.Question, v trust.Verdict, reason string) answerLine {
		return inWords(lang, q, trust.Finding{Verdict: v, Reason: reason})
	}
	doc := documentView{
		Base: base, Kind: "answer", Heading: "Ýaşaýan ýeri hakynda güwänama", Facts: seal.Facts,
		Signatures: []signed{
			{By: "Raýat ýagdaýynyň ýazgylary edarasy", Level: "B-T", When: []string{"22.11.2026 12:00"}, Counter: []string{"portal.specimen"}},
			{By: "K-000001", Level: "B-B", Answers: []answerLine{line(explain.Signer, "no", "cert.foreign"), line(explain.Revocation, "unknown", "not.asked")}},
		},
		Here: receipt.Arrived,
	}
	doc.judge(line(explain.Whole, "yes", "ok"), line(explain.Signer, "yes", "ok"), line(explain.Revocation, "yes", "ok"))
	doc.Answers = append(doc.Answers, line(explain.Stamp, "yes", "ok"))
	out["document yes"] = doc
	doc.judge(line(explain.Whole, "yes", "ok"), line(explain.Signer, "unknown", "cert.expired_since"), line(explain.Revocation, "unknown", "crl.stale"))
	doc.Answers = append(doc.Answers, line(explain.Stamp, "unknown", "stamp.none"))
	out["document unknown"] = doc
	none := documentView{Base: base}
	none.judge(line(explain.Whole, "no", "unreadable"))
	out["document no"] = none
	list := trustView{Base: base, Version: "7", Issued: base.Moment(noon), Roots: []fact{{"NUSGA kök", strings.Repeat("0f0f ", 16)}}}
	words := page.Writer{Base: base}
	for _, c := range world().Trust().Centres {
		for _, state := range []string{trust.Working, trust.Suspended, trust.Ended} {
			c.State, c.Since = state, noon
			list.Centres = append(list.Centres, centreIn(&words, c))
		}
	}
	if words.Err != nil {
		t.Fatal(words.Err)
	}
	out["trust"] = list
	for _, k := range []string{"internal", "missing"} {
		out["problem "+k] = problem{base, "problem." + k}
	}
	return out
}

// TestPages draws every page in every language and reads it strictly. With
// PENJIRE_PAGES=folder the pages are left there to be looked at.
func TestPages(t *testing.T) {
	p := testPages(t, nil, nil)
	drawn := map[string]bool{}
	for _, lang := range page.Codes {
		pages := pagesIn(t, p, lang)
		for _, name := range slices.Sorted(maps.Keys(pages)) {
			file, _, _ := strings.Cut(name, " ")
			drawn[file] = true
			b, err := p.pages.Draw(file, pages[name])
			if err != nil {
				t.Errorf("%s (%s): %v", name, lang, err)
				continue
			}
			for _, f := range pagetest.Faults(b, lang) {
				t.Errorf("%s (%s): %s", name, lang, f)
			}
			if dir := os.Getenv("PENJIRE_PAGES"); dir != "" {
				out := filepath.Join(dir, "public-"+strings.ReplaceAll(name, " ", "-")+"-"+lang+".html")
				if err := os.WriteFile(out, b, 0o644); err != nil {
					t.Error(err)
				}
			}
		}
	}
	for _, name := range p.pages.Names() {
		if !drawn[name] {
			t.Errorf("page %s: no test draws it", name)
		}
	}
}

func TestTexts(t *testing.T) {
	p := testPages(t, nil, nil)
	keys, err := pagetest.Keys(files, "templates")
	if err != nil || len(keys) < 20 {
		t.Fatalf("Keys = %d keys, %v, want many", len(keys), err)
	}
	if m := pagetest.Missing(p.texts, keys); len(m) > 0 {
		t.Errorf("templates name texts that are not there: %v", m)
	}
}
