package emrtd_test

import (
	"context"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/emrtd"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/emulator/emrtdcard"
)

// timed counts the chip's own time, so that ours is what remains.
type timed struct {
	inHand
	chip time.Duration
}

func (c *timed) Transmit(ctx context.Context, apdu []byte) ([]byte, error) {
	begin := time.Now()
	defer func() { c.chip += time.Since(begin) }()
	return c.inHand.Transmit(ctx, apdu)
}

// BenchmarkRead reads a whole passport and judges it: our own time without the
// chip's, and what goes over the air. At 106 kbit/s a contactless chip carries
// some 10 kB a second, so bytes and commands are what a visitor waits for.
func BenchmarkRead(b *testing.B) {
	for name, v := range map[string]struct {
		ways   []emrtdcard.PACE
		groups []lds.Group
	}{
		"BAC":               {nil, emrtd.Groups},
		"BAC without face":  {nil, []lds.Group{lds.DG11}},
		"PACE":              {[]emrtdcard.PACE{emrtdcard.PACEBrainpool}, emrtd.Groups},
		"PACE without face": {[]emrtdcard.PACE{emrtdcard.PACEBrainpool}, []lds.Group{lds.DG11}},
		"PACE P-521":        {[]emrtdcard.PACE{emrtdcard.Way(sm.AES256, 18)}, emrtd.Groups},
	} {
		b.Run(name, func(b *testing.B) {
			profile, password, states := specimen(b, v.ways...), zone(b), trust(b, issuer(b))
			c := &timed{inHand: *put(profile)}
			for b.Loop() {
				c.Activate()
				chip, err := emrtd.Open(b.Context(), c, password, emrtd.Opts{Now: now})
				if err != nil {
					b.Fatal(err)
				}
				p, err := chip.Read(b.Context(), v.groups...)
				if err != nil {
					b.Fatal(err)
				}
				if f := p.Judge(states, now); answers(f) != allGood {
					b.Fatalf("Judge = %+v", f)
				}
			}
			n := float64(b.N)
			b.ReportMetric((b.Elapsed()-c.chip).Seconds()/n, "s-own/op")
			b.ReportMetric(float64(c.commands)/n, "APDUs/op")
			b.ReportMetric(float64(c.bytes)/n, "bytes/op")
		})
	}
}
