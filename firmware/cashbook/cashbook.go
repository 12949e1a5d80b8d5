// Package cashbook is the journal of one cash acceptor: what was decided about each
// bill before the acceptor was told, and what it confirmed. It is the only place
// that says how much was paid; events are how one hears of it sooner.
//
// It is a file of its own beside the outbox, not a bucket in it: money goes in
// before there is a request to pay for, and has to be accounted for also when there
// never is one.
//
// # Format
//
// Lines, one for each entry, only ever appended and flushed before a call returns:
//
//	crc-32c in 8 hexadecimal digits, a space, the entry as JSON, a newline
//
// A last line that is not whole was never confirmed to anyone, and is cut off. A
// line that is damaged before the last one is damage: the file is not opened.
package cashbook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/drivers/device"
)

// Errors that callers branch on.
var (
	ErrDamaged = errors.New("cash book is damaged")
	ErrInUse   = errors.New("cash book is in use by another program")
	ErrBroken  = errors.New("cash book could not be written and must be opened anew")
)

// Book is an open cash book.
//
// Contract, beyond [device.CoinJournal]: a call that returned nil is on the disk. A
// call that failed may be there as well; it then stands open after the next Open.
// Once the disk has refused a flush, nobody knows what it holds, and every call fails
// with ErrBroken.
type Book struct {
	mu     sync.Mutex
	f      *os.File
	size   int64
	broken error
	state  state
}

var _ device.CoinJournal = (*Book)(nil)

// Open opens the book at path, or makes it.
func Open(path string) (*Book, error) {
	b, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("cashbook: open %s: %w", path, err)
	}
	return b, nil
}

func open(path string) (_ *Book, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	b := &Book{f: f, state: newState()}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInUse, err)
	}
	all, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	whole, err := b.state.read(all)
	if err != nil {
		return nil, err
	}
	b.size = int64(whole)
	if whole < len(all) {
		if err := f.Truncate(b.size); err != nil {
			return nil, err
		}
	}
	if whole > 0 && all[whole-1] != '\n' {
		if _, err := f.WriteAt([]byte{'\n'}, b.size); err != nil {
			return nil, err
		}
		b.size++
	}
	// What was read may not be on the disk yet, nor the file's name.
	if err := f.Sync(); err != nil {
		return nil, err
	}
	return b, syncFolder(filepath.Dir(path))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Close closes the book.
func (b *Book) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken == nil {
		b.broken = os.ErrClosed
	}
	return b.f.Close()
}

// write checks e against what is known, appends it, flushes, and takes it in.
func (b *Book) write(ctx context.Context, e Entry) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return 0, fmt.Errorf("cashbook: %w: %w", ErrBroken, b.broken)
	}
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("cashbook: %w", err)
	}
	if e.Act == Stacking || e.Act == Coin {
		e.Bill = b.state.next
	}
	if err := b.state.check(e); err != nil {
		return 0, fmt.Errorf("cashbook: %w", err)
	}
	line, err := e.line()
	if err != nil {
		return 0, fmt.Errorf("cashbook: %w", err)
	}
	if _, err := b.f.WriteAt(line, b.size); err != nil {
		// A part of it may stand there: the next line would follow it.
		if terr := b.f.Truncate(b.size); terr != nil {
			b.broken = errors.Join(err, terr)
		}
		return 0, fmt.Errorf("cashbook: write: %w", err)
	}
	if err := b.f.Sync(); err != nil {
		b.broken = err
		return 0, fmt.Errorf("cashbook: flush: %w", err)
	}
	b.size += int64(len(line))
	b.state.take(e)
	return e.Bill, nil
}

// Stacking implements device.CashJournal.
func (b *Book) Stacking(ctx context.Context, tx string, d device.Denom) (uint64, error) {
	return b.write(ctx, Entry{Act: Stacking, Tx: tx, Currency: d.Currency, Value: d.Value})
}

// Settled implements device.CashJournal.
func (b *Book) Settled(ctx context.Context, bill uint64, k device.CashKind) error {
	_, err := b.write(ctx, Entry{Act: Settled, Bill: bill, Kind: k})
	return err
}

// Coin implements device.CoinJournal.
func (b *Book) Coin(ctx context.Context, tx string, d device.Denom, k device.CashKind, count uint8) (uint64, error) {
	return b.write(ctx, Entry{Act: Coin, Tx: tx, Currency: d.Currency, Value: d.Value, Kind: k, Count: &count})
}

// Counted implements device.CoinJournal.
func (b *Book) Counted(ctx context.Context, count uint8) error {
	_, err := b.write(ctx, Entry{Act: Counted, Count: &count})
	return err
}

// Decide is a person's word about a bill that is ambiguous: CashStacked or
// CashReturned.
func (b *Book) Decide(ctx context.Context, bill uint64, k device.CashKind) error {
	_, err := b.write(ctx, Entry{Act: Decided, Bill: bill, Kind: k})
	return err
}

// Open implements device.CashJournal.
func (b *Book) Open(context.Context) ([]device.CashEvent, error) {
	return b.bills(func(e device.CashEvent) bool { return e.Kind == "" }), nil
}

// Count implements device.CoinJournal.
func (b *Book) Count(context.Context) (uint8, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.count == nil {
		return 0, false, nil
	}
	return *b.state.count, true, nil
}

// Ambiguous returns what a person has to decide about.
func (b *Book) Ambiguous() []device.CashEvent {
	return b.bills(func(e device.CashEvent) bool { return e.Kind == device.CashAmbiguous })
}

// Paid returns what was paid for tx, bill by bill. What is open or ambiguous is not
// among it.
func (b *Book) Paid(tx string) []device.CashEvent {
	return b.bills(func(e device.CashEvent) bool { return e.Tx == tx && e.Kind == device.CashStacked })
}

// bills returns those that want accepts; one that stands open is called ambiguous.
func (b *Book) bills(want func(device.CashEvent) bool) []device.CashEvent {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []device.CashEvent
	for n := uint64(1); n < b.state.next; n++ {
		e := b.state.bills[n]
		if !want(e) {
			continue
		}
		if e.Kind == "" {
			e.Kind = device.CashAmbiguous
		}
		out = append(out, e)
	}
	return out
}
