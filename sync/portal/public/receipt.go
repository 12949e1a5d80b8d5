package public

import (
	"bytes"
	"context"
	"errors"

	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/journal/evidence"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/page"
)

// witnessed compares a receipt with the heads of its kiosk's journal that the
// portal has signed. What it cannot tell it says, and how one can. It says
// nothing of a seal that does not name its epoch.
func (p *Pages) witnessed(ctx context.Context, v *sealView, s *seal.Sealed) ([]page.Step, error) {
	if s.Epoch == nil {
		return nil, nil
	}
	h, err := p.headOver(ctx, s)
	if err != nil {
		return nil, err
	}
	found, at := evidence.CheckHead(s, h, p.bundle(), v.Now)
	step := page.Step{Key: "journal.unknown", Look: page.Current, Icon: "clock"}
	switch {
	case found.Answer == evidence.Consistent:
		step = page.Step{Key: "journal.same", At: at, Look: page.Done, Icon: "check"}
	case found.Answer == evidence.Contradiction:
		step = page.Step{Key: "journal.other", At: at, Look: page.Bad, Icon: "cross"}
	case found.Answer == evidence.Accepted:
		step.Key = "journal.ahead"
	case found.Why == evidence.WhyBeyond:
		step.Key, step.At = "journal.beyond", at
	}
	if step.Note, err = v.T(step.Key + ".note"); err != nil {
		return nil, err
	}
	return []page.Step{step}, nil
}

// headOver returns the first head kept that covers the receipt's entry; nil where
// there is none.
func (p *Pages) headOver(ctx context.Context, s *seal.Sealed) (*journal.Head, error) {
	all, err := p.portal.Ledger().Epochs(ctx, s.Issuer)
	if err != nil {
		return nil, err
	}
	var of []ledger.Epoch
	for _, e := range all {
		if bytes.HasPrefix(e[:], s.Epoch) {
			of = append(of, e)
		}
	}
	if len(of) != 1 { // of two with one beginning nobody can say which it is
		return nil, nil
	}
	kept, err := p.portal.Ledger().HeadOver(ctx, s.Issuer, of[0], s.Size-1)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return journal.ParseHead(kept.Note)
}
