package release_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/release"
)

var reports = []struct{ in, want string }{
	{`{"board":"rpi4","version":"0.6.2","build":7,"format":1,"slot":"A","ring":"broad","phase":"idle"}`, ""},
	{`{"board":"rpi4","version":"0.6.2","build":7,"format":1,"slot":"B","ring":"broad","phase":"downloading","target":8,"have":1048576,"last":{"build":6,"version":"0.6.1","code":"update.boot","at":"2026-11-30T08:00:00Z"}}`, ""},
	{`{"board":"rpi4","version":"0.6.2","build":7,"format":1,"slot":"B","ring":"broad","phase":"downloading","target":8,"have":1,"fetch":17000000,"fetched":5}`, ""},
	{`{"board":"rpi4","version":"0.6.2","build":7,"format":1,"slot":"","ring":"broad","phase":"idle","fetch":-1}`, "out of range"},
	{`{"board":"rpi4","version":"0.6.2","build":7,"format":1,"slot":"","ring":"broad","phase":"idle","fetched":-1}`, "out of range"},
	{`{"board":"rpi4","version":"0.6.2","build":7,"format":1,"slot":"C","ring":"broad","phase":"idle"}`, "slot"},
	{`{"board":"../x","version":"0.6.2","build":7,"format":1,"slot":"","ring":"broad","phase":"idle"}`, "no name"},
	{`{"board":"rpi4","version":"0.6.2","build":7,"format":1,"slot":"","ring":"broad","phase":"resting"}`, "phase"},
	{`{"board":"rpi4","version":"0.6.2","build":7,"format":1,"slot":"","ring":"broad","phase":"idle","citizen":"x"}`, "cannot be read"},
	{`{"board":"rpi4","version":"0.6.2","build":7,"format":1,"slot":"","ring":"broad","phase":"idle","have":-1}`, "out of range"},
	{`{"board":"rpi4","version":"0.6.2","build":7,"format":1,"slot":"","ring":"broad","phase":"idle","last":{"build":6,"code":"x"}}`, "last outcome"},
	{`{"board":"rpi4","version":"0.6.2","build":7,"format":1,"slot":"","ring":"broad","phase":"idle"} {}`, "followed"},
	{`{"board":"rpi4","version":"0.6.2","build":7,"format":1,"slot":"","ring":"all","phase":"idle"}`, "ring"},
	{``, "cannot be read"},
}

func TestParseReport(t *testing.T) {
	for _, tt := range reports {
		_, err := release.ParseReport([]byte(tt.in))
		if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, release.ErrForm) || !strings.Contains(fmt.Sprint(err), tt.want)) {
			t.Errorf("ParseReport(%s) = %v, want %q", tt.in, err, tt.want)
		}
	}
}

func FuzzParseReport(f *testing.F) {
	for _, tt := range reports {
		f.Add([]byte(tt.in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := release.ParseReport(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			return // a year that JSON has no form for
		}
		if len(again) <= release.MaxReport {
			if _, err := release.ParseReport(again); err != nil {
				t.Errorf("ParseReport of what it read: %v", err)
			}
		}
	})
}

// TestWords: every code, phase, ring and reason has words in three languages, and no two
// codes the same.
func TestWords(t *testing.T) {
	for _, lang := range []string{"tk", "ru", "en"} {
		seen := map[string]string{}
		has := func(key string, do bool) {
			w := release.Say(lang, key)
			if w.Says == "" || w.Says == key || do && w.Do == "" || lang != "en" && w == release.Say("en", key) {
				t.Errorf("%s %s: got %+v, want words", lang, key, w)
			}
			if other := seen[w.Says]; other != "" {
				t.Errorf("%s: %s and %s have the same words", lang, key, other)
			}
			seen[w.Says] = key
		}
		for _, c := range release.Codes {
			has(string(c), true)
		}
		for p := release.Idle; p <= release.Leaving; p++ {
			has(p.String(), false)
		}
		for _, w := range release.Wholes {
			has(string(w), false)
		}
		for _, r := range release.Rings {
			has("ring."+r.String(), false)
		}
	}
	if got := release.Say("tk", "no.such").Says; got != "no.such" {
		t.Errorf("Say of an unknown code = %q, want the code", got)
	}
}
