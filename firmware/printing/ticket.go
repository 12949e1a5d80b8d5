package printing

import (
	"image"
	"time"

	"github.com/penjire/penjire/sync/edoc/paper/pdf"
	"github.com/penjire/penjire/sync/edoc/paper/typeface"
)

// Ticket is what a technician prints to see that a printer prints: letters of both
// scripts, a frame up to the margins, bars, and a code to scan. It names no one.
type Ticket struct {
	Device string // "printer (escpos)"
	Made   time.Time
}

// TicketText is what the ticket's code says.
const TicketText = "PENJIRE TEST"

// letters are those that printers without Turkmen or Russian get wrong.
const letters = "ÄÇŽŇÖŞÜÝ äçžňöşüý\nЁЖЙЩЪЫЭЮЯ ёжйщъыэюя №"

// Draw draws the ticket, as [Receipt.Draw] does.
func (t Ticket) Draw(width, dpi int) (image.Image, error) {
	p := newPage(width, dpi)
	if p.err != nil {
		return nil, p.err
	}
	p.boxed(func() {
		p.text("Penjire", style{face: bold, size: 6, center: true})
		p.text("synag · проба · test", style{face: regular, size: 4, center: true})
	})
	p.gap(2)
	p.text(t.Device, style{face: mono, size: 3.2})
	p.text(t.Made.Format("2006-01-02 15:04:05"), style{face: mono, size: 3.2})
	p.gap(2)
	p.text(letters, style{face: regular, size: 4})
	p.gap(2)
	// A missing or a weak row of heating dots shows as a white line down the bars.
	p.rule(4)
	for w := p.dots(1); w > 0; w /= 2 {
		for x := p.margin; x < p.margin+p.inner(); x += 2 * w {
			p.fill(x, p.y, min(w, p.margin+p.inner()-x), p.dots(3), black)
		}
		p.y += p.dots(3)
	}
	p.gap(2)
	p.code(TicketText, 25)
	p.gap(2)
	p.rule(0.5)
	return p.finish()
}

// Sheet returns the ticket as a PDF file of one A4 page.
func (t Ticket) Sheet() ([]byte, error) {
	f := pdf.New(pdf.Info{Title: "Penjire test", Lang: "en", ID: []byte(TicketText)})
	page := f.Page(210, 297)
	regular, err := pdf.ParseFont("NotoSans-Regular", typeface.Regular)
	if err != nil {
		return nil, err
	}
	const edge = 10.0 // mm that printers leave white
	page.Fill(pdf.Black,
		pdf.Rect{X: edge, Y: edge, W: 210 - 2*edge, H: 0.5}, pdf.Rect{X: edge, Y: 297 - edge, W: 210 - 2*edge, H: 0.5},
		pdf.Rect{X: edge, Y: edge, W: 0.5, H: 297 - 2*edge}, pdf.Rect{X: 210 - edge, Y: edge, W: 0.5, H: 297 - 2*edge + 0.5})
	for i, s := range []string{
		"Penjire", "synag · проба · test", t.Device, t.Made.Format("2006-01-02 15:04:05"),
		"ÄÇŽŇÖŞÜÝ äçžňöşüý", "ЁЖЙЩЪЫЭЮЯ ёжйщъыэюя №",
	} {
		page.Text(20, 30+12*float64(i), regular, 7, pdf.Black, s)
	}
	return f.Bytes()
}
