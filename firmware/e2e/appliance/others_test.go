package appliance

import (
	"context"
	"strings"
	"time"
)

// everyoneKilled kills every service that runs, ours and the system's, one after the
// other: the kiosk is in service after each, and at the end everything runs that ran
// before, or comes when it is asked for.
func everyoneKilled(ctx context.Context, k *kiosk) {
	c := k.client(ctx)
	if _, err := c.complain("before"); err != nil {
		k.t.Fatal(err)
	}
	const running = "systemctl list-units --type=service --state=running --no-legend --plain | cut -d' ' -f1 | grep -v ^test-"
	before := strings.Fields(k.run(ctx, running))
	for _, unit := range before {
		begun := time.Now()
		k.run(ctx, "systemctl kill -s KILL "+unit)
		by := k.run(ctx, "n=0; until systemctl -q is-active "+unit+" || [ $n -ge 30 ]; do sleep 1; n=$((n + 1)); done; systemctl show --value -p ActiveState "+unit)
		k.shows(ctx, "killed", isStart)
		k.t.Logf("%s: %s, in service after %.0f s", unit, strings.TrimSpace(by), time.Since(begun).Seconds())
	}
	now := k.run(ctx, running)
	// These the bus starts when somebody asks: NetworkManager, where there is a radio;
	// the daemon, for an update.
	const asked = "wpa_supplicant.service ModemManager.service polkit.service rauc.service systemd-hostnamed.service NetworkManager-dispatcher.service"
	for _, unit := range before {
		if !strings.Contains(now, unit) && !strings.Contains(asked, unit) {
			k.t.Errorf("%s was killed, and does not run any more", unit)
		}
	}
	if _, err := c.complain("after all were killed"); err != nil {
		k.t.Fatal(err)
	}
	c.arrived(ctx) // the network is there too
	// Who watches over slots is reached by the bus.
	k.run(ctx, "busctl call de.pengutronix.rauc / de.pengutronix.rauc.Installer GetPrimary")
}
