package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/penjire/penjire/ui/uitest"
)

var oneTimeCode = regexp.MustCompile(`[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}`)

// TestBrowser_FreshKiosk is the way of a new board from the box into service, through
// Chromium: the operator makes a one-time code at the desk, the technician types it,
// the kiosk gets its certificates over the network by EST, and the first citizen's
// request is accepted, receipted and at the portal.
func TestBrowser_FreshKiosk(t *testing.T) {
	b := startBench(t)
	b.do("/api/kiosk", map[string]any{"board": "new"})
	s := b.wait("it lacks a code", func(s state) bool { return s.Kiosk.Enrol != nil && s.Kiosk.Enrol.Lacks == "code" })
	if s.Kiosk.Board != "new" || s.Kiosk.Says != nil || s.Kiosk.Enrol.Kiosk != newKiosk {
		t.Fatalf("the new board: %+v, want one that waits for its certificates", s.Kiosk)
	}

	f := b.finger()
	f.cut = true // one program hands the screen to the other
	code := f.makeCode()
	f.Go(b.url)
	f.Wait("#new:not([hidden])")
	f.examine("the bench with a new board")
	f.picture("fresh")
	f.Type("#code", code)
	f.Click("#code-form button")
	b.wait("it is in service, and its first ticket is out", func(s state) bool {
		if s.Kiosk.Says == nil || s.Kiosk.Says.Kiosk != newKiosk {
			return false
		}
		d := s.Kiosk.Says.Devices
		return d.Portal == "connected" && d.Net == "good" && d.Printer == "good" && d.Reader == "good" && d.Clock == "good" && !d.Printing && s.Devices.Printer.Papers == 1
	})
	b.do("/api/sheets", map[string]any{"link": "unplugged"})
	papers := b.state().Devices.Printer.Papers
	tracking := f.ask("tk", "residence-certificate", "citizen-1")
	if r := b.request(tracking); r.Kiosk != newKiosk || r.State != "registered" || r.Verification.Signer.Verdict != "yes" {
		t.Errorf("the portal has the request as %+v, want one of %s, registered and signed", r, newKiosk)
	}
	if now := b.state().Devices.Printer.Papers; now <= papers {
		t.Errorf("%d papers came out before and after, want a receipt", now)
	}
	b.oneOfEach(1)

	// No trust bundle lists it yet: the kiosk says so, the portal checks its receipt all
	// the same and says that only it can, and nobody else takes the seal for good.
	if s := b.state(); !s.says("seal.unlisted") {
		t.Errorf("conditions: %+v, want seal.unlisted", s.Kiosk.Says.Health)
	}
	receipt := b.paper()
	if text := b.public(receipt[strings.Index(receipt, "/V/"):]); !strings.Contains(text, "diňe şu portal") {
		t.Errorf("the portal says of the receipt:\n%s", text)
	}
	if out, status := b.penjire("", "verify", "--trust", b.dir+"/check", receipt); status != 1 || !strings.Contains(out, "seal.unknown_signer") {
		t.Errorf("penjire verify of the receipt: status %d, want 1 until the bundle has the kiosk\n%s", status, out)
	}

	// The first board is as it was, and so is the new one afterwards: it needs no code.
	b.do("/api/kiosk", map[string]any{"board": "first"})
	b.wait("the first board", func(s state) bool { return s.Kiosk.Says != nil && s.Kiosk.Says.Kiosk == "K-000001" })
	b.do("/api/kiosk", map[string]any{"board": "new"})
	b.wait("the new board again", func(s state) bool {
		return s.Kiosk.Says != nil && s.Kiosk.Says.Kiosk == newKiosk && s.Kiosk.Says.Devices.Portal == "connected"
	})
	if s := b.state(); s.Queue["registered"] != 1 {
		t.Errorf("its queue: %v, want the request that it had", s.Queue)
	}
}

const newKiosk = "K-000002"

// makeCode signs the operator in at the desk and has a code made for the new kiosk.
func (f *finger) makeCode() string {
	f.b.t.Helper()
	portal := f.b.state().Portal.URL
	f.Go(portal + "/desk/enrol?lang=en")
	f.Wait("#officer")
	f.Type("#officer", "operator")
	f.Type("#password", officerPassword)
	f.Touch("form.card button")
	f.Wait(`a[href="/desk/enrol"]`)
	f.Touch(`a[href="/desk/enrol"]`)
	f.Wait("#kiosk")
	f.examine("desk: certificates")
	f.Type("#kiosk", newKiosk)
	f.Touch(`form[action="/desk/enrol"] button`)
	f.Wait(".note--good code")
	f.examine("desk: the code")
	code := uitest.Eval[string](f.Browser, `document.querySelector(".note--good code").textContent`)
	if !oneTimeCode.MatchString(code) {
		f.b.t.Fatalf("the desk made the code %q", code)
	}
	return code
}
