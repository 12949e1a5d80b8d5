package kiosk

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/registry"
	"github.com/penjire/penjire/firmware/clock"
	"github.com/penjire/penjire/firmware/network"
	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/ui/phrase"
	"github.com/penjire/penjire/ui/screen"
)

// TicketDue is a file in the folder of the kiosk's state: while it is there, a status
// ticket is to be printed. Enrolment makes it, so that a kiosk that has just begun to
// serve shows on paper what works.
const TicketDue = "ticket.due"

// asked bounds how long one device may take to say how it is.
const asked = 3 * time.Second

// SelfTest asks every device of the board how it is, without a person and without
// moving anything. Good is only what the device itself said.
func (k *Kiosk) SelfTest(ctx context.Context) []printing.Tested {
	out := make([]printing.Tested, len(k.loaded))
	done := make(chan struct{})
	for i, r := range k.loaded {
		go func() {
			ctx, cancel := context.WithTimeout(ctx, asked)
			defer cancel()
			out[i] = printing.Tested{Name: r.Want.Name, Class: string(k.board.Devices[i].Class)}
			out[i].State, out[i].Words = tested(ctx, r)
			done <- struct{}{}
		}()
	}
	for range k.loaded {
		<-done
	}
	return out
}

// tested says how one device is.
func tested(ctx context.Context, r registry.Result) (printing.Finding, string) {
	if r.State == registry.Skipped {
		return printing.Unknown, "not fitted"
	}
	if r.Device == nil {
		return printing.Bad, "driver not loaded"
	}
	h := r.Device.Health()
	switch h {
	case device.Online, device.Busy, device.UserError:
	case device.Unknown, device.Starting:
		return printing.Unknown, string(h)
	default:
		return printing.Bad, string(h)
	}
	f, words, err := saysOf(ctx, r.Device)
	switch {
	case ctx.Err() != nil:
		return printing.Unknown, "no answer in time"
	case err != nil || f == printing.Good && h == device.UserError:
		return printing.Bad, string(h)
	case words == "":
		words = string(h)
	}
	return f, words
}

// saysOf asks a device what only its class can be asked. Of all else its health
// counts.
func saysOf(ctx context.Context, d device.Device) (printing.Finding, string, error) {
	var m device.Media
	var err error
	switch d := d.(type) {
	case device.ReceiptPrinter:
		m, err = d.Media(ctx)
	case device.DocumentPrinter:
		m, err = d.Media(ctx)
	case device.PowerMonitor:
		_, err = d.Power(ctx)
		return printing.Good, "", err
	case device.Thermometer:
		_, err = d.Celsius(ctx)
		return printing.Good, "", err
	case device.RealTimeClock:
		_, err = d.Now()
		return printing.Good, "", err
	case device.Modem:
		_, err = d.Signal(ctx)
		return printing.Good, "", err
	default:
		return printing.Good, "", nil
	}
	f := printing.Good
	switch {
	case m.Paper == device.PaperOut || m.Paper == device.PaperJammed || m.Cover == device.CoverOpen:
		f = printing.Bad
	case m.Paper == device.PaperUnknown || m.Paper == "":
		f = printing.Unknown
	}
	return f, "paper " + string(m.Paper) + ", cover " + string(m.Cover), err
}

// statusTicket is what the kiosk says of itself now.
func (k *Kiosk) statusTicket(ctx context.Context, lang string) printing.StatusTicket {
	addresses := network.Addresses()
	t := printing.StatusTicket{
		Lang: phrase.In(lang).Lang(), Kiosk: k.s.Kiosk, Place: k.s.Place, Serial: machineSerial(), Version: k.version, Developer: k.developer, Board: k.board.Name,
		Made: k.clock.Now().In(zone), Address: addresses[:min(3, len(addresses))], Devices: k.SelfTest(ctx),
	}
	r := k.Reaches()
	t.Portal, t.PortalWords, t.Clock = r.Portal, r.Words, r.Clock
	if c := k.ident.Load().Signer.Cert; c != nil {
		t.Until = c.NotAfter.In(zone)
	}
	return t
}

