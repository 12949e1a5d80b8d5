package printing

import (
	"image"
	"image/color"
	"strings"

	"github.com/penjire/penjire/drivers/device"
)

// Lines is the ticket for a printer that sets letters itself: both alphabets in
// every form, both scripts in one line, a ruler in millimetres, and the code. On
// a printer whose profile fits, it has the same letters as the drawn ticket.
func (t Ticket) Lines(width, dpi, columns int) []device.Line {
	lines := []device.Line{
		{Text: "Penjire", Double: true, Bold: true, Align: device.AlignCentre},
		{Text: "synag / проба / test", Align: device.AlignCentre},
	}
	for _, s := range pieces(t.Device, columns) {
		lines = append(lines, device.Line{Text: s})
	}
	lines = append(lines, device.Line{Text: t.Made.Format("2006-01-02 15:04:05")}, device.Line{})
	for s := range strings.SplitSeq(letters, "\n") {
		lines = append(lines, device.Line{Text: s}, device.Line{Text: s, Bold: true})
	}
	return append(lines,
		device.Line{Text: "Ňşž Жщы №", Double: true, Align: device.AlignRight},
		device.Line{Text: "# $ @ [ \\ ] ^ { | } ~"},
		device.Line{},
		device.Line{Picture: ruler(width, dpi)},
		device.Line{QR: TicketText, Align: device.AlignCentre},
	)
}

// pieces parts s into pieces of at most n letters. Letters that no printer has are
// not in it: it is the name of a device.
func pieces(s string, n int) (out []string) {
	r := []rune(s)
	for n = max(1, n); len(r) > n; r = r[n:] {
		out = append(out, string(r[:n]))
	}
	return append(out, string(r))
}

// ruler is a ruler across the paper: longer marks at 5 and 10 mm.
func ruler(width, dpi int) image.Image {
	const rows = 48
	m := image.NewPaletted(image.Rect(0, 0, width, rows), color.Palette{color.White, color.Black})
	for mm := 0; ; mm++ {
		x := (mm*dpi*10 + 127) / 254
		if x >= width {
			return m
		}
		long := 12
		switch {
		case mm%10 == 0:
			long = rows
		case mm%5 == 0:
			long = 30
		}
		for y := range long {
			m.SetColorIndex(x, y, 1)
		}
	}
}
