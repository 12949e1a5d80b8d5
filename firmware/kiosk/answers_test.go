package kiosk

import (
	"testing"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/ui/screen"
)

// An answer whose seal its agency cancelled can be read as before: it is signed.
// Only no copy of it is certified any more, and the page says so. Its facts are
// labelled in the language of the visit.
func TestCancelledSeal(t *testing.T) {
	r := newRig(t)
	r.start()
	r.online(nil)
	r.apply("citizen-1")
	r.stage(outbox.Registered)
	r.leave()
	r.decide(portal.AnswerDraft{Decision: ledger.Answered})
	r.stage(outbox.Answered)
	list, err := r.l.List(t.Context(), ledger.Filter{})
	r.must(err)
	r.must(r.portal.RevokeSeal(t.Context(), list[0].Agency, list[0].Doc, ledger.RevokedMistake, "officer"))
	r.until("the kiosk to have the list", func() bool { return r.k.know.revoked() != nil })

	r.begin("en") // it was asked for in another language
	r.do("requests")
	r.insert("citizen-1")
	r.on(screen.IsThisYou)
	r.do("yes")
	r.do("open", "ref", r.on(screen.Requests).Requests.List[0].Ref)
	r.on(screen.Status)
	r.do("open")
	r.on(screen.PIN)
	r.do("pin", "pin", r.pin("citizen-1"))
	a := r.on(screen.Answer).Answer
	if a.Valid != "verify.valid" || len(a.Facts) == 0 {
		t.Errorf("the answer is %s with %d facts, want valid with all", a.Valid, len(a.Facts))
	}
	svc, _ := r.k.know.catalogue().Service(list[0].Service)
	for i, f := range svc.Result.Facts {
		if a.Facts[i].Label != f.Label.EN {
			t.Errorf("a fact is called %q, want %q in the visit's language", a.Facts[i].Label, f.Label.EN)
		}
	}
	if a.Copy || !a.CopyOver {
		t.Errorf("Copy = %v, CopyOver = %v, want false and true", a.Copy, a.CopyOver)
	}
	r.leave()
}
