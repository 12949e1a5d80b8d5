package appliance

import (
	"context"
	"image"
	"image/color"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience is how long anything may take on a busy computer that emulates every
// instruction of the machine.
const patience = 15 * time.Minute

// band is the colour of the top of every page (ui/asset: --green-deep, --green).
var bands = []color.RGBA{{0x08, 0x37, 0x2a, 0xff}, {0x0e, 0x4d, 0x3a, 0xff}}

// paper is the colour of a page (--paper).
var paper = color.RGBA{0xfa, 0xf6, 0xee, 0xff}

// isGreen reports whether a part of the screen is mostly of a page's green.
func isGreen(p image.Image, part image.Rectangle) bool {
	of := 0.0
	for _, c := range bands {
		of += share(p, part, c)
	}
	return of > 0.5
}

// isPage reports whether a page of the kiosk is on the screen.
func isPage(p image.Image) bool { return isGreen(p, image.Rect(0, 0, 100, 5)) }

// isStart reports whether it is the start page: its green reaches far down.
func isStart(p image.Image) bool { return isGreen(p, image.Rect(0, 0, 25, 40)) }

// isVisit reports whether it is another page.
func isVisit(p image.Image) bool { return isPage(p) && !isStart(p) }

// TestService has an image from power-on to a citizen's touch, and looks for what
// must not be there. It says what that took.
func TestService(t *testing.T) {
	k := newKiosk(t)
	k.settle()
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Hour)
	defer stop()
	k.on(ctx)
	k.inService(ctx, "start")
	k.measure(ctx)

	for _, part := range []struct {
		name string
		does func(context.Context, *kiosk)
	}{
		{"ports", ports},
		{"hardening", hardening},
		{"keys", keys},
		{"touch", touch},
		{"lock", lock},
		{"browser killed", browserKilled},
		{"browser hangs", browserHangs},
		{"daemon killed", daemonKilled},
		{"everyone killed", everyoneKilled},
		{"disk full", diskFull},
		{"memory stick", memoryStick},
		{"kernel panics", kernelPanics},
		{"switched off", switchedOff},
	} {
		t.Run(part.name, func(t *testing.T) {
			k.t = t
			ctx, stop := context.WithTimeout(ctx, 3*patience)
			defer stop()
			part.does(ctx, k)
		})
	}
}

// inService waits until the start page is on the screen, and keeps its picture.
func (k *kiosk) inService(ctx context.Context, name string) {
	k.t.Helper()
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	k.said(ctx, "msg=painted")
	k.painted = time.Since(k.begun)
	k.shows(ctx, name, isStart)
}

// ports: nothing listens but on the loopback. It is read from the kernel's own tables:
// the image has no ss(8).
func ports(ctx context.Context, k *kiosk) {
	out := k.run(ctx, "grep -H . /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 /proc/net/raw /proc/net/raw6")
	k.t.Logf("sockets:\n%s", out)
	listen, err := listening(out)
	if err != nil {
		k.t.Fatal(err)
	}
	for _, l := range listen {
		k.t.Logf("listens: %s %v", l.protocol, l.at)
		if !l.at.Addr().IsLoopback() && !ownNeeds(l) {
			k.t.Errorf("open to others: %s %v", l.protocol, l.at)
		}
	}
	if !slices.ContainsFunc(listen, func(l socket) bool { return l.at.String() == screens }) {
		k.t.Errorf("nothing listens on %s: the daemon's pages are not among what was looked at", screens)
	}
	k.t.Logf("nft list ruleset\n%s", k.run(ctx, "nft list ruleset"))
}

// ownNeeds reports whether a socket is the network's own: the answers of DHCP, and
// ICMPv6, whose number stands where others have a port.
func ownNeeds(s socket) bool {
	const dhcp, dhcpv6, icmpv6 = 68, 546, 58
	return strings.HasPrefix(s.protocol, "udp") && (s.at.Port() == dhcp || s.at.Port() == dhcpv6) || s.protocol == "raw6" && s.at.Port() == icmpv6
}

