package session

import (
	"io"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
)

// Effect is something to do. An effect with a Job is answered by exactly one
// event with the same Job, in bounded time, whatever happens.
type Effect interface{ effect() }

// ReadCard reads who the holder of the card is and checks the card.
type ReadCard struct {
	Job, Gen uint64
	Service  *catalog.Service // that the card is to sign for; nil: none yet
}

// Submit signs the draft and puts it into the outbox. With a Holder the card
// signs, after PIN; without, the kiosk as intermediary.
type Submit struct {
	Job   uint64
	PIN   citizen.Text
	Draft Draft
}

// Draft is all that goes into a request.
type Draft struct {
	Service  *catalog.Service
	Agency   catalog.Agency
	Lang     string
	Answers  citizen.Answers // checked and calculated
	Consents []Consent
	Holder   *Holder
	Corrects *[32]byte
	Files    []File // scanned papers
}

// File is a paper that the citizen showed: the first Size bytes of Bytes, which stay
// as they are until the request is accepted.
type File struct {
	Name, MediaType string
	Size            int64
	Bytes           io.ReaderAt
}

// ListRequests finds the requests of the card's holder.
type ListRequests struct {
	Job    uint64
	Holder *Holder
}

// Lookup finds a request by its tracking code.
type Lookup struct {
	Job  uint64
	Code citizen.Text
}

// OpenAnswer unseals and verifies the answer to a request: with card and PIN,
// or, for a request without a card, with its code.
type OpenAnswer struct {
	Job    uint64
	Doc    [32]byte
	Holder *Holder // nil: by code
	PIN    citizen.Text
	Code   citizen.Text
}

// PrintCopy prints the certified copy of the opened answer.
type PrintCopy struct{ Doc [32]byte }

// PrintReceipt prints the receipt once more, as a marked copy. Code is what this
// visit knows of a request without a card: nobody else keeps it.
type PrintReceipt struct {
	Doc  [32]byte
	Code citizen.Text
}

// Withdraw takes a request back that was not sent yet (ED-24.2).
type Withdraw struct {
	Job uint64
	Doc [32]byte
}

// Forget drops everything that is kept for the visit outside the state.
type Forget struct{}

func (ReadCard) effect()     {}
func (Submit) effect()       {}
func (ListRequests) effect() {}
func (Lookup) effect()       {}
func (OpenAnswer) effect()   {}
func (PrintCopy) effect()    {}
func (PrintReceipt) effect() {}
func (Withdraw) effect()     {}
func (Forget) effect()       {}
