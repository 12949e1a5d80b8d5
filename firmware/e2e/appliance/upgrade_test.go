package appliance

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/e2e/virtual"
	product "github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/update"
	"github.com/penjire/penjire/sync/release"
)

// TestReleases has a technician offer releases from a memory stick, good and bad ones:
// each ends in a kiosk that runs from the right slot and says the right words. There
// is no browser until the end: the emulated machine is slow enough.
func TestReleases(t *testing.T) {
	r := newReleases(t)
	r.build("crash", 2*time.Second, map[string]file{
		"usr/lib/systemd/system/penjired.service.d/crash.conf": {0o644, "[Service]\nExecStartPost=/bin/false\n"},
	})
	r.build("dead", 3*time.Second, map[string]file{"usr/bin/penjired": {0o755, "#!/bin/sh\nexit 1\n"}})
	r.build("good", 4*time.Second, nil)
	now := uint64(r.own.Build.Unix())
	r.describe("older", "good", now-1, 0, r.key)
	r.describe("same", "good", now, 0, r.key)
	r.describe("big", "good", now+5, 2<<30, r.key)
	r.describe("foreign", "good", now+5, 0, releaseKey(t, stranger(t)))
	k := newKiosk(t)
	k.settle()
	k.touch = nil // nobody touches it
	k.more = r.disk()
	k.extra = append(virtual.UnitDropIn("penjire-screen.path", "[Unit]\nConditionPathExists=/none\n"),
		virtual.UnitDropIn("penjire-trial@B.timer", "[Timer]\nOnBootSec=\nOnBootSec=3min\n")...)
	ctx, stop := context.WithTimeout(t.Context(), 8*time.Hour)
	defer stop()
	k.on(ctx)
	if s := k.slot(ctx); s != "A" {
		t.Fatalf("a new image starts from slot %s, want A", s)
	}
	k.update(ctx) // the daemon answers
	for _, c := range []struct {
		name, says string
		code       release.Code
	}{
		{"older", "There is no way back", release.CodeOlder},
		{"same", "There is no way back", release.CodeOlder},
		{"big", "does not fit", release.CodeSize},
		{"foreign", "signed", release.CodeSignature},
	} {
		out, err := k.offer(ctx, c.name)
		t.Logf("%s:\n%s", c.name, out)
		if !errors.Is(err, virtual.ErrStatus) || !strings.Contains(out, string(c.code)) || !strings.Contains(out, c.says) {
			t.Errorf("the release %s is not refused with %q and %q: %v", c.name, c.code, c.says, err)
		}
	}
	if s := k.update(ctx); s.Report.Slot != "A" || s.Report.Phase != release.Idle.String() {
		t.Errorf("after what was refused: slot %s, phase %s", s.Report.Slot, s.Report.Phase)
	}
	k.upgrade(ctx, "crash", "BA", release.CodeRestarts)
	k.upgrade(ctx, "dead", "BBBA", release.CodeBoot)
	k.upgrade(ctx, "good", "B", release.CodeGood)
	k.run(ctx, "systemctl start --no-block penjire-screen")
	k.inService(ctx, "upgraded")
}

// offer has the kiosk asked to take a release from the second disk.
func (k *kiosk) offer(ctx context.Context, name string) (string, error) {
	return k.shell.Run(ctx, "mountpoint -q /media/stick || mount -o ro /dev/disk/by-label/bundles /media/stick; "+asks("install")+" --lang en /media/stick/"+name+".release")
}

// asks is the technician's command for updates.
func asks(what string) string {
	return "penjire update " + what + " --settings /data/kiosk/settings.json"
}

// update returns where the update stands, once the daemon says so.
func (k *kiosk) update(ctx context.Context) update.Status {
	k.t.Helper()
	out := k.run(ctx, "until "+asks("status")+" --json 2>/dev/null; do sleep 2; done")
	var l product.UpdateLine
	if err := json.Unmarshal([]byte(out), &l); err != nil || l.Status == nil {
		k.t.Fatalf("the update stands at %q: %v", out, err)
	}
	return *l.Status
}

// upgrade has a release taken, and follows the machine through the slots that it then
// starts from, to how the update ends.
func (k *kiosk) upgrade(ctx context.Context, name, slots string, code release.Code) {
	k.t.Helper()
	begun := time.Now()
	k.mark = k.m.Console.Mark()
	out, err := k.offer(ctx, name)
	if err != nil {
		k.t.Fatalf("the release %s is not taken: %v\n%s", name, err, out)
	}
	for want := range strings.SplitSeq(slots, "") {
		got := k.slot(ctx)
		k.t.Logf("%s: slot %s after %.0f s", name, got, time.Since(begun).Seconds())
		if got != want {
			k.t.Fatalf("after %s the machine starts from slot %s, want %s of %s", name, got, want, slots)
		}
	}
	k.shell.Restarted()
	for {
		s := k.update(ctx)
		if s.Report.Phase == release.Idle.String() && s.Report.Last != nil && s.Report.Last.Version == name {
			if s.Report.Last.Code != code || s.Report.Slot != slots[len(slots)-1:] {
				k.t.Errorf("%s ended with %s in slot %s, want %s in slot %s", name, s.Report.Last.Code, s.Report.Slot, code, slots[len(slots)-1:])
			}
			break
		}
		if ctx.Err() != nil {
			k.t.Fatalf("%s does not end: %+v", name, s)
		}
		<-time.After(5 * time.Second) // it has to prove itself for a minute
	}
	k.t.Logf("%s: ended after %.0f s:\n%s", name, time.Since(begun).Seconds(), k.run(ctx, asks("status")+" --lang en 2>&1"))
}