// exposed is how open our units may be in systemd's eyes, from 0 to 10. The browser's
// sandbox needs name spaces, which count much.
var exposed = map[string]float64{"penjired.service": 2, "penjire-panel.service": 1.5, "penjire-screen.service": 4.5}

// hardening lists how our units are confined.
func hardening(ctx context.Context, k *kiosk) {
	out := k.run(ctx, "systemd-analyze security --no-pager | grep -i -e penjire -e ^UNIT")
	k.t.Logf("systemd-analyze security\n%s", out)
	for unit, most := range exposed {
		_, after, listed := strings.Cut(out, unit)
		f := strings.Fields(after)
		if !listed || len(f) == 0 {
			k.t.Errorf("%s is not listed", unit)
			continue
		}
		if is, err := strconv.ParseFloat(f[0], 64); err != nil || is > most {
			k.t.Errorf("%s is exposed to the degree of %s, want at most %v", unit, f[0], most)
		}
	}
}

// keys: no key leads out of the page.
func keys(ctx context.Context, k *kiosk) {
	for _, combination := range []string{
		"f1", "f3", "f6", "f7", "f11", "f12", "esc", "ctrl l", "ctrl n", "ctrl shift n", "ctrl t", "ctrl w", "ctrl shift t", "ctrl o", "ctrl s", "ctrl p", "ctrl u",
		"ctrl h", "ctrl j", "ctrl shift i", "ctrl shift j", "ctrl shift c", "ctrl shift delete", "ctrl f", "ctrl g", "alt f", "alt e", "alt home",
		"alt left", "alt f4", "alt tab", "alt spc", "shift esc", "ctrl alt delete", "ctrl alt f1", "ctrl alt f2", "ctrl alt backspace", "meta_l", "sysrq", "browser_home",
	} {
		if err := k.m.Press(ctx, strings.Fields(combination)...); err != nil {
			k.t.Logf("%s: %v", combination, err) // QEMU does not know every key
		}
		<-time.After(300 * time.Millisecond) // the machine needs time to do what it must not
	}
	for range 8 { // a slow machine opens a window late, but then in front of the page
		if p := k.picture("keys"); !isPage(p) && share(p, image.Rect(0, 0, 100, 100), paper) < 0.95 { // between two pages there is an empty one
			k.t.Fatalf("a key led out of the page: %s", filepath.Join(k.dir, "keys.png"))
		}
		<-time.After(4 * time.Second)
	}
	k.shows(ctx, "keys", isStart) // one of them was a button's
	k.begins(ctx, "keys")
	k.shows(ctx, "keys", isStart)
}

// begin is where a finger begins a visit: a language's button of the start page.
const beginX, beginY = 0.5, 0.70

// touch: a finger begins a visit, and the kiosk is ready for the next citizen by
// itself when nobody goes on.
func touch(ctx context.Context, k *kiosk) {
	k.begins(ctx, "touched")
	k.shows(ctx, "nobody", isStart)
}

// begins touches the start page until a visit has begun.
func (k *kiosk) begins(ctx context.Context, name string) {
	k.t.Helper()
	begun := time.Now()
	for every := time.Tick(5 * time.Second); ; <-every { // a picture costs the machine time
		p := k.picture(name)
		if isVisit(p) {
			break
		}
		if isStart(p) { // also anew: that is what citizens do
			if err := k.touch.Touch(beginX, beginY); err != nil {
				k.t.Fatal(err)
			}
		}
		if ctx.Err() != nil {
			k.t.Fatalf("no touch begins a visit: %s; the console's end:\n%s", filepath.Join(k.dir, name+".png"), k.tail())
		}
	}
	k.t.Logf("%v after a finger touched the screen there was another page", time.Since(begun))
}
