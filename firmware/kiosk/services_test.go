package kiosk

import (
	"testing"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/ui/screen"
)

// A complaint needs no card: the kiosk signs as intermediary, and the code on
// the receipt opens the answer.
func TestComplaintWithoutCard(t *testing.T) {
	r := newRig(t)
	r.online(nil)
	r.start()
	r.begin("ru")
	r.do("apply")
	r.do("choose", "service", "complaint")
	r.do("begin")
	r.rules()
	r.fill()
	if v := r.view(); v.Check.Signs {
		t.Error("the page says that a card signs")
	}
	r.do("confirm")
	code := r.on(screen.Done).Done.Code
	r.printed()
	r.leave()
	r.stage(outbox.Registered)
	r.decide(portal.AnswerDraft{Decision: ledger.Answered, Text: citizen.NewText("Seredildi")})
	r.stage(outbox.Answered)

	r.begin("en")
	r.do("track")
	r.do("track", "code", "K7M4P·29QDZ")
	r.until("a mistake in the code to be said", func() bool { return r.view().Track.Fault != "" })
	r.do("track", "code", " "+code+" ")
	if st := r.on(screen.Status).Status; !st.Answer || st.Locked {
		t.Errorf("Status: answer %v, locked %v; want an answer that the code opens", st.Answer, st.Locked)
	}
	r.do("open")
	if a := r.on(screen.Answer).Answer; a.Text.Reveal() != "Seredildi" || a.Copy {
		t.Errorf("Answer: copy %v; want the text and no certified copy", a.Copy)
	}
	r.leave()
}

// A request that was returned is corrected with the answers given before, and
// the new one says which it corrects.
func TestReturnedForCorrection(t *testing.T) {
	r := newRig(t)
	r.online(nil)
	r.start()
	r.apply("citizen-1")
	r.leave()
	r.stage(outbox.Registered)
	r.decide(portal.AnswerDraft{Decision: ledger.Returned, Text: citizen.NewText("Telefon belgisi nädogry")})
	r.stage(outbox.Returned)

	r.begin("tk")
	r.do("requests")
	r.insert("citizen-1")
	r.on(screen.IsThisYou)
	r.do("yes")
	list := r.on(screen.Requests).Requests.List
	r.do("open", "ref", list[0].Ref)
	r.do("open")
	r.on(screen.PIN)
	r.do("pin", "pin", r.pin("citizen-1"))
	r.on(screen.Answer)
	r.do("correct")
	r.do("begin")
	r.rules()
	v := r.on(screen.Question)
	if v.Question.Value.IsZero() {
		t.Errorf("question %s is not filled in with the answer given before", v.Question.Row.Name)
	}
	r.fill()
	r.do("confirm")
	r.on(screen.PIN)
	r.do("pin", "pin", r.pin("citizen-1"))
	r.on(screen.Done)
	r.leave()
	r.stage(outbox.Registered)
}

// Before the first lease a request can be taken back, after it no more.
func TestWithdraw(t *testing.T) {
	r := newRig(t)
	r.start()
	r.apply("citizen-1")
	r.printed()
	r.do("home")
	r.do("requests")
	list := r.on(screen.Requests).Requests.List
	r.do("open", "ref", list[0].Ref)
	if !r.on(screen.Status).Status.Withdraw {
		t.Fatal("the page does not offer to withdraw")
	}
	r.do("withdraw")
	r.until("the request to be withdrawn", func() bool {
		v := r.view()
		return v.Screen == screen.Status && v.Status.Line.Stage == screen.StageWithdrawn && !v.Status.Withdraw
	})
	r.leave()
	r.online(nil)
	r.until("the portal to be reached", func() bool { return r.state().Uplink.Connected })
	if n := r.state().Queue.Unsent; n != 0 {
		t.Errorf("requests to send: got %d, want 0", n)
	}
}

// The job seeker's registration has the most questions; it goes through.
func TestJobSeeker(t *testing.T) {
	r := newRig(t)
	r.online(nil)
	r.start()
	r.begin("en")
	r.do("apply")
	r.do("choose", "service", "job-seeker")
	r.do("begin")
	r.rules()
	r.insert("citizen-2")
	r.on(screen.IsThisYou)
	r.do("yes")
	r.fill()
	r.do("confirm")
	r.on(screen.PIN)
	r.do("pin", "pin", r.pin("citizen-2"))
	r.on(screen.Done)
	r.stage(outbox.Registered)
	r.leave()
}
