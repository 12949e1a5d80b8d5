package device

import "context"

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

// CashEvent is something that happened, in order of Seq.
type CashEvent struct {
	Seq    uint64
	Kind   CashKind
	Denom  Denom  // of escrow, stacked, returned, ambiguous
	Tx     string // that it belongs to; "" when no one was paying
	Reason string // code of the acceptor's, for the technician
}

// CashJournal keeps what was decided about money before the acceptor is told, and
// what it confirmed. Both return when it is durable.
type CashJournal interface {
	// Stacking is written before the acceptor is told to take a bill.
	Stacking(ctx context.Context, tx string, d Denom) (seq uint64, err error)
	// Settled is written when it is known what became of seq.
	Settled(ctx context.Context, seq uint64, k CashKind) error
	// Open returns what is not settled: the program or its power ended in between.
	Open(ctx context.Context) ([]CashEvent, error)
}

// CashAcceptor takes bills or coins.
//
// Contract: it takes nothing outside Start and End. Credit is given on CashStacked
// alone, once for each bill, whatever the acceptor repeats. What is open in the
// journal after a power cut stays CashAmbiguous unless the acceptor itself says
// what became of it.
type CashAcceptor interface {
	Watcher
	// Start lets bills of these denominations in, for the payment tx.
	Start(ctx context.Context, tx string, denoms []Denom) error
	// Events yields what happens, until ctx ends; nothing is left out.
	Events(ctx context.Context) <-chan CashEvent
	// Stack takes the bill in escrow, Return gives it back.
	Stack(ctx context.Context) error
	Return(ctx context.Context) error
	// End lets nothing in any more, and gives back what is in escrow.
	End(ctx context.Context) error
}
