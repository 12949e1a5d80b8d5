// Package tsp makes, asks for and checks RFC 3161 time stamps.
package tsp

import (
	"context"
	"time"
)

// Stamper gives time stamps.
type Stamper interface {
	// Stamp returns a time-stamp token (DER) over a SHA-256 imprint and the
	// time it states.
	Stamp(ctx context.Context, imprint [32]byte) (token []byte, at time.Time, err error)
}
