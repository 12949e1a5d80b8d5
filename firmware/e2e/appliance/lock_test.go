package appliance

import (
	"context"
	"image"
	"image/color"
	"strings"
	"testing"
	"time"
)

// A page that is not the kiosk's, in files of the machine: all of it is of one colour.
const (
	foreignFile = "/run/foreign/page.html"
	foreignPage = "<body style='background:#ff00ff'>"
	keeps       = "/run/systemd/system/penjire-screen.service.d"
)

var (
	foreign = color.RGBA{0xff, 0, 0xff, 0xff}
	white   = color.RGBA{0xff, 0xff, 0xff, 0xff} // below the browser's own words
)

// isForeign reports whether that page is on the screen.
func isForeign(p image.Image) bool { return share(p, image.Rect(0, 40, 100, 100), foreign) > 0.5 }

// visit has the running browser open an address, as if it had been typed: the browser
// hands what it is started with to the one that runs already.
func (k *kiosk) visit(ctx context.Context, address string) {
	k.t.Helper()
	pid := strings.TrimSpace(k.run(ctx, browser))
	out := k.run(ctx, "nsenter -t "+pid+" -m setpriv --reuid screen --regid screen --clear-groups env HOME=/run/penjire-screen XDG_RUNTIME_DIR=/run/penjire-screen"+
		" timeout 120 /usr/lib/chromium/chromium --ozone-platform=wayland --incognito --user-data-dir=/run/penjire-screen/profile '"+address+"' 2>&1 || true")
	if !strings.Contains(out, "existing browser session") {
		k.t.Fatalf("the running browser was not asked for %s:\n%s", address, out)
	}
}

// lock: whatever address the browser is given, it shows none but the kiosk's. That this
// would be seen is tried first, on a browser without its policies.
func lock(ctx context.Context, k *kiosk) {
	k.run(ctx, "mkdir -p /run/foreign /run/none; printf %s \""+foreignPage+"\" > "+foreignFile+"; chmod -R a+rX /run/foreign /run/none")
	k.run(ctx, "nft insert rule inet penjire output oif lo accept; systemd-run --collect --unit=test-other systemd-socket-activate -l 127.0.0.1:7781 --inetd -a "+
		"/bin/sh -c 'read x; printf \"HTTP/1.0 200 OK\\r\\nContent-Type: text/html\\r\\n\\r\\n\"; cat "+foreignFile+"'")
	// Whoever keeps the browser would end it soon: the kiosk's page lies behind another.
	k.run(ctx, "mkdir -p "+keeps+"; echo SCREEN_FLAGS=-first=1h -silent=1h -fresh=0 > /run/foreign/env; printf '[Service]\\nEnvironmentFile=/run/foreign/env\\n' > "+keeps+"/test.conf; systemctl daemon-reload")
	// A process's own mounts begin as the machine's: the browser finds no policies.
	k.run(ctx, "mount --bind /run/none /etc/chromium/policies/managed")
	k.newBrowser(ctx)
	begun := time.Now()
	k.visit(ctx, "file://"+foreignFile)
	k.shows(ctx, "unlocked", isForeign)
	took := time.Since(begun)
	k.t.Logf("a browser without policies shows a file after %v", took)

	k.run(ctx, "umount /etc/chromium/policies/managed")
	k.newBrowser(ctx)
	var blocked image.Image
	for _, address := range []string{
		"file://" + foreignFile, "data:text/html," + strings.ReplaceAll(foreignPage, "'", "%22"), "http://127.0.0.1:7781/", "https://" + portalAddress + "/",
		"view-source:http://" + screens + "/", "chrome://version", "chrome://settings", "devtools://devtools/bundled/inspector.html",
	} {
		k.visit(ctx, address)
		<-time.After(took) // as long as it would take to show it
		k.shows(ctx, "locked", func(p image.Image) bool {
			if isForeign(p) {
				k.t.Fatalf("%s is shown", address)
			}
			if blocked == nil && alike(p, p) && share(p, image.Rect(0, 40, 100, 100), white) > 0.95 {
				blocked = p
			}
			return isPage(p) || blocked != nil && alike(p, blocked)
		})
		k.t.Logf("%s is blocked", address)
	}
	if files := k.run(ctx, "find /run/penjire-screen -name '*page*.html' -o -name '*.crdownload'"); files != "" {
		k.t.Errorf("downloaded: %s", files)
	}
	k.run(ctx, "systemctl stop test-other; rm -r "+keeps+"; systemctl daemon-reload")
	k.newBrowser(ctx)
}

// newBrowser has the browser start anew, and waits for its page.
func (k *kiosk) newBrowser(ctx context.Context) {
	k.t.Helper()
	before := k.run(ctx, browser)
	k.run(ctx, "systemctl restart --no-block penjire-screen")
	k.anew(ctx, browser, before)
	k.shows(ctx, "start", isStart)
}

// alike reports whether what is dark in the middle of one picture is also in another,
// nearly: a few words below a sign, on white.
func alike(p, as image.Image) bool {
	b := as.Bounds()
	dark := func(p image.Image, x, y int) bool {
		r, g, b, _ := p.At(x, y).RGBA()
		return r+g+b < 3*0x9000
	}
	n, same := 0, 0
	for y := b.Dy() / 10; y < b.Dy()*35/100; y++ {
		for x := b.Dx() / 10; x < b.Dx()*7/10; x++ {
			if dark(as, x, y) {
				n++
				if dark(p, x, y) {
					same++
				}
			}
		}
	}
	return n > 100 && same*100 >= n*95
}

// TestAlike knows a page of a browser that says that something is blocked from one
// that shows something.
func TestAlike(t *testing.T) {
	page := func(marks ...image.Rectangle) image.Image {
		p := image.NewGray(image.Rect(0, 0, 200, 400))
		for i := range p.Pix {
			p.Pix[i] = 0xff
		}
		for _, m := range marks {
			for y := m.Min.Y; y < m.Max.Y; y++ {
				for x := m.Min.X; x < m.Max.X; x++ {
					p.SetGray(x, y, color.Gray{0x20})
				}
			}
		}
		return p
	}
	blocked := page(image.Rect(30, 60, 50, 80), image.Rect(30, 100, 120, 110))
	for _, c := range []struct {
		name string
		p    image.Image
		want bool
	}{
		{"itself", blocked, true},
		{"with another address above", page(image.Rect(30, 60, 50, 80), image.Rect(30, 100, 120, 110), image.Rect(20, 5, 90, 10)), true},
		{"a page with words", page(image.Rect(20, 45, 180, 50), image.Rect(20, 60, 180, 62), image.Rect(20, 100, 180, 102)), false},
		{"nothing", page(), false},
	} {
		if got := alike(c.p, blocked); got != c.want {
			t.Errorf("%s: alike = %v, want %v", c.name, got, c.want)
		}
	}
	if alike(page(), page()) {
		t.Error("two empty pages are alike: nothing was compared")
	}
}
