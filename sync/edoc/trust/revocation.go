package trust

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"time"
)

// Hold is a suspension that the register tells of beside the revocation lists
// (ED-39.6.3): a list forgets a hold that was lifted, and does not say by whose
// order it is.
type Hold struct {
	Centre [32]byte  // HoldCentre of the certificate's centre
	Serial []byte    // of the certificate: the number, big-endian
	From   time.Time // when it began
	Until  time.Time // when it was lifted; zero: not yet
	// Order says that the authority or a court suspends it: then there is no
	// term after which it is cancelled (article 44, parts 1 and 3).
	Order bool
}

// HoldCentre names a centre in a Hold: the SHA-256 of its name in DER.
func HoldCentre(centre *x509.Certificate) [32]byte { return sha256.Sum256(centre.RawSubject) }

// status is what a statement says of a certificate.
type status int

const (
	good    status = iota
	unheard        // the centre does not know the certificate
	held
	cancelled
)

// statement is what a centre said of one certificate at one time.
type statement struct {
	status     status
	since      time.Time // when hold or cancellation began
	lost       bool      // cancelled, and perhaps because another has the key
	this, next time.Time // when it was said, and when it would be said anew
	keeps      time.Time // it speaks of what ended at that time or later too; zero: of what is in force
	from       Source
}

// revocation answers q about cert's revocation by c, which issued it.
func (b *Bundle) revocation(cert *x509.Certificate, c *Centre, q Query) (f Finding, age time.Duration, from Source) {
	said := b.statements(cert, c, q)
	if len(said) == 0 {
		return Finding{Unknown, ReasonNoCRL}, 0, FromNowhere
	}
	slices.SortStableFunc(said, func(x, y statement) int {
		// Of two of one moment the one that speaks against it goes first.
		return cmp.Or(y.this.Compare(x.this), cmp.Compare(y.status, x.status))
	})
	age, from = max(0, q.Now.Sub(said[0].this)), said[0].from
	if f := b.unharmed(cert, c, said, q); f.Verdict != Yes {
		return f, age, from
	}
	// Nothing speaks against it. Is what is known new enough to say so?
	said = slices.DeleteFunc(said, func(s statement) bool {
		return s.this.After(cert.NotAfter) && (s.keeps.IsZero() || s.keeps.After(cert.NotAfter))
	})
	switch {
	case len(said) == 0:
		return Finding{Unknown, ReasonLateCRL}, age, from
	case said[0].status == unheard:
		return Finding{Unknown, ReasonOCSPUnknown}, age, from
	case q.Proven && !said[0].this.Before(q.To):
		return Finding{Yes, ReasonOK}, age, from // said later than what it is asked about
	case q.Now.After(said[0].next):
		return Finding{Unknown, ReasonStaleCRL}, age, from
	}
	return Finding{Yes, ReasonOK}, age, from
}

// unharmed says whether a cancellation or suspension touches what is asked
// about. said is the newest first.
func (b *Bundle) unharmed(cert *x509.Certificate, c *Centre, said []statement, q Query) Finding {
	// A cancellation is for good, even if a newer list has forgotten it. The
	// earliest counts.
	var end statement
	for _, s := range said {
		if s.status == cancelled && (end.status != cancelled || s.since.Before(end.since)) {
			end = s
		}
	}
	now, since, between := ReasonRevoked, ReasonRevokedSince, ReasonRevokedBetween
	// That a centre does not know a certificate does not restore it.
	last := slices.IndexFunc(said, func(s statement) bool { return s.status != unheard })
	if end.status != cancelled && last >= 0 && said[last].status == held {
		end = said[last]
		if b.heldOver(cert, c, end.since, q.Now) {
			now = ReasonHoldOver
		} else {
			now, since, between = ReasonSuspended, ReasonSuspendedSince, ReasonSuspendedSince
		}
	}
	// Whoever has an authority's key states any time with it. While it is on hold
	// nobody says who has it.
	switch {
	case q.Use != UseTSA:
	case end.status == held:
		return Finding{No, now}
	case slices.ContainsFunc(said, func(s statement) bool { return s.lost }):
		return Finding{No, ReasonRevoked}
	}
	if end.status != good {
		switch q.of(end.since) {
		case before:
			return Finding{No, now}
		case within:
			return Finding{Unknown, between}
		case unasked:
			return Finding{Unknown, since}
		case after:
		}
	}
	return b.notHeldThen(cert, c, said, q)
}

