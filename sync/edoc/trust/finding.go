package trust

// Verdict is an answer to one question of a check. Unknown is an answer of its
// own: it is neither shown as yes nor counted as no.
type Verdict string

// The verdicts.
const (
	Yes     Verdict = "yes"
	No      Verdict = "no"
	Unknown Verdict = "unknown"
)

// Finding is a verdict and why, as a stable code that keys the words people
// read. The codes are the Reason constants of this package and of sync/edoc and
// sync/edoc/seal; a code that is no longer used stays taken.
type Finding struct {
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason"`
}

// The reasons a certificate is or is not accepted.
const (
	ReasonOK              = "ok"
	ReasonForeign         = "cert.foreign"       // no centre of the bundle issued it
	ReasonExpired         = "cert.expired"       // its time was over at the time in question
	ReasonExpiredSince    = "cert.expired_since" // in force at the claimed time, which nothing proves; over now
	ReasonNotYet          = "cert.not_yet_valid" // its time had not begun
	ReasonWrongUse        = "cert.wrong_use"     // outside the certificate's limits of use (ED-29)
	ReasonWeakKey         = "cert.weak_key"      // key or signature algorithm not accepted
	ReasonMalformed       = "cert.malformed"     // an unknown critical extension, or a CA certificate as a signer
	ReasonSuspended       = "cert.suspended"     // on hold (ED-44)
	ReasonRevoked         = "cert.revoked"       // cancelled (ED-45)
	ReasonRevokedSince    = "cert.revoked_since" // cancelled after the claimed time, which nothing proves
	ReasonCentreSuspended = "centre.suspended"   // the centre's accreditation is suspended (ED-39.6)
	ReasonCentreEnded     = "centre.ended"       // the centre has ended its work (ED-39.6), or its certificate has
	ReasonNoCRL           = "crl.none"           // nothing is known of revocations
	ReasonStaleCRL        = "crl.stale"          // what is known is older than its issuer promised
)
