package portal

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/page"
	"github.com/penjire/penjire/sync/wire"
)

// Reasons of refusal that are the portal's own. The others are edoc's and
// trust's. They are stored, signed and shown; one no longer used stays taken.
const (
	ReasonUnreadable = "envelope.unreadable"    // not sealed to this portal, or damaged before sealing
	ReasonMalformed  = "container.malformed"    // what is inside is no e-document
	ReasonOtherDoc   = "container.other"        // another document than the record says
	ReasonNoRequest  = "document.no_request"    // an e-document, but no request
	ReasonOtherKiosk = "document.other_kiosk"   // made at another kiosk
	ReasonService    = "service.unknown"        // the catalogue has no such service
	ReasonIdentify   = "signer.identification"  // the service needs a citizen's signature
	ReasonAnswerTo   = "answer_to.unusable"     // nobody could open the answer
	ReasonDoubt      = "verification.undecided" // not whole or not entitled, and nothing says why
)

// retryDecide is how long a record that could not be decided for a reason of
// the portal's own waits.
const retryDecide = 5 * time.Second

// mostPass is after how long a look at what is undecided begins anew, when it has
// come to what came later than that: what could not be decided must have another try,
// and a new day its list, however much comes.
const mostPass = time.Minute

func (p *Portal) kickDecide() {
	select {
	case p.undec <- struct{}{}:
	default:
	}
}

// decideLoop decides what is undecided, what was left from before first.
func (p *Portal) decideLoop(ctx context.Context) {
	for {
		wait := p.decideAll(ctx)
		if err := p.publishRevoked(ctx); err != nil && ctx.Err() == nil { // a new day's list
			p.c.Log.Error("portal: the list of revoked seals stays as old as it is", "err", err)
		}
		p.forgetUploads(ctx)
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-p.undec:
		case <-t.C:
		}
		t.Stop()
	}
}

// decideAll decides everything that can be decided now, and returns when to look
// again at the latest. What cannot be decided is passed by: it must not hold up
// what is behind it. While records are opened, those before them are stored.
func (p *Portal) decideAll(ctx context.Context) time.Duration {
	const batch = 64
	var after int64
	failed := 0
	stored := make(chan int, 1) // how many of those before could not be decided
	stored <- 0
	for began := p.c.Now(); ctx.Err() == nil; {
		recs, err := p.ledger.Undecided(ctx, after, batch)
		if err != nil {
			p.c.Log.Error("portal: nothing can be decided", "err", err)
			<-stored
			return retryDecide
		}
		if n := len(recs); n > 0 {
			after = recs[n-1].Place
		}
		now := p.c.Now()
		due, bad := p.examineThese(ctx, recs, now)
		failed += bad + <-stored
		last := len(recs) == 0 // fewer than a batch come where they are large
		over := !last && recs[0].Received.Sub(began) > mostPass
		if p.c.Deciders == 1 || last || over {
			stored <- p.settleThese(ctx, due, now)
		} else {
			go func() { stored <- p.settleThese(ctx, due, now) }()
		}
		switch {
		case over:
			<-stored
			return 0
		case !last:
			continue
		}
		if failed+<-stored > 0 {
			return retryDecide
		}
		return time.Minute
	}
	<-stored
	return retryDecide
}

// stays says that a record stays as it is.
func (p *Portal) stays(ctx context.Context, k ledger.Key, err error) {
	if ctx.Err() == nil {
		p.c.Log.Error("portal: a record could not be decided", "kiosk", k.Kiosk, "seq", k.Seq, "err", err)
	}
}

