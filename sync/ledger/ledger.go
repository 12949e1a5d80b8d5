// Package ledger is what the portal remembers: every record a kiosk ever sent
// with the receipt it got, the registry of requests, the agencies' answers, what
// is to go down to each kiosk, and the last journal head of each
// (DESIGN 7 and 8; sync/spec/wire.md; REQUIREMENTS ED-24, ED-25, ED-35).
//
// The package holds the types and the interface. Package sqlite below it is the
// store that needs no set-up, package postgres the one that several portals share;
// package ledgertest is the suite that every store passes.
package ledger

import (
	"context"
	"errors"
	"time"
)

// Doc is the identity of an e-document: SHA-256 of its manifest.
type Doc = [32]byte

// Epoch names one life of a kiosk's outbox file.
type Epoch = [16]byte

// Errors that a caller branches on.
var (
	ErrNotFound = errors.New("not found")
	// ErrAnswered: the request has its one answer, or was refused.
	ErrAnswered = errors.New("already answered")
	// ErrHead: the journal head does not follow from the last one kept.
	ErrHead = errors.New("journal head does not follow from the last one seen")
)

// Ledger is a store. All methods may be called by several goroutines at once.
//
// Contract:
//   - A method that returns nil has made what it says durable: it survives a
//     power cut that follows.
//   - Each method is one transaction: after a failure or a kill nothing of it is
//     there, or all of it.
//   - Records, receipts, answers and publications are never removed: they are
//     kept no shorter than paper would be (ED-13), and no term ends by itself.
//   - What was received is kept as it was received; what was made of it is kept
//     beside it.
//   - A record is known for ever by (kiosk, epoch, sequence, digest, document), by a
//     constraint of the store and not by a look beforehand.
type Ledger interface {
	Uploads
	Enrolment
	Releases
	Settings

	// Intake stores recs and, with each, the receipt made for it. Sign makes one
	// for each that is new, in their order; it is called inside the transaction,
	// once, or again if that begins again, and not at all where nothing is new. A
	// record that is there already with the same digest and document gets its stored receipt.
	// One with the same number and another of either is kept beside the first, raises
	// the alarm "kiosk.fork", and its receipt says so.
	Intake(ctx context.Context, kiosk string, at time.Time, recs []Incoming, sign func(fresh []Incoming, at time.Time) ([][]byte, error)) ([]Outcome, error)

	// Undecided returns up to n records not yet decided whose Place is above after,
	// in that order, which is the one they came in, without those that wait for a
	// dictionary that is not there. One that cannot be decided today is passed by
	// going on after it. Fewer than n come where they are large; none, where there are
	// none.
	Undecided(ctx context.Context, after int64, n int) ([]Record, error)

	// KeepDictionary keeps what envelopes are compressed with, for ever and by its
	// number: one may come years later. What has that number already stays.
	KeepDictionary(ctx context.Context, id uint32, b []byte) error

	// Dictionary returns what KeepDictionary was given. ErrNotFound.
	Dictionary(ctx context.Context, id uint32) ([]byte, error)

	// AwaitDictionary says that a record cannot be decided without that
	// dictionary: it is not among the undecided until it is there. ErrNotFound.
	AwaitDictionary(ctx context.Context, k Key, id uint32) error

	// Decide registers or refuses records of one kiosk, all or none of them,
	// stores their DECIDED receipts and puts these among the kiosk's items, in the
	// order of vs. Sign makes the receipts of those that were not decided before,
	// in that order; it is called as by Intake. Deciding again changes nothing and
	// is no error.
	Decide(ctx context.Context, vs []Verdict, sign func([]Decided) ([][]byte, error)) error

	// Get returns the request with its container. A document that has only been
	// received, or was refused by the portal, is found too. ErrNotFound.
	Get(ctx context.Context, doc Doc) (Request, error)

	// ByCode returns the requests with that tracking code (as edoc.ParseCode
	// gives it): almost always one.
	ByCode(ctx context.Context, code string) ([]Request, error)

	// ByDoc returns the requests whose document's identity begins with prefix, of
	// 8 to 32 bytes: almost always one.
	ByDoc(ctx context.Context, prefix []byte) ([]Request, error)

	// ByAnswer returns the requests whose answer's identity begins with prefix, of
	// 8 to 32 bytes: almost always one.
	ByAnswer(ctx context.Context, prefix []byte) ([]Request, error)

	// ByCheckNumber returns the seals' URLs of the answers with that check number
	// (as edoc.ParseCode gives it): almost always one.
	ByCheckNumber(ctx context.Context, number string) ([]string, error)

	// RevokeSeal revokes the seal of an agency's answer. ErrNotFound where that
	// agency gave no answer with a seal; ErrRevoked where it is revoked already:
	// the first revocation stays.
	RevokeSeal(ctx context.Context, r Revocation) error

	// RevokedSeals returns every revocation, the first one first.
	RevokedSeals(ctx context.Context) ([]Revocation, error)

	// List returns requests without their containers: what is due first is first.
	List(ctx context.Context, f Filter) ([]Request, error)

	// Counts returns how many requests there are in each state.
	Counts(ctx context.Context) (map[State]int, error)

	// Assign gives a registered request to an officer. ErrNotFound, ErrAnswered.
	Assign(ctx context.Context, doc Doc, officer string) error

	// Answer stores the one answer and the item that carries it to the kiosk.
	// ErrNotFound for what is not registered; ErrAnswered for a second answer. A
	// seal without its check number, or the other way round, is refused.
	Answer(ctx context.Context, doc Doc, a Answer) error

	// Broadcast puts a catalogue or trust bundle among the items of every kiosk,
	// in place of older versions of its kind. A version not above the last one is
	// refused.
	Broadcast(ctx context.Context, kind uint8, version uint64, at time.Time, b []byte) error

	// Broadcasted returns the last version of a kind. ErrNotFound.
	Broadcasted(ctx context.Context, kind uint8) (version uint64, b []byte, err error)

	// Published returns the version of a kind that was in force at that time.
	// ErrNotFound, if there was none or it is older than this ledger's memory.
	Published(ctx context.Context, kind uint8, at time.Time) (Publication, error)

	// PublishedVersion returns one version of a kind. ErrNotFound.
	PublishedVersion(ctx context.Context, kind uint8, version uint64) (Publication, error)

	// Items returns up to n items for the kiosk with an ID above after, in order.
	Items(ctx context.Context, kiosk string, after uint64, n int) ([]Item, error)

	// Acked notes that the kiosk said at that time that it has stored everything
	// up to the item with that ID.
	Acked(ctx context.Context, kiosk string, id uint64, at time.Time) error

	// Surpass has every item that the kiosk has not acked stand above that ID, and
	// gives no ID up to it from now on. It is for a ledger that was put back to an
	// older state and whose clock has gone back since: the kiosk has stored IDs that
	// are still to come (WIRE-SES-20). It says whether that is so: else nothing changes.
	Surpass(ctx context.Context, kiosk string, id uint64) (behind bool, err error)

	// RecordsAfter returns the numbers, in this ledger, of up to n records above
	// after, in order; 0 is before the first.
	RecordsAfter(ctx context.Context, after uint64, n int) ([]uint64, error)

	// StoredRecord returns the record with that number. ErrNotFound.
	StoredRecord(ctx context.Context, number uint64) (Stored, error)

	// BroughtBy returns the record that brought a registered document. ErrNotFound.
	BroughtBy(ctx context.Context, doc Doc) (Stored, error)

	// DocsAfter returns up to n registered documents with a number above after, in
	// the order they were registered in; 0 is before the first. The numbers are
	// for one walk: they may be others tomorrow.
	DocsAfter(ctx context.Context, after uint64, n int) ([]NumberedDoc, error)

	// Head returns the last head of the kiosk's journal in that epoch; the zero
	// Head if there is none.
	Head(ctx context.Context, kiosk string, e Epoch) (Head, error)

	// SetHead keeps h if the last head is still the one that consistency was
	// proved against; ErrHead if not, or if h is smaller than it.
	SetHead(ctx context.Context, kiosk string, e Epoch, proved Head, h Head) error

	// StampHead gives a kept head without a stamp its note and stamp. One that has
	// a stamp keeps it. ErrNotFound.
	StampHead(ctx context.Context, kiosk string, e Epoch, size int64, note, stamp []byte) error

	// HeadOver returns the first head kept that covers entry number index of that
	// epoch's journal. ErrNotFound.
	HeadOver(ctx context.Context, kiosk string, e Epoch, index int64) (Head, error)

	// Epochs returns the epochs of the kiosk's journals of which a head was kept.
	Epochs(ctx context.Context, kiosk string) ([]Epoch, error)

	// Taken returns how many records of that epoch were taken, forks not counted,
	// and the highest sequence among them.
	Taken(ctx context.Context, kiosk string, e Epoch) (n int64, last uint64, err error)

	// Raise keeps an alarm; the same kiosk and code within an hour is one alarm.
	Raise(ctx context.Context, a Alarm) error

	// Alarms returns the last n alarms, newest first.
	Alarms(ctx context.Context, n int) ([]Alarm, error)

	// Visited notes that a kiosk connected. One that comes with another epoch than
	// the last time raises AlarmReplaced.
	Visited(ctx context.Context, kiosk string, v Visit) error

	// Kiosks returns every kiosk ever seen, by ID.
	Kiosks(ctx context.Context) ([]Kiosk, error)

	// Traffic returns what the kiosk brought, by the hour, from the hour of since
	// on; kiosk "": what every kiosk that was ever seen brought. Intake counts it in
	// its transaction. In the order of kiosk and hour.
	Traffic(ctx context.Context, kiosk string, since time.Time) ([]Traffic, error)

	// Check reads everything and tells what does not agree.
	Check(ctx context.Context) error

	// Close lets go of the store.
	Close() error
}
