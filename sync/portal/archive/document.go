package archive

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
	"github.com/penjire/penjire/sync/ledger"
)

// documents goes through all registered documents with their answers.
func (c *checker) documents(ctx context.Context) error {
	after := uint64(0)
	for ctx.Err() == nil {
		page, err := c.Ledger.DocsAfter(ctx, after, pageSize)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			c.found(Trouble{Unreadable, fmt.Sprintf("documents after %d", after), "documents.list", err.Error()})
			return nil
		}
		if len(page) == 0 {
			return nil
		}
		for _, d := range page {
			after = d.Number
			c.sum.Documents++
			q, err := c.Ledger.Get(ctx, d.Doc)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				c.found(Trouble{Unreadable, "document " + hex.EncodeToString(d.Doc[:]), "document.read", err.Error()})
			default:
				c.document(ctx, q)
			}
		}
	}
	return ctx.Err()
}

// document checks a request: its two forms, what the registry says of it, what
// was found then and what is found now.
func (c *checker) document(ctx context.Context, q ledger.Request) {
	what := "document " + hex.EncodeToString(q.Doc[:])
	bad := func(code, format string, a ...any) { c.found(Trouble{Damaged, what, code, fmt.Sprintf(format, a...)}) }
	if q.Answer != nil {
		c.sum.Answers++
		c.answer(ctx, q)
	}
	x, err := edoc.Parse(q.Container)
	if err != nil {
		bad("container.malformed", "%v", err)
		return
	}
	if ledger.Doc(x.ID()) != q.Doc {
		bad("container.other", "the container holds document %s", x.ID())
		return
	}
	d := x.Document()
	for _, f := range []struct{ name, kept, signed string }{
		{"code", q.Code, x.Code()},
		{"service", q.Service, d.Service},
		{"kiosk", q.Kiosk, d.Kiosk},
		{"language", q.Lang, d.Lang},
	} {
		if f.kept != f.signed {
			bad("registry.differs", "the registry says the %s is %q, the signed document %q", f.name, f.kept, f.signed)
		}
	}
	c.original(ctx, q, x, bad)

	then, r := c.before(ctx, x, q.Registered)
	if then != nil {
		for _, f := range []struct {
			name string
			kept ledger.Finding
			got  trust.Finding
		}{{"whole", q.Facts.Whole, r.Whole}, {"signer", q.Facts.Signer, r.Signer}, {"revocation", q.Facts.Revocation, r.Revocation}} {
			// Another version of the verifier may have another reason; the answer stays.
			if f.kept.Verdict != string(f.got.Verdict) {
				c.found(Trouble{Changed, what, "facts.differ", fmt.Sprintf(
					"%s was kept as %s (%s), and with the lists of then is %s (%s): the registry was altered, or the program judges otherwise by now",
					f.name, f.kept.Verdict, f.kept.Reason, f.got.Verdict, f.got.Reason)})
			}
		}
	}
	c.judge(what, x, then != nil, r)
}

// before returns the bundle of that time, nil if it was not kept, and what it
// makes of x.
func (c *checker) before(ctx context.Context, x *edoc.Container, at time.Time) (*trust.Bundle, edoc.Report) {
	b := c.then(ctx, at)
	if b == nil {
		return nil, edoc.Report{}
	}
	return b, x.VerifyWith(b, at, edoc.Options{Catalogue: c.catalogue})
}

// original checks the document as it was received: the same document under the
// same first signature as the one that was raised.
func (c *checker) original(_ context.Context, q ledger.Request, x *edoc.Container, bad func(string, string, ...any)) {
	if q.Original == nil {
		c.sum.NoOriginal++
		return
	}
	o, err := edoc.Parse(q.Original)
	switch {
	case err != nil:
		bad("original.malformed", "%v", err)
	case o.ID() != x.ID() || o.SignatureDigest() != x.SignatureDigest():
		bad("original.other", "the form received holds document %s", o.ID())
	}
}

// then returns the bundle of that time, or nil and counts it.
func (c *checker) then(ctx context.Context, at time.Time) *trust.Bundle {
	b, err := c.TrustAt(ctx, at)
	switch {
	case err == nil:
		return b
	case errors.Is(err, ledger.ErrNotFound):
		c.sum.NoBundleThen++
	case ctx.Err() == nil:
		c.found(Trouble{Unreadable, "trust bundle of " + at.UTC().Format(time.RFC3339), "bundle.read", err.Error()})
	}
	return nil
}

