package journal

import "context"

// Counter counts in hardware that cannot count back, whatever becomes of the
// medium: a TPM's NV counter. Each head that is signed takes the next number
// (Checkpoint.Counter), so that a copied medium in another machine shows.
type Counter interface {
	// Increment adds one, durably, and returns the new value, which is above 0.
	Increment(ctx context.Context) (uint64, error)
}
