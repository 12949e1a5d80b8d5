package commission

import (
	"fmt"
	"strings"

	"github.com/penjire/penjire/firmware/hardware"
	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/network"
	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/ui/screen"
)

// drawHardware says what the machine is made of. A machine that is not known exactly
// is said to be that, and its report offered.
func (w *Wizard) drawHardware(f *screen.FirstView) {
	f.Acts = []screen.FirstAct{actNext}
	r := w.seen.hardware
	if r == nil {
		f.Waits, f.Notes = w.o.Hardware != nil, []screen.FirstNote{{Say: "looking"}}
		return
	}
	m := r.Machine
	board := screen.FirstLine{Name: "board", Text: m.Matched.Board, Say: "board.exact", State: screen.FirstGood}
	if !m.Matched.Exact || m.Board != "" && m.Board != m.Matched.Board {
		board.Text, board.Say, board.State = join(" / ", m.Board, m.Matched.Board), "board.unlike", screen.FirstUnknown
		f.Notes = []screen.FirstNote{{Kind: "warn", Say: "report"}}
		f.Acts = []screen.FirstAct{{Do: "report", Icon: "tray", Ghost: true}, actNext}
	}
	if w.seen.left {
		f.Notes = append(f.Notes, screen.FirstNote{Kind: "bad", Say: "setup.left"})
	}
	w.noteStick(f)
	f.Lines = append([]screen.FirstLine{{Name: "machine", Text: machine(r)}, board}, parts(r)...)
}

func machine(r *hardware.Report) string {
	f := r.Machine.Found
	s := f.Model
	if s == "" {
		s = strings.TrimSpace(f.Vendor + " " + f.Product)
	}
	if s == "" {
		s = f.Architecture
	}
	return s
}

// parts are the points below machine and board. What the machine has to have is
// judged; of all else it is said whether it is there.
func parts(r *hardware.Report) []screen.FirstLine {
	memory := screen.FirstLine{Name: "memory", State: screen.FirstUnknown}
	if n := r.Machine.Found.MemoryMiB; n > 0 {
		memory.Text, memory.State = fmt.Sprintf("%d MiB", n), screen.FirstPlain
	}
	must := func(name string, found []string) screen.FirstLine {
		if len(found) == 0 {
			return screen.FirstLine{Name: name, Say: "none", State: screen.FirstUnknown}
		}
		return screen.FirstLine{Name: name, Text: found[0], State: screen.FirstGood}
	}
	var displays, touch, media, cards, chips, clocks []string
	for _, d := range r.Displays {
		if d.Status == "connected" || d.Status == "framebuffer" {
			displays = append(displays, join(" ", d.Name, firstOf(d.Modes)))
		}
	}
	for _, n := range r.Inputs {
		if l := strings.ToLower(n); strings.Contains(l, "touch") || strings.Contains(l, "tablet") {
			_, name, _ := strings.Cut(n, " ")
			touch = append(touch, name)
		}
	}
	for _, m := range r.Media {
		media = append(media, fmt.Sprintf("%s, %d MiB", m.Name, m.MiB))
	}
	for _, c := range r.Network {
		cards = append(cards, c.Name)
	}
	for _, c := range r.TPM {
		chips = append(chips, join(", ", c.Name, c.What))
	}
	for _, c := range r.Clocks {
		clocks = append(clocks, join(", ", c.Name, c.What))
	}
	may := func(name string, found []string, without string) screen.FirstLine {
		if len(found) == 0 {
			return screen.FirstLine{Name: name, Say: without}
		}
		return screen.FirstLine{Name: name, Text: strings.Join(found, "; ")}
	}
	return []screen.FirstLine{
		memory, must("display", displays), must("touch", touch), may("storage", media, "none"), may("cards", cards, "none"),
		may("chip", chips, "chip.none"), may("battery", clocks, "battery.none"),
		{Name: "usb", Text: fmt.Sprint(len(r.USB))},
	}
}

