package kiosk

import (
	"testing"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/ui/screen"
)

// The whole way: asked for, signed by the card, printed, received, answered,
// opened with card and PIN, printed as a certified copy.
func TestFirstRequestAllTheWay(t *testing.T) {
	r := newRig(t)
	r.online(nil)
	r.start()
	v := r.apply("citizen-1")
	if v.Done.Code == "" || len(v.Done.QR) == 0 {
		t.Errorf("Done: code %q, %d bytes of QR; want both", v.Done.Code, len(v.Done.QR))
	}
	r.printed()
	if n := len(r.paper.Papers()); n != 1 {
		t.Errorf("papers: got %d, want 1", n)
	}
	r.until("the page to say «received»", func() bool { return r.view().Done.Received })
	r.leave()
	r.stage(outbox.Registered)
	r.decide(portal.AnswerDraft{Decision: ledger.Answered, Text: citizen.NewText("Ýaşaýar")})
	r.stage(outbox.Answered)

	r.begin("ru")
	r.do("requests")
	r.insert("citizen-1")
	r.on(screen.IsThisYou)
	r.do("yes")
	list := r.on(screen.Requests).Requests.List
	if len(list) != 1 || list[0].Stage != screen.StageAnswered {
		t.Fatalf("my requests: got %+v, want one, answered", list)
	}
	r.do("open", "ref", list[0].Ref)
	if st := r.on(screen.Status).Status; !st.Answer || !st.Locked {
		t.Errorf("Status: answer %v, locked %v; want both", st.Answer, st.Locked)
	}
	r.do("open")
	r.on(screen.PIN)
	r.do("pin", "pin", r.pin("citizen-1"))
	a := r.on(screen.Answer).Answer
	if !a.Copy || a.Valid != "verify.valid" || len(a.Facts) == 0 || a.Copies != 0 {
		t.Fatalf("Answer: copy %v, valid %q, %d facts, %d copies; want a valid one to copy", a.Copy, a.Valid, len(a.Facts), a.Copies)
	}
	r.do("print")
	r.until("the copy to be printed", func() bool { return r.view().Answer.Paper == screen.PaperPrinted })
	if a := r.view().Answer; a.Copies != 1 {
		t.Errorf("copies: got %d, want 1", a.Copies)
	}
	r.do("reprint")
	r.until("the marked copy to be printed", func() bool { return r.view().Answer.Copies == 2 })
	if n := len(r.paper.Papers()); n != 3 {
		t.Errorf("papers: got %d, want receipt, copy and marked copy", n)
	}
	r.leave()
}
