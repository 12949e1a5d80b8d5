// Package ledger is what the portal remembers: every record a kiosk ever sent
// with the receipt it got, the registry of requests, the agencies' answers, what
// is to go down to each kiosk, and the last journal head of each
// (DESIGN 7 and 8; sync/spec/wire.md; REQUIREMENTS ED-24, ED-25, ED-35).
//
// The package holds the types and the interface. Package sqlite below it is the
// store that needs no set-up; package ledgertest is the suite that every store
// passes.
package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/penjire/penjire/sync/citizen"
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

// State is where a request stands. The words are stored and shown in the API.
type State string

// The states of a request at the portal.
const (
	Received   State = "received"   // durable, not yet opened
	Registered State = "registered" // verified and with its agency
	Refused    State = "refused"    // by the portal (Reason says why) or by the agency (there is an answer)
	Answered   State = "answered"
	Returned   State = "returned" // for correction
)

// States lists the states in the order of a request's life.
var States = []State{Received, Registered, Answered, Returned, Refused}

// Finding is one of the separate answers of a verification, as edoc gives it.
type Finding struct {
	Verdict string `json:"verdict"` // "yes", "no" or "unknown"
	Reason  string `json:"reason"`  // stable code; empty where there is nothing to say
}

// Facts are the facts of the verification that the portal made at intake. They
// name nobody: who signed is in Request.Signer.
type Facts struct {
	Whole         Finding       `json:"whole"`
	Signer        Finding       `json:"signer"`
	Revocation    Finding       `json:"revocation"`
	Claimed       time.Time     `json:"claimed"`
	Trusted       time.Time     `json:"trusted,omitzero"` // zero: only claimed
	RevocationAge time.Duration `json:"revocation_age"`   // how old the knowledge of revocations was
	Provisional   bool          `json:"provisional"`      // could still change with newer knowledge
}

// Incoming is one record as a kiosk sent it. Digest is SHA-256 of Sealed, and
// the caller has checked that it is.
type Incoming struct {
	Epoch   Epoch
	Seq     uint64
	Doc     Doc    // as the kiosk claims; proved only when it is opened
	Code    string // tracking code, as far as Doc tells; Decision.Code replaces it
	Service string
	Lang    string
	Claimed time.Time
	Channel string    // by which it came in: ChannelKiosk …
	Sent    time.Time // when the sender could no longer recall it (ED-24.2); zero: not known
	Digest  [32]byte
	Sealed  []byte
	// Fork is set by Intake before it asks for the receipt: another record with
	// the same kiosk, epoch and sequence is already there, with this digest.
	Fork *[32]byte
}

// Outcome is what became of one Incoming.
type Outcome struct {
	Receipt []byte // the stored DURABLE receipt: the same bytes however often it is asked for
	New     bool   // stored by this call
	Fork    bool   // kept beside another record of the same number: a cloned kiosk
}

// Key names a record for ever. Doc is in it because nothing else ties the name to
// the bytes before somebody has opened them: bytes that came under a wrong name must
// not keep them out under the right one.
type Key struct {
	Kiosk  string
	Epoch  Epoch
	Seq    uint64
	Digest [32]byte
	Doc    Doc // as the kiosk claims
}

// Record is a record that was received.
type Record struct {
	Key
	Place    int64 // in the order of coming; of this store
	Code     string
	Service  string
	Lang     string
	Channel  string
	Claimed  time.Time
	Sent     time.Time // zero: not known
	Received time.Time
	Sealed   []byte
}

// Channels by which an e-document comes in (M3-3.1a: one window, many channels).
const (
	ChannelKiosk = "kiosk"
)

// Decision is what the portal decided about a record it opened.
type Decision struct {
	State  State  // Registered or Refused
	Reason string // stable code; for Refused
	Code   string // tracking code, now that the document is open; empty: Incoming.Code stays
	// Unproven says that the record was not seen to hold the document it names.
	// The decision about the same document of another record is then its own only
	// if the two hold the same sealed bytes: a name alone gets nobody an answer.
	Unproven bool
	At       time.Time
	// The rest is for Registered only.
	Agency     string
	Service    string
	Identified bool         // by a card; false: the kiosk signed as intermediary
	Signer     citizen.Text // U+0000 in it is kept as U+FFFD
	Due        time.Time
	Container  []byte // raised to B-T
	Original   []byte // as it was received: what was in the envelope, byte for byte (ED-13)
	Facts      Facts
	AnswerTo   []string // age recipients; empty: the answer is sealed to the tracking code
	Corrects   *Doc
}

