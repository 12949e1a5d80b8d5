package printing

import (
	"testing"
	"time"
)

// TestTicket: the test ticket fits every paper, and its code is read.
func TestTicket(t *testing.T) {
	ticket := Ticket{Device: "printer (escpos)", Made: time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC)}
	for _, width := range []int{384, 576, 832} {
		img, err := ticket.Draw(width, 203)
		if err != nil || img.Bounds().Dx() != width {
			t.Fatalf("Draw(%d) = %v, want that many dots", width, err)
		}
		if got := scanned(t, img); got != TicketText {
			t.Errorf("%d dots: zbarimg reads %q, want %q", width, got, TicketText)
		}
	}
	if b, err := ticket.Sheet(); err != nil || len(b) < 1000 {
		t.Errorf("Sheet = %d bytes, %v, want a page", len(b), err)
	}
}
