package desk

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// TestFleetOrder: what is worst comes first, and every order has all kiosks.
func TestFleetOrder(t *testing.T) {
	day := 24 * time.Hour
	line := func(id string, connected bool, seen, oldest time.Duration, software string) kiosk {
		k := ledger.Kiosk{ID: id, Visit: ledger.Visit{At: noon.Add(-seen), Software: software}}
		if oldest > 0 {
			k.Visit.Unsent, k.Visit.Oldest = 1, noon.Add(-oldest)
		}
		return fleetLine(k, connected, noon, day)
	}
	all := []kiosk{
		line("K-1 well", true, 0, 0, "0.5"),
		line("K-2 silent", false, 3*day, 0, "0.4"),
		line("K-3 stuck", true, 0, 2*day, "0.5"),
		line("K-4 silent for longer", false, 9*day, 0, "0.3"),
		line("K-5 stuck for longer", false, day/2, 5*day, "0.4"),
		line("K-6 forked", true, 0, 0, "0.5"),
		line("K-7 some unsent", true, 0, day/2, "0.5"),
	}
	all[5].weigh([]ledger.Alarm{{Kiosk: all[5].ID, Code: ledger.AlarmFork, At: noon}, {Kiosk: "another", Code: ledger.AlarmFork, At: noon}}, noon)
	if all[5].Forks != 1 || all[5].Recent != 1 {
		t.Errorf("weigh = %d forks, %d recent, want one", all[5].Forks, all[5].Recent)
	}
	for by, want := range map[string]string{
		"worst": "5342671", "id": "1234567", "seen": "4251367", "oldest": "5371246", "alarms": "6123457", "software": "4251367",
	} {
		l := slices.Clone(all)
		order(l, by)
		var got strings.Builder
		for _, k := range l {
			got.WriteString(k.ID[2:3])
		}
		if by == "oldest" && got.String()[:3] != want[:3] || by != "oldest" && got.String() != want {
			t.Errorf("by %s: %s, want %s", by, got.String(), want)
		}
	}
}

// TestPlots: each bar is six hours, the newest at the right, and all kiosks have
// the same scale.
func TestPlots(t *testing.T) {
	p := plots([]ledger.Traffic{
		{Kiosk: "K-1", Hour: noon.Add(-8 * 24 * time.Hour), Records: 1000}, // too old
		{Kiosk: "K-1", Hour: noon.Add(-7 * time.Hour), Records: 40},
		{Kiosk: "K-1", Hour: noon.Add(-time.Hour), Records: 60},
		{Kiosk: "K-1", Hour: noon, Records: 60},
		{Kiosk: "K-2", Hour: noon, Records: 1},
	}, noon)
	want := []bar{{26 * barWidth, plotHigh - 8, barWidth - 1, 8}, {27 * barWidth, 0, barWidth - 1, plotHigh}}
	if got := p["K-1"]; !slices.Equal(got.Bars, want) || got.Total != 160 {
		t.Errorf("K-1 = %+v, want %v and 160", got, want)
	}
	if got := p["K-2"]; len(got.Bars) != 1 || got.Bars[0].H != 2 {
		t.Errorf("K-2 = %+v, want one low bar", got)
	}
}

// TestGlance: each kind is counted among all and shown alone; what is no kind shows all.
func TestGlance(t *testing.T) {
	fleet := []kiosk{
		{Kiosk: ledger.Kiosk{ID: "a"}, Stuck: true, Quiet: true},
		{Kiosk: ledger.Kiosk{ID: "b"}, Quiet: true},
		{Kiosk: ledger.Kiosk{ID: "c"}, Failed: "it did not start"},
		{Kiosk: ledger.Kiosk{ID: "d"}, Ending: true, Recent: 2},
		{Kiosk: ledger.Kiosk{ID: "e"}, Older: true, Unlisted: true},
		{Kiosk: ledger.Kiosk{ID: "f"}},
	}
	for only, want := range map[string]string{
		"": "abcdef", "waiting": "a", "silent": "ab", "failed": "c", "ending": "d", "alarmed": "d", "older": "e", "unlisted": "e", "<script>": "abcdef",
	} {
		seen, chosen, rest := tally(fleet, only)
		ids, counts := "", ""
		for _, k := range rest {
			ids += k.ID
		}
		for _, g := range seen {
			counts += fmt.Sprint(g.Count)
		}
		if ids != want || counts != "1211111" || len(want) < 6 && chosen != only {
			t.Errorf("tally(%q) = %s of %q, counts %s, want %s and 1211111", only, ids, chosen, counts, want)
		}
	}
	if seen, _, rest := tally(fleet[5:], "failed"); len(seen) != 1 || seen[0].Count != 0 || len(rest) != 0 {
		t.Errorf("tally of none = %v, %v, want the kind that was asked for, with none", seen, rest)
	}
}

// TestFates: a certificate that should have been renewed by now is said, and one of which
// there is a newer one is not.
func TestFates(t *testing.T) {
	cert := func(use string, left time.Duration, life time.Duration) ledger.Certificate {
		return ledger.Certificate{Kiosk: "a", Use: use, From: noon.Add(left - life), Until: noon.Add(left)}
	}
	const day = 24 * time.Hour
	for _, tt := range []struct {
		certs []ledger.Certificate
		want  bool
	}{
		{nil, false},
		{[]ledger.Certificate{cert(ledger.CertIdentity, 31*day, 90*day)}, false},
		{[]ledger.Certificate{cert(ledger.CertIdentity, 20*day, 90*day)}, true},
		{[]ledger.Certificate{cert(ledger.CertIdentity, -day, 90*day)}, true},
		{[]ledger.Certificate{cert(ledger.CertIdentity, 80*day, 90*day), cert(ledger.CertIdentity, 2*day, 90*day)}, false},
		{[]ledger.Certificate{cert(ledger.CertIdentity, 80*day, 90*day), cert(ledger.CertSigning, 100*day, 730*day)}, true},
	} {
		k := kiosk{Kiosk: ledger.Kiosk{ID: "a"}}
		f := fates{certs: map[string][]ledger.Certificate{}}
		for _, v := range certViews(tt.certs) {
			f.certs[v.Kiosk] = v.Certs
		}
		if f.tell(&k, "en", noon); k.Ending != tt.want {
			t.Errorf("%v: ending = %t, want %t", tt.certs, k.Ending, tt.want)
		}
	}
}
