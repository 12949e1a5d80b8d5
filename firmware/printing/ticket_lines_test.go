package printing

import (
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// TestTicketLines: the ticket fits the narrowest paper, has every letter of the
// drawn one, and its ruler is true.
func TestTicketLines(t *testing.T) {
	made := time.Date(2026, 11, 12, 10, 0, 0, 0, time.UTC)
	for _, v := range []struct{ width, dpi, columns, marks int }{{384, 203, 32, 48}, {512, 180, 42, 73}, {576, 203, 48, 73}} {
		var all strings.Builder
		marks := 0
		for _, l := range (Ticket{Device: strings.Repeat("printer on a long path ", 4), Made: made}).Lines(v.width, v.dpi, v.columns) {
			n := len([]rune(l.Text))
			if l.Double {
				n *= 2
			}
			if n > v.columns {
				t.Errorf("%d columns: got a line of %d letters: %q", v.columns, n, l.Text)
			}
			all.WriteString(l.Text)
			if l.Picture == nil {
				continue
			}
			for x := range v.width {
				if _, _, _, a := l.Picture.At(x, 0).RGBA(); a != 0xFFFF {
					t.Fatal("the ruler is not opaque")
				}
				if r, _, _, _ := l.Picture.At(x, 0).RGBA(); r == 0 {
					marks++
				}
			}
		}
		for _, r := range letters {
			if !strings.ContainsRune(all.String()+"\n", r) {
				t.Errorf("%q is on no line", r)
			}
		}
		if marks != v.marks {
			t.Errorf("marks on the ruler of %d dots at %d dpi: got %d, want %d", v.width, v.dpi, marks, v.marks)
		}
	}
	if l := (Ticket{}).Lines(384, 203, 32); l[len(l)-1].QR != TicketText || l[0].Align != device.AlignCentre {
		t.Errorf("last line = %+v, want the code", l[len(l)-1])
	}
}
