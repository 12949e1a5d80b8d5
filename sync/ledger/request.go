package ledger

import (
	"time"

	"github.com/penjire/penjire/sync/citizen"
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