func firstOf(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

var findings = map[printing.Finding]screen.FirstState{printing.Good: screen.FirstGood, printing.Bad: screen.FirstBad, printing.Unknown: screen.FirstUnknown}

// drawTest says what every device said of itself.
func (w *Wizard) drawTest(f *screen.FirstView) {
	f.Acts = []screen.FirstAct{actAgain, actNext}
	if w.busy[jobTest] > 0 || w.seen.tested == nil {
		f.Waits, f.Notes = true, []screen.FirstNote{{Say: "testing"}}
	}
	for _, t := range w.seen.tested {
		f.Lines = append(f.Lines, deviceLine(t))
	}
	if f.Notes == nil {
		f.Notes = []screen.FirstNote{map[screen.FirstState]screen.FirstNote{
			screen.FirstGood: {Kind: "good", Say: "test.good"}, screen.FirstBad: {Kind: "warn", Say: "test.bad"}, screen.FirstUnknown: {Kind: "warn", Say: "test.unknown"},
		}[worst(f.Lines)]}
	}
}

func deviceLine(t printing.Tested) screen.FirstLine {
	l := screen.FirstLine{Name: t.Class, Plain: t.Name, Text: t.Name, State: findings[t.State]}
	switch {
	case t.Words == "not fitted":
		l.Say, l.State = "device.unfitted", screen.FirstPlain // there is nothing to know
	case t.State == printing.Good:
	case strings.Contains(t.Words, "paper"):
		l.Say = "device.paper"
	case t.State == printing.Bad:
		l.Say = "device.gone"
	default:
		l.Say = "device.silent"
	}
	return l
}

// worst is the gravest state of lines: what does not work, else what is not known.
func worst(lines []screen.FirstLine) screen.FirstState {
	s := screen.FirstGood
	for _, l := range lines {
		switch {
		case l.State == screen.FirstBad:
			return screen.FirstBad
		case l.State == screen.FirstUnknown:
			s = screen.FirstUnknown
		}
	}
	return s
}

// drawReady says whether the kiosk can go into service.
func (w *Wizard) drawReady(f *screen.FirstView) {
	f.Acts = []screen.FirstAct{{Do: "print", Icon: "receipt", Ghost: true}, {Do: "serve", Icon: "check"}}
	good, of, devices := 0, 0, []screen.FirstLine{}
	for _, t := range w.seen.tested {
		l := deviceLine(t)
		devices = append(devices, l)
		if l.State != screen.FirstPlain {
			of++
		}
		if l.State == screen.FirstGood {
			good++
		}
	}
	tested := screen.FirstLine{Name: "devices", State: screen.FirstNow}
	if w.seen.tested != nil {
		tested.Text, tested.State = fmt.Sprintf("%d / %d", good, of), worst(devices)
	}
	connected := screen.FirstLine{Name: "connected", State: screen.FirstUnknown}
	if w.seen.kind == "none" {
		connected.Say = "stick"
	}
	for _, s := range w.seen.check.Steps {
		if s.Name == network.StepIdentity && w.seen.looked {
			connected.State = answers[s.OK]
		}
	}
	f.Lines = []screen.FirstLine{{Name: "enrolled", Text: w.o.Number, State: screen.FirstGood}, connected, tested, w.ticketLine()}
	switch {
	case w.busy[jobPrint] > 0:
		f.Waits, f.Notes = true, []screen.FirstNote{{Say: "printing"}}
	case worst(f.Lines) == screen.FirstGood:
		f.Notes = []screen.FirstNote{{Kind: "good", Say: "ready.good"}}
	default:
		f.Notes = []screen.FirstNote{{Kind: "warn", Say: "ready.lacks"}}
	}
}

// ticketLine says what became of the status ticket.
func (w *Wizard) ticketLine() screen.FirstLine {
	l := screen.FirstLine{Name: "ticket", State: screen.FirstTodo}
	switch {
	case w.busy[jobPrint] > 0:
		l.State = screen.FirstNow
	case w.seen.ticket == kiosk.TicketPrinted:
		l.Say, l.State = "ticket.printed", screen.FirstGood
	case w.seen.ticket == kiosk.TicketUnknown || w.seen.ticket == "" && w.rec.Ticket:
		l.Say, l.State = "ticket.unknown", screen.FirstUnknown
	case w.seen.ticket == kiosk.TicketNot:
		l.Say, l.State = "ticket.failed", screen.FirstBad
	}
	return l
}

// drawHelp has what whoever is called will ask for.
func (w *Wizard) drawHelp(f *screen.FirstView) {
	f.No, f.Of, f.Notes = 0, 0, []screen.FirstNote{{Say: "help"}}
	for _, l := range []screen.FirstLine{
		{Name: "phone", Text: w.o.Phone},
		{Name: "kiosk", Text: w.o.Number},
		{Name: "place", Text: w.o.Place},
		{Name: "version", Text: w.o.Version},
		{Name: "board", Text: w.o.Board},
		{Name: "portal-at", Text: w.o.Portal},
		{Name: "address", Text: strings.Join(w.seen.check.Address, ", ")},
	} {
		if l.Text != "" {
			f.Lines = append(f.Lines, l)
		}
	}
}
