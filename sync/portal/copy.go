package portal

import (
	"fmt"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/paper"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
)

// Copy makes the certified A4 copy of the answer to r, as PDF, with the seal
// that was made with the answer. s has the facts' labels and may be nil. Errors:
// ledger.ErrNotFound where there is no answer with a seal; paper.ErrNotCertified,
// also of one that was revoked since.
func Copy(r ledger.Request, s *catalog.Service, b *trust.Bundle, revoked *trust.RevokedSeals, now time.Time) ([]byte, error) {
	if r.Answer == nil || r.Answer.Seal == "" {
		return nil, fmt.Errorf("portal: make a certified copy: the answer has no seal: %w", ledger.ErrNotFound)
	}
	c, err := edoc.Parse(r.Answer.Container)
	if err != nil {
		return nil, fmt.Errorf("portal: make a certified copy: %w", err)
	}
	sealed, err := seal.Parse(r.Answer.Seal)
	if err != nil {
		return nil, fmt.Errorf("portal: make a certified copy: %w", err)
	}
	// The address that was given with the answer: whatever it was sealed for.
	base, _, _ := strings.Cut(r.Answer.Seal, "/V/")
	return paper.Certified(paper.Source{
		Answer: c, Seal: sealed, Bundle: b, Revoked: revoked, Now: now, Service: s,
		Portal: strings.ToLower(base), Registered: r.Answer.At, Code: r.Code,
	})
}
