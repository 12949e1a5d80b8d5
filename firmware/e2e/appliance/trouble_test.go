package appliance

import (
	"context"
	"strings"
	"time"
)

// What prints the main process of the browser and of the daemon; 0 or nothing: there
// is none.
const (
	browser = "pgrep -o -x chromium || true"
	daemon  = "systemctl show --value -p MainPID penjired"
)

// again waits until there is another main process than before, the start page is
// there and a finger begins a visit.
func (k *kiosk) again(ctx context.Context, process, before string) {
	k.t.Helper()
	begun := time.Now()
	k.anew(ctx, process, before)
	k.t.Logf("started anew after %.1f s", time.Since(begun).Seconds())
	k.shows(ctx, "again", isStart)
	k.t.Logf("back in service after %.1f s", time.Since(begun).Seconds())
	k.begins(ctx, "again")
	k.shows(ctx, "again", isStart)
}

// anew waits until there is another process than before.
func (k *kiosk) anew(ctx context.Context, process, before string) {
	k.t.Helper()
	for now := before; now == before || strings.Trim(now, "0\n") == ""; now = k.run(ctx, process) {
		<-time.After(time.Second) // the machine goes its own pace
	}
}

func browserKilled(ctx context.Context, k *kiosk) {
	before := k.run(ctx, browser)
	k.run(ctx, "pkill -KILL chromium")
	k.again(ctx, browser, before)
}

func browserHangs(ctx context.Context, k *kiosk) {
	before := k.run(ctx, browser)
	k.run(ctx, "pkill -STOP chromium")
	k.again(ctx, browser, before)
}

func daemonKilled(ctx context.Context, k *kiosk) {
	before := k.run(ctx, daemon)
	k.run(ctx, "systemctl kill -s KILL penjired")
	k.again(ctx, daemon, before)
}

// diskFull: with a full data partition the kiosk stays in service; what it accepted
// before is kept, and it accepts again when there is room.
func diskFull(ctx context.Context, k *kiosk) {
	c := k.client(ctx)
	if _, err := c.complain("before"); err != nil {
		k.t.Fatal(err)
	}
	k.run(ctx, "cat /dev/zero > /data/full 2>/dev/null; sync; df /data")
	if code, err := c.complain("while it is full"); err == nil {
		k.t.Logf("accepted with a full disk: %s", code)
	}
	k.shows(ctx, "full", isPage)
	before := k.run(ctx, daemon)
	k.run(ctx, "systemctl kill -s KILL penjired")
	k.anew(ctx, daemon, before)
	k.shows(ctx, "full", isPage)
	k.run(ctx, "rm /data/full; sync")
	for {
		if _, err := c.complain("after"); err == nil {
			break
		} else if ctx.Err() != nil {
			k.t.Fatalf("it accepts nothing any more: %v", err)
		}
	}
	c.arrived(ctx)
}

// kernelPanics: a kernel in trouble restarts the machine by itself.
func kernelPanics(ctx context.Context, k *kiosk) {
	begun := time.Now()
	k.mark = k.m.Console.Mark()
	k.run(ctx, "{ sleep 1; echo c > /proc/sysrq-trigger; } >/dev/null 2>&1 &")
	k.shell.Restarted()
	k.inService(ctx, "after a panic")
	k.t.Logf("back in service after %.0f s", time.Since(begun).Seconds())
}

// switchedOff: who presses the power button does not wait long, and nothing is left to
// be mended at the next start.
func switchedOff(ctx context.Context, k *kiosk) {
	begun := time.Now()
	if err := k.m.PowerButton(ctx); err != nil {
		k.t.Fatal(err)
	}
	select {
	case <-k.m.Stopped():
	case <-ctx.Done():
		k.t.Fatalf("the machine does not switch itself off; the console's end:\n%s", k.tail())
	}
	k.t.Logf("off after %.0f s", time.Since(begun).Seconds())
	k.cut()
	k.on(ctx)
	k.inService(ctx, "after it was off")
	if out := k.run(ctx, "journalctl -b -o cat --no-pager | grep -e 'errors corrected' -e 'recovering journal' || true"); out != "" {
		k.t.Errorf("it was not switched off cleanly:\n%s", out)
	}
}
