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

// The reasons a certificate is or is not accepted. «Since» is after a claimed
// time that nothing proves, «between» within the span of time in which the
// signing is known to lie.
const (
	ReasonOK              = "ok"
	ReasonForeign         = "cert.foreign"         // no centre of the bundle issued it
	ReasonExpired         = "cert.expired"         // its time was over at the time in question
	ReasonExpiredSince    = "cert.expired_since"   // in force at the claimed time; over now
	ReasonExpiredBetween  = "cert.expired_between" // its time was over within the span
	ReasonNotYet          = "cert.not_yet_valid"   // its time had not begun
	ReasonWrongUse        = "cert.wrong_use"       // key usage, role or list do not fit (ED-29)
	ReasonWeakKey         = "cert.weak_key"        // key or signature algorithm not accepted
	ReasonMalformed       = "cert.malformed"       // an unknown critical extension, limits that cannot be read, or a CA certificate as a signer
	ReasonSuspended       = "cert.suspended"       // on hold (ED-44)
	ReasonSuspendedThen   = "cert.suspended_then"  // on hold at the time in question, restored since
	ReasonSuspendedSince  = "cert.suspended_since" // put on hold after the claimed time or within the span
	ReasonHoldOver        = "cert.hold_over"       // on hold for more than two working days: cancelled from the beginning (ED-44)
	ReasonRevoked         = "cert.revoked"         // cancelled (ED-45)
	ReasonRevokedSince    = "cert.revoked_since"   // cancelled after the claimed time
	ReasonRevokedBetween  = "cert.revoked_between" // cancelled within the span
	ReasonCentrePath      = "centre.path"          // a centre of its path may not issue what it issued
	ReasonCentreRevoked   = "centre.revoked"       // the certificate of a centre of its path is cancelled or on hold
	ReasonCentreSuspended = "centre.suspended"     // the centre's accreditation is suspended (ED-39.6)
	ReasonCentreEnded     = "centre.ended"         // the centre had ended its work (ED-39.6, ED-48), or its certificate was over
	ReasonCentreSince     = "centre.ended_since"   // the same, after the claimed time or within the span
	ReasonNoCRL           = "crl.none"             // nothing is known of revocations
	ReasonStaleCRL        = "crl.stale"            // what is known is older than its issuer promised
	ReasonLateCRL         = "crl.late"             // what is known is from after the certificate's end: it need not be named any more
	ReasonOCSPUnknown     = "ocsp.unknown"         // the centre answers that it does not know the certificate
)

// The reasons for which what was signed is outside the limits of the signer's
// certificate ([Limits]; ED-29.1.4, ED-33.7, ED-33.8).
const (
	ReasonLimitService  = "limit.service"        // the service is not among those it is for
	ReasonLimitMinor    = "limit.minor"          // the holder is a minor, the service is not for minors
	ReasonLimitGuardian = "limit.guardian"       // the holder is a minor, the guardian has not signed
	ReasonLimitNoProxy  = "limit.representative" // the service takes no representatives
	ReasonLimitPowers   = "limit.powers"         // the representative's powers do not cover the service
	ReasonLimitExpired  = "limit.expired"        // the representative's powers were over
	ReasonLimitAmount   = "limit.amount"         // the document is about more than the certificate allows
	ReasonLimitUnjudged = "limit.unjudged"       // it has limits that only the catalogue can judge, which is not at hand
)
