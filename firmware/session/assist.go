package session

import (
	"github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/ui/screen"
)

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

// UpdateTaken answers [TakeUpdate]: what became of it is in the facts.
type UpdateTaken struct{ Job uint64 }

// TakeUpdate takes the new software on the stick, to be installed at night or, with
// Now, as soon as nobody is at the kiosk. The assistant's card is asked for it because
// the kiosk restarts.
type TakeUpdate struct {
	Job uint64
	Now bool
}

// LeaveUpdate is the assistant's no: they are not asked again while the stick is in.
type LeaveUpdate struct{}

func (Setup) effect()       {}
func (Exported) event()     {}
func (Export) effect()      {}
func (Ticketed) event()     {}
func (Ticket) effect()      {}
func (UpdateTaken) event()  {}
func (TakeUpdate) effect()  {}
func (LeaveUpdate) effect() {}

// assistants reports whether an assistant's card is wanted for p.
func (p Purpose) assistants() bool { return p >= ForExport && p <= ForTonight }

// assist is the assistant's page: it is reached from the help of the home page,
// so that no visit in which somebody is busy is left for it.
func (s State) assist(a Act, f Facts) (State, []Effect) {
	if f.Software.State == screen.UpdateOffered {
		switch a.Name {
		case "update":
			return s.wantAssistant(ForUpdate)
		case "tonight":
			return s.wantAssistant(ForTonight)
		case "leave":
			return s, []Effect{LeaveUpdate{}}
		}
	}
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
	switch s.Purpose {
	case ForSetup:
		e, effects := s.end()
		return e, append(effects, Setup{Lang: s.Lang})
	case ForTicket:
		s = s.wait("ticket")
		return s, []Effect{Ticket{Job: s.Busy, Lang: s.Lang}}
	case ForUpdate, ForTonight:
		s = s.wait("update")
		return s, []Effect{TakeUpdate{Job: s.Busy, Now: s.Purpose == ForUpdate}}
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
	v.Export, v.Ticket, v.Blocked, v.Update = s.Export, s.Ticket, f.Blocked, f.Software
	if code := v.Update.Code; code != "" {
		words := release.Say(s.Lang, code)
		v.Update.Says, v.Update.Do = words.Says, words.Do
	}
	return &v
}
