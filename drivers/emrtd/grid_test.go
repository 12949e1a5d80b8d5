package emrtd_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/penjire/penjire/drivers/emrtd"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/pa"
	"github.com/penjire/penjire/drivers/emulator/emrtdcard"
)

// flipped changes one bit of what the chip answers, counted from the start of
// the visit.
type flipped struct {
	inHand
	at   int // byte; negative: none
	seen int
}

func (f *flipped) Transmit(ctx context.Context, apdu []byte) ([]byte, error) {
	r, err := f.inHand.Transmit(ctx, apdu)
	if i := f.at - f.seen; i >= 0 && i < len(r) {
		r = bytes.Clone(r)
		r[i] ^= 1 << (f.at % 8)
	}
	f.seen += len(r)
	return r, err
}

// TestGrid changes a bit of every eleventh byte that comes over the air: each time
// the chip is not read at all, or read as if nothing had happened. What is read
// wrongly, and what is missed in silence, is worse than an error.
func TestGrid(t *testing.T) {
	states, password := trust(t, issuer(t)), zone(t)
	for name, ways := range map[string][]emrtdcard.PACE{"BAC": nil, "PACE": {emrtdcard.Way(1, 12)}} {
		profile := specimen(t, ways...)
		visit := func(at int) (*emrtd.Passport, *flipped, error) {
			c := &flipped{*put(profile), at, 0}
			chip, err := emrtd.Open(t.Context(), c, password, emrtd.Opts{Now: now})
			if err != nil {
				return nil, c, err
			}
			p, err := chip.Read(t.Context(), lds.DG11)
			return p, c, err
		}
		_, c, err := visit(-1)
		if err != nil {
			t.Fatal(err)
		}
		total, read := c.seen, 0
		for at := 0; at < total; at += 11 {
			p, c, err := visit(at)
			if err != nil {
				continue
			}
			read++
			if f := p.Judge(states, now); answers(f) != allGood {
				// EF.CardAccess is not protected: who changes it gets BAC, and DG14 tells.
				if f.Opened.Answer != pa.No {
					t.Errorf("%s: byte %d of %d: Judge = %+v, want an error or all yes", name, at, c.seen, f)
				}
			}
			if p.Zone.Number.Reveal() != "L898902C3" || len(p.Missing) > 0 || p.Details == nil || p.Details.Name.Reveal() != "ERIKSSON<<ANNA<MARIÄ" {
				t.Errorf("%s: byte %d of %d: something else was read", name, at, c.seen)
			}
		}
		t.Logf("%s: %d bytes; read in spite of the change: %d times", name, total, read)
	}
}
