package session

import "github.com/penjire/penjire/ui/screen"

// Queue is what the kiosk tells the assistant of the requests that the portal has
// not confirmed. It names no one.
type Queue = screen.AssistView

// Exported answers [Export].
type Exported struct {
	Job  uint64
	What screen.ExportView
}

// Export puts everything that has no receipt on the memory stick (ED-25: other
// steps). Whoever wants it has shown an assistant's card: what is on a stick
// cannot be withdrawn any more.
type Export struct{ Job uint64 }

// Ticketed answers [Ticket].
type Ticketed struct {
	Job  uint64
	What screen.TicketView
}

// Ticket tests the devices and prints the kiosk's state, which names no one. The
// assistant's card is asked for it because paper is used up.
type Ticket struct {
	Job  uint64
	Lang string
}

// Setup has the technician's pages come. The visit is over: what they change is the
// kiosk's.
type Setup struct{ Lang string }

func (Setup) effect()   {}
func (Exported) event() {}
func (Export) effect()  {}
func (Ticketed) event() {}
func (Ticket) effect()  {}

// assistants reports whether an assistant's card is wanted for p.
func (p Purpose) assistants() bool { return p == ForExport || p == ForTicket || p == ForSetup }

// assist is the assistant's page: it is reached from the help of the home page,
// so that no visit in which somebody is busy is left for it.
func (s State) assist(a Act, f Facts) (State, []Effect) {
	switch a.Name {
	case "export":
		return s.wantAssistant(ForExport)
	case "ticket":
		return s.wantAssistant(ForTicket)
	case "setup":
		if f.Queue.Setup {
			return s.wantAssistant(ForSetup)
		}
	}
	return s, nil
}

// wantAssistant reads the card in the reader, or asks for one. Whose visit it is
// does not change by it: the assistant's card is nobody's here.
func (s State) wantAssistant(p Purpose) (State, []Effect) {
	s.Purpose, s.Export, s.Ticket, s.Page, s.Card.Problem = p, nil, nil, screen.Card, ""
	return s.read()
}

// exporter goes on if the card is an assistant's.
func (s State) exporter(h *Holder) (State, []Effect) {
	if !h.Assistant {
		s.Card.Problem = "assistant"
		return s, nil
	}
	if s.Purpose == ForSetup {
		e, effects := s.end()
		return e, append(effects, Setup{Lang: s.Lang})
	}
	if s.Purpose == ForTicket {
		s = s.wait("ticket")
		return s, []Effect{Ticket{Job: s.Busy, Lang: s.Lang}}
	}
	s = s.wait("exporting")
	return s, []Effect{Export{Job: s.Busy}}
}

func (s State) exported(e Exported) (State, []Effect) {
	if s.mine(e.Job) {
		what := e.What
		s.Export, s.Page = &what, screen.Assist
	}
	return s, nil
}

func (s State) ticketed(e Ticketed) (State, []Effect) {
	if s.mine(e.Job) {
		what := e.What
		s.Ticket, s.Page = &what, screen.Assist
	}
	return s, nil
}

// assistView is the page.
func (s State) assistView(f Facts) *screen.AssistView {
	v := f.Queue
	v.Export, v.Ticket, v.Blocked = s.Export, s.Ticket, f.Blocked
	return &v
}
