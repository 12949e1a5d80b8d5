package appliance

import (
	"context"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/e2e/virtual"
)

// TestPowerPulls pulls the power at moments by a seed, PENJIRE_PULLS times, of which
// some are while the machine starts: each time it is back in service, and nothing
// that it accepted is lost. At the first start the medium answers late, too.
func TestPowerPulls(t *testing.T) {
	pulls := int(number(t, "PENJIRE_PULLS", 20))
	k := newKiosk(t)
	k.settle()
	ctx, stop := context.WithTimeout(t.Context(), 12*time.Hour)
	defer stop()
	k.extra = virtual.UnitDropIn("penjire-first.service", "[Service]\nExecStartPre=/bin/sh -c 'test -e /run/once || { : >/run/once; exit 1; }'\n")
	for i := range pulls {
		begun := time.Now()
		k.on(ctx)
		k.extra = nil
		if i%4 == 3 { // somewhere in the boot, or soon after
			<-time.After(time.Duration(k.random.Int64N(int64(90 * time.Second))))
			k.cut()
			continue
		}
		k.inService(ctx, "start")
		back := time.Since(begun)
		c := k.client(ctx)
		ended := make(chan int)
		go func() {
			n := 0
			for ; ; n++ {
				if _, err := c.complain("in a hurry"); err != nil {
					break
				}
			}
			ended <- n
		}()
		<-time.After(10*time.Second + time.Duration(k.random.Int64N(int64(40*time.Second))))
		k.cut()
		t.Logf("pull %d of %d: in service after %.0f s; %d more requests accepted", i+1, pulls, back.Seconds(), <-ended)
	}
	k.on(ctx)
	k.inService(ctx, "start")
	c := k.client(ctx)
	if _, err := c.complain("after all"); err != nil {
		t.Fatal(err)
	}
	ctx, stop = context.WithTimeout(ctx, patience)
	defer stop()
	c.arrived(ctx)
}
