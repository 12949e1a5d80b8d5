package identity

import (
	"errors"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// May says whether the holder may ask for service s: an [*Error] if the limits of
// the certificate forbid it. The portal checks the same again.
func (h Holder) May(s *catalog.Service, now time.Time) error {
	reason, f := Within(h.Limits, s, now)
	if f.Verdict == trust.Yes {
		return nil
	}
	return &Error{reason, errors.New(f.Reason)}
}

// Within says whether limits allow asking for service s, and if not, how the card
// page has it.
func Within(l *trust.Limits, s *catalog.Service, now time.Time) (Reason, trust.Finding) {
	f := edoc.Within(l, s, now)
	switch f.Reason {
	case trust.ReasonLimitMinor, trust.ReasonLimitGuardian:
		return Minor, f
	}
	return OutOfLimits, f
}