// Verdict is the decision about one record.
type Verdict struct {
	Key
	Decision
}

// Decided is what became of a verdict: state and reason are those of the first
// decision about the same document, if another record brought it earlier.
type Decided struct {
	Key
	State  State
	Reason string
}

// Answer is an agency's one answer.
type Answer struct {
	State     State // Answered, Refused or Returned
	ID        Doc   // of the answer's own container
	By        string
	At        time.Time
	Received  time.Time // when a kiosk first said that it has stored it; zero: not yet. Set by the ledger
	Container []byte    // the signed answer, for the registry
	Packet    []byte    // sealed, for the kiosk
	Seal      string    // the printed seal's URL; empty where the result has none
	Check     string    // the seal's check number, as edoc.ParseCode gives it; empty without a seal
}

// Request is one entry of the registry.
type Request struct {
	Doc        Doc
	Code       string
	Kiosk      string
	Epoch      Epoch
	Seq        uint64
	Service    string
	Agency     string
	Lang       string
	Identified bool
	Signer     citizen.Text
	State      State
	Reason     string // why the portal refused
	Channel    string
	Claimed    time.Time // made and signed, by the signer's clock
	Sent       time.Time // zero: not known; no later than Received
	Received   time.Time
	Registered time.Time // zero until then
	Due        time.Time
	Assigned   string // officer
	Facts      Facts
	AnswerTo   []string
	Corrects   *Doc
	Container  []byte // nil in List, and while State is Received or the portal refused it
	Original   []byte // nil as Container, and of what was registered before originals were kept
	Answer     *Answer
}

// Filter narrows List. Zero fields do not narrow.
type Filter struct {
	Agency string
	State  State
	Text   string // part of the tracking code or of the signer's name
	Max    int    // 0: 500
}

// Kinds of downlink items. The numbers are those of the wire (wire.md,
// section 5) and of the outbox; they are written out and never reused.
const (
	ItemDecided   uint8 = 1 // a DECIDED receipt
	ItemAnswer    uint8 = 2 // an answer packet
	ItemCatalogue uint8 = 3 // the signed catalogue
	ItemTrust     uint8 = 4 // the signed trust bundle
	ItemRevoked   uint8 = 6 // the signed list of revoked seals; 5 (a delta) is not kept
)

// Item is one thing that is to reach a kiosk, in the order of ID.
type Item struct {
	// ID is above every one given before, and no lower than At in milliseconds since
	// 1970: a ledger that was restored from a backup gives no ID again.
	ID      uint64
	Kind    uint8
	Version uint64 // of a catalogue or trust bundle; 0 for others
	Doc     Doc    // zero for catalogue and trust bundle
	Stage   State  // what it makes of the request
	At      time.Time
	Bytes   []byte
}

// Stored is a record with everything that is kept of it.
type Stored struct {
	Record
	Fork     bool
	State    State // Received, Registered or Refused
	Reason   string
	Receipt  []byte // DURABLE
	Decided  time.Time
	Decision []byte // the DECIDED receipt; nil while State is Received
}

// NumberedDoc is a registered document and its place in a walk through all.
type NumberedDoc struct {
	Number uint64
	Doc    Doc
}

// Publication is one version of what was broadcast: a catalogue or a trust bundle.
type Publication struct {
	Version uint64
	At      time.Time // from then on it was in force
	Bytes   []byte
}

// Head is a kiosk's journal head as the portal last saw it.
type Head struct {
	Size int64
	Root [32]byte
	// Counter is what the kiosk's hardware counted (journal.Checkpoint); 0: none.
	Counter uint64
	Note    []byte // the checkpoint as signed by the kiosk and by the portal
	Stamp   []byte // RFC 3161 token over the portal's signature, which carries it too; nil: none was made yet
	At      time.Time
}

// Visit is what a kiosk said of itself when it connected.
type Visit struct {
	Epoch     Epoch     `json:"-"`
	At        time.Time `json:"at"`
	Software  string    `json:"software"`
	Unsent    uint64    `json:"unsent"`
	Oldest    time.Time `json:"oldest_unsent,omitzero"`
	Catalogue uint64    `json:"catalogue"`
	Trust     uint64    `json:"trust"`
}

// Kiosk is what the fleet view shows of one kiosk.
type Kiosk struct {
	ID          string `json:"id"`
	Visit       Visit  `json:"last"`
	Cursor      uint64 `json:"cursor"` // the last item it has stored
	JournalSize int64  `json:"journal_size"`
	Records     int    `json:"records"`
	Alarms      int    `json:"alarms"`
}

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
