package kiosk

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/sync/service"
	"github.com/penjire/penjire/sync/uplink"
)

// TestRemoteSettings: what the portal's operator sets is in force at once and after a
// restart; an older one, another kiosk's and a stranger's change nothing; and a value
// that cannot be is said and leaves the others.
func TestRemoteSettings(t *testing.T) {
	r := newRig(t)
	s := r.settings()
	s.Portal.URL = "wss://127.0.0.1:1/sync"
	r.level = new(slog.LevelVar)
	r.startWith(s)
	take := func(kiosk string, version uint64, values string) error {
		t.Helper()
		signed, err := service.Settings{Kiosk: kiosk, Version: version, Issued: r.w.Made, Values: []byte(values)}.Sign(r.w.PortalReceipt.Signer())
		r.must(err)
		return sink{r.k}.Settings(signed)
	}
	r.must(take("K-000001", 5, `{"log_level": "debug", "update": {"quiet": [{"from": "23:00", "to": "23:30"}]}, "sync": {"bytes_per_day": 50000}, "new": 1}`))
	check := func(when string) {
		t.Helper()
		if l := r.k.live(); l.Update.Quiet[0].From != 23*time.Hour || l.Sync.BytesPerDay != 50_000 || l.Update.Ring != "broad" {
			t.Errorf("%s: %+v, %+v", when, l.Update, l.Sync)
		}
		if r.level.Level() != slog.LevelDebug {
			t.Errorf("%s the log is at %s, want debug", when, r.level.Level())
		}
		if st := r.k.remoteStatus(); st == nil || st.Version != 5 || !slices.Equal(st.Unknown, []string{"new"}) || len(st.Faults) > 0 {
			t.Errorf("%s the status says %+v", when, st)
		}
	}
	check("at once")
	for name, err := range map[string]error{
		"the same again":  take("K-000001", 5, `{}`),
		"an older one":    take("K-000001", 4, `{}`),
		"another kiosk's": take("K-000002", 6, `{}`),
		"nothing":         sink{r.k}.Settings(nil),
	} {
		if !errors.Is(err, uplink.ErrUnacceptable) {
			t.Errorf("%s: %v, want that it is not taken", name, err)
		}
	}
	signed, err := service.Settings{Kiosk: "K-000001", Version: 9, Issued: r.w.Made, Values: []byte("{}")}.Sign(r.w.Device.Signing.Signer())
	r.must(err)
	if err := (sink{r.k}).Settings(signed); !errors.Is(err, uplink.ErrUnacceptable) {
		t.Errorf("signed by a kiosk: %v, want that it is not taken", err)
	}
	r.stop()
	r.level.Set(slog.LevelInfo)
	r.startWith(s)
	check("after a restart")

	if err := take("K-000001", 6, `{"log_level": "loud", "sync": {"bytes_per_day": 60000}}`); !errors.Is(err, uplink.ErrPartly) {
		t.Errorf("with a value that cannot be: %v, want ErrPartly", err)
	}
	if l := r.k.live(); l.Sync.BytesPerDay != 60_000 || r.level.Level() != slog.LevelInfo || !r.k.health.Holds(health.SettingsRefused) {
		t.Errorf("beside it: %+v, log at %s", l.Sync, r.level.Level())
	}
	r.must(take("K-000001", 7, `{}`))
	if l := r.k.live(); l.Sync.BytesPerDay != 0 || r.k.health.Holds(health.SettingsRefused) {
		t.Errorf("when nothing is set any more: %+v, want as the kiosk was set up", l.Sync)
	}

	// What was kept and cannot be read any more is not passed over in silence.
	r.stop()
	r.must(os.WriteFile(filepath.Join(s.State, remoteFile), []byte("torn"), 0o600))
	r.startWith(s)
	if !r.k.health.Holds(health.SettingsRefused) {
		t.Error("kept settings are torn, and nothing says so")
	}
	r.must(take("K-000001", 8, `{}`))
	if r.k.health.Holds(health.SettingsRefused) {
		t.Error("newer settings came, and the condition stays")
	}
}

// TestSettingsFloor: where kept settings are damaged, gone, or an older copy, no older
// ones come in their place; the last ones do again.
func TestSettingsFloor(t *testing.T) {
	r := newRig(t)
	s := r.settings()
	s.Portal.URL = "wss://127.0.0.1:1/sync"
	r.startWith(s)
	signed := func(version uint64) []byte {
		t.Helper()
		b, err := service.Settings{Kiosk: "K-000001", Version: version, Issued: r.w.Made, Values: []byte(`{"sync": {"bytes_per_day": 50000}}`)}.Sign(r.w.PortalReceipt.Signer())
		r.must(err)
		return b
	}
	r.must(sink{r.k}.Settings(signed(5)))
	kept, floor := filepath.Join(s.State, remoteFile), filepath.Join(s.State, floorFile)
	whole, err := os.ReadFile(floor)
	r.must(err)
	for _, v := range []struct {
		name         string
		settings     []byte // nil: gone
		floor        []byte
		old, inForce bool // version 4 is taken; the kept ones are in force
	}{
		{"settings torn", []byte("torn"), whole, false, false},
		{"settings gone", nil, whole, false, false},
		{"an older copy", signed(4), whole, false, false},
		{"floor torn", signed(5), whole[:len(whole)-3], false, true},
		{"floor of another number", signed(5), []byte("penjire-settings-floor/1 9 00000000\n"), false, true},
		{"floor gone", signed(5), nil, false, true},
		{"both torn", []byte("torn"), []byte("torn"), true, false}, // nothing is known any more
	} {
		t.Run(v.name, func(t *testing.T) {
			r.stop()
			for path, b := range map[string][]byte{kept: v.settings, floor: v.floor} {
				r.must(os.Remove(path))
				if b != nil {
					r.must(os.WriteFile(path, b, 0o600))
				}
			}
			r.startWith(s)
			if got := r.k.far.Load() != nil; got != v.inForce || r.k.health.Holds(health.SettingsRefused) == v.inForce {
				t.Errorf("in force: %v, said to be refused: %v", got, r.k.health.Holds(health.SettingsRefused))
			}
			if err := (sink{r.k}).Settings(signed(4)); (err == nil) != v.old || err != nil && !errors.Is(err, uplink.ErrUnacceptable) {
				t.Errorf("version 4 = %v, want taken: %v", err, v.old)
			}
			if err := (sink{r.k}).Settings(signed(5)); (err == nil) == v.inForce {
				t.Errorf("version 5 again = %v", err)
			}
			if b, err := os.ReadFile(floor); err != nil || string(b) != string(whole) {
				t.Errorf("the floor is %q, %v, want %q", b, err, whole)
			}
			if r.k.health.Holds(health.SettingsRefused) {
				t.Error("settings are in force, and are said to be refused")
			}
		})
	}
}
