// Package outbox keeps what the kiosk accepted until the portal has it, and
// remembers what became of it.
//
// One bbolt file holds requests, their states, their print jobs, what came
// down for them, and the Merkle journal that speaks of all this; whatever
// belongs together becomes durable in one commit. The form of the file and the
// rules are sync/spec/outbox.md.
//
// It is not a transport: sync/uplink leases records from it and hands it the
// portal's receipts after verifying them. It knows no one: what it keeps in
// the clear is digests, pseudonyms, states and times; the rest is sealed
// before it gets here.
package outbox

import (
	"context"
	"errors"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/penjire/penjire/sync/journal"
)

// Sentinel errors, for callers that branch.
var (
	// ErrFull: there is no room for a new request; what is kept for receipts
	// and answers is still there. Nothing was stored.
	ErrFull = errors.New("outbox is full")
	// ErrTooLarge: one value is larger than the outbox takes. Nothing was stored.
	ErrTooLarge = errors.New("too large for the outbox")
	// ErrNotFound: there is no such request, item or job.
	ErrNotFound = errors.New("not in the outbox")
	// ErrSent: the request left once and cannot be recalled.
	ErrSent = errors.New("already sent")
	// ErrWithdrawn: the request was withdrawn.
	ErrWithdrawn = errors.New("withdrawn")
	// ErrMarked: it may have been printed before; only a marked copy may be.
	ErrMarked = errors.New("only a marked copy may be printed")
	// ErrPrintState: the print job is not in the state this step starts from.
	ErrPrintState = errors.New("print job is in another state")
	// ErrMismatch: what was handed in names the same document but contradicts
	// what is stored.
	ErrMismatch = errors.New("contradicts what is stored")
	// ErrDamaged: a stored value does not verify. Open sets such a file aside.
	ErrDamaged = errors.New("stored value is damaged")
	// ErrLocked: another process has the outbox open.
	ErrLocked = errors.New("outbox is in use by another process")
	// ErrClosed: the outbox was closed.
	ErrClosed = errors.New("outbox is closed")
)

// Options are what an outbox is opened with.
type Options struct {
	// Kiosk is the kiosk's id, for example "K-000001"; it is part of the
	// journal's origin. Required; printable ASCII without space, plus and slash.
	Kiosk string
	// Boot names this start of the machine in journal entries. May be empty.
	Boot string
	// Version is the software's version, for the boot entry. May be empty.
	Version string
	// MaxSize limits the file, in bytes; 0 is 256 MiB.
	MaxSize int64
	// Now is the kiosk's clock; nil is time.Now. Its time is recorded and
	// never decides anything.
	Now func() time.Time
	// CheckCommand is run before the file is opened, with the file's path
	// added as its last argument, and exits with what CheckMain returns: some
	// faults of a damaged file kill the process that looks at it. Nil checks
	// in this process, where such a fault cannot be survived.
	CheckCommand []string
}

// Outbox is the durable queue of one kiosk.
//
// Contract:
//   - What writes returns after its commit is on disk; it never waits for a
//     network. Concurrent writers share commits.
//   - A cancelled context gives up the waiting, not the write: the write may
//     still become durable.
//   - An accepted request is leased again and again until a receipt names it.
//     Nothing else removes its sealed bytes, but Withdraw before it left.
//   - All methods may be called from several goroutines.
type Outbox struct {
	path string
	o    Options
	db   *bolt.DB
	w    writer

	mu    sync.RWMutex // guards what is below; held only for memory, never over a commit
	mem   memory
	subs  []chan struct{}
	close sync.Once
	done  error
}

// Accept makes the request durable: its record, its state, the print job of
// its receipt and its journal entry become so in one commit. It returns after
// that.
//
// A document that was accepted before is not accepted again: its request is
// returned as it stands. ErrFull and ErrTooLarge leave nothing behind.
func (o *Outbox) Accept(ctx context.Context, d Draft) (Request, error) {
	return Request{}, ErrClosed
}

// Lease returns the requests that have no receipt, urgent lanes first and
// within a lane the oldest first, up to max of them and about maxBytes of
// sealed bytes (at least one, if there is one). Requests that leave for the
// first time are marked Sending, with a journal entry, and that is durable
// when Lease returns: from then on they cannot be withdrawn.
//
// Until a receipt comes, every Lease returns the same requests again. Zero or
// less for max or maxBytes is no limit of that kind.
func (o *Outbox) Lease(ctx context.Context, max, maxBytes int) ([]Record, error) {
	return nil, ErrClosed
}

// Defer moves requests behind the others of their lanes until the next Open:
// what the portal could not take must not stop what is behind it.
func (o *Outbox) Defer(docs ...Doc) {}

// Withdraw takes back a request that never left: its sealed bytes go, its
// queued print job too. ErrSent after the first lease. Withdrawing twice is
// no error.
func (o *Outbox) Withdraw(ctx context.Context, doc Doc) error { return ErrClosed }

