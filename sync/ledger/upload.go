package ledger

import (
	"context"
	"errors"
	"time"
)

// Upload is a large record of which not all has come, or not been taken in yet. It is
// no record: nothing was promised for it, and the kiosk still holds all of it.
type Upload struct {
	Digest [32]byte // SHA-256 of all sealed bytes
	Size   int64    // of them
	Have   int64    // that are here, from the first one on
	At     time.Time
}

// Quota limits the uploads of one kiosk.
type Quota struct {
	Uploads int   // at once
	Bytes   int64 // of their sizes together
	// Rest is how long one that got no further may be in the way of a new one.
	Rest time.Duration
}

// ErrQuota means that the kiosk has too many unfinished uploads.
var ErrQuota = errors.New("too many unfinished uploads")

// Uploads is the part of a Ledger that keeps large records while they come. Nothing
// of it is a promise to the kiosk: what is forgotten comes again.
type Uploads interface {
	// BeginUpload returns how many bytes of the upload are here; none, where it is
	// new. One of the same digest and another size is begun anew: one of the two
	// sizes was wrong. ErrQuota.
	BeginUpload(ctx context.Context, kiosk string, u Upload, q Quota) (have int64, err error)

	// AppendUpload adds bytes and returns how many are here then. Of bytes that
	// begin below that number the rest is taken; of those that begin above it, or go
	// over the size, nothing. ErrNotFound.
	AppendUpload(ctx context.Context, kiosk string, digest [32]byte, offset int64, b []byte, at time.Time) (have int64, err error)

	// ReadUpload returns everything that is here, as it is stored. ErrNotFound.
	ReadUpload(ctx context.Context, kiosk string, digest [32]byte) ([]byte, error)

	// EndUpload forgets an upload. One that is not there is no error.
	EndUpload(ctx context.Context, kiosk string, digest [32]byte) error

	// ForgetUploads forgets those that got no further since then, and returns how
	// many.
	ForgetUploads(ctx context.Context, before time.Time) (int, error)

	// Uploads returns those of a kiosk, the oldest first.
	Uploads(ctx context.Context, kiosk string) ([]Upload, error)
}
