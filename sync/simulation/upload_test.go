package simulation

import (
	"context"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// BeginUpload implements ledger.Ledger.
func (w *watched) BeginUpload(ctx context.Context, kiosk string, u ledger.Upload, q ledger.Quota) (have int64, err error) {
	err = w.write("that a large request comes", func() (err error) {
		have, err = w.Ledger.BeginUpload(ctx, kiosk, u, q)
		return err
	})
	if have > 0 {
		w.s.count("state: a large request goes on where it was cut")
	}
	return have, err
}

// AppendUpload implements ledger.Ledger.
func (w *watched) AppendUpload(ctx context.Context, kiosk string, digest [32]byte, offset int64, b []byte, at time.Time) (have int64, err error) {
	err = w.write("a part of a large request", func() (err error) {
		have, err = w.Ledger.AppendUpload(ctx, kiosk, digest, offset, b, at)
		return err
	})
	return have, err
}

// EndUpload implements ledger.Ledger.
func (w *watched) EndUpload(ctx context.Context, kiosk string, digest [32]byte) error {
	return w.write("that a large request is whole", func() error { return w.Ledger.EndUpload(ctx, kiosk, digest) })
}
