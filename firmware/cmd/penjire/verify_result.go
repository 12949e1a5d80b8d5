package main

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/explain"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// reportFormat is the number of the shape of report. Members may be added under
// the same number; one that changes or goes makes a new number.
const reportFormat = 1

// report is what penjire verify --json prints.
type report struct {
	Format int       `json:"format"`
	At     time.Time `json:"at"`    // as of when it was checked
	Trust  *trusted  `json:"trust"` // the bundle it was checked with; null: none
	Exit   int       `json:"exit"`  // the exit status
	Things []result  `json:"things"`
}

type trusted struct {
	Version uint64    `json:"version"`
	Issued  time.Time `json:"issued"`
	Age     float64   `json:"age_s"`

	RevokedSeals uint64 `json:"revoked_seals,omitempty"` // version of the list; none: no list was at hand
}

// finding is one answer, with its words in the language asked for.
type finding struct {
	trust.Finding
	explain.Text
}

// result is what checking one thing found. A container has whole, signer,
// revocation and stamp; a printed seal has seal and revocation; what cannot be
// read has unreadable.
type result struct {
	Name       string        `json:"name"`           // of the file, "-" or "seal"
	Kind       string        `json:"kind,omitempty"` // request, answer, receipt, copy, portal-receipt
	Verdict    trust.Verdict `json:"verdict"`        // the worst of whole, signer, revocation, seal
	Unreadable string        `json:"unreadable,omitempty"`

	Seal        *finding `json:"seal,omitempty"`
	Whole       *finding `json:"whole,omitempty"`
	Signer      *finding `json:"signer,omitempty"`
	Revocation  *finding `json:"revocation,omitempty"`
	Stamp       *finding `json:"stamp,omitempty"`
	Age         float64  `json:"revocation_age_s"`      // how old the knowledge of revocations is
	Provisional bool     `json:"provisional,omitempty"` // nothing but the signer's clock says when

	Document string     `json:"document,omitempty"` // its id; the first half of it in a seal
	Code     string     `json:"code,omitempty"`     // tracking code
	Service  string     `json:"service,omitempty"`
	Lang     string     `json:"lang,omitempty"`
	Pages    int        `json:"pages,omitempty"`
	Kiosk    string     `json:"kiosk,omitempty"`    // where it was made
	Request  string     `json:"request,omitempty"`  // of an answer: what it answers
	Decision string     `json:"decision,omitempty"` // of an answer; of a portal's receipt received, registered or refused
	SignedBy string     `json:"signed_by,omitempty"`
	Claimed  *time.Time `json:"claimed,omitempty"` // by the signer's clock
	Trusted  *time.Time `json:"trusted,omitempty"` // by the time stamp
	Expires  *time.Time `json:"expires,omitempty"`

	Signatures  []signature  `json:"signatures,omitempty"`
	Attachments []attachment `json:"attachments,omitempty"`

	Check    string `json:"check_number,omitempty"`
	Index    int64  `json:"journal_index,omitempty"`
	TreeSize int64  `json:"journal_size,omitempty"`
	Root     string `json:"journal_root,omitempty"` // its beginning
	Stated   int    `json:"stated,omitempty"`       // how many facts a seal states, with the holder's name
	Part     *part  `json:"part,omitempty"`         // where the seal has not every fact of its document

	// With --show only.
	Sender    *party            `json:"sender,omitempty"`
	Addressee *party            `json:"addressee,omitempty"`
	Facts     map[string]string `json:"facts,omitempty"` // to be compared with the paper

	// Of a portal's receipt.
	Reason string  `json:"reason,omitempty"` // of a refusal
	Record *record `json:"record,omitempty"`

	Copy *result `json:"copy,omitempty"` // the seal that came with an answer
}

// signature is one of a container's.
type signature struct {
	N           int          `json:"n"`     // from 1
	Role        string       `json:"role"`  // as what he signed: edoc.Role
	Level       string       `json:"level"` // B-B, B-T, B-LT
	By          string       `json:"by"`    // "kiosk ID", "agency ID", "portal NAME", of a person the role; "" if not known
	Claimed     time.Time    `json:"claimed"`
	Trusted     *time.Time   `json:"trusted,omitempty"`
	Bracket     *bracket     `json:"bracket,omitempty"`
	Signer      finding      `json:"signer"`
	Revocation  finding      `json:"revocation"`
	Stamp       finding      `json:"stamp"`
	SoftwareKey bool         `json:"software_key"` // the key lies in a file, not in a chip
	Certificate *certificate `json:"certificate,omitempty"`
	Counter     []counter    `json:"counter_signatures,omitempty"`
}

// counter is a signature over a signature.
type counter struct {
	Role        string       `json:"role"`
	By          string       `json:"by"`
	Claimed     time.Time    `json:"claimed"`
	Signer      finding      `json:"signer"` // whether it verifies, too
	Revocation  finding      `json:"revocation"`
	SoftwareKey bool         `json:"software_key"`
	Certificate *certificate `json:"certificate,omitempty"`
}

// bracket is between which times something was signed; a side that nothing proves
// is not there.
type bracket struct {
	NotBefore *time.Time `json:"not_before,omitempty"`
	NotAfter  *time.Time `json:"not_after,omitempty"`
}

func bracketOf(i trust.Interval) *bracket {
	if i == (trust.Interval{}) {
		return nil
	}
	b := new(bracket)
	if t := i.NotBefore.UTC(); !i.NotBefore.IsZero() {
		b.NotBefore = &t
	}
	if t := i.NotAfter.UTC(); !i.NotAfter.IsZero() {
		b.NotAfter = &t
	}
	return b
}

type certificate struct {
	Issuer    string    `json:"issuer"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	Algorithm string    `json:"algorithm"`
	Serial    string    `json:"serial,omitempty"` // these three of a citizen with --show only
	SHA256    string    `json:"sha256,omitempty"`
	Subject   string    `json:"subject,omitempty"`
}

// part says how many of a document's facts its seal repeats (ED-SEAL-8).
type part struct {
	Facts int `json:"facts"`
	Of    int `json:"of"`
}

type attachment struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
}

type party struct {
	ID           string `json:"id,omitempty"`
	Surname      string `json:"surname,omitempty"`
	Name         string `json:"name,omitempty"`
	Patronymic   string `json:"patronymic,omitempty"`
	Organisation string `json:"organisation,omitempty"`
	Position     string `json:"position,omitempty"`
}

func partyOf(p edoc.Party) *party {
	return &party{p.ID.Reveal(), p.Surname.Reveal(), p.Name.Reveal(), p.Patronymic.Reveal(), p.Organisation, p.Position}
}

func digest(b []byte) string {
	d := sha256.Sum256(b)
	return hex.EncodeToString(d[:])
}
