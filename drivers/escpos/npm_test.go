package escpos_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/emulator/tcp"
	"github.com/penjire/penjire/drivers/escpos"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/linktest"
	"rsc.io/qr"
)

// receiptioAddr is where receiptio looks: it knows no port but 9100.
const receiptioAddr = "127.0.0.77"

// TestReceiptio: receiptio, a client that knows nothing of us, uses the emulated
// printer, and says of it in every state what our driver says.
func TestReceiptio(t *testing.T) {
	run := func(t *testing.T, stdin string, args ...string) string {
		t.Helper()
		c := devicetest.Node(t, "receiptio", append([]string{"node_modules/receiptio/bin/cli.js", "-d", receiptioAddr}, args...)...)
		c.Stdin = strings.NewReader(stdin)
		out, _ := c.CombinedOutput() // its exit status is the answer once more
		return strings.TrimSpace(string(out))
	}
	devicetest.Node(t, "receiptio") // or leave
	o, _ := printer.Model("epson-tm-t20")
	p := printer.New(o)
	port, err := tcp.AttachAt(receiptioAddr+":9100", p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := port.Close(); err != nil {
			t.Error(err)
		}
	})
	states := []struct {
		name  string
		paper device.Paper
		cover device.Cover
		want  string
	}{
		{"fine", device.PaperFull, device.CoverClosed, "online"},
		{"low", device.PaperLow, device.CoverClosed, "online"},
		{"paper out", device.PaperOut, device.CoverClosed, "paperempty"},
		{"cover open", device.PaperFull, device.CoverOpen, "coveropen"},
		{"jam", device.PaperJammed, device.CoverClosed, "error"},
		// The cause is gone, and our driver, which looks first, has ended the error.
		{"fine again", device.PaperFull, device.CoverClosed, "online"},
	}
	for _, v := range states {
		p.SetCover(v.cover)
		p.SetPaper(v.paper)
		ours(t, v.paper, v.cover)
		if got := run(t, "", "-q", "printer"); got != v.want {
			t.Errorf("%s: receiptio says %q, want %q", v.name, got, v.want)
		}
	}
	n := len(p.Papers())
	if got := run(t, "^^^Penjire\n\nTalapnama | 12\n{code:2012345678903;option:ean}\n", "-p", "escpos"); got != "success" {
		t.Errorf("receiptio prints: %q, want success", got)
	}
	if len(p.Papers()) != n+1 {
		t.Errorf("papers of receiptio: got %d, want 1", len(p.Papers())-n)
	}
}

