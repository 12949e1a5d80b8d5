package outbox

import (
	"fmt"
	"time"
)

// Doc is the identity of an e-document: the SHA-256 that edoc calls ID.
type Doc = [32]byte

// Owner is a keyed pseudonym of a citizen's identifier. The zero Owner is
// nobody: the request was made without identification.
type Owner = [16]byte

// Epoch is the random name of one life of the file. A file that is created,
// restored or salvaged begins a new one.
type Epoch = [16]byte

// State is where a request stands. Its numbers are stored and sent; they are
// written out, and one that is no longer used stays taken.
//
//	Accepted ─lease→ Sending ─receipt→ Delivered ─receipt→ Registered | Refused
//	   │                                                   │
//	   └─withdraw→ Withdrawn                               └─item→ Answered | Returned | Refused
type State uint8

// The states of a request.
const (
	Accepted   State = 1 // durable here
	Sending    State = 2 // left at least once; no receipt yet
	Delivered  State = 3 // the portal says DURABLE
	Registered State = 4 // the portal says DECIDED: registered
	Refused    State = 5 // the portal or the agency refused it
	Answered   State = 6 // the agency's answer is here
	Returned   State = 7 // returned for correction
	Withdrawn  State = 8 // taken back before it left
)

var stateNames = [...]string{
	Accepted: "accepted", Sending: "sending", Delivered: "delivered", Registered: "registered",
	Refused: "refused", Answered: "answered", Returned: "returned", Withdrawn: "withdrawn",
}

// States are all states, in order.
func States() []State {
	return []State{Accepted, Sending, Delivered, Registered, Refused, Answered, Returned, Withdrawn}
}

// String returns the state's name in the specification.
func (s State) String() string {
	if s >= Accepted && int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// PrintState is where a print job stands, or how it ended. Its numbers are
// stored, in journal entries too.
type PrintState uint8

// The states of a print job.
const (
	Queued   PrintState = 1
	Printing PrintState = 2 // bytes may have gone to the printer
	Printed  PrintState = 3 // the printer confirmed the end of the job
	Unknown  PrintState = 4 // something may have come out; only a marked copy may follow
	Failed   PrintState = 5 // nothing came out, for certain
)

var printNames = [...]string{
	Queued: "queued", Printing: "printing", Printed: "printed", Unknown: "unknown", Failed: "failed",
}

// String returns the print state's name in the specification.
func (s PrintState) String() string {
	if s >= Queued && int(s) < len(printNames) {
		return printNames[s]
	}
	return fmt.Sprintf("print(%d)", uint8(s))
}

// What is printed: PrintJob.Kind.
const (
	PrintReceipt uint8 = 1 // the receipt of an accepted request
	PrintCopy    uint8 = 2 // the certified copy of an answer
)

// Draft is a request to be accepted. Everything is required but Code, Lane,
// Owner, Due and Signature, and one of Sealed and Staged.
type Draft struct {
	Doc            Doc
	Code           string    // tracking code; kept as a hash, never in the clear
	Service        string    // catalogue id, at most 64 bytes
	ServiceVersion int       // 0 or more
	Lang           string    // at most 8 bytes
	Lane           uint8     // 0 is the most urgent
	Owner          Owner     // zero: nobody
	Sealed         []byte    // what travels; 1 byte to MaxSealed
	Staged         *Staged   // in place of Sealed: what Stage made durable
	Claimed        time.Time // by the kiosk's clock
	Due            time.Time // when an answer is due; zero: not known
	Signature      [32]byte  // SHA-256 of the signature value; zero: none
}

// MaxSealed is the most sealed bytes of a request, and MaxItem of Item.Bytes.
const (
	MaxSealed  = 64 << 20
	MaxItem    = 8 << 20
	MaxReceipt = 4 << 10 // bytes of one Receipt.Bytes
)

// Step is a state and when it was entered, by the kiosk's clock or by the
// receipt.
type Step struct {
	State State
	At    time.Time
}

// Request is an accepted request as it stands. It names no one.
type Request struct {
	Epoch          Epoch  // with Seq, its identity for life
	Seq            uint64 // from 1, without gaps in an epoch
	Doc            Doc
	Code           string // only from Accept, and from ByCode; otherwise empty
	Service        string
	ServiceVersion int
	Lang           string
	Lane           uint8
	Owner          Owner
	Claimed, Due   time.Time
	SealedDigest   [32]byte // SHA-256 of the sealed bytes
	Size           int      // of the sealed bytes
	Sent           int64    // of a large one: how much the portal was last known to have

	// Where the journal speaks of it: the entry's index, and the tree right
	// after it, as the paper receipt states them.
	Index, TreeSize int64
	Root            [32]byte

	State State
	Steps []Step // every state it entered, in order

	Receipt PrintState // the print of its receipt that counts; see QueuePrint
	Copy    PrintState // the same of its certified copy; 0: never queued
	Copies  int        // papers of either kind that came out or may have

	DurableReceipt []byte // the portal's receipts, as they came; nil: not yet
	DecidedReceipt []byte
	Item           uint64 // the item that answers it; 0: none yet
}

// Receipted reports whether the portal has the request, by its own receipt.
func (r *Request) Receipted() bool { return r.DurableReceipt != nil || r.DecidedReceipt != nil }

// Record is a request with its sealed bytes, as it travels.
type Record struct {
	Request
	Sealed []byte // nil of a large one: LeaseLarge
}

// Large reports whether the sealed bytes stand in a file of their own and travel in
// chunks.
func (r *Request) Large() bool { return r.Size > MaxInline }

// Receipt is a portal's receipt that the caller has verified. Stage Delivered
// is DURABLE; Registered and Refused are DECIDED.
type Receipt struct {
	Seq   uint64
	Doc   Doc
	Stage State
	At    time.Time // as the receipt says
	Bytes []byte    // as it came; 1 to MaxReceipt bytes
}

// Item is something that came down from the portal, with its place in the
// portal's order for this kiosk.
type Item struct {
	ID    uint64 // rises; 1 or more
	Kind  uint8  // as in wire.md; the outbox only keeps it
	Doc   Doc    // the request it belongs to; zero: none
	Stage State  // Answered, Refused, Returned, or 0: the request's state stays
	At    time.Time
	Bytes []byte // sealed; at most MaxItem; nil only moves the cursor
}

// PrintJob is one paper to be printed.
type PrintJob struct {
	ID     uint64
	Doc    Doc
	Kind   uint8 // PrintReceipt or PrintCopy
	Marked bool  // the paper must say that it is a further copy
	State  PrintState
}

// Stats are figures for screens, health and the fleet view.
type Stats struct {
	ByState      map[State]int // every state is a key
	Unsent       int           // without a receipt, and not withdrawn
	OldestUnsent time.Time     // when the oldest of them was accepted; zero: none
	Prints       int           // print jobs queued or printing
	JournalSize  int64
	Root         [32]byte
	Epoch        Epoch
	Cursor       uint64
	FileBytes    int64    // size of the file
	FreeBytes    int64    // what new requests may still take
	Lost         int      // of Unsent, those whose sealed bytes are gone: nobody can send them
	Large        int      // of the others, those whose sealed bytes stand in files of their own
	LargeBytes   int64    // of those files
	FreeLarge    int64    // what further ones may take
	Alarms       []string // stable codes, the oldest first
}
