package kiosk

import (
	"slices"
	"time"

	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/wire"
	"github.com/penjire/penjire/ui/screen"
)

// stages are the words of the outbox's states.
var stages = map[outbox.State]screen.Stage{
	outbox.Accepted: screen.StageKept, outbox.Sending: screen.StageSending, outbox.Delivered: screen.StageReceived,
	outbox.Registered: screen.StageRegistered, outbox.Refused: screen.StageRefused, outbox.Answered: screen.StageAnswered,
	outbox.Returned: screen.StageReturned, outbox.Withdrawn: screen.StageWithdrawn,
}

// request is what a visit is told of r.
func (k *Kiosk) request(r outbox.Request) session.Request {
	now := k.clock.Now()
	waits := unsent(r.State) && now.Sub(r.Claimed) > k.s.Overdue
	q := session.Request{
		Doc: r.Doc, Code: edoc.FormatCode(codeOf(r)), Service: r.Service,
		Made: r.Claimed.In(zone), Due: r.Due.In(zone), Stage: stages[r.State], Steps: steps(r),
		Anonymous: r.Owner == outbox.Owner{}, Answer: r.Item != 0, Withdraw: r.State == outbox.Accepted,
		Waits:   waits,
		Overdue: waits || !final(r.State) && !r.Due.IsZero() && now.After(r.Due.Add(24*time.Hour)),
	}
	if r.Due.IsZero() {
		q.Due = time.Time{}
	}
	q.Receipt, q.Why = k.paperOf(r.Doc, outbox.PrintReceipt, r.Receipt)
	if r.State == outbox.Refused && r.Item == 0 && r.DecidedReceipt != nil {
		if rec, err := wire.ParseReceipt(r.DecidedReceipt, k.know.trust().Portals); err == nil {
			q.Reason = rec.Reason
		}
	}
	return q
}

// codeOf returns the tracking code of r: of one that is somebody's it follows
// from the document's identity; of one without a card only Accept and ByCode
// know it, and otherwise it is empty (ADR 8).
func codeOf(r outbox.Request) string {
	if r.Owner != (outbox.Owner{}) {
		return edoc.ID(r.Doc).Code()
	}
	return r.Code
}

func unsent(s outbox.State) bool { return s == outbox.Accepted || s == outbox.Sending }

func final(s outbox.State) bool {
	return slices.Contains([]outbox.State{outbox.Refused, outbox.Answered, outbox.Returned, outbox.Withdrawn}, s)
}

// steps are what happened to r, and what is still to come.
func steps(r outbox.Request) []screen.StatusStep {
	var out []screen.StatusStep
	for _, s := range r.Steps {
		at := s.At
		if !at.IsZero() {
			at = at.In(zone)
		}
		out = append(out, screen.StatusStep{Stage: stages[s.State], At: at, Done: true})
	}
	if len(out) > 0 {
		out[len(out)-1].Now = true
	}
	if final(r.State) {
		return out
	}
	for _, s := range []outbox.State{outbox.Sending, outbox.Delivered, outbox.Registered, outbox.Answered} {
		if s > r.State {
			out = append(out, screen.StatusStep{Stage: stages[s]})
		}
	}
	return out
}

// paperOf says where a print stands, in the words of the screen. A job that
// waits for the printer has failed so far, and says why: the citizen decides
// whether to wait.
func (k *Kiosk) paperOf(doc outbox.Doc, kind uint8, s outbox.PrintState) (screen.PaperState, screen.State) {
	switch s {
	case outbox.Printing:
		return screen.PaperPrinting, ""
	case outbox.Printed:
		return screen.PaperPrinted, ""
	case outbox.Unknown:
		return screen.PaperUnknown, k.printerTrouble()
	case outbox.Failed:
		return screen.PaperFailed, k.printerTrouble()
	case outbox.Queued:
		if st := k.worker.Status(); st.Job.Doc == doc && st.Job.Kind == kind && st.Why != printing.WhyNothing {
			return screen.PaperFailed, why(st.Why)
		}
		return screen.PaperPrinting, ""
	}
	return screen.PaperNone, ""
}

// copyOf is paperOf for the certified copy of r, and says where it comes out: at a
// kiosk with two printers nobody should have to look into both.
func (k *Kiosk) copyOf(r outbox.Request) (screen.PaperState, screen.State, screen.PaperPlace) {
	p, trouble := k.paperOf(r.Doc, outbox.PrintCopy, r.Copy)
	last := k.worker.Last()
	if k.sheets == nil || last.Doc != r.Doc || r.Copy == outbox.Queued {
		return p, trouble, screen.PlaceUnsaid
	}
	if last.Place == printing.PlaceRoll {
		return p, trouble, screen.PlaceRoll
	}
	if p == screen.PaperFailed || p == screen.PaperUnknown {
		trouble = why(last.Why) // what ails the roll has nothing to do with it
	}
	return p, trouble, screen.PlaceSheets
}

// why is a print's trouble in the words of the screen.
func why(w printing.Why) screen.State {
	switch w {
	case printing.WhyPaperOut:
		return screen.Out
	case printing.WhyPaperJam:
		return screen.Jam
	case printing.WhyCover:
		return screen.Open
	case printing.WhyGone:
		return screen.Gone
	case printing.WhyHot:
		return screen.Down
	}
	return screen.Unknown
}
