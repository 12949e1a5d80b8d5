package appliance

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// measure says what it took from power-on to the first paint.
func (k *kiosk) measure(ctx context.Context) {
	read, used := k.disk.Read.Load(), k.m.Used()
	k.t.Logf("power-on to first paint: %.1f s, %.1f s of the processor, %d MiB read", k.painted.Seconds(), used.Seconds(), read>>20)
	k.t.Logf("systemd-analyze:\n%s", k.run(ctx, "systemd-analyze; systemd-analyze blame --no-pager | head -n 15; systemd-analyze critical-chain --no-pager penjire-screen.service"))
	<-time.After(30 * time.Second) // what was needed for the start alone is given back
	k.t.Logf("memory:\n%s", k.run(ctx, "free -m; ps -eo rss,comm --sort=-rss | head -n 15"))
	total, free := k.meminfo(ctx, "MemTotal"), k.meminfo(ctx, "MemAvailable")
	k.t.Logf("memory in use with the browser: %d MiB (MemTotal %d, MemAvailable %d)", total-free, total, free)
	if total-free > 450 {
		k.t.Errorf("%d MiB of memory are in use, want at most 450", total-free)
	}
	k.t.Logf("daemon ready after its unit started: %v", k.took(ctx, "penjired.service"))
	if failed := k.run(ctx, "systemctl --failed --no-legend --plain"); failed != "" {
		k.t.Errorf("units that failed:\n%s", failed)
	}
	if circles := k.run(ctx, "journalctl -b -o cat --no-pager | grep -i 'ordering cycle' || true"); circles != "" {
		k.t.Errorf("units that wait for one another, of which one was left out:\n%s", circles)
	}
}

func (k *kiosk) meminfo(ctx context.Context, name string) int {
	k.t.Helper()
	f := strings.Fields(k.run(ctx, "grep ^"+name+": /proc/meminfo"))
	n, err := strconv.Atoi(f[1])
	if err != nil {
		k.t.Fatal(err)
	}
	return n >> 10
}

// took is how long a unit took from its start to being ready.
func (k *kiosk) took(ctx context.Context, unit string) time.Duration {
	k.t.Helper()
	at := func(what string) int64 {
		s := k.run(ctx, "systemctl show --value -p "+what+" "+unit)
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		if err != nil {
			k.t.Fatal(err)
		}
		return n
	}
	return time.Duration(at("ActiveEnterTimestampMonotonic")-at("InactiveExitTimestampMonotonic")) * time.Microsecond
}
