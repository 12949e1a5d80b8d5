// Package edoc makes and checks e-documents: what a citizen asks and what an
// agency answers, signed, in a container that unzip and openssl can check
// (REQUIREMENTS ED-4 to ED-8, ED-28, ED-29; sync/spec/edoc.md).
//
// A container is ASiC-E with CAdES signatures: the common part of ED-6 at its
// root, the special part under META-INF. What a document is, is the digest of
// its first manifest: raising a signature changes the zip and not the document.
//
// The package does no I/O and asks no network. Checking gives three answers:
// is it whole, was the signer entitled, what is known of revocation.
package edoc

import (
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// Signer is who signs; see [cms.Signer].
type Signer = cms.Signer

// Verdict and Finding are those of package trust.
type (
	Verdict = trust.Verdict
	Finding = trust.Finding
)

// The verdicts, as in package trust.
const (
	Yes     = trust.Yes
	No      = trust.No
	Unknown = trust.Unknown
)

// The reasons of a [Report] besides those of package trust.
const (
	ReasonOK           = trust.ReasonOK
	ReasonChanged      = "content.changed"      // a file is not what was signed
	ReasonBroken       = "signature.broken"     // the signature is not of that key over that
	ReasonNoSigner     = "signer.missing"       // no certificate to check the signature with
	ReasonNotSender    = "signer.not_sender"    // another person or kiosk than the document says
	ReasonUnreadable   = "signer.unreadable"    // the certificate does not say who its holder is
	ReasonNotAsked     = "not.asked"            // an earlier answer was no
	ReasonNoStamp      = "stamp.none"           // only the signer's clock says when
	ReasonStampBroken  = "stamp.broken"         // the time stamp is not over this signature, or does not verify
	ReasonStampFuture  = "stamp.future"         // it is of later than now: its clock or ours is wrong
	ReasonStampForeign = "stamp.foreign"        // the bundle does not know its authority, or not as one
	ReasonCounter      = "counter.not_entitled" // whoever made a counter-signature may not make any
)
