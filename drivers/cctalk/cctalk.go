// Package cctalk drives coin acceptors that speak ccTalk. A coin is not held in
// escrow: when it is heard of it has fallen, and is credited by the acceptor's own
// count of events, once however often it is told.
//
// # Reference
//
// Money Controls, "ccTalk Generic Specification", issue 4.7, parts 1 to 3. Encryption
// and bill validators (headers 159 and 154) are left out.
package cctalk

import (
	"context"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/call"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/till"
)

// Opts are an acceptor's settings. Zero values are the defaults.
type Opts struct {
	Journal   device.CoinJournal // nil: UseJournal brings it
	Address   byte               // 0: 2, the usual one of a coin acceptor
	Check     Check
	Poll      time.Duration     // between questions; 0: 150 ms
	Reopen    time.Duration     // between tries to open the port; 0: 300 ms
	Settle    time.Duration     // that a coin may still fall after End; 0: 600 ms
	Countries map[string]string // currency of a country in a coin's name; nil: TM is TMT
}

// Dev is a coin acceptor. It opens its port by itself, again and again, and is
// inhibited whenever no payment is under way.
//
// Contract, beyond [device.CashAcceptor]: an acceptor that has lost its count during a
// payment, or counted more than the five events it remembers, is told as CashLost.
type Dev struct {
	till.Desk[device.CoinJournal]
	port link.Port
	o    Opts

	own *call.Owner

	// Of the goroutine that owns the line; they outlive a session.
	now  *session
	lost error
	pay  *payment
}

// payment is what coins are let in for.
type payment struct {
	tx   string
	mask uint16
}

var (
	_ device.CashAcceptor = (*Dev)(nil)
	_ device.Journaled    = (*Dev)(nil)
)

// New returns the acceptor on port and starts looking for it. It does not wait for
// it: Health says when it is there.
func New(port link.Port, o Opts) (*Dev, error) {
	if o.Poll < 0 || o.Reopen < 0 || o.Settle < 0 || o.Address == hostAddress || o.Check < Sum || o.Check > CRC {
		return nil, fmt.Errorf("cctalk: acceptor on %v: got a negative time, the host's address or no check in %+v", port, o)
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Poll, 150*time.Millisecond)
	def(&o.Reopen, 300*time.Millisecond)
	def(&o.Settle, 600*time.Millisecond)
	if o.Address == 0 {
		o.Address = 2
	}
	if o.Countries == nil {
		o.Countries = map[string]string{"TM": "TMT"}
	}
	d := &Dev{port: port, o: o, own: call.NewOwner(), lost: device.ErrUnplugged}
	if o.Journal != nil {
		if err := d.UseJournal(o.Journal); err != nil {
			return nil, err
		}
	}
	d.own.Go(d.run)
	return d, nil
}

// String implements conn.Resource.
func (d *Dev) String() string { return "ccTalk acceptor on " + d.port.String() }

// Halt implements conn.Resource. It inhibits the acceptor, where it can be reached,
// and returns when the port is closed.
func (d *Dev) Halt() error { return d.own.Halt() }

// Start implements device.CashAcceptor.
func (d *Dev) Start(ctx context.Context, tx string, denoms []device.Denom) error {
	return d.call(ctx, "start", func(ctx context.Context) error {
		if d.now == nil {
			return call.Failed(device.SideEffectNo, d.lost)
		}
		return d.now.start(ctx, tx, denoms)
	})
}

// Stack implements device.CashAcceptor: nothing is ever in escrow.
func (d *Dev) Stack(ctx context.Context) error { return d.nothingHeld(ctx, "stack") }

// Return implements device.CashAcceptor: nothing is ever in escrow.
func (d *Dev) Return(ctx context.Context) error { return d.nothingHeld(ctx, "return") }

func (d *Dev) nothingHeld(ctx context.Context, op string) error {
	return d.call(ctx, op, func(context.Context) error { return call.Failed(device.SideEffectNo, device.ErrNoMedia) })
}

// End implements device.CashAcceptor.
func (d *Dev) End(ctx context.Context) error {
	return d.call(ctx, "end", func(ctx context.Context) error {
		switch {
		case d.now != nil:
			return d.now.end(ctx)
		case d.pay == nil:
			return call.Failed(device.SideEffectNo, d.lost)
		}
		d.pay = nil // it is told when it is back
		return call.Failed(device.SideEffectUnknown, d.lost)
	})
}

// call has f done by the goroutine that owns the line.
func (d *Dev) call(ctx context.Context, op string, f func(ctx context.Context) error) error {
	return call.Told(d.String(), op, d.own.Calls.Do(ctx, f))
}
