package kiosk

import (
	"context"
	"errors"
	"fmt"
	"image"
	"net/url"
	"time"

	"github.com/penjire/penjire/firmware/clock"
	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/ui/screen"
)

// paper draws what a print job prints; it is the worker's source.
func (k *Kiosk) paper(ctx context.Context, job outbox.PrintJob, width, dpi int) (image.Image, error) {
	r, err := k.box.Get(ctx, job.Doc)
	if err != nil {
		return nil, fmt.Errorf("kiosk: find the request of print job %d: %w", job.ID, err)
	}
	if job.Kind == outbox.PrintCopy {
		return k.copyPaper(r, job.Marked, width, dpi)
	}
	if k.late(job, r) {
		return nil, fmt.Errorf("kiosk: print job %d waited too long: %w", job.ID, printing.ErrLate)
	}
	if r.Code = codeOf(r); r.Code == "" {
		r.Code = k.codes.of(r.Doc)
	}
	return k.receipt(r, job.Marked).Draw(width, dpi)
}

// lateTime is how old a request may be for its receipt to print by itself at
// the next start.
const lateTime = 15 * time.Minute

// late reports whether the receipt waits since an earlier start, for so long
// that its citizen has left: a paper that then came out would be a stranger's
// to take. Where nobody knows how long the kiosk stood still, the start page
// offers the paper to who is there.
func (k *Kiosk) late(job outbox.PrintJob, r outbox.Request) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, asked := k.asked[job.Doc]; asked || !r.Claimed.Before(k.opened) {
		return false // accepted, or asked for, since this start
	}
	if k.clock.Trust() == clock.Unknown {
		k.belated = append(k.belated, job.Doc)
		return true
	}
	return k.clock.Now().Sub(r.Claimed) > lateTime
}

// offerBelated has the start page offer what late kept back, once its job has
// ended: a paper asked for before that would end with it.
func (k *Kiosk) offerBelated(ctx context.Context) {
	k.mu.Lock()
	docs := k.belated
	k.belated = nil
	k.mu.Unlock()
	for _, d := range docs {
		r, err := k.box.Get(ctx, d)
		if err != nil {
			k.log.Error("a belated receipt's request was not found", "err", err)
			continue
		}
		k.mu.Lock()
		if r.Receipt == outbox.Queued || r.Receipt == outbox.Printing {
			k.belated = append(k.belated, d)
		} else {
			k.interrupted = append(k.interrupted, d)
			k.restarted = time.Now()
		}
		k.mu.Unlock()
	}
}

// receipt is the paper of an accepted request: the citizen's evidence. A code
// that is no longer known is left out.
func (k *Kiosk) receipt(r outbox.Request, marked bool) printing.Receipt {
	out := printing.Receipt{
		Lang: r.Lang, Kiosk: k.s.Kiosk, Place: k.s.Place, Code: r.Code, Made: r.Claimed.In(zone),
		Index: r.Index, Size: r.TreeSize, Root: r.Root, Look: k.look("/status"),
		Received: r.Receipted(), Marked: marked,
	}
	if !r.Due.IsZero() {
		out.Due = r.Due.In(zone)
	}
	c := k.know.catalogue()
	if svc, ok := c.Service(r.Service); ok {
		out.Service, out.NoCard = svc.Title, svc.Identification == catalog.IdentifyNone
		if a, ok := c.Agency(svc.Agency); ok {
			out.Agency = a.Name
		}
	}
	s, err := k.receiptSeal(r)
	if err != nil {
		// The paper is still evidence: its index and root are.
		k.log.Error("a receipt could not be sealed", "seq", r.Seq, "err", err)
		return out
	}
	out.Seal = s.URL(k.s.Portal.PublicURL)
	out.SealNew = sealCert(k.know.trust(), k.signer().Cert, r.Claimed, k.clock.Now()) == nil
	return out
}

func (k *Kiosk) receiptSeal(r outbox.Request) (*seal.Sealed, error) {
	s := k.sealer(r.Claimed)
	return seal.Make(seal.Seal{
		Kind: seal.Receipt, Issuer: k.s.Kiosk, Service: r.Service, Doc: r.Doc[:], Date: r.Claimed.UTC(),
		Index: r.Index, Size: r.TreeSize, Root: r.Root[:8], Epoch: r.Epoch[:],
	}, s.Key, s.Cert)
}

