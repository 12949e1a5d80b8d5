package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/firmware/demo/wan"
)

// Network, power and clock of the kiosk's machine.

func (b *Bench) postNetwork(_ context.Context, o struct {
	Mode string `json:"mode"`
},
) error {
	m, err := wan.ParseMode(o.Mode)
	if err != nil {
		return asked(err)
	}
	b.relay.Set(m)
	b.est.Set(m)
	return nil
}

type powerOrder struct {
	Action  string  `json:"action"`
	What    string  `json:"what"` // kiosk, portal; "": kiosk
	AfterMM float64 `json:"after_mm"`
}

func (b *Bench) postPower(ctx context.Context, o powerOrder) error {
	p := b.kiosk
	switch {
	case o.What == "portal" && o.AfterMM == 0:
		p = b.portal
	case o.What != "" && o.What != "kiosk":
		return badRequest{fmt.Errorf("what: got %q, want kiosk or portal, and after_mm only with the kiosk", o.What)}
	}
	switch {
	case o.AfterMM < 0 || o.AfterMM > 1000 || o.AfterMM != 0 && o.Action != "cut":
		return badRequest{fmt.Errorf("after_mm: got %v, want 0 to 1000, and only with cut", o.AfterMM)}
	case o.Action == "cut" && o.AfterMM > 0:
		b.hands.afterMM(o.AfterMM, func() { _ = b.kiosk.cut() }) // seen in the state if it does not end
		return nil
	case o.Action == "cut":
		return p.cut()
	case o.Action == "on":
		if err := p.start(); err != nil && !errors.Is(err, errRunning) {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, startTime)
		defer cancel()
		return b.ready(ctx, p)
	}
	return badRequest{fmt.Errorf("action: got %q, want cut or on", o.Action)}
}

type clockOrder struct {
	Offset string    `json:"offset"`
	At     time.Time `json:"at"`
}

func (b *Bench) postClock(_ context.Context, o clockOrder) error {
	var d time.Duration
	switch {
	case (o.Offset == "") == o.At.IsZero():
		return badRequest{errors.New("want either offset or at")}
	case o.Offset != "":
		var err error
		if d, err = time.ParseDuration(o.Offset); err != nil {
			return badRequest{fmt.Errorf("offset: %w", err)}
		}
	default:
		d = time.Until(o.At).Truncate(time.Second) // never before at: 1970 is not 1969
	}
	return b.hands.setClock(d)
}
