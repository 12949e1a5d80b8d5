package appliance

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/firmware/demo"
	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/sync/catalog"
	sharedenrol "github.com/penjire/penjire/sync/enrol"
	product "github.com/penjire/penjire/sync/portal"
)

// TestFirstBoot has a medium, as it was flashed for one kiosk, started for the first
// time: it grows, takes its set-up, joins the network, gets its certificates with the
// one-time code by EST, prints its ticket and serves: a citizen's request reaches the
// portal. Nobody touches it. Nothing of the set-up is left on the medium.
func TestFirstBoot(t *testing.T) {
	k := newKiosk(t)
	k.prepare()
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Hour)
	defer stop()
	k.on(ctx)
	k.inService(ctx, "first")
	t.Logf("a page was painted after %.0f s", k.painted.Seconds())
	c := k.client(ctx)
	work, done := context.WithTimeout(ctx, 2*patience)
	defer done()
	for {
		code, err := c.complain("the first")
		if err == nil {
			t.Logf("the first request was accepted %.0f s after power-on: %s", time.Since(k.begun).Seconds(), code)
			break
		}
		if work.Err() != nil {
			t.Fatalf("no request is accepted: %v; the console's end:\n%s", err, k.tail())
		}
		<-time.After(5 * time.Second) // it enrols meanwhile
	}
	c.arrived(work)
	k.shows(work, "enrolled", isStart)
	// The ticket and the request's receipt.
	for len(k.printer.Papers()) < 2 {
		if work.Err() != nil {
			t.Fatalf("%d papers came out, want ticket and receipt; the console's end:\n%s", len(k.printer.Papers()), k.tail())
		}
		<-time.After(time.Second)
	}
	if left := k.run(ctx, "mkdir -p /run/look && mount -o ro /dev/disk/by-label/"+layout.SetupLabel+" /run/look && ls -A /run/look; umount /run/look"); left != "" {
		t.Errorf("on the set-up partition is left: %s", left)
	}
	t.Logf("the data partition:\n%s", k.run(ctx, "df -h /data | tail -n 1; ls -l /data/kiosk"))
	out, err := exec.CommandContext(ctx, k.portal.program, "kiosk", "ls", "-dir", k.world.Portal()).CombinedOutput()
	if err != nil {
		t.Fatalf("portald kiosk ls: %v\n%s", err, out)
	}
	t.Logf("the portal's certificates and codes:\n%s", out)
	if !strings.Contains(string(out), demo.NewKiosk) {
		t.Errorf("the portal knows nothing of %s", demo.NewKiosk)
	}
}

// prepare gives the medium the set-up that `penjire flash` writes: with a code and the
// network, so that nobody has to stand by.
func (k *kiosk) prepare() {
	k.t.Helper()
	for _, p := range []string{"mformat", "mcopy"} {
		if _, err := exec.LookPath(p); err != nil {
			devicetest.LeftOut(k.t, "the first boot in a virtual machine", err.Error())
		}
	}
	cfg, err := product.ReadFile(k.world.Portal())
	if err != nil {
		k.t.Fatal(err)
	}
	roots, err := os.ReadFile(filepath.Join(k.world.Portal(), cfg.Roots))
	if err != nil {
		k.t.Fatal(err)
	}
	made := exec.CommandContext(k.t.Context(), k.portal.program, "code", "-dir", k.world.Portal(), "-by", "appliance", demo.NewKiosk)
	written, err := made.Output()
	if err != nil {
		k.t.Fatalf("make a code: %v", err)
	}
	code, err := sharedenrol.ParseCode(strings.TrimSpace(string(written)))
	if err != nil {
		k.t.Fatal(err)
	}
	b, err := enrol.Setup{
		Kiosk: demo.NewKiosk, Place: catalog.Text{TK: "Nusga obasy, telemerkez", RU: "Село Нусга, телецентр", EN: "Nusga village, telecentre"},
		Portal: enrol.Portal{URL: "wss://" + portalAddress + ":443/sync", EST: "https://" + estAddress, PublicURL: k.portal.web, ServerName: "portal.specimen"},
		Roots:  string(roots), Code: code, Network: enrol.Network{Kind: enrol.Ethernet},
	}.Marshal()
	if err != nil {
		k.t.Fatal(err)
	}
	file := filepath.Join(k.t.TempDir(), enrol.SetupFile)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		k.t.Fatal(err)
	}
	k.partition(layout.Setup, func(part string, size int64) *exec.Cmd {
		return exec.Command("sh", "-ec", `truncate -s "$1" "$2"; mformat -i "$2" -v "$3" ::; mcopy -i "$2" "$4" ::`, "sh",
			strconv.FormatInt(size, 10), part, layout.SetupLabel, file)
	})
}
