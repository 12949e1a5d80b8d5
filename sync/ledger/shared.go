package ledger

import "context"

// Shared is a ledger that several portals use at once.
type Shared interface {
	Ledger
	// LastItems returns, for each of these kiosks that was ever given one, the ID of
	// the last item for it, and under "" that of the last item for all. An item that
	// another portal stored shows here; none is below it that is not there yet.
	LastItems(ctx context.Context, kiosks []string) (map[string]uint64, error)
}
