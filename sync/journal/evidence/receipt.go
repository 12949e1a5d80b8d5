package evidence

import (
	"bytes"
	"time"

	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/journal"
)

// Answer is what a paper receipt and a journal say together.
type Answer string

// The answers.
const (
	// Consistent: the kiosk accepted the document, and its journal says so.
	Consistent Answer = "consistent"
	// Contradiction: the kiosk accepted the document, and signed a journal that
	// does not have it: it was dropped or changed. Both signatures are the kiosk's
	// own, so nothing else explains it.
	Contradiction Answer = "contradiction"
	// Accepted: the seal alone: the kiosk accepted the document. There is no
	// journal to compare it with.
	Accepted Answer = "accepted"
	// CannotTell: the seal or the proof does not verify, or they are about
	// different things.
	CannotTell Answer = "cannot-tell"
)

// Why an answer was given: stable codes.
const (
	WhyEntry  = "journal.other_entry" // at that place stands something else
	WhyRoot   = "journal.other_root"  // the journal up to there is not the one the paper states
	WhySeal   = "receipt.not_good"    // the seal is not a good one of a kiosk; Seal says why
	WhyProof  = "proof.not_good"      // the proof does not verify; Err says why
	WhyPlace  = "proof.other_place"   // the proof is of another kiosk, epoch or entry
	WhyEpoch  = "receipt.no_epoch"    // the seal does not say of which epoch it is, and they do not agree
	WhyNobody = "proof.none"          // there was no proof to compare with
)

// Verdict is an answer about a receipt, and why.
type Verdict struct {
	Answer Answer
	Why    string   // "" for Consistent
	Seal   string   // reason of the seal's finding
	Proof  *Checked // nil without a proof that verifies
	Err    error    // of the proof
}

// CheckReceipt compares a paper receipt's seal with what the kiosk's journal
// has at that place. A nil proof leaves the seal alone, which shows already that
// the kiosk accepted the document: the kiosk signed it.
//
// The time in the seal is its kiosk's word; what is compared is what the kiosk
// signed twice.
func CheckReceipt(s *seal.Sealed, p *Proof, b *trust.Bundle, now time.Time) Verdict {
	r := s.Verify(b, now)
	v := Verdict{Answer: CannotTell, Seal: r.Reason}
	if s.Kind != seal.Receipt || r.Verdict != trust.Yes {
		v.Why = WhySeal
		return v
	}
	if p == nil {
		v.Answer, v.Why = Accepted, WhyNobody
		return v
	}
	if v.Proof, v.Err = p.Check(b, now); v.Err != nil {
		v.Why = WhyProof
		return v
	}
	c := v.Proof
	switch {
	case c.Kiosk != s.Issuer || c.Index != s.Index || s.Epoch != nil && !bytes.HasPrefix(c.Epoch[:], s.Epoch):
		v.Why = WhyPlace
		return v
	case s.Size != s.Index+1: // the kiosk states the tree that ends with the entry
		v.Why = WhyPlace
		return v
	case c.Entry.Kind != journal.DocSigned || !bytes.HasPrefix(c.Entry.Fields.Doc, s.Doc):
		v.Why = WhyEntry
	case !bytes.HasPrefix(c.Root[:], s.Root):
		v.Why = WhyRoot
	default:
		v.Answer = Consistent
		return v
	}
	if s.Epoch == nil {
		v.Why = WhyEpoch // it may be another life of the file
		return v
	}
	v.Answer = Contradiction
	return v
}
