package kiosk

import (
	"context"
	"slices"
	"time"

	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/stick"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/ui/screen"
)

// Other steps (ED-25): what the assistant is told of requests that the portal has
// not confirmed, and the memory stick.

// waitingFor says since when and why requests are here still.
func (k *Kiosk) waitingFor(st outbox.Stats, up uplink.Status, now time.Time) session.Queue {
	q := session.Queue{Count: st.Unsent, Aside: up.Aside, Setup: k.setup != nil}
	if !st.OldestUnsent.IsZero() {
		waited := now.Sub(st.OldestUnsent)
		q.Oldest, q.Days, q.Overdue = st.OldestUnsent.In(zone), max(0, int(waited/(24*time.Hour))), waited > k.s.Overdue
	}
	q.Why, q.Until = k.whyWaiting(up), minute(up.Until)
	q.Today = sameDay(q.Until, now)
	return q
}

// whyWaiting completes the phrase keys assist.why. and assist.do.: what keeps
// requests here, the gravest first.
func (k *Kiosk) whyWaiting(up uplink.Status) string {
	switch {
	case k.health.Holds(health.Restored):
		return "restored"
	case up.LastError == uplink.CodeStorage:
		return "storage"
	case !up.Connected && up.LastError == uplink.CodePortalCertificate:
		return "certificate"
	case !up.Connected && (up.LastError == uplink.CodeKioskCertificate || up.LastError == uplink.CodeVersion):
		return "refused"
	case !up.Connected && k.health.Holds(health.NoIdentity):
		return "key"
	case up.Waits != "":
		return up.Waits // its words are those of the uplink
	case up.Connected:
		return "sending"
	case up.LastError == "":
		return "unknown" // not tried to the end yet
	}
	return "network"
}

// minute is a time as screens say it: what changes with every look would have them
// drawn again and again.
func minute(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(zone).Round(time.Minute)
}

func sameDay(t, now time.Time) bool {
	return !t.IsZero() && t.In(zone).Format(time.DateOnly) == now.In(zone).Format(time.DateOnly)
}

// exportForAssistant puts everything that has no receipt on the stick in the folder
// of the settings, and does what a service ticket there allows.
func (k *Kiosk) exportForAssistant(ctx context.Context, v *visit, e session.Export) session.Event {
	out := session.Exported{Job: e.Job}
	if !k.sticks.TryLock() {
		out.What = screen.ExportView{Code: StickBusy}
		return out
	}
	defer k.sticks.Unlock()
	dir, err := stick.OpenFolder(k.s.Stick, k.s.State)
	var sum StickLine
	service := ServiceNone
	if err == nil {
		sum, err = k.exportTo(ctx, dir, func(StickLine) {})
		service, _ = k.serve(ctx, dir, v) // the page says its code
	}
	out.What = screen.ExportView{Records: sum.Records, Left: sum.Left, Service: service}
	if err != nil {
		out.What.Code = stickCode(err)
		if !slices.Contains(stickCodes, out.What.Code) {
			out.What.Code = "stick.failed"
		}
		k.log.Warn("a memory stick", "code", out.What.Code, "err", err)
	}
	k.wake()
	return out
}

// stickCodes are those that the assistant's page has words for.
var stickCodes = []string{StickFull, StickGone, StickReadOnly, StickNone, StickUnlike, StickFolder}
