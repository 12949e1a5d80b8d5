package printing

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	emulated "github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/escpos"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// elsewhere are the profiles whose whole jobs npos understands: it knows Epson's
// commands and GS v 0, and neither the other commands for pictures nor those of makers.
var elsewhere = []string{escpos.Generic, "epson-tm-t20", "citizen-ct-s651", "star-tup500", "clone-58"}

// TestReceiptsRenderedElsewhere: npos, a program that knows nothing of us, takes apart
// all that the driver sends for a receipt and draws it. Its picture is ours, dot by dot,
// and zbarimg reads the seal from it.
func TestReceiptsRenderedElsewhere(t *testing.T) {
	devicetest.Node(t, "npos") // or leave
	for i, profile := range elsewhere {
		t.Run(profile, func(t *testing.T) {
			p, err := escpos.ProfileOf(profile)
			if err != nil {
				t.Fatal(err)
			}
			ours, err := receipt(t, []string{"tk", "ru", "en"}[i%3], "residence-certificate").Draw(p.Dots, p.DPI)
			if err != nil {
				t.Fatal(err)
			}
			theirs := rendered(t, wires(t, profile, ours))
			if what := differ(ours, theirs); what != "" {
				t.Error(what)
			}
			if got := scanned(t, theirs); got != receiptSeal {
				t.Errorf("zbarimg reads %.40q…, want %.40q…", got, receiptSeal)
			}
		})
	}
}

// TestRenderedElsewhereSees: bytes that are not the receipt's are not taken for it.
func TestRenderedElsewhereSees(t *testing.T) {
	devicetest.Node(t, "npos")
	ours, err := receipt(t, "tk", "residence-certificate").Draw(576, 203)
	if err != nil {
		t.Fatal(err)
	}
	wire := wires(t, escpos.Generic, ours)
	band := []byte("\x1Dv0\x00")
	at := slices.Collect(func(yield func(int) bool) {
		for i := 0; ; i++ {
			n := bytes.Index(wire[i:], band)
			if n < 0 || !yield(i+n) {
				return
			}
			i += n
		}
	})
	if len(at) < 20 {
		t.Fatalf("got %d bands, want a receipt's", len(at))
	}
	lost := append(bytes.Clone(wire[:at[10]]), wire[at[11]:]...)
	flipped := bytes.Clone(wire)
	flipped[at[10]+8+30] ^= 0x10
	for name, wire := range map[string][]byte{"a band is lost": lost, "a dot is turned": flipped} {
		if differ(ours, rendered(t, wire)) == "" {
			t.Errorf("%s, and nothing is seen of it", name)
		}
	}
}

// differ says where two pictures differ, or "".
func differ(ours, theirs image.Image) string {
	o, h := ours.Bounds(), theirs.Bounds()
	if o.Size() != h.Size() {
		return "sizes: ours " + o.Size().String() + ", theirs " + h.Size().String()
	}
	for y := range o.Dy() {
		for x := range o.Dx() {
			if isInk(ours, o.Min.X+x, o.Min.Y+y) != isInk(theirs, h.Min.X+x, h.Min.Y+y) {
				return "the first dot that differs is at " + image.Pt(x, y).String()
			}
		}
	}
	return ""
}

// rendered has npos draw what is on the wire. It writes a picture as rows of dots. One
// command it must be told: it looks for DLE DC4 "8" where Epson's reference has DLE DC4 8.
func rendered(t *testing.T, wire []byte) image.Image {
	t.Helper()
	const script = `
		const {parser, rules} = require('npos');
		rules[0x10]['\x14\x08'] = 7;
		parser(rules).parse(require('fs').readFileSync(0)).then(ast => {
			for (const e of ast.entries.filter(e => e.type === 'raster'))
				for (let y = 0; y < e.data.height; y++) {
					let row = '';
					for (let x = 0; x < e.data.width; x++) row += e.data.getPixel(x, y) ? '.' : '#';
					console.log(row);
				}
		}).catch(e => { console.error(e.message); process.exit(1); });`
	c := devicetest.Node(t, "npos", "-e", script)
	c.Stdin = bytes.NewReader(wire)
	out, err := c.Output()
	if err != nil {
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Logf("npos: %s", e.Stderr)
		}
		t.Fatalf("npos: %v", err)
	}
	rows := strings.Fields(string(out))
	if len(rows) == 0 {
		t.Fatal("npos found no picture")
	}
	m := image.NewGray(image.Rect(0, 0, len(rows[0]), len(rows)))
	for y, row := range rows {
		for x, dot := range row {
			if dot == '.' {
				m.SetGray(x, y, color.Gray{Y: 0xFF})
			}
		}
	}
	return m
}

// wires are all bytes that the driver sends to a printer that is plugged in, for a job.
func wires(t *testing.T, profile string, img image.Image) []byte {
	t.Helper()
	o, ok := emulated.Model(profile)
	if !ok {
		t.Fatalf("no emulated printer for profile %s", profile)
	}
	port := linktest.Tap(linktest.Plug(t, "printer", emulated.New(o)))
	d, err := escpos.New(port, escpos.Opts{Profile: profile})
	if err != nil {
		t.Fatal(err)
	}
	devicetest.Online(t, d)
	if out, err := d.Print(t.Context(), img); out != device.Printed {
		t.Fatalf("Print = %v, %v, want Printed", out, err)
	}
	if err := d.Halt(); err != nil { // which ends the recording
		t.Error(err)
	}
	return port.Written()
}
