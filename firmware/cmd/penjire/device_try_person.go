package main

import (
	"context"
	"errors"
	"image"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

func tryReader(ctx context.Context, g *guide, d device.CardReader) {
	ctx, done := context.WithCancel(ctx)
	view := follow(ctx, d)
	defer func() { done(); <-view.ended }()
	here := func() bool { return view.now() != nil }
	// A card that was in the reader is found a moment after the reader itself.
	moment, seen := context.WithTimeout(ctx, time.Second)
	if until(moment, d, here) {
		g.await(ctx, d, "Take the card out of the reader", "the card was taken", func() bool { return !here() })
	}
	seen()
	if !g.await(ctx, d, "Put a card into the reader, or on it", "a card came", here) {
		return
	}
	if card := view.now(); card == nil {
		g.step(failed, "the card was gone again at once")
	} else if len(card.ATS) == 0 {
		g.step(unconfirmed, "this card takes no commands: another kind of card shows whether the reader can speak to one")
	} else {
		asked, cancel := context.WithTimeout(ctx, brief)
		// SELECT of the root (ISO 7816-4): every card answers something, and nothing
		// of a person is asked for.
		_, err := d.Transmit(asked, card.Gen, []byte{0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00})
		cancel()
		if err != nil {
			g.broke("ask the card for its root", err)
		} else {
			g.step(passed, "the card answers")
		}
	}
	g.await(ctx, d, "Take the card away", "the card was taken", func() bool { return !here() })
}

func tryCodes(ctx context.Context, g *guide, d device.CodeScanner) {
	g.say("Scan any code: one on a receipt, or on a package")
	ctx, cancel := context.WithTimeout(ctx, g.wait)
	defer cancel()
	c, err := d.Scan(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, device.ErrTimeout):
		g.step(unconfirmed, "nothing was scanned")
	case err != nil:
		g.broke("scan a code", err)
	default:
		// What it says may be someone's.
		g.step(passed, "a code was read: %s, %d characters", c.Symbology, len(c.Data))
	}
}

func tryImages(ctx context.Context, g *guide, d device.ImageScanner) {
	if g.ask(ctx, "Lay a sheet with print on it into the scanner. Is it there?") == failed {
		g.step(unconfirmed, "there is no sheet to scan")
		return
	}
	taking, cancel := context.WithTimeout(ctx, g.wait)
	img, err := d.Capture(taking, 150)
	cancel()
	if err != nil {
		g.broke("take a picture", err)
		return
	}
	dark, light := contrast(img)
	b := img.Bounds()
	switch {
	case b.Dx() < 100 || b.Dy() < 100:
		g.step(failed, "the picture has %d by %d dots", b.Dx(), b.Dy())
	case light-dark < 32:
		g.step(failed, "the picture is of one shade: is the lens covered, or the light off?")
	default:
		g.step(passed, "a picture of %d by %d dots, with dark and light in it; it was not kept", b.Dx(), b.Dy())
	}
}

// contrast returns the darkest and the lightest shade of a grid of dots.
func contrast(img image.Image) (dark, light int) {
	b := img.Bounds()
	dark = 255
	for y := b.Min.Y; y < b.Max.Y; y += max(1, b.Dy()/64) {
		for x := b.Min.X; x < b.Max.X; x += max(1, b.Dx()/64) {
			r, g, bl, _ := img.At(x, y).RGBA()
			s := int((r + g + bl) / 3 >> 8)
			dark, light = min(dark, s), max(light, s)
		}
	}
	return dark, light
}

// bills are what a bill validator is asked to let in.
var bills = []int64{100, 500, 1000, 2000, 5000, 10000} // tenge of the manat

// testPayment is what a guided test pays for: nothing is stacked for it.
const testPayment = "penjire-device-test"

func tryCash(ctx context.Context, g *guide, d device.CashAcceptor) {
	var denoms []device.Denom
	for _, v := range bills {
		denoms = append(denoms, device.Denom{Currency: "TMT", Value: v})
	}
	ctx, cancel := context.WithTimeout(ctx, g.wait)
	defer cancel()
	events := d.Events(ctx)
	if err := d.Start(ctx, testPayment, denoms); err != nil {
		g.broke("let bills in", err)
		return
	}
	g.say("Put a bill in: it is given back (Enter: go on without)")
	g.cash(ctx, d, events)
	ended, stop := context.WithTimeout(context.WithoutCancel(ctx), brief)
	defer stop()
	if err := d.End(ended); err != nil {
		g.broke("let no more bills in", err)
		return
	}
	g.step(passed, "no more bills are let in")
}

func (g *guide) cash(ctx context.Context, d device.CashAcceptor, events <-chan device.CashEvent) {
	for {
		select {
		case e, ok := <-events:
			switch {
			case !ok:
				g.step(unconfirmed, "no bill was given back")
				return
			case e.Kind == device.CashEscrow:
				g.step(passed, "a bill of %d.%02d %s is held", e.Denom.Value/100, e.Denom.Value%100, e.Denom.Currency)
				if err := d.Return(ctx); err != nil {
					g.broke("give the bill back", err)
					return
				}
			case e.Kind == device.CashReturned:
				g.step(passed, "it was given back")
				return
			case e.Kind == device.CashAmbiguous && e.Tx != testPayment:
				g.say("the book has a bill of %d.%02d %s of an earlier payment, of which nobody knows whether it is inside: count what is in it", e.Denom.Value/100, e.Denom.Value%100, e.Denom.Currency)
			case e.Kind == device.CashRefused:
				g.say("the bill was refused: %s", e.Reason)
			default:
				g.step(failed, "the acceptor says %s: count what is in it", e.Kind)
				return
			}
		case _, typed := <-g.lines:
			if typed {
				g.step(unconfirmed, "no bill was put in")
				return
			}
			g.lines = nil // nobody types
		case <-ctx.Done():
			g.step(unconfirmed, "no bill was given back in time")
			return
		}
	}
}

func tryModem(ctx context.Context, g *guide, d device.Modem) {
	asked, cancel := context.WithTimeout(ctx, 4*brief)
	defer cancel()
	s, err := d.Signal(asked)
	if err != nil {
		g.broke("ask for the signal", err)
		return
	}
	v := failed
	switch s.Registration {
	case device.Home, device.Roaming:
		v = passed
	case device.RegUnknown, device.Searching:
		v = unconfirmed
	}
	g.step(v, "network: %s %s", s.Registration, s.Operator)
	if s.DBm == 0 {
		g.step(unconfirmed, "the modem does not say how strong the signal is")
	} else {
		g.step(passed, "signal %d dBm", s.DBm)
	}
	g.say("No message was sent: it would cost something.")
}
