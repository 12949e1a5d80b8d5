// Package till is what all cash acceptors' drivers share: the events of money,
// kept until somebody has them, and the rule that a journal comes first.
package till

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// Log keeps events until somebody has received them. The zero Log is ready.
type Log struct {
	news link.Watch

	mu      sync.Mutex
	seq     uint64
	kept    []device.CashEvent // kept[0] has number first
	first   uint64
	readers map[*reader]struct{}
}

// reader is one call of Events.
type reader struct{ next uint64 }

// Add numbers e and keeps it.
func (l *Log) Add(e device.CashEvent) {
	l.mu.Lock()
	l.seq++
	e.Seq = l.seq
	if len(l.kept) == 0 {
		l.first = e.Seq
	}
	l.kept = append(l.kept, e)
	l.mu.Unlock()
	l.news.Wake()
}

// Events implements device.CashAcceptor.
func (l *Log) Events(ctx context.Context) <-chan device.CashEvent {
	out := make(chan device.CashEvent)
	r := &reader{}
	l.mu.Lock()
	r.next = l.seq + 1
	if len(l.kept) > 0 {
		r.next = l.first
	}
	if l.readers == nil {
		l.readers = map[*reader]struct{}{}
	}
	l.readers[r] = struct{}{}
	l.mu.Unlock()
	go func() {
		defer close(out)
		defer l.leave(r)
		for {
			news := l.news.Next()
			e, ok := l.at(r.next)
			if !ok {
				select {
				case <-news:
				case <-ctx.Done():
					return
				}
				continue
			}
			select {
			case out <- e:
				l.received(r)
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

func (l *Log) at(n uint64) (device.CashEvent, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) == 0 || n < l.first || n >= l.first+uint64(len(l.kept)) {
		return device.CashEvent{}, false
	}
	return l.kept[n-l.first], true
}

// received moves r on and forgets what every reader has.
func (l *Log) received(r *reader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.next++
	least := r.next
	for o := range l.readers {
		least = min(least, o.next)
	}
	if n := int(least - l.first); n > 0 && n <= len(l.kept) {
		l.kept, l.first = append([]device.CashEvent(nil), l.kept[n:]...), least
	}
}

// leave forgets r. What it alone had not received stays for the next one.
func (l *Log) leave(r *reader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.readers, r)
}

// Book is the journal of an acceptor, which may come later than the acceptor.
type Book[J device.CashJournal] struct {
	mu   sync.Mutex
	j    J
	have bool
}

// Use gives the book its journal.
func (b *Book[J]) Use(j device.CashJournal) error {
	right, ok := j.(J)
	if !ok {
		return fmt.Errorf("till: journal %T is not of the kind this acceptor needs: %w", j, device.ErrUnsupported)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.have {
		return errors.New("till: acceptor has a journal already")
	}
	b.j, b.have = right, true
	return nil
}

// Journal returns the journal, or false while there is none.
func (b *Book[J]) Journal() (J, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.j, b.have
}
