package escpos

import (
	"context"
	"errors"
	"image"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/fonta"
)

// Print implements device.ReceiptPrinter. Jobs wait for one another.
func (d *Dev) Print(ctx context.Context, img image.Image) (device.Outcome, error) {
	out, err := d.print(ctx, img)
	return out, d.failed("print", out, err)
}

func (d *Dev) print(ctx context.Context, img image.Image) (device.Outcome, error) {
	bits, _, err := pack(img, d.p.Dots)
	if err != nil {
		return device.NotPrinted, err
	}
	var s sheet
	s.bands(d.p.Raster, bits, d.p.Dots/8)
	return d.runJob(ctx, s)
}

// Columns implements device.TextPrinter.
func (d *Dev) Columns() int { return d.p.Dots / fonta.Width }

// PrintText implements device.TextPrinter.
func (d *Dev) PrintText(ctx context.Context, lines []device.Line) (device.Outcome, error) {
	s, err := d.p.text(lines)
	out := device.NotPrinted
	if err == nil {
		out, err = d.runJob(ctx, s)
	}
	return out, d.failed("print text", out, err)
}

// runJob runs one job.
func (d *Dev) runJob(ctx context.Context, sh sheet) (device.Outcome, error) {
	return d.exclusive(ctx, func(ctx context.Context, s *session) (device.Outcome, error) {
		j := job{d: d, s: s, sheet: sh}
		return j.run(ctx)
	})
}

// failed returns err as what the contract wants, nil if there is none.
func (d *Dev) failed(op string, out device.Outcome, err error) error {
	if err == nil {
		return nil
	}
	effect := device.SideEffectNo
	if out != device.NotPrinted {
		effect = device.SideEffectUnknown
	}
	return &device.Error{Dev: d.String(), Op: op, SideEffect: effect, Err: err}
}

// Cut implements device.Cutter: it feeds what hangs out to the cutter and cuts
// it off; a presenter does not show it. It returns when the printer has
// confirmed that.
func (d *Dev) Cut(ctx context.Context) error {
	out, err := d.runJob(ctx, sheet{})
	return d.failed("cut", out, err)
}

// Retract implements device.Presenter.
func (d *Dev) Retract(ctx context.Context) error {
	if d.p.Presenter == nil {
		return d.failed("retract", device.NotPrinted, device.ErrUnsupported)
	}
	out, err := d.exclusive(ctx, func(ctx context.Context, s *session) (device.Outcome, error) {
		st, err := s.ask(ctx)
		d.note(s, err)
		if err != nil || !st.waiting {
			return device.NotPrinted, err
		}
		return device.PrintUnknown, d.pullBack(ctx, s)
	})
	return d.failed("retract", out, err)
}

// exclusive runs f with the bus held and a session open.
func (d *Dev) exclusive(ctx context.Context, f func(context.Context, *session) (device.Outcome, error)) (device.Outcome, error) {
	if err := d.take(ctx); err != nil {
		return device.NotPrinted, err
	}
	defer func() { <-d.bus }()
	if d.ctx.Err() != nil {
		return device.NotPrinted, device.ErrHalted
	}
	if d.sess == nil {
		return device.NotPrinted, device.ErrUnplugged
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(d.ctx, func() { cancel(device.ErrHalted) })()
	out, err := f(ctx, d.sess)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, device.ErrHalted) {
		err = cause
	}
	if errors.Is(err, device.ErrUnplugged) {
		d.set(device.NoDevice, d.unknownMedia())
	}
	return out, err
}
