package kiosk

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/ui/screen"
)

// TestStatusTicket: what the kiosk says of itself comes out of the printer that it
// names, for a technician by the control socket and for an assistant with a card.
func TestStatusTicket(t *testing.T) {
	r := newRig(t)
	r.start()
	post := func() (s TicketStatus) {
		t.Helper()
		w := httptest.NewRecorder()
		r.k.controlHandler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/ticket?lang=ru", nil))
		if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || w.Code != http.StatusOK {
			t.Fatalf("POST /ticket = %d, %s, %v", w.Code, w.Body, err)
		}
		return s
	}
	r.until("the devices", func() bool { return r.state().Devices.Printer == screen.Good })
	before := len(r.paper.Papers())
	s := post()
	if s.Outcome != TicketPrinted || len(r.paper.Papers()) != before+1 {
		t.Errorf("POST /ticket = %+v with %d tickets, want one more than %d", s, len(r.paper.Papers()), before)
	}
	found := map[string]printing.Finding{}
	for _, d := range s.Devices {
		found[d.Name] = d.State
	}
	if found["printer"] != printing.Good || found["reader"] != printing.Good {
		t.Errorf("devices = %+v, want printer and reader good", s.Devices)
	}
	if !strings.HasPrefix(s.Short, "PENJIRE-STATUS/1 K="+r.k.s.Kiosk) {
		t.Errorf("short = %q", s.Short)
	}

	r.paper.SetPaper(device.PaperOut)
	r.until("the missing paper", func() bool { return r.state().Devices.Paper == string(device.PaperOut) })
	s = post()
	if s.Outcome != TicketNot || s.Why != printing.WhyPaperOut || !strings.Contains(s.Short, "printer-") {
		t.Errorf("POST /ticket without paper = %+v", s)
	}
	r.paper.SetPaper(device.PaperFull)
	r.until("the paper", func() bool { return r.state().Devices.Paper == string(device.PaperFull) })

	r.begin("en")
	r.do("help")
	r.do("assist")
	r.do("ticket")
	r.insert("citizen-1")
	r.until("that the card is refused", func() bool { v := r.view(); return v.Card != nil && v.Card.State == "assistant" })
	r.chip.Remove()
	n := len(r.paper.Papers())
	r.insert("assistant")
	r.until("what came of it", func() bool { v := r.view(); return v.Assist != nil && v.Assist.Ticket != nil })
	if v := r.view(); v.Assist.Ticket.Code != "printed" || len(r.paper.Papers()) != n+1 {
		t.Errorf("the page says %+v with %d tickets, want printed and %d", v.Assist.Ticket, len(r.paper.Papers()), n+1)
	}
}

// TestFirstTicket: one that is due comes out once.
func TestFirstTicket(t *testing.T) {
	r := newRig(t)
	s := r.settings()
	if err := os.MkdirAll(s.State, 0o700); err != nil {
		t.Fatal(err)
	}
	due := filepath.Join(s.State, TicketDue)
	if err := os.WriteFile(due, []byte("tk\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.startWith(s)
	r.until("the ticket", func() bool { _, err := os.Stat(due); return os.IsNotExist(err) })
	if n := len(r.paper.Papers()); n != 1 {
		t.Errorf("%d tickets came out, want one", n)
	}
}
