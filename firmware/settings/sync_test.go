package settings

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestSync(t *testing.T) {
	with := func(sync string) (Settings, error) {
		return Parse([]byte(strings.Replace(good, `"portal": {`, `"sync": `+sync+`, "portal": {`, 1)), "/")
	}
	s, err := with(`{"bytes_per_day": 2000000, "windows": [{"days": ["mon", "sun"], "from": "08:00", "to": "09:30"}, {"from": "22:15", "to": "24:00"}]}`)
	want := Sync{BytesPerDay: 2_000_000, Windows: []Window{
		{Days: []time.Weekday{time.Monday, time.Sunday}, From: 8 * time.Hour, To: 9*time.Hour + 30*time.Minute},
		{From: 22*time.Hour + 15*time.Minute, To: 24 * time.Hour},
	}}
	if err != nil || !reflect.DeepEqual(s.Sync, want) {
		t.Errorf("got %+v, %v, want %+v", s.Sync, err, want)
	}
	for in, fault := range map[string]string{
		`{"bytes_per_day": 10}`:                                                   "settings.sync.bytes_per_day: got 10",
		`{"windows": {}}`:                                                         "settings.sync.windows: got an object, want a list",
		`{"windows": [{"from": "08:00"}]}`:                                        "settings.sync.windows[].to: missing",
		`{"windows": [{"from": "8 o'clock", "to": "09:00"}]}`:                     "settings.sync.windows[].from: got",
		`{"windows": [{"from": "08:00", "to": "25:00"}]}`:                         "settings.sync.windows[].to: got",
		`{"windows": [{"days": ["monday"], "from": "08:00", "to": "09:00"}]}`:     "settings.sync.windows[].days[]: got",
		`{"windows": [{"day": "mon", "from": "08:00", "to": "09:00"}], "hot": 1}`: "settings.sync.hot: there is no such setting",
	} {
		if _, err := with(in); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: got %v, want %q", in, err, fault)
		}
	}
}

func TestWindowHolds(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse("Mon 15:04 2 January 2006", s+" 2026")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	overnight := Window{From: 20 * time.Hour, To: 6 * time.Hour}
	monday := Window{Days: []time.Weekday{time.Monday}, From: 20 * time.Hour, To: 6 * time.Hour}
	day := Window{From: 8 * time.Hour, To: 18 * time.Hour}
	for _, c := range []struct {
		w    Window
		at   string
		want bool
	}{
		{Window{}, "Mon 00:00 30 November", false},
		{day, "Mon 08:00 30 November", true},
		{day, "Mon 18:00 30 November", false},
		{overnight, "Mon 19:59 30 November", false},
		{overnight, "Mon 20:00 30 November", true},
		{overnight, "Mon 05:59 30 November", true},
		{overnight, "Mon 06:00 30 November", false},
		{monday, "Mon 05:00 30 November", false}, // of Sunday's night
		{monday, "Tue 05:00 1 December", true},
		{monday, "Tue 21:00 1 December", false},
	} {
		if got := c.w.Holds(at(c.at)); got != c.want {
			t.Errorf("%+v at %s: got %v, want %v", c.w, c.at, got, c.want)
		}
	}
}
