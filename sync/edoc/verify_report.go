package edoc

import (
	"crypto/x509"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
)

// Role is as what somebody signed.
type Role string

// The roles. A person is a representative where the document names another as
// its sender and the certificate gives powers for that other (ED-33.8).
const (
	RoleCitizen        Role = "citizen"
	RoleRepresentative Role = "representative"
	RoleAssistant      Role = "assistant" // of a telecentre
	RoleKiosk          Role = "kiosk"
	RolePortal         Role = "portal"
	RoleAgency         Role = "agency"
	RoleOther          Role = "other" // nobody whom the bundle knows
)

// Report is what checking a container found: three answers, never one boolean.
// Signer, Revocation, Stamp and what follows are of the first signature, whose
// signer is the sender; Whole is of all of them.
type Report struct {
	ID    ID
	Whole Finding // is it complete and unchanged since signing?
	SignatureReport

	// Signatures are all of them, the first one too, each judged by itself. It
	// is empty of a document that is not whole.
	Signatures []SignatureReport
}

// SignatureReport is what was found of one signature.
type SignatureReport struct {
	Role       Role
	Signer     Finding // was the signer entitled, at the trusted time?
	Revocation Finding // was the certificate cancelled or suspended?
	Stamp      Finding // is there a time stamp to be believed? Unknown: none

	SignerUse  trust.Use         // for what the certificate was used
	SignerID   string            // id of the kiosk or agency; "" of a person
	SignerName string            // of the kiosk, portal or agency; "" of a person, whose name is the sender's
	SignerCert *x509.Certificate // nil if not at hand

	Claimed        time.Time      // by the signer's clock
	Trusted        time.Time      // by when it existed, by time stamp or bracket; zero if there is only the claim
	Between        trust.Interval // the bracket that the answer is for; zero if there is none
	RevocationAge  time.Duration  // how old the knowledge of revocation is
	RevocationFrom trust.Source   // where it came from
	Provisional    bool           // nothing but the claim says when it was signed

	Counters []CounterReport // who confirmed the signature
}

// CounterReport is what was found of a counter-signature. None makes a document
// better or worse; whoever reads it sees who else had it before him.
type CounterReport struct {
	Role       Role
	Signer     Finding // is it over that signature, by somebody who may confirm?
	Revocation Finding
	ID         string // of the kiosk or agency; "" of a person
	Name       string // of the kiosk, portal or agency; "" of a person
	Cert       *x509.Certificate
	Claimed    time.Time // by the counter-signer's clock
}

// Accepted reports whether the document may be acted upon: whole, by an
// entitled signer, and not known to be revoked.
func (r Report) Accepted() bool {
	return r.Whole.Verdict == Yes && r.Signer.Verdict == Yes && r.Revocation.Verdict != No
}
