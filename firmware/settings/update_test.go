package settings

import (
	"strings"
	"testing"
	"time"
)

func TestUpdate(t *testing.T) {
	s, err := Parse([]byte(good), "/etc/penjire")
	if err != nil {
		t.Fatal(err)
	}
	if u := s.Update; u.Ring != "broad" || len(u.Quiet) != 1 || u.Quiet[0].From != 2*time.Hour || u.Every != 6*time.Hour || !strings.HasSuffix(u.Folder, "/update") {
		t.Errorf("defaults: got %+v", u)
	}
	with := func(update string) (Settings, error) {
		return Parse([]byte(strings.Replace(good, fileKey, fileKey+`, "update": `+update, 1)), "/etc/penjire")
	}
	s, err = with(`{"ring": "lab", "quiet": [{"days": ["sun"], "from": "23:00", "to": "04:30"}], "bytes_per_day": 5000000, "every_h": 12, "folder": "/data/update"}`)
	if err != nil {
		t.Fatal(err)
	}
	if u := s.Update; u.Ring != "lab" || u.Quiet[0].To != 4*time.Hour+30*time.Minute || u.BytesPerDay != 5_000_000 || u.Every != 12*time.Hour || u.Folder != "/data/update" {
		t.Errorf("got %+v", u)
	}
	for in, want := range map[string]string{
		`{"ring": "all"}`:                       "settings.update.ring",
		`{"quiet": [{"from": "2", "to": "5"}]}`: "settings.update.quiet",
		`{"bytes_per_day": 1}`:                  "settings.update.bytes_per_day",
		`{"hours": 1}`:                          "settings.update.hours",
	} {
		if _, err := with(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want a fault at %s", in, err, want)
		}
	}
}
