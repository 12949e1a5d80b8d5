package settings

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// TestParseRemote: what is known and in order counts; what is not known is named; what
// cannot be is left out as a whole and said, and the rest counts all the same.
func TestParseRemote(t *testing.T) {
	r, unknown, faults, err := ParseRemote([]byte(`{
		"log_level": "debug", "phone": "+993 12 94-00-11", "power": {"profile": "solar"}, "night": {"from": "22:00", "to": "06:00"},
		"update": {"ring": "pilot", "quiet": [{"from": "01:00", "to": "02:00"}], "bytes_per_day": 5000000},
		"sync": {"windows": [{"from": "08:00", "to": "09:00"}]}, "colour": "green"
	}`))
	if err != nil || len(faults) > 0 || !slices.Equal(unknown, []string{"colour"}) {
		t.Fatalf("ParseRemote = %v, %v, %v", unknown, faults, err)
	}
	base := Settings{State: "/s", Sync: Sync{BytesPerDay: 1000}, Update: Update{Every: time.Hour}}
	s := base.With(r)
	if s.Update.Ring != "pilot" || s.Update.Quiet[0].From != time.Hour || s.Update.BytesPerDay != 5_000_000 || s.Update.Every != time.Hour {
		t.Errorf("update = %+v", s.Update)
	}
	if len(s.Sync.Windows) != 1 || s.Sync.BytesPerDay != 1000 || s.Night.From != 22*time.Hour {
		t.Errorf("sync = %+v, night = %+v: what is not named stays", s.Sync, s.Night)
	}
	if r.LogLevel != "debug" || r.Phone != "+993 12 94-00-11" || r.Solar == nil || !*r.Solar {
		t.Errorf("%+v", r)
	}
	if s := base.With(Remote{}); !reflect.DeepEqual(s, base) {
		t.Errorf("With nothing = %+v, want what was", s)
	}
	for in, want := range map[string]string{
		`{"log_level": "loud"}`:                  `log_level: got "loud", want info or debug`,
		`{"log_level": 1}`:                       `log_level: got a number, want a text`,
		`{"phone": "call me"}`:                   `phone: got "call me", want a telephone number`,
		`{"power": {"profile": "coal"}}`:         `power.profile: got "coal", want solar or mains`,
		`{"update": {"folder": "/etc"}}`:         `update.folder: there is no such setting`,
		`{"update": {"ring": "all"}}`:            `update.ring: got "all", want lab, pilot or broad`,
		`{"sync": {"windows": [{"from": "8"}]}}`: `sync.windows[].from: got "8", want hours and minutes, 08:30`,
		`{"night": {}}`:                          `night.from: missing`,
	} {
		r, _, faults, err := ParseRemote([]byte(in))
		if err != nil || !slices.Contains(faults, want) || len(r.Names()) > 0 {
			t.Errorf("ParseRemote(%s) = %q, %q, %v, want %q", in, r.Names(), faults, err, want)
		}
	}
	if r, _, faults, _ := ParseRemote([]byte(`{"log_level": "loud", "phone": "112"}`)); len(faults) == 0 || r.Phone != "112" {
		t.Errorf("beside a fault the phone is %q, want 112", r.Phone)
	}
	if _, _, _, err := ParseRemote([]byte("{")); err == nil {
		t.Error("ParseRemote of half = nil, want an error")
	}
}