// notHeldThen looks for a suspension that is over. The law wants the signature
// to be in force at the moment of signing (29.1.2), and restores the
// certificate, not what was signed with it meanwhile (44.3): a signature made
// during a hold that was lifted later, or that a cancellation or another hold
// followed, stays without force.
func (b *Bundle) notHeldThen(cert *x509.Certificate, c *Centre, said []statement, q Query) Finding {
	// Held for sure until sure, no more at until; reason is what came of it.
	type span struct {
		from, sure, until time.Time
		reason            string
	}
	var spans []span
	for _, h := range b.Holds {
		if h.of(cert, c) && !h.Until.IsZero() {
			spans = append(spans, span{h.From, h.Until, h.Until, ReasonSuspendedThen})
		}
	}
	heard := slices.DeleteFunc(slices.Clone(said), func(s statement) bool { return s.status == unheard })
	for i, s := range heard {
		if s.status != held || i == 0 {
			continue
		}
		// It lasted until it was said, and until something else was true: that it
		// was lifted, that it began anew, that the certificate was cancelled.
		next := heard[i-1]
		until, reason := next.this, ReasonSuspendedThen
		if next.status != good {
			until = earlier(until, next.since)
		}
		if next.status == cancelled {
			reason = ReasonRevoked
		}
		if until.After(s.since) {
			spans = append(spans, span{s.since, earlier(s.this.Add(1), until), until, reason})
		}
	}
	found := Finding{Yes, ReasonOK}
	for _, s := range spans {
		switch {
		case !q.From.Before(s.from) && q.To.Before(s.sure):
			return Finding{No, s.reason}
		case q.From.Before(s.until) && !q.To.Before(s.from):
			found = Finding{Unknown, ReasonSuspendedThen} // it may have been during the hold
		case !q.Proven && q.From.Before(s.from):
			found = Finding{Unknown, ReasonSuspendedSince}
		}
	}
	return found
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// heldOver says whether a hold that began at since has become a cancellation:
// two working days are over, and nobody lifted it.
func (b *Bundle) heldOver(cert *x509.Certificate, c *Centre, since, now time.Time) bool {
	for _, h := range b.Holds {
		if h.of(cert, c) && h.Order && h.Until.IsZero() {
			return false
		}
	}
	return !now.Before(b.Calendar.EndOf(since, holdDays))
}

func (h Hold) of(cert *x509.Certificate, c *Centre) bool {
	return h.Centre == HoldCentre(c.Cert) && bytes.Equal(h.Serial, cert.SerialNumber.Bytes())
}

// statements returns what centre c said of cert: in the bundle and in q, as far
// as it is authentic.
func (b *Bundle) statements(cert *x509.Certificate, c *Centre, q Query) []statement {
	lists := b.lists
	if lists == nil {
		// A bundle put together in memory: read the lists as often as asked.
		var err error
		if lists, err = readCRLs(b.CRLs, b.Centres); err != nil {
			lists = nil
		}
	}
	var said []statement
	known := lists[string(c.Cert.RawSubject)]
	for _, l := range known {
		said = append(said, l.says(cert, FromBundle))
	}
	if q.Carried != nil {
		for _, x := range q.Carried.crls {
			if l := b.list(x, c, q.Now); l != nil {
				said = append(said, l.says(cert, FromCRL))
				known = append(slices.Clip(known), l)
			}
		}
		for _, x := range q.Carried.responses {
			if s, ok := b.response(x, cert, c, known, q.Now); ok {
				said = append(said, s)
			}
		}
	}
	for _, h := range b.Holds {
		if h.of(cert, c) && h.Until.IsZero() {
			said = append(said, statement{status: held, since: h.From, this: b.Issued, next: b.Issued, from: FromBundle})
		}
	}
	return said
}
