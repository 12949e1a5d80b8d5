package appliance

import (
	"context"
	"strings"
	"testing"
	"time"
)

// slot reads the slot that the boot loader starts, from its words on the console.
func (k *kiosk) slot(ctx context.Context) string {
	k.t.Helper()
	l := k.said(ctx, "penjire: slot=")
	_, after, _ := strings.Cut(l.Text, "penjire: slot=")
	return after[:1]
}

// runs checks that the kiosk is in service from a slot.
func (k *kiosk) runs(ctx context.Context, slot string) {
	k.t.Helper()
	k.inService(ctx, "slot-"+slot)
	if out := k.run(ctx, "cat /proc/cmdline"); !strings.Contains(out, "rauc.slot="+slot) {
		k.t.Errorf("the kernel was started with %swant slot %s", out, slot)
	}
	k.t.Logf("in service from slot %s", slot)
}

// TestUpdates has bundles installed, good and bad ones, and the power pulled while
// one is installed: each ends in a kiosk in service, from the right slot.
func TestUpdates(t *testing.T) {
	b := newBundles(t)
	b.good()
	b.foreign()
	b.kernelless()
	k := newKiosk(t)
	k.settle()
	k.more = b.disk()
	ctx, stop := context.WithTimeout(t.Context(), 6*time.Hour)
	defer stop()
	k.on(ctx)
	if s := k.slot(ctx); s != "A" {
		t.Fatalf("a new image starts from slot %s, want A", s)
	}
	k.runs(ctx, "A")

	// Foreign: nothing changes but that it is said.
	out, err := k.install(ctx, "foreign.raucb")
	if err == nil || !strings.Contains(out, "signature") {
		t.Errorf("a bundle signed by somebody else: %v\n%s", err, out)
	}
	t.Logf("a foreign bundle:\n%s", out)
	if s := k.run(ctx, "rauc status --output-format=shell | grep -e RAUC_BOOT_PRIMARY -e RAUC_SYSTEM_BOOTED"); !strings.Contains(s, "A") {
		t.Errorf("after a foreign bundle: %s", s)
	}

	// The power goes while a good one is written.
	go func() { _, _ = k.install(ctx, "good.raucb") }()
	<-time.After(5*time.Second + time.Duration(k.random.Int64N(int64(20*time.Second))))
	k.cut()
	k.on(ctx)
	if s := k.slot(ctx); s != "A" {
		t.Errorf("after a power cut while installing it starts from slot %s, want A", s)
	}
	k.runs(ctx, "A")

	// Good: it starts from the other slot, and stays there once that is found good.
	begun := time.Now()
	if out, err := k.install(ctx, "good.raucb"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("installed in %.0f s", time.Since(begun).Seconds())
	k.restart(ctx)
	if s := k.slot(ctx); s != "B" {
		t.Errorf("after a good update it starts from slot %s, want B", s)
	}
	k.runs(ctx, "B")
	k.run(ctx, "rauc status mark-good")

	// One whose kernel does not start: the boot loader goes back by itself.
	if out, err := k.install(ctx, "kernelless.raucb"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	k.restart(ctx)
	if s := k.slot(ctx); s != "A" {
		t.Errorf("after the update it tries slot %s, want A", s)
	}
	for k.slot(ctx) != "B" { // it may try A more than once
	}
	k.runs(ctx, "B")
}

// restart has the kiosk restart itself, as after an installation.
func (k *kiosk) restart(ctx context.Context) {
	k.t.Helper()
	k.mark = k.m.Console.Mark()
	if _, err := k.shell.Run(ctx, "systemctl reboot"); err != nil {
		k.t.Logf("restart: %v", err)
	}
	k.shell.Restarted()
}
