package main

import (
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/sync/uplink"
)

// TestStatusWaits: a technician reads what keeps requests here and until when, for
// each thing that may.
func TestStatusWaits(t *testing.T) {
	until := time.Date(2026, 11, 22, 14, 0, 0, 0, time.FixedZone("", 5*3600))
	for why, want := range map[string]string{
		uplink.WaitsWindow: "next connection at", uplink.WaitsBudget: "today's bytes are used up", uplink.WaitsRoom: "too little for what waits",
		uplink.WaitsPortal: "the portal is busy", uplink.WaitsQuota: "takes no more requests of this kiosk", uplink.WaitsFull: "no room for requests",
	} {
		var out strings.Builder
		show(&out, kiosk.Status{Uplink: uplink.Status{Waits: why, Until: until}})
		if !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "2026-11-22T14:00:00+05:00") {
			t.Errorf("%s: got %s, want %q and until when", why, out.String(), want)
		}
	}
	var out strings.Builder
	show(&out, kiosk.Status{})
	if strings.Contains(out.String(), "not for service") {
		t.Errorf("an image for service: got %s", out.String())
	}
	if !strings.Contains(out.String(), "not connected yet") || strings.Contains(out.String(), "next connection") {
		t.Errorf("nothing keeps them: got %s", out.String())
	}
	out.Reset()
	show(&out, kiosk.Status{Developer: true})
	if !strings.Contains(out.String(), "a developer's image, which is not for service") {
		t.Errorf("a developer's image: got %s", out.String())
	}
}
