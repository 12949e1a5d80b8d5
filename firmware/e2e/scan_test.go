package e2e

import (
	"strings"
	"testing"

	"github.com/penjire/penjire/ui/uitest"
)

// TestBrowser_ScansTheReceipt has zbar read the receipt that came out of the
// printer and holds that code in front of the kiosk's scanner: the page in the
// browser fills it in by itself, also over what was half typed, and the request
// is found. Elsewhere the scanner is dark.
func TestBrowser_ScansTheReceipt(t *testing.T) {
	b := startBench(t)
	f := b.finger()
	code := f.ask("tk", "residence-certificate", "citizen-1")
	text := b.paper()
	f.begin("tk")
	if b.state().Devices.Scanner.Lit {
		t.Error("the scanner reads on the home page")
	}
	f.act("track")
	b.wait("the scanner reads", func(s state) bool { return s.Devices.Scanner.Lit })
	f.write("#f", "K7M")
	b.do("/api/scanner", map[string]any{"show": text})
	if page := f.after("track"); page != "track/1" {
		t.Fatalf("after the scan the browser shows %s, want the code's page anew", page)
	}
	if got := uitest.Eval[string](f.Browser, `document.getElementById("f").value`); got != code {
		t.Errorf("the page's field holds %q, want the receipt's code %q", got, code)
	}
	f.picture("track-read")
	f.act("track")
	f.eyes.on("status")
	b.wait("the scanner is dark", func(s state) bool { return !s.Devices.Scanner.Lit })
	f.act("back")
	b.wait("the scanner reads", func(s state) bool { return s.Devices.Scanner.Lit })
	b.do("/api/scanner", map[string]any{"show": strings.TrimRight(text, "23456789") + "AAAA"})
	f.after("track")
	f.leave("end", "citizen-1")
	b.wait("the scanner is dark", func(s state) bool { return !s.Devices.Scanner.Lit })
}
