package device

import (
	"context"
	"errors"
)

// Denom is one bill or coin: its worth in the smallest unit of its currency.
type Denom struct {
	Currency string // ISO 4217
	Value    int64
}

// CashKind is what happened at a cash acceptor.
type CashKind string

// What happens. Only CashStacked is money.
const (
	CashEscrow    CashKind = "escrow"    // held, Stack or Return decides
	CashStacked   CashKind = "stacked"   // in the cassette, confirmed by the acceptor
	CashReturned  CashKind = "returned"  // the person has it back
	CashRefused   CashKind = "refused"   // Reason says why
	CashAmbiguous CashKind = "ambiguous" // stacked or not: nobody knows; a person decides by the counters
	CashFull      CashKind = "full"
	CashRemoved   CashKind = "removed" // the cassette
	CashCheated   CashKind = "cheated"
	CashLost      CashKind = "lost" // more coins came than the acceptor remembers
)

// CashEvent is something that happened. Seq counts events from 1 in each run of
// the driver. Bill is the journal's number of the bill or coin, by which it is
// credited once, also when a consumer reads the journal besides.
type CashEvent struct {
	Seq    uint64
	Kind   CashKind
	Denom  Denom  // of escrow, stacked, returned, ambiguous
	Tx     string // that it belongs to; "" when no one was paying
	Bill   uint64 // 0: not in the journal
	Reason string // code of the acceptor's, for the technician
}

// CashJournal keeps what was decided about money before the acceptor is told, and
// what it confirmed. All calls return when it is durable. One journal belongs to
// one acceptor.
type CashJournal interface {
	// Stacking is written before the acceptor is told to take a bill.
	Stacking(ctx context.Context, tx string, d Denom) (bill uint64, err error)
	// Settled is written when it is known what became of the bill: CashStacked,
	// CashReturned, or CashAmbiguous, which a person then decides.
	Settled(ctx context.Context, bill uint64, k CashKind) error
	// Open returns what is not settled: the program or its power ended in between.
	Open(ctx context.Context) ([]CashEvent, error)
}

// CoinJournal is the journal of an acceptor that counts: nobody decides about a
// coin, it has fallen when it is heard of.
type CoinJournal interface {
	CashJournal
	// Coin writes that a coin fell, what that means (CashStacked or
	// CashAmbiguous), and the acceptor's own count after it, all at once.
	Coin(ctx context.Context, tx string, d Denom, k CashKind, count uint8) (bill uint64, err error)
	// Counted writes the count alone: what led to it was no coin.
	Counted(ctx context.Context, count uint8) error
	// Count returns the count written last; ok is false when there was none.
	Count(ctx context.Context) (count uint8, ok bool, err error)
}

// ErrNoJournal is what an acceptor without a journal says: it takes no money.
var ErrNoJournal = errors.New("no journal to write money into")

// Journaled is an acceptor that was opened without a journal, as the registry
// does, and is given one. Until then it says how it is, and nothing moves.
type Journaled interface {
	// UseJournal fails when there is one already, or not one of the kind needed.
	UseJournal(j CashJournal) error
}

// CashAcceptor takes bills or coins.
//
// Contract: it takes nothing outside Start and End. Credit is given on CashStacked
// alone, once for each bill, whatever the acceptor repeats. What is open in the
// journal after a power cut becomes CashAmbiguous unless the acceptor itself says
// what became of it. Money that is inside without having been asked for is
// CashAmbiguous as well.
type CashAcceptor interface {
	Watcher
	// Start lets bills of these denominations in, for the payment tx. It fails
	// with ErrBusy while another payment has not ended.
	Start(ctx context.Context, tx string, denoms []Denom) error
	// Events yields what happens, until ctx ends. An event stays until somebody
	// has received it: nothing is left out, before the first listener or between two.
	Events(ctx context.Context) <-chan CashEvent
	// Stack tells the acceptor to take the bill in escrow, and returns when it
	// obeys; CashStacked follows. Return gives it back; CashReturned follows. Both
	// fail with ErrNoMedia where nothing is in escrow.
	Stack(ctx context.Context) error
	Return(ctx context.Context) error
	// End lets nothing in any more, gives back what is in escrow and waits for
	// what is on its way. The payment has ended also where it fails; then the
	// acceptor is told as soon as it can be reached.
	End(ctx context.Context) error
}
