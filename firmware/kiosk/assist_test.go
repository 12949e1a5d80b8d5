package kiosk

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/ui/screen"
)

// TestAssist has no network: the assistant's page says what waits and why, and an
// assistant's card writes it to a stick, once there is one; a citizen's does not.
func TestAssist(t *testing.T) {
	r := newRig(t)
	s := r.settings()
	s.Portal.URL = "wss://127.0.0.1:1/sync"
	s.Stick = filepath.Join(t.TempDir(), "stick")
	r.must(os.Mkdir(s.Stick, 0o700))
	r.startWith(s)
	r.apply("citizen-1")
	r.stage(outbox.Accepted)
	r.leave()
	r.until("the reason", func() bool { st := r.state(); return st.Devices.Unsent == 1 && st.Uplink.LastError != "" })

	r.begin("en")
	r.do("help")
	if v := r.on(screen.Help); v.Help == nil || !v.Help.Assist {
		t.Fatal("the help of the home page does not lead to the assistant's page")
	}
	r.do("assist")
	if a := r.on(screen.Assist).Assist; a.Count != 1 || a.Why != "network" || a.Overdue || a.Oldest.IsZero() {
		t.Errorf("the page says %+v, want one request and no network", a)
	}
	r.do("export")
	r.insert("citizen-1")
	r.until("that the card is refused", func() bool { v := r.view(); return v.Card != nil && v.Card.State == "assistant" })
	r.chip.Remove()
	export := func() *screen.ExportView {
		t.Helper()
		r.insert("assistant")
		r.until("the page with what came of it", func() bool { v := r.view(); return v.Assist != nil && v.Assist.Export != nil })
		r.chip.Remove()
		return r.view().Assist.Export
	}
	if e := export(); e.Code != StickNone || e.Records != 0 {
		t.Errorf("without a stick: %+v, want %s", e, StickNone)
	}
	r.stage(outbox.Accepted)
	if err := unix.Mount("tmpfs", s.Stick, "tmpfs", 0, "size=1m"); err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("mount a small file system: %v", err)
		}
		t.Skipf("writing to a stick is left out: mount a small file system: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(s.Stick, unix.MNT_DETACH) })
	r.do("export")
	if e := export(); e.Code != "" || e.Records != 1 || e.Left != 0 {
		t.Errorf("with a stick: %+v, want one request on it", e)
	}
	files, err := filepath.Glob(filepath.Join(s.Stick, "*.penjire"))
	if err != nil || len(files) != 1 {
		t.Errorf("on the stick: %v, %v, want one file", files, err)
	}
	r.stage(outbox.Sending)
}

// TestWaits: what the screens say of times is in whole minutes, and today's has no day.
func TestWaits(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 31, 0, zone)
	if m := minute(now); m.Second() != 0 || m.Minute() != 1 {
		t.Errorf("minute = %s, want 12:01", m)
	}
	if !sameDay(now.Add(11*time.Hour), now) || sameDay(now.Add(13*time.Hour), now) || sameDay(time.Time{}, now) || !minute(time.Time{}).IsZero() {
		t.Error("sameDay or minute is wrong about days")
	}
}