// examineThese opens records, several at once, and returns what is to be decided
// about them, in their order, and how many could not be.
func (p *Portal) examineThese(ctx context.Context, recs []ledger.Record, now time.Time) (due []ledger.Verdict, failed int) {
	type found struct {
		ledger.Decision
		due bool
		err error
	}
	all := make([]found, len(recs))
	each := func(i int) {
		if p.anothers(recs[i]) {
			return
		}
		all[i].Decision, all[i].due, all[i].err = p.decide(ctx, recs[i], now)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(p.c.Deciders, len(recs)) - 1 {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(recs)); i = next.Add(1) - 1 {
				each(int(i))
			}
		})
	}
	for i := next.Add(1) - 1; i < int64(len(recs)); i = next.Add(1) - 1 {
		each(int(i))
	}
	wg.Wait()
	for i, f := range all {
		switch {
		case f.err != nil:
			failed++
			p.stays(ctx, recs[i].Key, f.err)
		case f.due:
			due = append(due, ledger.Verdict{Key: recs[i].Key, Decision: f.Decision})
		}
	}
	return due, failed
}

// settleThese stores what was decided: of each kiosk and epoch in one transaction
// with one signature. It returns how many stay undecided.
func (p *Portal) settleThese(ctx context.Context, all []ledger.Verdict, now time.Time) (failed int) {
	type life struct {
		kiosk string
		epoch ledger.Epoch
	}
	var order []life
	due := map[life][]ledger.Verdict{}
	for _, v := range all {
		l := life{v.Kiosk, v.Epoch}
		if due[l] == nil {
			order = append(order, l)
		}
		due[l] = append(due[l], v)
	}
	for _, l := range order {
		vs := due[l]
		err := p.settle(ctx, vs, now)
		if err != nil && len(vs) == 1 {
			failed++
			p.stays(ctx, vs[0].Key, err)
		}
		if err == nil || len(vs) == 1 {
			continue
		}
		for _, v := range vs { // one that does not work must not hold up the others
			if err := p.settle(ctx, []ledger.Verdict{v}, now); err != nil {
				failed++
				p.stays(ctx, v.Key, err)
			}
		}
	}
	return failed
}

// decide returns what is to be decided about one record. An error is the portal's
// own trouble: the record stays undecided. False: there is nothing to decide now.
func (p *Portal) decide(ctx context.Context, r ledger.Record, now time.Time) (ledger.Decision, bool, error) {
	d, reason, err := p.examine(ctx, r, now)
	if m, ok := errors.AsType[missing](err); ok {
		return d, false, p.await(ctx, r, m)
	}
	if err != nil {
		return d, false, err
	}
	if reason != "" {
		// examine gives no code until it has seen the document in the record.
		d = ledger.Decision{State: ledger.Refused, Reason: reason, Code: d.Code, Unproven: d.Code == ""}
	}
	d.At = now
	return d, true, nil
}

// settle stores decisions about records of one kiosk and epoch.
func (p *Portal) settle(ctx context.Context, vs []ledger.Verdict, now time.Time) error {
	var said []ledger.Decided
	err := p.ledger.Decide(ctx, vs, func(ds []ledger.Decided) ([][]byte, error) {
		said = ds
		rs := make([]wire.Receipt, len(ds))
		for i, d := range ds {
			rs[i] = wire.Receipt{
				Level: wire.Decided, Kiosk: d.Kiosk, Epoch: d.Epoch, Seq: d.Seq, Doc: d.Doc, Digest: d.Digest,
				Stage: stages[d.State], At: now.Unix(), Confirmer: p.c.Name, Reason: d.Reason,
			}
		}
		return wire.SignReceipts(rs, p.c.Receipt.Key, p.c.Receipt.Cert)
	})
	if err != nil {
		return err
	}
	for _, d := range said {
		p.c.Log.Info("portal: decided", "kiosk", d.Kiosk, "seq", d.Seq, "state", d.State, "reason", d.Reason)
	}
	p.notify(vs[0].Kiosk)
	return nil
}

