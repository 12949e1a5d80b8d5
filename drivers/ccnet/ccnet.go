// Package ccnet drives bill validators that speak CCNET: CashCode SM, MSM and MVU,
// Creator C100, ICT in that mode. It decides about no bill: it says what is in
// escrow, does what it is told, and writes into a journal before money moves.
//
// # Reference
//
// CashCode, "CashCode NET Interface", MAN_CCNET rev. 2.3.1 (2002): frames 2, bill
// validators 5. Bar codes, recycling and firmware are left out.
package ccnet

import (
	"context"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/call"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/till"
)

// Opts are a validator's settings. Zero values are the defaults.
type Opts struct {
	Journal   device.CashJournal // nil: UseJournal brings it
	Poll      time.Duration      // between questions; 0: 150 ms
	Reopen    time.Duration      // between tries to open the port; 0: 300 ms
	Settle    time.Duration      // that End waits for a bill on its way; 0: 20 s
	Countries map[string]string  // currency of a country in the bill table; nil: TKM is TMT
	Unit      int64              // smallest units in one of the currency; 0: 100
}

// Dev is a bill validator. It opens its port by itself, again and again, and is
// disabled whenever no payment is under way.
type Dev struct {
	till.Desk[device.CashJournal]
	port link.Port
	o    Opts

	own *call.Owner

	// Of the goroutine that owns the line; they outlive a session.
	now      *session       // nil while there is no line
	lost     error          // why there is none
	table    []device.Denom // by type
	pay      *payment
	escrow   *bill // held; nobody has decided, or it goes back
	stacking *bill // in the journal, and not settled
	resumed  bool  // the journal was asked for what an earlier run left
}

// payment is what bills are let in for.
type payment struct {
	tx   string
	mask [3]byte
}

// bill is one bill on its way.
type bill struct {
	denom  device.Denom
	tx     string
	number uint64 // in the journal
	inHead bool   // power came back with it in the head
	polls  int    // that did not fit what was ordered
}

var (
	_ device.CashAcceptor = (*Dev)(nil)
	_ device.Journaled    = (*Dev)(nil)
)

// New returns the validator on port and starts looking for it. It does not wait
// for it: Health says when it is there.
func New(port link.Port, o Opts) (*Dev, error) {
	if o.Poll < 0 || o.Reopen < 0 || o.Settle < 0 || o.Unit < 0 {
		return nil, fmt.Errorf("ccnet: validator on %v: got a negative number in %+v", port, o)
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Poll, 150*time.Millisecond)
	def(&o.Reopen, 300*time.Millisecond)
	def(&o.Settle, 20*time.Second)
	if o.Unit == 0 {
		o.Unit = 100
	}
	if o.Countries == nil {
		o.Countries = map[string]string{"TKM": "TMT"}
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
func (d *Dev) String() string { return "CCNET validator on " + d.port.String() }

// Halt implements conn.Resource. It disables the validator, where it can be
// reached, and returns when the port is closed.
func (d *Dev) Halt() error { return d.own.Halt() }

// Start implements device.CashAcceptor.
func (d *Dev) Start(ctx context.Context, tx string, denoms []device.Denom) error {
	return d.call(ctx, "start", func(ctx context.Context) error { return d.now.start(ctx, tx, denoms) })
}

// Stack implements device.CashAcceptor.
func (d *Dev) Stack(ctx context.Context) error {
	return d.call(ctx, "stack", func(ctx context.Context) error { return d.now.stack(ctx) })
}

// Return implements device.CashAcceptor.
func (d *Dev) Return(ctx context.Context) error {
	return d.call(ctx, "return", func(ctx context.Context) error { return d.now.giveBack(ctx) })
}

// End implements device.CashAcceptor.
func (d *Dev) End(ctx context.Context) error {
	return d.call(ctx, "end", func(ctx context.Context) error { return d.now.end(ctx) })
}

// call has f done by the goroutine that owns the line, while there is one.
func (d *Dev) call(ctx context.Context, op string, f func(ctx context.Context) error) error {
	return call.Told(d.String(), op, d.own.Calls.Do(ctx, func(ctx context.Context) error {
		if d.now != nil {
			return f(ctx)
		}
		if op != "end" || d.pay == nil {
			return call.Failed(device.SideEffectNo, d.lost)
		}
		d.pay = nil // it is told when it is back
		return call.Failed(device.SideEffectUnknown, d.lost)
	}))
}
