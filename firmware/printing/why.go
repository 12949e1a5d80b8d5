package printing

import (
	"context"
	"errors"

	"github.com/penjire/penjire/drivers/device"
)

// Why says why a job waits or failed, as a stable code: it keys words of the
// screen and is written to the journal.
type Why string

// The reasons.
const (
	WhyNothing  Why = ""
	WhyPaperOut Why = "printer.paper.out"
	WhyPaperJam Why = "printer.paper.jam"
	WhyCover    Why = "printer.cover.open"
	WhyHot      Why = "printer.hot"     // it prints when it has cooled
	WhyGone     Why = "printer.gone"    // unplugged, or there is none
	WhyUnknown  Why = "printer.unknown" // it does not say what ails it
	WhyBroken   Why = "printer.failed"
	WhyStopped  Why = "kiosk.stopped" // the kiosk was shut down
	WhyPower    Why = "power.failing" // the power is about to go
	WhyForgot   Why = "print.gone"    // ErrGone
	WhyLate     Why = "print.late"    // ErrLate
	WhyLayout   Why = "print.layout"  // the paper could not be drawn
)

// ready says what keeps the printer from printing; WhyNothing when it can.
func (w *Worker) ready(ctx context.Context) Why {
	if w.Printer == nil {
		return WhyGone
	}
	if w.Hold != nil && w.Hold() {
		return WhyPower
	}
	switch w.Printer.Health() {
	case device.NoDevice, device.Offline:
		return WhyGone
	case device.HardwareError:
		return WhyBroken
	}
	m, err := w.Printer.Media(ctx)
	if err != nil {
		return reason(err)
	}
	switch {
	case m.Cover == device.CoverOpen:
		return WhyCover
	case m.Paper == device.PaperOut:
		return WhyPaperOut
	case m.Paper == device.PaperJammed:
		return WhyPaperJam
	case m.Hot:
		return WhyHot
	case m.Paper == device.PaperUnknown && m.Cover == device.CoverUnknown:
		return WhyUnknown
	}
	return WhyNothing
}

// reason gives the code for what a driver reported.
func reason(err error) Why {
	switch {
	case errors.Is(err, device.ErrNoPaper):
		return WhyPaperOut
	case errors.Is(err, device.ErrCoverOpen):
		return WhyCover
	case errors.Is(err, device.ErrPaperJam):
		return WhyPaperJam
	case errors.Is(err, device.ErrHot):
		return WhyHot
	case errors.Is(err, device.ErrUnplugged):
		return WhyGone
	case errors.Is(err, context.Canceled):
		return WhyStopped
	case errors.Is(err, device.ErrTimeout):
		return WhyUnknown
	}
	return WhyBroken
}
