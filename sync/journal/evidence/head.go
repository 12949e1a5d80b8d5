package evidence

import (
	"bytes"
	"time"

	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/journal"
)

// Why a head alone could not tell.
const (
	WhyHead   = "head.not_good"   // the head is not this kiosk's, or its signatures are not good; Err says why
	WhyBeyond = "head.other_size" // the head is of another size: only the kiosk's proof leads from one to the other
)

// CheckHead compares a paper receipt's seal with one head of the kiosk's journal.
// Where both are of one size the roots decide; between other sizes nobody can tell
// without the kiosk's proof (CheckReceipt). A nil head leaves the seal alone.
// Witnessed is the time stamp in the portal's signature under a good head, zero
// if it has none.
func CheckHead(s *seal.Sealed, h *journal.Head, b *trust.Bundle, now time.Time) (v Verdict, witnessed time.Time) {
	r := s.Verify(b, now)
	v = Verdict{Answer: CannotTell, Seal: r.Reason}
	if s.Kind != seal.Receipt || r.Verdict != trust.Yes {
		v.Why = WhySeal
		return v, witnessed
	}
	if h == nil {
		v.Answer, v.Why = Accepted, WhyNobody
		return v, witnessed
	}
	c := Checked{Kiosk: s.Issuer, Head: h}
	if c.Epoch, v.Err = epochOf(h.Origin); v.Err == nil {
		v.Err = c.witness(b, now)
	}
	if v.Err == nil {
		v.Err = signedBy(h, s.Issuer, b, c.Bracket.NotAfter, now)
	}
	witnessed = c.Bracket.NotAfter
	switch {
	case v.Err != nil:
		v.Why, witnessed = WhyHead, time.Time{}
	case h.Origin != origin(s.Issuer, c.Epoch) || s.Epoch != nil && !bytes.HasPrefix(c.Epoch[:], s.Epoch):
		v.Why = WhyPlace
	case h.Size != s.Size:
		v.Why = WhyBeyond
	case bytes.HasPrefix(h.Root[:], s.Root):
		v.Answer = Consistent
	case s.Epoch == nil:
		v.Why = WhyEpoch // it may be another life of the file
	default:
		v.Answer, v.Why = Contradiction, WhyRoot
	}
	return v, witnessed
}
