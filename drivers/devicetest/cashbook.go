package devicetest

import (
	"context"
	"fmt"
	"sync"

	"github.com/penjire/penjire/drivers/device"
)

// CashBook is a journal in memory that can fail on order. It outlives the drivers
// that write into it, as a disk does.
type CashBook struct {
	mu       sync.Mutex
	entries  []device.CashEvent // Kind "" while open
	count    uint8
	counted  bool
	stacking error // what Stacking and Coin fail with
	settled  error // what Settled fails with
	twice    []string
}

var _ device.CoinJournal = (*CashBook)(nil)

// FailStacking has everything that begins an entry fail with err; nil: no more.
func (b *CashBook) FailStacking(err error) { b.mu.Lock(); defer b.mu.Unlock(); b.stacking = err }

// FailSettled has Settled fail with err; nil: no more.
func (b *CashBook) FailSettled(err error) { b.mu.Lock(); defer b.mu.Unlock(); b.settled = err }

// Stacking implements device.CashJournal.
func (b *CashBook) Stacking(ctx context.Context, tx string, d device.Denom) (uint64, error) {
	return b.add(ctx, tx, d, "")
}

func (b *CashBook) add(ctx context.Context, tx string, d device.Denom, k device.CashKind) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stacking != nil {
		return 0, b.stacking
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	n := uint64(len(b.entries) + 1)
	b.entries = append(b.entries, device.CashEvent{Seq: n, Bill: n, Tx: tx, Denom: d, Kind: k})
	return n, nil
}

// Settled implements device.CashJournal.
func (b *CashBook) Settled(_ context.Context, bill uint64, k device.CashKind) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.settled != nil {
		return b.settled
	}
	if bill == 0 || bill > uint64(len(b.entries)) {
		return fmt.Errorf("bill %d is not in the book", bill)
	}
	e := &b.entries[bill-1]
	if e.Kind != "" {
		b.twice = append(b.twice, fmt.Sprintf("bill %d was %s, and is written as %s", bill, e.Kind, k))
	}
	e.Kind = k
	return nil
}

// Open implements device.CashJournal.
func (b *CashBook) Open(context.Context) ([]device.CashEvent, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []device.CashEvent
	for _, e := range b.entries {
		if e.Kind == "" {
			e.Kind = device.CashAmbiguous
			out = append(out, e)
		}
	}
	return out, nil
}

// Coin implements device.CoinJournal.
func (b *CashBook) Coin(ctx context.Context, tx string, d device.Denom, k device.CashKind, count uint8) (uint64, error) {
	n, err := b.add(ctx, tx, d, k)
	if err == nil {
		err = b.Counted(ctx, count)
	}
	return n, err
}

// Counted implements device.CoinJournal.
func (b *CashBook) Counted(_ context.Context, count uint8) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count, b.counted = count, true
	return nil
}

// Count implements device.CoinJournal.
func (b *CashBook) Count(context.Context) (uint8, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count, b.counted, nil
}

// Entries returns what is in the book, oldest first.
func (b *CashBook) Entries() []device.CashEvent {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]device.CashEvent(nil), b.entries...)
}