// Reach is how the kiosk stands with its portal.
type Reach struct {
	Portal printing.Finding
	Words  string           // a code of package uplink, where it is not reached
	Clock  printing.Finding // Good: the portal's signed time is known
}

// Reaches says how the kiosk stands with its portal now.
func (k *Kiosk) Reaches() Reach {
	var r Reach
	up := k.up.Status()
	switch {
	case up.Connected:
		r.Portal = printing.Good
	case up.LastError != "":
		r.Portal, r.Words = printing.Bad, up.LastError
	}
	if k.clock.Trust() == clock.Beacon {
		r.Clock = printing.Good
	}
	return r
}

// machineSerial is the number that the machine's maker gave it; "": it has none, or
// does not tell everybody.
func machineSerial() string {
	b, err := os.ReadFile("/sys/firmware/devicetree/base/serial-number")
	if err != nil || len(b) > 64 {
		return ""
	}
	return strings.TrimRight(string(b), "\x00\n ")
}

// TicketStatus is what came of a status ticket, as POST /ticket answers it.
type TicketStatus struct {
	Outcome string            `json:"outcome"` // printed, unknown, not printed
	Why     printing.Why      `json:"why,omitempty"`
	Short   string            `json:"short"` // the text of its code
	Devices []printing.Tested `json:"devices"`
}

// The outcomes of a ticket.
const (
	TicketPrinted = "printed"
	TicketUnknown = "unknown"
	TicketNot     = "not printed"
)

// PrintTicket tests the devices and prints what the kiosk says of itself.
func (k *Kiosk) PrintTicket(ctx context.Context, lang string) TicketStatus {
	t := k.statusTicket(ctx, lang)
	out, why := k.worker.Aside(ctx, t.Draw)
	s := TicketStatus{Outcome: TicketNot, Why: why, Short: t.Short(), Devices: t.Devices}
	switch out {
	case device.Printed:
		s.Outcome = TicketPrinted
	case device.PrintUnknown:
		s.Outcome = TicketUnknown
	}
	k.log.Info("a status ticket", "outcome", s.Outcome, "why", string(why), "status", s.Short)
	return s
}

func (k *Kiosk) ticketRoute(w http.ResponseWriter, r *http.Request) {
	b, err := json.MarshalIndent(k.PrintTicket(r.Context(), r.URL.Query().Get("lang")), "", "\t")
	if err != nil {
		http.Error(w, "the answer could not be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n')) // whoever asked went away: nothing to do
}

// settle bounds how long the first ticket waits for devices and portal to be known.
const settle = time.Minute

// firstTicket prints the ticket that is due, once devices and portal are known, and
// tries again until it is out. It returns nil.
func (k *Kiosk) firstTicket(ctx context.Context) error {
	due := filepath.Join(k.s.State, TicketDue)
	for wait := time.Second; ; {
		lang, err := os.ReadFile(due)
		if err != nil || !sleep(ctx, wait) {
			return nil // none is due
		}
		up := k.up.Status()
		if !up.Connected && up.LastError == "" && time.Since(k.started) < settle {
			continue
		}
		// What may be out is not printed twice: the next one is asked for by a person.
		if s := k.PrintTicket(ctx, strings.TrimSpace(string(lang))); s.Outcome != TicketNot {
			if err := os.Remove(due); err != nil {
				k.log.Warn("the first ticket will come out again", "err", err)
			}
			return nil
		}
		wait = 30 * time.Second
	}
}

// ticketForAssistant prints a ticket for whoever has shown an assistant's card.
func (k *Kiosk) ticketForAssistant(ctx context.Context, e session.Ticket) session.Event {
	s := k.PrintTicket(ctx, e.Lang)
	code := map[string]string{TicketPrinted: "printed", TicketUnknown: "unknown"}[s.Outcome]
	if code == "" {
		code = "failed"
	}
	return session.Ticketed{Job: e.Job, What: screen.TicketView{Code: code}}
}
