package edoc

import (
	"crypto/x509"
	"errors"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

// Options are what else is known when a document is checked.
type Options struct {
	// Between is when the document came to be, as a journal proves it. It is
	// about the first signature: others may be added at any time.
	Between trust.Interval
	// Catalogue judges limits of certificates that depend on the service: what
	// is for minors, for representatives, in which field it is. Without it such
	// limits are ReasonLimitUnjudged.
	Catalogue *catalog.Catalogue
}

// Verify checks the container against b, as known now.
func (c *Container) Verify(b *trust.Bundle, now time.Time) Report {
	return c.VerifyWith(b, now, Options{})
}

// VerifyIn is Verify of a document that came to be in that span of time. What
// ended the certificate before it ends the signature, what came after it does
// not, and what came within it leaves the answer unknown (ED-VER-16).
func (c *Container) VerifyIn(b *trust.Bundle, now time.Time, between trust.Interval) Report {
	return c.VerifyWith(b, now, Options{Between: between})
}

// VerifyWith is Verify with all that is known besides.
func (c *Container) VerifyWith(b *trust.Bundle, now time.Time, o Options) Report {
	r := Report{
		ID: c.ID(), Whole: Finding{Verdict: Yes, Reason: ReasonOK},
		SignatureReport: SignatureReport{
			Claimed: c.signatures[0].SigningTime(), Provisional: true,
			Signer:     Finding{Verdict: Unknown, Reason: ReasonNotAsked},
			Revocation: Finding{Verdict: Unknown, Reason: ReasonNotAsked},
		},
	}
	certs := c.checkWhole(b, &r)
	if r.Whole.Verdict != Yes {
		sd := c.signatures[0]
		t, f := stampOf(sd, trust.NewCarried(sd.CRLs(), sd.OCSPs()), b, now)
		r.Stamp, r.Trusted, r.Provisional = f, t, f.Verdict != Yes
		return r
	}
	checks := make([]check, len(c.signatures))
	for i, sd := range c.signatures {
		checks[i] = c.judge(i, sd, certs[i], b, now, o)
	}
	// The first comes last: a guardian counts only within his own limits.
	for i := len(checks) - 1; i >= 0; i-- {
		if k := &checks[i]; k.Signer.Verdict == Yes {
			k.Signer = c.checkLimits(k, checks, o.Catalogue)
		}
	}
	for i := range checks {
		r.Signatures = append(r.Signatures, checks[i].SignatureReport)
	}
	r.SignatureReport = r.Signatures[0]
	return r
}

// checkWhole checks digests and signatures, and returns the signers'
// certificates.
func (c *Container) checkWhole(b *trust.Bundle, r *Report) []*x509.Certificate {
	if !c.whole() {
		r.Whole = Finding{Verdict: No, Reason: ReasonChanged}
		return nil
	}
	var certs []*x509.Certificate
	for i, sd := range c.signatures {
		cert, err := sd.Verify(c.manifests[i], b.Agencies...)
		switch {
		case errors.Is(err, cms.ErrNoCertificate):
			r.Whole = Finding{Verdict: Unknown, Reason: ReasonNoSigner}
			return nil
		case err != nil:
			r.Whole = Finding{Verdict: No, Reason: ReasonBroken}
			return nil
		}
		certs = append(certs, cert)
	}
	return certs
}

// check is one signature being judged.
type check struct {
	SignatureReport
	first  bool
	query  trust.Query
	limits *trust.Limits
}

// judge checks signature i by itself. Limits come later: a minor's depend on
// the other signatures.
func (c *Container) judge(i int, sd *cms.SignedData, cert *x509.Certificate, b *trust.Bundle, now time.Time, o Options) check {
	k := check{first: i == 0}
	k.SignerCert, k.Claimed = cert, sd.SigningTime()
	carried := trust.NewCarried(sd.CRLs(), sd.OCSPs())
	stamp, f := stampOf(sd, carried, b, now)
	k.Stamp = f
	if i > 0 {
		o.Between = trust.Interval{}
	}
	kind := ""
	if k.first {
		kind = c.doc.Kind
	}
	k.SignerUse, k.SignerID = useOf(kind, cert, b)
	k.query, k.Between = when(k.SignerUse, k.Claimed, stamp, o.Between, now)
	k.query.Carried = carried
	if k.Provisional = !k.query.Proven; !k.Provisional {
		k.Trusted = k.query.To
	}
	k.SignerName = nameOf(k.SignerUse, cert)
	cr := b.Check(cert, k.query)
	k.Signer, k.Revocation, k.limits = cr.Chain, cr.Revocation, cr.Limits
	k.RevocationAge, k.RevocationFrom = cr.RevocationAge, cr.RevocationFrom
	k.Role = c.roleOf(k.first, k.SignerUse, cert, cr)
	if k.first && k.Signer.Verdict == Yes {
		k.Signer = c.checkSender(k.Role, k.SignerUse, cert)
	}
	k.Counters = counters(sd, carried, b, now)
	return k
}

// when says what is known of the time of a signature.
func when(use trust.Use, claimed, stamp time.Time, between trust.Interval, now time.Time) (trust.Query, trust.Interval) {
	q := trust.At(use, claimed, false, now)
	if !stamp.IsZero() {
		q = trust.At(use, stamp, true, now)
	}
	switch {
	case between.IsZero(), between.NotAfter.Before(between.NotBefore):
		return q, trust.Interval{} // says nothing, or contradicts itself
	case q.Proven && !stamp.After(between.NotBefore):
		return q, trust.Interval{} // stamped before it came into the journal: that is closer
	}
	to := between.NotAfter
	if q.Proven && stamp.Before(to) {
		to = stamp
	}
	from := between.NotBefore
	if from.IsZero() {
		from = to // only its end is known: it is as a time stamp of then
	}
	q.From, q.To, q.Proven = from, to, true
	return q, between
}

// stampAhead is how far a time stamp may be ahead of now: clocks differ.
const stampAhead = 10 * time.Minute

// stampOf looks for a time that someone else states; zero if there is none to be
// believed.
func stampOf(sd *cms.SignedData, carried *trust.Carried, b *trust.Bundle, now time.Time) (time.Time, Finding) {
	token := sd.TimeStamp()
	if token == nil {
		return time.Time{}, Finding{Verdict: Unknown, Reason: ReasonNoStamp}
	}
	broken, foreign := Finding{Verdict: No, Reason: ReasonStampBroken}, Finding{Verdict: No, Reason: ReasonStampForeign}
	t, err := tsp.Parse(token)
	if err != nil {
		return time.Time{}, broken
	}
	cert, err := t.Verify(sd.Imprint(), b.TSA)
	switch {
	case errors.Is(err, tsp.ErrSigner):
		return time.Time{}, foreign
	case err != nil:
		return time.Time{}, broken
	}
	if t.Time.After(now.Add(stampAhead)) {
		return time.Time{}, Finding{Verdict: Unknown, Reason: ReasonStampFuture}
	}
	q := trust.At(trust.UseTSA, t.Time, true, now)
	q.Carried = carried
	if b.Check(cert, q).Worst().Verdict != Yes {
		return time.Time{}, foreign
	}
	return t.Time, Finding{Verdict: Yes, Reason: ReasonOK}
}
