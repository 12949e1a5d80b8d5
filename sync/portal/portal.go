// Package portal is the single portal's side of sync: it takes in what kiosks
// send, gives receipts, opens, verifies and registers requests, signs the
// agencies' answers and brings them back down (DESIGN 7 and 8; sync/spec/wire.md;
// REQUIREMENTS EG-18, ED-24, ED-25).
//
// It is not the pages: those are in desk and public below it, and use Portal.
package portal

import (
	"context"
	"errors"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/ledger"
)

// Errors that the desk branches on, beside ledger.ErrNotFound and
// ledger.ErrAnswered.
var (
	// ErrAgency: the request is another agency's.
	ErrAgency = errors.New("the request is another agency's")
	// ErrNoKey: the portal holds no signing key for the agency.
	ErrNoKey = errors.New("no signing key for the agency")
	// ErrDraft: the answer lacks something; the wrapping error says what.
	ErrDraft = errors.New("the answer is not complete")
)

// Portal is the portal. Its methods may be called by several goroutines at once.
type Portal struct {
	ledger ledger.Ledger
	cat    *catalog.Catalogue
}

// Fact is one line of a certified copy, by catalog.Fact.Name.
type Fact struct {
	Name  string
	Value citizen.Text
}

// AnswerDraft is what an officer decided.
type AnswerDraft struct {
	Decision ledger.State // Answered, Refused or Returned
	Text     citizen.Text // the answer in words; needed for Refused and Returned
	Facts    []Fact       // for Answered: every fact of the service's result, in its order
	By       string       // the officer, as shown in the registry
}

// Ledger returns the store, for reading: lists, requests, kiosks, alarms, and Assign.
func (p *Portal) Ledger() ledger.Ledger { return p.ledger }

// Catalogue returns the catalogue in force. It must not be changed.
func (p *Portal) Catalogue() *catalog.Catalogue { return p.cat }

// Answer signs the answer with the agency's key, makes the printed seal where
// the service's result is a certified copy, seals the packet to whoever asked,
// and stores all of it for the kiosk in one transaction. It returns the
// identity of the answer. Errors: ErrAgency, ErrNoKey, ErrDraft,
// ledger.ErrNotFound, ledger.ErrAnswered.
func (p *Portal) Answer(ctx context.Context, agency string, doc ledger.Doc, d AnswerDraft) (ledger.Doc, error) {
	r, err := p.ledger.Get(ctx, doc)
	if err != nil {
		return ledger.Doc{}, err
	}
	if r.Agency != agency {
		return ledger.Doc{}, ErrAgency
	}
	return ledger.Doc{}, ErrNoKey
}
