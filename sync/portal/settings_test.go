package portal

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/service"
	"github.com/penjire/penjire/sync/uplink"
)

// layer has an operator set something.
func (w *world) layer(scope, values string) {
	w.t.Helper()
	if _, err := w.l.AddLayer(w.t.Context(), ledger.Layer{Scope: scope, Values: []byte(values), By: "operator", At: time.Now()}); err != nil {
		w.t.Fatal(err)
	}
	w.p.notifyAll()
}

// TestSettings: what an operator sets comes down signed, put together from what is set
// for all, for the ring and for the kiosk; what is another later comes again under a
// higher version; and what a kiosk cannot use raises an alarm.
func TestSettings(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	last := func() (s service.Settings) {
		k.sink.mu.Lock()
		defer k.sink.mu.Unlock()
		if n := len(k.sink.settings); n > 0 {
			var err error
			if s, err = service.OpenSettings(k.sink.settings[n-1], w.Trust(), w.Device.ID); err != nil {
				t.Error(err)
			}
		}
		return s
	}
	w.layer("ring:lab", `{"log_level": "debug"}`) // not its ring
	_, stop := k.run(k.uplinkConfig())
	k.untilState(k.one("citizen-1").ID(), outbox.Registered)
	if s := last(); s.Version != 0 {
		t.Fatalf("a kiosk of another ring got %s", s.Values)
	}
	w.layer("all", `{"log_level": "info", "sync": {"bytes_per_day": 100000}}`)
	k.until("what is set for all", func() bool { return string(last().Values) == `{"log_level":"info","sync":{"bytes_per_day":100000}}` })
	first := last().Version
	w.layer("kiosk:"+w.Device.ID, `{"log_level": "debug", "sync": {"windows": []}}`)
	k.until("the kiosk's own over it", func() bool {
		return string(last().Values) == `{"log_level":"debug","sync":{"bytes_per_day":100000,"windows":[]}}`
	})
	if v := last().Version; v <= first {
		t.Errorf("the second has version %d, want more than %d", v, first)
	}
	n := func() int { k.sink.mu.Lock(); defer k.sink.mu.Unlock(); return len(k.sink.settings) }
	before := n()
	w.layer("ring:lab", `{"log_level": "info"}`)
	k.untilState(k.one("citizen-1").ID(), outbox.Registered)
	if n() != before {
		t.Error("what is no other came again")
	}
	k.sink.mu.Lock()
	k.sink.refuse = fmt.Errorf("test: %w", uplink.ErrPartly)
	k.sink.mu.Unlock()
	w.layer("all", `{"log_level": "loud"}`)
	k.until("the alarm", func() bool {
		all, err := w.l.Alarms(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			if a.Code == ledger.AlarmSettings && a.Note == "settings.refused" {
				return true
			}
		}
		return false
	})
	k.until("the portal knows that the kiosk cannot use some of it", func() bool {
		fleet, err := SettledFleet(t.Context(), w.l, w.Trust())
		if err != nil {
			t.Fatal(err)
		}
		return len(fleet) == 1 && fleet[0].State == SettlingPartly && fleet[0].Given.Refused == "settings.refused"
	})
	stop()
}

// TestScope: a scope is all, a ring or a kiosk, and nothing else.
func TestScope(t *testing.T) {
	for in, want := range map[string]string{"all": "all", "pilot": "ring:pilot", "K-000001": "kiosk:K-000001"} {
		if got, err := Scope(in); got != want || err != nil {
			t.Errorf("Scope(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "K 1", "../x"} {
		if _, err := Scope(in); !errors.Is(err, ErrScope) {
			t.Errorf("Scope(%q) = %v, want ErrScope", in, err)
		}
	}
}