// examine returns the decision to register, or why the record is refused; then
// nothing of the decision counts but the code.
func (p *Portal) examine(ctx context.Context, r ledger.Record, now time.Time) (d ledger.Decision, reason string, err error) {
	plain, err := p.open(ctx, r.Sealed)
	if err != nil {
		return d, "", err
	}
	if plain == nil {
		return d, ReasonUnreadable, nil
	}
	c, err := edoc.Parse(plain)
	if err != nil {
		return d, ReasonMalformed, nil
	}
	if c.ID() != edoc.ID(r.Doc) {
		return d, ReasonOtherDoc, nil
	}
	d.Code = c.Code()
	doc := c.Document()
	cat := p.Catalogue()
	service, known := cat.Service(doc.Service)
	switch {
	case doc.Kind != edoc.KindRequest:
		return d, ReasonNoRequest, nil
	case doc.Kiosk != r.Kiosk:
		return d, ReasonOtherKiosk, nil
	case !known:
		return d, ReasonService, nil
	}
	bundle := p.Trust()
	// What cannot hold is not stamped: a time stamp is evidence, for others too.
	know := edoc.Options{Catalogue: cat}
	rep := c.VerifyWith(bundle, now, know)
	if rep.Whole.Verdict == trust.No || rep.Signer.Verdict == trust.No {
		return d, why(rep), nil
	}
	if rep.Stamp.Verdict == trust.No {
		c = c.WithoutStamp() // anyone can put one there; it must not keep ours out
	}
	stamped, err := c.Stamp(ctx, p.c.Stamper)
	if err != nil {
		return d, "", err
	}
	rep = stamped.VerifyWith(bundle, now, know)
	if !rep.Accepted() {
		return d, why(rep), nil
	}
	if !signerFits(rep, service) {
		return d, ReasonIdentify, nil
	}
	if !sealable(doc.AnswerTo) {
		return d, ReasonAnswerTo, nil
	}
	// Stored, not deflated: that took more time than all else together, and the
	// original beside it is not deflated either.
	file := stamped.Bytes()
	if file == nil {
		return d, ReasonMalformed, nil // too large with its stamp
	}
	d = ledger.Decision{
		State: ledger.Registered, Code: d.Code, Agency: service.Agency, Service: service.ID,
		Identified: rep.SignerUse == trust.UseCitizenSign, Due: cat.Due(service, now.In(page.Zone)), Container: file, Original: plain,
		Facts: ledger.Facts{
			Whole: finding(rep.Whole), Signer: finding(rep.Signer), Revocation: finding(rep.Revocation),
			Claimed: rep.Claimed, Trusted: rep.Trusted, RevocationAge: rep.RevocationAge, Provisional: rep.Provisional,
		},
		AnswerTo: doc.AnswerTo,
	}
	if d.Identified {
		d.Signer = fullName(doc.Sender)
	}
	if doc.Corrects != nil {
		d.Corrects = (*ledger.Doc)(doc.Corrects)
	}
	return d, "", nil
}

// why returns the reason of a report that is not accepted.
func why(r edoc.Report) string {
	for _, f := range []edoc.Finding{r.Whole, r.Signer} {
		if f.Verdict != trust.Yes {
			return orDoubt(f.Reason)
		}
	}
	return orDoubt(r.Revocation.Reason)
}

func orDoubt(reason string) string {
	if reason == "" || reason == trust.ReasonOK {
		return ReasonDoubt
	}
	return reason
}

// signerFits says whether whoever signed may sign this request: a citizen always,
// a kiosk as intermediary where the service wants nobody identified. That the
// signer is the sender, edoc has checked.
func signerFits(rep edoc.Report, s *catalog.Service) bool {
	return rep.SignerUse == trust.UseCitizenSign ||
		rep.SignerUse == trust.UseDevice && s.Identification == catalog.IdentifyNone
}

// sealable says whether an answer can be sealed to all of these. None at all is
// sealed to the tracking code.
func sealable(to []string) bool {
	for _, r := range to {
		if envelope.CheckRecipient(r) != nil {
			return false
		}
	}
	return true
}

func finding(f edoc.Finding) ledger.Finding {
	return ledger.Finding{Verdict: string(f.Verdict), Reason: f.Reason}
}

func fullName(p edoc.Party) citizen.Text {
	parts := []string{p.Surname.Reveal(), p.Name.Reveal(), p.Patronymic.Reveal()}
	return citizen.NewText(strings.TrimSpace(strings.Join(parts, " ")))
}