// screenQR is what the receipt's code says, for the screen: where the printer
// does not work, a phone can take it along. nil if it cannot be made.
func (k *Kiosk) screenQR(r outbox.Request) []byte {
	s, err := k.receiptSeal(r)
	if err != nil {
		return nil
	}
	return []byte(s.URL(k.s.Portal.PublicURL))
}

// look is where to look something up, as people type it.
func (k *Kiosk) look(path string) string {
	u, err := url.Parse(k.s.Portal.PublicURL)
	if err != nil {
		return ""
	}
	return u.Host + path
}

// printReceipt queues the receipt once more. It is a marked copy unless
// certainly nothing came out before.
func (k *Kiosk) printReceipt(ctx context.Context, e session.PrintReceipt) session.Event {
	doc := e.Doc
	k.keeping.RLock()
	defer k.keeping.RUnlock()
	if code, err := edoc.ParseCode(e.Code.Reveal()); err == nil {
		if err := k.codes.keep(doc, code); err != nil { // the paper is evidence without it too
			k.log.Error("a code could not be kept for its receipt", "err", err)
		}
	}
	r, err := k.print(ctx, doc, outbox.PrintReceipt)
	if err != nil {
		k.log.Error("a receipt could not be queued for printing", "err", err)
	}
	if r.Doc != doc {
		return nil
	}
	return session.Updated{Request: k.request(r)}
}

// print queues a paper and returns the request as it then is.
func (k *Kiosk) print(ctx context.Context, doc outbox.Doc, kind uint8) (outbox.Request, error) {
	r, err := k.box.Get(ctx, doc)
	if err != nil {
		return r, err
	}
	was := r.Receipt
	if kind == outbox.PrintCopy {
		was = r.Copy
	}
	if r.Claimed.Before(k.opened) {
		k.mu.Lock()
		k.asked[doc] = struct{}{} // before the job is there to be taken
		k.mu.Unlock()
	}
	_, err = k.box.QueuePrint(ctx, doc, kind, was == outbox.Printed || was == outbox.Unknown || was == outbox.Printing)
	if err != nil {
		return r, err
	}
	return k.box.Get(ctx, doc)
}

// afterPowerCut finds the receipts that were being printed when the power went:
// Open of the outbox has just written into the journal that nobody knows.
func (k *Kiosk) afterPowerCut(ctx context.Context) error {
	size, _ := k.box.Head()
	for i := size - 1; i >= 0; i-- {
		e, err := k.box.Entry(ctx, i)
		if err != nil {
			return fmt.Errorf("kiosk: read the journal's end: %w", err)
		}
		switch {
		case e.Kind == journal.Boot || e.Kind == journal.Quarantine:
			continue
		case e.Kind == journal.Printed && e.Fields.Reason == "printer.interrupted":
			k.hanging = true
			if e.Fields.Print == outbox.PrintReceipt {
				k.interrupted = append(k.interrupted, outbox.Doc(e.Fields.Doc))
				k.restarted = time.Now()
			}
			continue
		}
		k.clock.Raise(e.At) // the last thing before this start: time has passed it
		return nil
	}
	return nil
}

// offerTime is how long after a start the start page offers those receipts.
// Whoever was cut off is near; later a stranger would print another's paper,
// and the code on that of a request without a card opens its answer (ADR 8).
const offerTime = time.Hour

// withdrawOffer ends the offer when its time is over. k.mu is held.
func (k *Kiosk) withdrawOffer() {
	if time.Since(k.restarted) > offerTime {
		k.interrupted = nil
	}
}

// reprintInterrupted prints marked copies of what the power cut left in doubt.
func (k *Kiosk) reprintInterrupted() {
	k.keeping.RLock()
	k.mu.Lock()
	k.withdrawOffer()
	docs := k.interrupted
	k.interrupted = nil
	k.mu.Unlock()
	k.tasks.Go(func() {
		defer k.keeping.RUnlock()
		ctx, cancel := context.WithTimeout(k.life, findTime)
		defer cancel()
		for _, d := range docs {
			if _, err := k.print(ctx, d, outbox.PrintReceipt); err != nil && !errors.Is(err, outbox.ErrWithdrawn) {
				k.log.Error("a marked copy could not be queued", "err", err)
			}
		}
		k.wake()
	})
}

// printerTrouble is what ails the printer now, in the screen's words; "" when
// nothing does.
func (k *Kiosk) printerTrouble() screen.State {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch s := k.devices.Printer; s {
	case screen.Good, screen.Low:
		return ""
	default:
		return s
	}
}
