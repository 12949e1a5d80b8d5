package desk

import (
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
