// Package trust knows whom to believe: the signed, versioned list of
// certification centres, revocation lists, time-stamping authorities, portals,
// agencies and seal signers (the state list of ED-39.6 among it), and what a
// certificate from it may be used for.
//
// It also seals and opens the generic signed objects by which the portal hands
// a kiosk its catalogue and this list itself ([SignObject], [OpenObject]).
//
// It asks no network: what is not in the bundle is foreign, and how old the
// knowledge is, is part of every answer. The rules are in sync/spec/edoc.md.
package trust

import (
	"crypto/x509"
	"time"
)

// What kind of signers a centre certifies.
const (
	KindCitizens       = "citizens"
	KindAgencies       = "agencies"
	KindInfrastructure = "infrastructure" // portal, kiosks, time stamps, the register
)

// The states of a centre (ED-39.6).
const (
	Working   = "working"
	Suspended = "suspended"
	Ended     = "ended"
)

// Accreditation is by what a centre works (ED-39.6).
type Accreditation struct {
	No      string
	Date    time.Time
	Address string
}

// Centre is a certification centre.
type Centre struct {
	Cert          *x509.Certificate
	Kind          string // KindCitizens, KindAgencies or KindInfrastructure
	Accreditation Accreditation
	State         string    // Working, Suspended or Ended
	Since         time.Time // when State began; signatures made before it keep their force
}

// Bundle is one version of the list. Read it only; it may then be used by
// several goroutines at once.
type Bundle struct {
	Version      uint64    // rises; an older one is refused
	Issued       time.Time // whole seconds, UTC
	Centres      []Centre
	CRLs         [][]byte            // DER, of the centres
	TSA          []*x509.Certificate // time-stamping authorities, past ones too
	Portals      []*x509.Certificate // that sign receipts
	Agencies     []*x509.Certificate // that sign answers; AgencyID names the agency
	SealSigners  []*x509.Certificate // that sign printed seals, besides Agencies and Portals
	Recipients   []string            // age recipients of the portal: requests are sealed to all of them
	RevokedSeals [][]byte            // 16-byte seal ids (package seal)
}
