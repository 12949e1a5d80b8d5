package ccnet_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/penjire/penjire/drivers/ccnet"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	emu "github.com/penjire/penjire/drivers/emulator/ccnet"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// lies about money, in the ways that were met in the field.
var lies = map[string]func(l *liar){
	"credits at escrow":           func(l *liar) { l.also = map[device.CashKind]device.CashKind{device.CashEscrow: device.CashStacked} },
	"credits what is repeated":    func(l *liar) { l.also = map[device.CashKind]device.CashKind{device.CashStacked: device.CashStacked} },
	"credits what nobody knows":   func(l *liar) { l.also = map[device.CashKind]device.CashKind{device.CashAmbiguous: device.CashStacked} },
	"writes after it has stacked": func(l *liar) { l.late = true },
	"does not write at all":       func(l *liar) { l.forgets = true },
	"lets in after the end":       func(l *liar) { l.endless = true },
}

// liar is an honest driver with a liar before it, and a forger of journals behind.
type liar struct {
	device.CashAcceptor
	also    map[device.CashKind]device.CashKind // events told besides
	endless bool
	forger
}

// forger keeps a journal as a liar wants it.
type forger struct {
	device.CoinJournal
	late    bool // writes when all is over
	forgets bool
	mu      sync.Mutex
	kept    map[uint64]device.CashEvent
}

func (l *liar) Events(ctx context.Context) <-chan device.CashEvent {
	out := make(chan device.CashEvent)
	go func() {
		defer close(out)
		send := func(e device.CashEvent) {
			select {
			case out <- e:
			case <-ctx.Done():
			}
		}
		for e := range l.CashAcceptor.Events(ctx) {
			send(e)
			if k, ok := l.also[e.Kind]; ok {
				e.Kind = k
				send(e)
			}
		}
	}()
	return out
}

func (l *liar) End(ctx context.Context) error {
	if l.endless {
		return nil
	}
	return l.CashAcceptor.End(ctx)
}

func (l *forger) Stacking(ctx context.Context, tx string, d device.Denom) (uint64, error) {
	if !l.late && !l.forgets {
		return l.CoinJournal.Stacking(ctx, tx, d)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	n := uint64(len(l.kept) + 1)
	l.kept[n] = device.CashEvent{Tx: tx, Denom: d}
	return n, nil
}

func (l *forger) Settled(ctx context.Context, bill uint64, k device.CashKind) error {
	if l.forgets {
		return nil
	}
	if l.late {
		l.mu.Lock()
		e := l.kept[bill]
		l.mu.Unlock()
		if _, err := l.CoinJournal.Stacking(ctx, e.Tx, e.Denom); err != nil {
			return err
		}
	}
	return l.CoinJournal.Settled(ctx, bill, k)
}

// inMemory is a validator over a pipe, and its driver, with a liar between where the
// test is about one.
func inMemory(t *testing.T, j device.CoinJournal) devicetest.CashRig {
	v := emu.New(emu.Manats, 1)
	s := linktest.Plug(t, "validator", v)
	lie, ok := lies[devicetest.Lie()]
	if !ok {
		return rig(t, s, ccnet.Opts{Journal: j}, hands{v, s.Unplug, s.Replug})
	}
	l := &liar{forger: forger{CoinJournal: j, kept: map[uint64]device.CashEvent{}}}
	lie(l)
	r := rig(t, s, ccnet.Opts{Journal: &l.forger}, hands{v, s.Unplug, s.Replug})
	l.CashAcceptor = r.Dev
	r.Dev = l
	return r
}

func TestSuite(t *testing.T) { devicetest.Cash(t, devicetest.Faked, inMemory) }

func TestLiarsAreCaught(t *testing.T) {
	devicetest.Caught(t, "TestSuite", slices.Collect(maps.Keys(lies))...)
}