// ours asks the same printer with our driver. A printer has one connection: it
// is given back.
func ours(t *testing.T, paper device.Paper, cover device.Cover) {
	t.Helper()
	d, err := escpos.New(link.TCP{Addr: receiptioAddr + ":9100"}, escpos.Opts{Profile: "epson-tm-t20"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Halt(); err != nil {
			t.Error(err)
		}
	}()
	changes := d.Changes(t.Context())
	late := time.After(10 * time.Second)
	for {
		m, err := d.Media(t.Context())
		if err == nil && m.Paper == paper && m.Cover == cover {
			return
		}
		select {
		case <-changes:
		case <-late:
			t.Fatalf("our driver says %+v, %v, want %v, %v", m, err, paper, cover)
		}
	}
}

// wires are bytes that our driver sends, as they are on the line.
func wires(t *testing.T, profile string, lines []device.Line) []byte {
	t.Helper()
	p := modelOf(t, profile, 0)
	rec := linktest.Tap(linktest.Plug(t, "printer", p))
	d := driveAs(t, rec, profile)
	devicetest.Online(t, d)
	if out, err := d.PrintText(t.Context(), lines); out != device.Printed {
		t.Fatalf("PrintText = %v, %v, want Printed", out, err)
	}
	if err := d.Halt(); err != nil { // which ends the recording
		t.Error(err)
	}
	return rec.Written()
}

// TestEncoderBytes: text in two alphabets and a QR code are the very bytes of
// @point-of-sale/receipt-printer-encoder 4.0.1: those it gave once, and those it
// gives now.
func TestEncoderBytes(t *testing.T) {
	const data = "HTTPS://PORTAL.SPECIMEN/V/MFRG"
	vectors := map[string]string{ // as it printed them
		"turkmen": "1b7412e5ada7ec0a",
		"russian": "1b741187a0efa2aaa00a",
		"qr": "1d286b0400314132001d286b03003143061d286b03003145311d286b210031503048545450533a2f2f504f5254414c2e" +
			"53504543494d454e2f562f4d4652471d286b0300315130",
	}
	got := wires(t, "epson-tm-t20", []device.Line{{Text: "ňşžý"}, {Text: "Заявка"}, {QR: data}})
	for name, v := range vectors {
		want, err := hex.DecodeString(v)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(got, want) {
			t.Errorf("%s: the driver's %d bytes have no % X", name, len(got), want)
		}
	}
	const script = `
		const m = require('@point-of-sale/receipt-printer-encoder'), E = m.default || m;
		const e = new E({language: 'esc-pos', columns: 48, codepageMapping: 'epson'});
		process.stdout.write(Buffer.from(e.initialize().codepage('auto').line('ňşžý').line('Заявка')
			.qrcode('` + data + `', {model: 2, size: 6, errorlevel: 'm'}).encode()).toString('hex'));`
	out, err := devicetest.Node(t, "@point-of-sale/receipt-printer-encoder", "-e", script).Output()
	if err != nil {
		t.Fatalf("receipt-printer-encoder: %v", err)
	}
	for name, v := range vectors {
		if !strings.Contains(string(out), v) {
			t.Errorf("%s: the encoder gave %s, want %s in it", name, out, v)
		}
	}
}

// TestPicturesReadElsewhere: the dots of the commands for pictures are a portable
// bitmap as they stand. zbarimg opens that and reads the code: no line of our
// emulator is involved.
func TestPicturesReadElsewhere(t *testing.T) {
	zbar, err := exec.LookPath("zbarimg")
	if err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("peer zbarimg is missing: %v (apt-get install zbar-tools)", err)
		}
		t.Skip("LEFT OUT: the peer zbarimg is not installed; pictures on the line were not read by another program")
	}
	for profile, cmd := range map[string]struct {
		head string
		skip int // from its end to the dots
	}{
		escpos.Generic: {"\x1Dv0\x00", 4},
		"epson-tm-t88": {"\x30\x70\x30\x01\x01\x31", 4},
		"epson-eu-m30": {"\x30\x70\x30\x01\x01\x31", 4},
	} {
		p, err := escpos.ProfileOf(profile)
		if err != nil {
			t.Fatal(err)
		}
		got := wires(t, profile, []device.Line{{Picture: codePicture(t, p.Dots)}})
		var bits []byte
		for {
			_, rest, ok := bytes.Cut(got, []byte(cmd.head))
			if !ok {
				break
			}
			rows := int(rest[2]) | int(rest[3])<<8
			n := rows * p.Dots / 8
			bits = append(bits, rest[cmd.skip:cmd.skip+n]...)
			got = rest[cmd.skip+n:]
		}
		file := filepath.Join(t.TempDir(), "receipt.pbm")
		pbm := fmt.Appendf(nil, "P4 %d %d\n", p.Dots, len(bits)*8/p.Dots)
		if err := os.WriteFile(file, append(pbm, bits...), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), zbar, "-q", "--raw", file).Output()
		if err != nil || strings.TrimSpace(string(out)) != code {
			t.Errorf("%s: zbarimg = %q, %v, want %q", profile, out, err, code)
		}
	}
}

// codePicture is a picture of width dots with the code in it.
func codePicture(t *testing.T, width int) *image.Gray {
	t.Helper()
	c, err := qr.Encode(code, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	const module, quiet = 5, 4
	m := image.NewGray(image.Rect(0, 0, width, (c.Size+2*quiet)*module))
	for i := range m.Pix {
		m.Pix[i] = 0xFF
		if c.Black(i%width/module-quiet, i/width/module-quiet) {
			m.Pix[i] = 0
		}
	}
	return m
}
