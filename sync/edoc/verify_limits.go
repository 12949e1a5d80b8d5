package edoc

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// checkLimits says whether what was signed is within the limits of the signer's
// certificate (ED-29.1.4, ED-33.7, ED-33.8; ED-VER-18 to 20). all are the
// document's signatures: a guardian's may be among them.
func (c *Container) checkLimits(k *check, all []check, cat *catalog.Catalogue) Finding {
	if k.limits == nil {
		return Finding{Verdict: Yes, Reason: ReasonOK}
	}
	var s *catalog.Service
	if cat != nil {
		s, _ = cat.Service(c.doc.Service)
	}
	field := ""
	if s != nil {
		field = s.Field
	}
	findings := []Finding{
		covered(trust.Covers(k.limits.Services, c.doc.Service, field), trust.ReasonLimitService),
		c.checkAmount(k.limits.Amount, s),
	}
	if p := k.limits.Powers; p != nil && k.Role == RoleRepresentative {
		findings = append(findings, covered(trust.Covers(p.Services, c.doc.Service, field), trust.ReasonLimitPowers), powersLast(p, k.query))
		if k.first && s != nil && s.Representatives == catalog.RepresentNo {
			findings = append(findings, Finding{Verdict: No, Reason: trust.ReasonLimitNoProxy})
		}
	}
	if m := k.limits.Minor; m != nil && k.first && isMinor(m, k.query) {
		findings = append(findings, checkMinor(m, s, guarded(all)))
	}
	return worst(findings)
}

// worst returns the first no, else the first unknown, else the first.
func worst(list []Finding) Finding {
	for _, v := range []Verdict{No, Unknown} {
		if i := slices.IndexFunc(list, func(f Finding) bool { return f.Verdict == v }); i >= 0 {
			return list[i]
		}
	}
	return list[0]
}

func covered(v Verdict, reason string) Finding {
	switch v {
	case No:
		return Finding{Verdict: No, Reason: reason}
	case Unknown:
		return Finding{Verdict: Unknown, Reason: trust.ReasonLimitUnjudged}
	}
	return Finding{Verdict: Yes, Reason: ReasonOK}
}

// powersLast says whether the powers were in force when it was signed.
func powersLast(p *trust.Powers, q trust.Query) Finding {
	switch {
	case p.Until.IsZero():
	case !q.From.Before(p.Until):
		return Finding{Verdict: No, Reason: trust.ReasonLimitExpired}
	case !q.To.Before(p.Until), !q.Proven && !q.Now.Before(p.Until):
		return Finding{Verdict: Unknown, Reason: trust.ReasonLimitExpired}
	}
	return Finding{Verdict: Yes, Reason: ReasonOK}
}

// isMinor says whether the signer may have been a minor when he signed: a claim
// about the future makes nobody older.
func isMinor(m *trust.Minor, q trust.Query) bool {
	from := q.From
	if q.Now.Before(from) {
		from = q.Now
	}
	return from.Before(m.Until)
}

// guarded says whether a further signature is that of somebody with powers for
// the document's sender, within the limits of his certificate: of a minor, that
// is his guardian, who is no minor himself.
func guarded(all []check) Verdict {
	v := No
	for _, k := range all {
		switch {
		case k.first || k.Role != RoleRepresentative || k.Revocation.Verdict == No || k.limits.Minor != nil && isMinor(k.limits.Minor, k.query):
		case k.Signer.Verdict == Yes:
			return Yes
		case k.Signer.Reason == trust.ReasonLimitUnjudged:
			v = Unknown
		}
	}
	return v
}

func checkMinor(m *trust.Minor, s *catalog.Service, guarded Verdict) Finding {
	switch {
	case s != nil && s.Minors != catalog.MinorsAllowed && s.Minors != catalog.MinorsWithGuardian:
		return Finding{Verdict: No, Reason: trust.ReasonLimitMinor}
	case guarded == No && (m.Guardian || s != nil && s.Minors == catalog.MinorsWithGuardian):
		return Finding{Verdict: No, Reason: trust.ReasonLimitGuardian}
	case s == nil, guarded == Unknown && (m.Guardian || s.Minors == catalog.MinorsWithGuardian):
		return Finding{Verdict: Unknown, Reason: trust.ReasonLimitUnjudged}
	}
	return Finding{Verdict: Yes, Reason: ReasonOK}
}

// checkAmount compares what the document is about, in the answer that the
// service names for it (in whole manat), with the most that the certificate
// allows, in tenge.
func (c *Container) checkAmount(most int64, s *catalog.Service) Finding {
	switch {
	case most == 0:
		return Finding{Verdict: Yes, Reason: ReasonOK}
	case s == nil:
		return Finding{Verdict: Unknown, Reason: trust.ReasonLimitUnjudged}
	case s.Amount == "":
		return Finding{Verdict: Yes, Reason: ReasonOK}
	}
	answer := strings.TrimSpace(c.doc.Answers.Get(s.Amount))
	if answer == "" {
		return Finding{Verdict: Yes, Reason: ReasonOK}
	}
	manat, err := strconv.ParseInt(answer, 10, 64)
	if err != nil || manat < 0 || manat > most/100 {
		return Finding{Verdict: No, Reason: trust.ReasonLimitAmount}
	}
	return Finding{Verdict: Yes, Reason: ReasonOK}
}

// Within says whether the holder of a certificate with these limits may ask for
// service s himself at the time at: what a kiosk asks before it lets him begin.
func Within(l *trust.Limits, s *catalog.Service, at time.Time) Finding {
	if l == nil {
		return Finding{Verdict: Yes, Reason: ReasonOK}
	}
	q := trust.At(trust.UseCitizenSign, at, true, at)
	findings := []Finding{covered(trust.Covers(l.Services, s.ID, s.Field), trust.ReasonLimitService)}
	if m := l.Minor; m != nil && isMinor(m, q) {
		findings = append(findings, checkMinor(m, s, No))
	}
	return worst(findings)
}
