package till

import (
	"context"
	"errors"
	"sync"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// Desk is what callers see of an acceptor, whatever it speaks: its health, its name,
// its events, and where it is given its journal. Drivers embed it.
type Desk[J device.CashJournal] struct {
	book  Book[J]
	log   Log
	watch link.Watch

	mu     sync.Mutex
	health device.Health
	ident  string
}

// Health implements device.Device.
func (d *Desk[J]) Health() device.Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.health == "" {
		return device.Starting
	}
	return d.health
}

// Identity returns what the acceptor says of itself: maker, part or serial number, or
// "" as long as it has not.
func (d *Desk[J]) Identity() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ident
}

// Changes implements device.Watcher.
func (d *Desk[J]) Changes(ctx context.Context) <-chan struct{} { return d.watch.Channel(ctx) }

// UseJournal implements device.Journaled.
func (d *Desk[J]) UseJournal(j device.CashJournal) error { return d.book.Use(j) }

// Events implements device.CashAcceptor.
func (d *Desk[J]) Events(ctx context.Context) <-chan device.CashEvent { return d.log.Events(ctx) }

// Journal returns the desk's journal, or false while there is none.
func Journal[J device.CashJournal](d *Desk[J]) (J, bool) { return d.book.Journal() }

// Tell adds an event.
func Tell[J device.CashJournal](d *Desk[J], e device.CashEvent) { d.log.Add(e) }

// SetHealth sets the health, and wakes who watches if that changes it.
func SetHealth[J device.CashJournal](d *Desk[J], h device.Health) {
	d.mu.Lock()
	same := d.health == h
	d.health = h
	d.mu.Unlock()
	if !same {
		d.watch.Wake()
	}
}

// Lost notes why an acceptor cannot be used.
func Lost[J device.CashJournal](d *Desk[J], err error) {
	if errors.Is(err, device.ErrUnplugged) {
		SetHealth(d, device.NoDevice)
		return
	}
	SetHealth(d, device.HardwareError)
}

// SetIdentity notes what the acceptor says of itself.
func SetIdentity[J device.CashJournal](d *Desk[J], s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ident = s
}
