package desk

import (
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/explain"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/page"
)

// check is one of the three answers of a verification, in words. They are never
// folded into one (DESIGN 3).
type check struct {
	Verdict string // "yes", "no" or "unknown"
	Title   string
	Text    []string
	Reason  string // the stable code, for whoever has to look it up
}

// verified is what a verification found.
type verified struct {
	ledger.Facts
	Stamp ledger.Finding // of the time stamp; empty when Again is false
	Again bool           // by the bundle in force, not as found at registration
}

// accepted reports whether the request may be acted upon (edoc.Report.Accepted).
func (f verified) accepted() bool {
	return f.Whole.Verdict == string(edoc.Yes) && f.Signer.Verdict == string(edoc.Yes) && f.Revocation.Verdict != string(edoc.No)
}

// facts verifies the container against the trust bundle in force. Without a
// bundle it returns what was found at registration.
func (d *Desk) facts(q ledger.Request, c *edoc.Container) verified {
	if d.bundle == nil {
		return verified{Facts: q.Facts}
	}
	b := d.bundle()
	if b == nil {
		return verified{Facts: q.Facts}
	}
	r := c.VerifyWith(b, d.now(), edoc.Options{Catalogue: d.portal.Catalogue()})
	return verified{ledger.Facts{
		Whole: finding(r.Whole), Signer: finding(r.Signer), Revocation: finding(r.Revocation),
		Claimed: r.Claimed, Trusted: r.Trusted, RevocationAge: r.RevocationAge, Provisional: r.Provisional,
	}, finding(r.Stamp), true}
}

func finding(f edoc.Finding) ledger.Finding {
	return ledger.Finding{Verdict: string(f.Verdict), Reason: f.Reason}
}

// checks puts the facts into words.
func checks(b page.Base, q ledger.Request, f verified) ([]check, error) {
	w := page.Writer{Base: b}
	title := func(q explain.Question, f ledger.Finding) check {
		return check{Verdict: f.Verdict, Reason: f.Reason, Title: explain.Heading(b.Lang, q, edoc.Verdict(f.Verdict))}
	}
	whole := title(explain.Whole, f.Whole)
	signer := title(explain.Signer, f.Signer)
	if q.Identified {
		signer.Text = append(signer.Text, w.T("check.by-citizen", q.Signer.Reveal()))
	} else {
		signer.Text = append(signer.Text, w.T("check.by-kiosk", q.Kiosk))
	}
	if f.Trusted.IsZero() {
		signer.Text = append(signer.Text, w.T("check.claimed", b.Moment(f.Claimed)))
	} else {
		signer.Text = append(signer.Text, w.T("check.trusted", b.Moment(f.Trusted)))
	}
	if f.Stamp.Verdict == string(edoc.No) && b.Texts.Has("reason."+f.Stamp.Reason) {
		signer.Text = append(signer.Text, w.T("reason."+f.Stamp.Reason))
	}
	revoked := title(explain.Revocation, f.Revocation)
	if f.Revocation.Verdict != string(edoc.Unknown) {
		age, err := b.Span(max(f.RevocationAge, time.Minute))
		if err != nil {
			return nil, err
		}
		revoked.Text = append(revoked.Text, w.T("check.age", age))
	}
	out := []check{whole, signer, revoked}
	for i := range out {
		if c := &out[i]; c.Verdict != string(edoc.Yes) || c.Reason != "ok" && c.Reason != "" {
			if k := "reason." + c.Reason; b.Texts.Has(k) {
				c.Text = append([]string{w.T(k), w.T("means." + c.Reason)}, c.Text...)
			}
		}
	}
	return out, w.Err
}
