package edoc

import (
	"time"

	"github.com/penjire/penjire/sync/citizen"
)

// The kinds of document.
const (
	KindRequest = "request"
	KindAnswer  = "answer"
)

// What an answer decides.
const (
	Answered = "answered"
	Refused  = "refused"
	Returned = "returned" // for correction
)

// Party is a sender or an addressee (ED-7).
type Party struct {
	ID           citizen.ID
	Surname      citizen.Text
	Name         citizen.Text
	Patronymic   citizen.Text
	Organisation string
	Position     string
	Postal       citizen.Text
	Email        citizen.Text
}

// Consent is a rule the applicant accepted (EG-14.3, EP-4, EP-14).
type Consent struct {
	Rule    string
	Version int
	At      time.Time
}

// FactValue is one thing an answer states; Name is that of catalog.Fact.
type FactValue struct {
	Name  string
	Value citizen.Text
}

// AttachmentRef names a file in attachments/ of the container.
type AttachmentRef struct {
	Name      string // of the file, letters, digits, . _ - only
	MediaType string
	Size      int64
	SHA256    [32]byte
}

// Document is the common part of an e-document: its content, addressee and
// requisites (ED-6, ED-7). Times are whole seconds, UTC.
type Document struct {
	Kind    string // KindRequest or KindAnswer
	Name    string // of the document, e.g. the service's title in Lang
	Heading string
	Lang    string // tk, ru or en
	Made    time.Time
	// Registered, of an answer: when the side that makes it entered it in its
	// register; zero if not said. A request is signed before anyone registers
	// it: see RequestRegistered.
	Registered time.Time
	Kiosk      string // where it was made; "" for an answer
	Pages      int    // document and attachments

	Service        string
	ServiceVersion int
	Regulation     string

	Sender    Party
	Addressee Party
	Answers   citizen.Answers
	Consents  []Consent
	// AnswerTo are the recipients the answer is sealed to: "agepiv1…" of a
	// card, or "age1…". Empty, of a request: it is sealed to the tracking code.
	AnswerTo []string
	// AnswerSecret is what the tracking code of a request with an empty AnswerTo
	// follows from (NewSecret). Of any other document it is zero.
	AnswerSecret Secret
	Corrects     *ID // a request: the one it corrects

	// Of an answer only.
	Request *ID
	// RequestRegistered is when the request was registered; zero if not said.
	RequestRegistered time.Time

	Decision string // Answered, Refused or Returned
	Text     citizen.Text
	Facts    []FactValue

	Attachments []AttachmentRef
}