// Receipted stores receipts that the caller has verified. The first receipt of
// a stage is kept; the same again changes nothing. With a receipt the sealed
// bytes of the request are no longer needed and go, in batches.
//
// A receipt for a document that is not here is no error: it raises an alarm.
// One whose sequence is another's is ErrMismatch, and none of the batch is
// stored.
func (o *Outbox) Receipted(ctx context.Context, rs []Receipt) error { return ErrClosed }

// PutItem stores what came down and moves the cursor, in one commit. An item
// at or below the cursor was stored before and changes nothing. An item with
// Stage Answered, Refused or Returned moves its request there. An item without
// Bytes only moves the cursor.
func (o *Outbox) PutItem(ctx context.Context, it Item) error { return ErrClosed }

// Cursor returns the id of the last item stored; 0 before the first.
func (o *Outbox) Cursor() uint64 { return 0 }

// Item returns the last item stored for the document, or ErrNotFound.
func (o *Outbox) Item(ctx context.Context, doc Doc) (Item, error) { return Item{}, ErrClosed }

// Mine returns the requests of one owner, the newest first. The zero Owner has
// none: requests without identification are found by code only.
func (o *Outbox) Mine(ctx context.Context, owner Owner) ([]Request, error) { return nil, ErrClosed }

// Get returns the request of the document, or ErrNotFound.
func (o *Outbox) Get(ctx context.Context, doc Doc) (Request, error) { return Request{}, ErrClosed }

// ByCode returns the request with the tracking code, or ErrNotFound.
func (o *Outbox) ByCode(ctx context.Context, code string) (Request, error) {
	return Request{}, ErrClosed
}

// NextPrint returns the oldest queued print job; false when there is none.
func (o *Outbox) NextPrint(ctx context.Context) (PrintJob, bool, error) {
	return PrintJob{}, false, ErrClosed
}

// StartPrint makes durable that the job is about to be printed: queued becomes
// printing. Only after it may a byte go to the printer. ErrPrintState if the
// job is not queued.
func (o *Outbox) StartPrint(ctx context.Context, id uint64) error { return ErrClosed }

// EndPrint makes durable how a started job ended: Printed, Unknown or Failed
// (nothing came out, for certain), and writes it to the journal. The reason is
// a stable code, empty for Printed. ErrPrintState if the job is not printing.
func (o *Outbox) EndPrint(ctx context.Context, id uint64, s PrintState, reason string) error {
	return ErrClosed
}

// QueuePrint queues one more print of the document. Where a print of the kind
// came out or may have, only a marked one is taken: ErrMarked. Where one is
// queued and not started, that one is returned instead.
func (o *Outbox) QueuePrint(ctx context.Context, doc Doc, kind uint8, marked bool) (PrintJob, error) {
	return PrintJob{}, ErrClosed
}

// Append adds an entry to the journal and returns its index after it is
// durable. A zero At is filled with the clock, an empty Boot with Options.Boot.
func (o *Outbox) Append(ctx context.Context, e journal.Entry) (index int64, err error) {
	return 0, ErrClosed
}

// Head returns the size and root of the journal.
func (o *Outbox) Head() (size int64, root [32]byte) { return 0, root }

// Checkpoint returns the head with its origin, for signing and sending.
func (o *Outbox) Checkpoint() journal.Checkpoint { return journal.Checkpoint{} }

// Entry returns entry number i of the journal, or ErrNotFound.
func (o *Outbox) Entry(ctx context.Context, i int64) (journal.Entry, error) {
	return journal.Entry{}, ErrClosed
}

// Inclusion proves that entry number index is among the first size.
func (o *Outbox) Inclusion(ctx context.Context, index, size int64) ([][32]byte, error) {
	return nil, ErrClosed
}

// Consistency proves that the first old entries begin the first size.
func (o *Outbox) Consistency(ctx context.Context, old, size int64) ([][32]byte, error) {
	return nil, ErrClosed
}

// Stats returns the outbox's figures.
func (o *Outbox) Stats(ctx context.Context) (Stats, error) { return Stats{}, ErrClosed }

// Check verifies the whole file: bbolt's structure, every value's checksum and
// form, that the parts agree with each other, and the journal's hashes.
func (o *Outbox) Check(ctx context.Context) error { return ErrClosed }

// Changes returns a channel that gets a value after something changed; changes
// that nobody took yet are one. Each caller gets a channel of its own, for as
// long as the outbox lives: call it once and keep it.
func (o *Outbox) Changes() <-chan struct{} { return nil }

// Close waits for the writes under way and closes the file.
func (o *Outbox) Close() error { return nil }

// Open opens the outbox in dir and creates both if they are not there.
//
// A file that does not pass the check is set aside under another name, what
// can be saved of it is carried into a new file with a new epoch, and an alarm
// is raised; nothing is deleted. Print jobs found printing become Unknown. A
// boot entry is added to the journal.
func Open(ctx context.Context, dir string, o Options) (*Outbox, error) { return nil, ErrClosed }
