package bench

import (
	"net/http"
	"testing"
)

// The portal has a switch of its own; the kiosk does not notice it.
func TestPowerOfThePortal(t *testing.T) {
	r := start(t)
	before := r.state()
	s := r.ok("power", `{"action":"cut","what":"portal"}`)
	if s.Portal.Running || s.Portal.Sync != "" || string(s.Portal.Says) != "null" {
		t.Errorf("without power the portal = %+v, want nothing known of it", s.Portal)
	}
	if s.Kiosk.PID != before.Kiosk.PID {
		t.Error("the kiosk went with the portal")
	}
	s = r.ok("power", `{"action":"on","what":"portal"}`)
	if !s.Portal.Running || s.Portal.PID == before.Portal.PID || s.Portal.Says == nil || s.Portal.URL != before.Portal.URL {
		t.Errorf("with power again the portal = %+v, want another process at the same address", s.Portal)
	}
}

// A fault that waits for a moment, a network without a way back: taken, and
// refused where they make no sense.
func TestMoments(t *testing.T) {
	r := start(t)
	if got := r.ok("reader", `{"fault":"pull-after","at":"sign"}`).Devices.Reader.Faults; got != 1 {
		t.Errorf("faults to come = %d, want 1", got)
	}
	if got := r.ok("network", `{"mode":"mute"}`).Network.Mode; got != "mute" {
		t.Errorf("network = %q, want mute", got)
	}
	for _, o := range [][2]string{
		{"reader", `{"at":"sign"}`},
		{"reader", `{"fault":"mute","at":"dawn"}`},
		{"power", `{"action":"cut","what":"village"}`},
		{"power", `{"action":"cut","what":"portal","after_mm":3}`},
	} {
		if code, _, _ := r.post(o[0], o[1]); code != http.StatusBadRequest {
			t.Errorf("POST %s %s = %d, want 400", o[0], o[1], code)
		}
	}
}
