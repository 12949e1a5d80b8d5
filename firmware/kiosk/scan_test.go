package kiosk

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/codescanner"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/ui/screen"
)

// withScanner puts a code scanner at its port.
func (r *rig) withScanner() (*codescanner.Scanner, *pty.Port) {
	r.t.Helper()
	emu := codescanner.New(new(codescanner.SSI))
	port, err := pty.Attach(filepath.Join(r.dir, "ports", "scanner"), emu)
	r.must(err)
	r.t.Cleanup(func() { r.must(port.Close()) })
	return emu, port
}

func qr(text string) device.Code { return device.Code{Symbology: device.QRCode, Data: []byte(text)} }

// lit waits until the scanner reads, or does not.
func (r *rig) lit(s *codescanner.Scanner, want bool) {
	r.t.Helper()
	r.until("the scanner's light", func() bool { return s.Lit() == want })
}

// show holds a code in front of the scanner until the page differs.
func (r *rig) show(s *codescanner.Scanner, text string, ok func(screen.View) bool) screen.View {
	r.t.Helper()
	r.until("the page to know what was scanned", func() bool {
		if v := r.view(); ok(v) {
			return true
		}
		s.Show(qr(text))
		return false
	})
	return r.view()
}

// A receipt in front of the scanner fills its code in: the way to the request
// without typing. The scanner is on only there.
func TestScannedReceiptFindsTheRequest(t *testing.T) {
	r := newRig(t)
	emu, _ := r.withScanner()
	r.start()
	done := r.apply("citizen-1").Done
	if len(done.QR) == 0 {
		t.Fatal("the receipt has no code to scan")
	}
	emu.Show(qr(string(done.QR))) // nobody asked
	r.leave()
	r.begin("ru")
	r.lit(emu, false)
	r.do("track")
	r.lit(emu, true)
	v := r.show(emu, string(done.QR), func(v screen.View) bool { return v.Screen == screen.Track && v.Track.Read })
	if v.Track.Code != done.Code || !v.Track.Scanner {
		t.Errorf("Track = %+v, want the receipt's code %s", v.Track, done.Code)
	}
	r.do("help")
	r.lit(emu, false)
	r.do("stay")
	r.lit(emu, true)
	r.do("track", "code", v.Track.Code)
	if v := r.on(screen.Status); v.Status.Line.Code != done.Code {
		t.Errorf("Status shows %s, want %s", v.Status.Line.Code, done.Code)
	}
	r.lit(emu, false)
	r.do("back")
	r.lit(emu, true)
	r.do("end")
	r.lit(emu, false)
	if log := r.log.String(); strings.Contains(log, string(done.QR)) || strings.Contains(log, done.Code) {
		t.Error("the log holds what was scanned")
	}
}

// The code of a request without a card is a secret that its receipt's QR code
// does not hold: the page says to type it.
func TestScannedReceiptWithoutACard(t *testing.T) {
	r := newRig(t)
	emu, _ := r.withScanner()
	r.start()
	r.complain()
	text := string(r.view().Done.QR)
	r.do("end")
	r.do("end")
	r.begin("tk")
	r.do("track")
	v := r.show(emu, text, func(v screen.View) bool { return v.Screen == screen.Seal })
	if v.Seal.Kind != "receipt" || v.Seal.Verdict != "yes" {
		t.Errorf("Seal = %s, %s, want a genuine receipt", v.Seal.Kind, v.Seal.Verdict)
	}
	r.do("back")
	r.on(screen.Track)
}

// A copy's seal is checked without any connection. What a forgery says is not
// shown, and what is no seal is said to be none.
func TestScannedSealIsChecked(t *testing.T) {
	r := newRig(t)
	emu, port := r.withScanner()
	r.start()
	svc, ok := r.k.know.catalogue().Service("residence-certificate")
	if !ok {
		t.Fatal("the catalogue has no certificate of residence")
	}
	by := r.w.Agencies[svc.Agency]
	x, err := seal.Make(seal.Seal{
		Kind: seal.Copy, Issuer: svc.Agency, Service: svc.ID, Doc: make([]byte, 32), Date: r.k.now().UTC(),
		Subject: "Aýna N.", Facts: [][2]string{{"address", "Aşgabat, Magtymguly şaýoly 12"}},
	}, by.Key, by.Cert)
	r.must(err)
	r.begin("en")
	r.do("track")
	r.until("the scanner to be offered", func() bool { return r.view().Track.Scanner })
	v := r.show(emu, x.URL("https://portal.specimen"), func(v screen.View) bool { return v.Screen == screen.Seal })
	if v.Seal.Verdict != "yes" || v.Seal.Heading.EN != "The seal is genuine" || v.Seal.Heading.TK != "Möhür hakyky" ||
		len(v.Seal.Facts) != 1 || v.Seal.Facts[0].Value.Reveal() != "Aşgabat, Magtymguly şaýoly 12" || v.Seal.Number != edoc.FormatCode(x.CheckNumber()) {
		t.Errorf("Seal = %+v, want it genuine with its fact", v.Seal)
	}
	raw := x.Bytes()
	raw[len(raw)-1] ^= 1
	forged, err := seal.ParseBytes(raw)
	r.must(err)
	v = r.show(emu, forged.Text(), func(v screen.View) bool { return v.Screen == screen.Seal && v.Seal.Verdict != "yes" })
	if v.Seal.Verdict != "no" || len(v.Seal.Facts) != 0 || !v.Seal.Subject.IsZero() || v.Seal.Found.RU == "" {
		t.Errorf("Seal of a forgery = %+v, want no, and nothing it says", v.Seal)
	}
	v = r.show(emu, "WIFI:S:home;;", func(v screen.View) bool { return v.Screen == screen.Track })
	if v.Track.Fault != "track.fault.scan" {
		t.Errorf("fault = %q, want track.fault.scan", v.Track.Fault)
	}
	// Without the scanner everything goes on, and it is no longer offered.
	r.must(port.Unplug())
	r.until("the scanner to be no longer offered", func() bool { return !r.view().Track.Scanner })
	r.do("track", "code", "K7M4P·29QDX")
	r.until("the code to be looked up", func() bool { return r.view().Track.Fault != "track.fault.scan" })
	r.must(port.Replug())
	r.until("the scanner to be offered again", func() bool { return r.view().Track.Scanner })
	r.lit(emu, true)
	if log := r.log.String(); strings.Contains(log, "Magtymguly") || strings.Contains(log, x.Text()) {
		t.Error("the log holds what was scanned")
	}
}
