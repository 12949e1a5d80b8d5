package ledger

import (
	"time"

	"github.com/penjire/penjire/sync/citizen"
)

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
