package archive

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/wire"
)

// Kind says how bad a trouble is.
type Kind string

// The kinds of trouble, the worst first.
const (
	Unreadable Kind = "unreadable" // the store could not read it
	Damaged    Kind = "damaged"    // it is not what was stored
	Changed    Kind = "changed"    // it is what was stored, and is judged otherwise than then
	Renew      Kind = "renew"      // it is in order and wants a new time stamp soon
)

// Trouble is one thing that a check found. It names no person.
type Trouble struct {
	Kind Kind   `json:"kind"`
	What string `json:"what"` // "record 12", "document ID", "answer ID", "ledger"
	Code string `json:"code"` // stable, e.g. "sealed.digest"
	Note string `json:"note"`
}

// Summary is how a check ended.
type Summary struct {
	At        time.Time    `json:"at"`
	Trust     uint64       `json:"trust"` // version of the bundle of now
	Records   int          `json:"records"`
	Documents int          `json:"documents"`
	Answers   int          `json:"answers"`
	Seals     int          `json:"seals"`
	Troubles  map[Kind]int `json:"troubles"`
	// NoBundleThen counts documents registered before bundles were kept: they
	// were judged by the bundle of now alone.
	NoBundleThen int `json:"no_bundle_then"`
	// NoOriginal counts documents whose form as received is in its envelope only.
	NoOriginal int `json:"no_original"`
	// NextRenewal is when the first certificate of a stamp ends; zero: no stamps.
	NextRenewal time.Time `json:"next_renewal,omitzero"`
	Seconds     float64   `json:"seconds"`
}

// Good reports whether everything kept could be read and is what was stored.
func (s Summary) Good() bool { return s.Troubles[Unreadable]+s.Troubles[Damaged] == 0 }

// pageSize is how many numbers are asked for at once.
const pageSize = 256

// checker is one walk through everything.
type checker struct {
	*Archive
	now     *trust.Bundle
	portals []*x509.Certificate // of every bundle met so far
	sum     *Summary
	found   func(Trouble)
	renews  map[[32]byte]*renewal // by stamp certificate
}

// renewal is what one authority's certificate holds up.
type renewal struct {
	until time.Time
	count int
	name  string
}

// Check reads everything the ledger keeps, verifies it again as of then and now,
// and gives each trouble to found, in the order it meets them. It holds one
// document in memory at a time. An error means that the check did not come to
// its end.
func (a *Archive) Check(ctx context.Context, found func(Trouble)) (Summary, error) {
	if a.Renew <= 0 {
		a.Renew = 90 * 24 * time.Hour
	}
	start := time.Now()
	s := Summary{At: a.Now.UTC(), Troubles: map[Kind]int{Unreadable: 0, Damaged: 0, Changed: 0, Renew: 0}}
	now, err := a.Trust(ctx)
	if err != nil {
		return s, err
	}
	s.Trust = now.Version
	c := &checker{Archive: a, now: now, portals: now.Portals, sum: &s, renews: map[[32]byte]*renewal{}, found: func(t Trouble) {
		s.Troubles[t.Kind]++
		found(t)
	}}
	if c.catalogue, err = a.services(ctx, now); err != nil {
		return s, err
	}
	c.ledger(ctx)
	if err := c.records(ctx); err != nil {
		return s, err
	}
	if err := c.documents(ctx); err != nil {
		return s, err
	}
	c.renewals()
	s.Seconds = time.Since(start).Seconds()
	return s, ctx.Err()
}

// ledger asks the store what it thinks of itself.
func (c *checker) ledger(ctx context.Context) {
	err := c.Ledger.Check(ctx)
	if err == nil {
		return
	}
	all := []error{err}
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		all = many.Unwrap()
	}
	for _, err := range all {
		c.found(Trouble{Damaged, "ledger", "ledger.inconsistent", err.Error()})
	}
}

// records goes through all records. Where the store cannot list them, it asks
// for them one by one.
func (c *checker) records(ctx context.Context) error {
	after, missing := uint64(0), 0
	for ctx.Err() == nil {
		numbers, err := c.Ledger.RecordsAfter(ctx, after, pageSize)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			c.found(Trouble{Unreadable, fmt.Sprintf("records after %d", after), "records.list", err.Error()})
			if missing++; missing > 64 {
				return nil // beyond this nothing can be listed or found
			}
			for n := range uint64(pageSize) {
				numbers = append(numbers, after+n+1)
			}
		case len(numbers) == 0:
			return nil
		}
		for _, n := range numbers {
			after = n
			r, rerr := c.Ledger.StoredRecord(ctx, n)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil && errors.Is(rerr, ledger.ErrNotFound): // it was only guessed
			case rerr != nil:
				c.sum.Records++
				c.found(Trouble{Unreadable, fmt.Sprintf("record %d", n), "record.read", rerr.Error()})
			default:
				c.sum.Records++
				c.record(ctx, n, r)
			}
		}
	}
	return ctx.Err()
}

// record checks the bytes that came in and the receipts that were given.
func (c *checker) record(ctx context.Context, n uint64, r ledger.Stored) {
	bad := func(code, format string, a ...any) {
		c.found(Trouble{Damaged, fmt.Sprintf("record %d", n), code, fmt.Sprintf(format, a...)})
	}
	if sha256.Sum256(r.Sealed) != r.Digest {
		bad("sealed.digest", "the envelope is not what its digest says")
	}
	want := wire.Receipt{
		Level: wire.Durable, Kiosk: r.Kiosk, Epoch: r.Epoch, Seq: r.Seq, Doc: r.Doc, Digest: r.Digest,
		Stage: wire.StageDelivered, At: r.Received.Unix(),
	}
	if err := c.receipt(ctx, r.Receipt, want, r.Received); err != nil {
		bad("receipt.durable", "the receipt: %v", err)
	}
	if r.State == ledger.Received {
		return
	}
	want.Level, want.At, want.Reason = wire.Decided, r.Decided.Unix(), r.Reason
	want.Stage = wire.StageRegistered
	if r.State == ledger.Refused {
		want.Stage = wire.StageRefused
	}
	if err := c.receipt(ctx, r.Decision, want, r.Decided); err != nil {
		bad("receipt.decided", "the decision: %v", err)
	}
}

// receipt checks a receipt against the portals of now and of then, and against
// what is stored beside it.
func (c *checker) receipt(ctx context.Context, b []byte, want wire.Receipt, at time.Time) error {
	got, err := wire.ParseReceipt(b, c.portals)
	if err != nil {
		then, terr := c.TrustAt(ctx, at)
		if terr != nil {
			return err
		}
		if got, err = wire.ParseReceipt(b, then.Portals); err != nil {
			return err
		}
		c.portals = append(c.portals[:len(c.portals):len(c.portals)], then.Portals...)
	}
	got.Confirmer, got.Fork = "", nil
	switch {
	case got.Level != want.Level || got.Stage != want.Stage || got.Reason != want.Reason:
		return fmt.Errorf("it says stage %d %q, the ledger %d %q", got.Stage, got.Reason, want.Stage, want.Reason)
	case got.Kiosk != want.Kiosk || got.Epoch != want.Epoch || got.Seq != want.Seq:
		return errors.New("it is of another record")
	case got.Doc != want.Doc || got.Digest != want.Digest:
		return errors.New("it is of another document")
	case got.At != want.At:
		return fmt.Errorf("it says %s, the ledger %s", got.When().Format(time.RFC3339), time.Unix(want.At, 0).UTC().Format(time.RFC3339))
	}
	return nil
}
