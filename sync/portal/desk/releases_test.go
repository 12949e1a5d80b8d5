package desk

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/ledgertest"
	"github.com/penjire/penjire/sync/portal/rollout"
	"github.com/penjire/penjire/sync/release/releasetest"
)

// TestReleases has an operator let a release out, pause it and go on, and put a kiosk
// into a ring. Who only answers requests has no such page.
func TestReleases(t *testing.T) {
	o := openOffice(t)
	o.desk.rollout = rollout.New(rollout.Config{Ledger: o.Ledger(), Folder: t.TempDir()})
	b := o.browser(t).signIn("serdar")
	wants1(t, "the page before any release", b.get("/desk/releases", 200), "There is no release", "No kiosk has told of its software yet")
	if err := o.Ledger().AddRelease(t.Context(), ledgertest.Release(2)); err != nil {
		t.Fatal(err)
	}
	report := `{"board":"vm","version":"0.6.1","build":1,"format":1,"slot":"A","ring":"broad","phase":"idle","last":{"build":1,"code":"update.good"}}`
	if _, err := o.Ledger().Reported(t.Context(), ledger.Software{Kiosk: "K-000001", At: noon, OwnRing: 3, Report: []byte(report)}, nil); err != nil {
		t.Fatal(err)
	}
	wants1(t, "the page", b.get("/desk/releases", 200), "Let out to nobody yet", "Let out to: Lab", "K-000001", "Updated: the new version runs", "As set up: All others")
	failed := `{"board":"vm","version":"0.6.1","build":1,"format":1,"slot":"A","ring":"broad","phase":"idle","last":{"build":2,"code":"update.gate.devices"}}`
	if _, err := o.Ledger().Reported(t.Context(), ledger.Software{Kiosk: "K-000009", At: noon, OwnRing: 3, Report: []byte(failed)}, nil); err != nil {
		t.Fatal(err)
	}
	page := b.get("/desk/releases", 200)
	if wrong, well := strings.Index(page, "K-000009"), strings.Index(page, "K-000001"); wrong < 0 || wrong > well {
		t.Errorf("the kiosk that failed stands at %d, the other at %d: want it first", wrong, well)
	}
	if got := (releaseView{Release: ledger.Release{Build: 1_796_007_200}}).Built(); got == nil || got.Year() != 2026 {
		t.Errorf("Built = %v, want 2026", got)
	}
	do := func(path string, form url.Values, want int) {
		t.Helper()
		if w := b.send("POST", path, form); w.Code != want {
			t.Errorf("POST %s %v = %d, want %d", path, form, w.Code, want)
		}
	}
	do("/desk/releases/vm/2", url.Values{"do": {"out"}, "ring": {"lab"}}, http.StatusSeeOther)
	do("/desk/releases/vm/2", url.Values{"do": {"pause"}}, http.StatusSeeOther)
	wants1(t, "the page when it is paused", b.get("/desk/releases", 200), "Paused", "Resume")
	do("/desk/releases/vm/2", url.Values{"do": {"resume"}}, http.StatusSeeOther)
	do("/desk/kiosks/K-000001/ring", url.Values{"ring": {"pilot"}}, http.StatusSeeOther)
	all, err := o.Ledger().Releases(t.Context())
	if err != nil || all[0].Ring != 1 || all[0].Paused != "" || all[0].By != "serdar" {
		t.Errorf("the release = %+v, %v, want it out to the lab by serdar", all, err)
	}
	fleet, err := o.Ledger().Software(t.Context())
	if err != nil || fleet[0].Ring() != 2 {
		t.Errorf("the kiosk = %+v, %v, want ring 2", fleet, err)
	}
	for path, form := range map[string]url.Values{
		"/desk/releases/vm/3":          {"do": {"out"}, "ring": {"lab"}},
		"/desk/releases/vm/x":          {"do": {"pause"}},
		"/desk/releases/vm/2":          {"do": {"delete"}},
		"/desk/kiosks/K-000007/ring":   {"ring": {"lab"}},
		"/desk/kiosks/K-000001/ring":   {"ring": {"everyone"}},
		"/desk/releases/rpi4/2":        {"do": {"resume"}},
		"/desk/kiosks/K-00000%2F/ring": {"ring": {"own"}},
	} {
		do(path, form, http.StatusNotFound)
	}
	officer := o.browser(t).signIn("myrat")
	if w := officer.send("GET", "/desk/releases", nil); w.Code != http.StatusNotFound {
		t.Errorf("/desk/releases for an officer = %d, want 404", w.Code)
	}
	if w := officer.send("POST", "/desk/releases/vm/2", url.Values{"do": {"pause"}}); w.Code != http.StatusNotFound {
		t.Errorf("pausing by an officer = %d, want 404", w.Code)
	}
}

// TestReleasesSayWhatIsNew: the page says how much of a release is to be fetched, and how
// far a kiosk is with it.
func TestReleasesSayWhatIsNew(t *testing.T) {
	o := openOffice(t)
	roll := rollout.New(rollout.Config{Ledger: o.Ledger(), Folder: t.TempDir()})
	o.desk.rollout = roll
	w := releasetest.New(t, noon)
	old := make([]byte, 3_000_000)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(old) // never fails
	for build, b := range map[uint64][]byte{2: old, 3: append([]byte("new"), old...)} {
		if _, err := roll.Add(t.Context(), w.Sign(t, w.Release(t, build, b)), w.Keys, bytes.NewReader(b), "test"); err != nil {
			t.Fatal(err)
		}
	}
	report := `{"board":"vm","version":"0.6.2","build":2,"format":1,"slot":"A","ring":"broad","phase":"downloading","target":3,"have":5,"fetch":16500000,"fetched":400000}`
	if _, err := o.Ledger().Reported(t.Context(), ledger.Software{Kiosk: "K-000001", At: noon, OwnRing: 3, Report: []byte(report)}, nil); err != nil {
		t.Fatal(err)
	}
	page := o.browser(t).signIn("serdar").get("/desk/releases", 200)
	wants1(t, "the page", page, "To fetch by who has 0.6.2: 1 MB of 4 MB", "fetched: 1 MB of 17 MB", "3 MB")
}