// judge compares what is found now with what was found then, and notes what a
// time stamp stands on. What is not whole now was damaged or never in order.
func (c *checker) judge(what string, x *edoc.Container, known bool, before edoc.Report) {
	now := x.VerifyWith(c.now, c.Now, edoc.Options{Catalogue: c.catalogue})
	if now.Whole.Verdict == trust.No {
		c.found(Trouble{Damaged, what, now.Whole.Reason, "it is not whole"})
		return
	}
	if !known {
		before = now
	}
	for _, f := range []struct {
		name     string
		was, now trust.Finding
	}{
		{"whole", before.Whole, now.Whole},
		{"signer", before.Signer, now.Signer},
		{"revocation", before.Revocation, now.Revocation},
		{"stamp", before.Stamp, now.Stamp},
	} {
		if f.was.Verdict != f.now.Verdict {
			c.found(Trouble{Changed, what, f.now.Reason, fmt.Sprintf("%s was %s (%s) and is %s (%s)", f.name, f.was.Verdict, f.was.Reason, f.now.Verdict, f.now.Reason)})
		}
	}
	if !known && !now.Accepted() {
		c.found(Trouble{Changed, what, worst(now).Reason, "by the lists of now it would not be accepted; those of then were not kept"})
	}
	for _, sd := range x.Signatures() {
		c.stamp(sd.TimeStamp(), sd.Imprint)
	}
}

func worst(r edoc.Report) trust.Finding {
	for _, f := range []trust.Finding{r.Whole, r.Signer} {
		if f.Verdict != trust.Yes {
			return f
		}
	}
	return r.Revocation
}

// stamp notes until when a time stamp can be checked without another over it.
func (c *checker) stamp(token []byte, imprint func() [32]byte) {
	if token == nil {
		return
	}
	t, err := tsp.Parse(token)
	if err != nil {
		return // Verify has said so
	}
	cert, err := t.Verify(imprint(), c.now.TSA)
	if err != nil {
		return
	}
	if c.sum.NextRenewal.IsZero() || cert.NotAfter.Before(c.sum.NextRenewal) {
		c.sum.NextRenewal = cert.NotAfter.UTC()
	}
	if cert.NotAfter.Sub(c.Now) > c.Renew {
		return
	}
	key := sha256.Sum256(cert.Raw)
	if c.renews[key] == nil {
		c.renews[key] = &renewal{until: cert.NotAfter.UTC(), name: trust.Name(cert).Reveal()}
	}
	c.renews[key].count++
}

// renewals tells of each authority once: it may have stamped everything.
func (c *checker) renewals() {
	all := slices.Collect(maps.Values(c.renews))
	slices.SortFunc(all, func(a, b *renewal) int { return cmp.Or(a.until.Compare(b.until), cmp.Compare(a.name, b.name)) })
	for _, r := range all {
		c.found(Trouble{
			Renew, "time-stamping authority " + r.name, "stamp.ends",
			fmt.Sprintf("its certificate ends on %s: %d documents want an archive time stamp before that", r.until.Format(time.DateOnly), r.count),
		})
	}
}

// answer checks the agency's answer and the seal of its paper copy.
func (c *checker) answer(ctx context.Context, q ledger.Request) {
	a := q.Answer
	what := "answer " + hex.EncodeToString(a.ID[:])
	bad := func(code, format string, args ...any) {
		c.found(Trouble{Damaged, what, code, fmt.Sprintf(format, args...)})
	}
	x, err := edoc.Parse(a.Container)
	if err != nil {
		bad("container.malformed", "%v", err)
		return
	}
	d := x.Document()
	switch {
	case ledger.Doc(x.ID()) != a.ID:
		bad("container.other", "the container holds document %s", x.ID())
		return
	case d.Request == nil || ledger.Doc(*d.Request) != q.Doc:
		bad("answer.other", "it answers another request than the registry says")
	}
	then, r := c.before(ctx, x, a.At)
	c.judge(what, x, then != nil, r)
	if a.Seal == "" {
		return
	}
	c.sum.Seals++
	s, err := seal.Parse(a.Seal)
	if err != nil {
		bad("seal.malformed", "%v", err)
		return
	}
	if s.CheckNumber() != a.Check {
		bad("seal.number", "the registry has another check number than the seal")
	}
	if !bytes.HasPrefix(a.ID[:], s.Doc) {
		bad("seal.other", "the seal is of another document")
	}
	field := c.catalogue.FieldOf(s.Service)
	now := s.VerifyIn(field, c.now, c.Now)
	if now.Reason == seal.ReasonBroken || now.Reason == seal.ReasonNotIssuer {
		bad(now.Reason, "the seal does not verify")
		return
	}
	if then == nil {
		return
	}
	if was := s.VerifyIn(field, then, a.At); was.Verdict != now.Verdict {
		c.found(Trouble{Changed, what, now.Reason, fmt.Sprintf("its seal was %s (%s) and is %s (%s)", was.Verdict, was.Reason, now.Verdict, now.Reason)})
	}
}
