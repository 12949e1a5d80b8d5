package main

import (
	"context"
	"errors"
	"image"
	"image/color"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// fake is a device of every class but those that have emulators here: it says what
// its fields say, and remembers what it was told.
type fake struct {
	contact  device.Contact
	celsius  float64
	clock    time.Duration // off by that
	power    device.Power
	signal   device.Signal
	shade    uint8 // of the picture's left half; its right half is white
	job      device.JobState
	err      error
	told     []string
	returned bool
	watch    link.Watch
}

func (f *fake) tell(s string) error { f.told = append(f.told, s); return f.err }

func (f *fake) String() string                              { return "fake" }
func (f *fake) Halt() error                                 { return nil }
func (f *fake) Health() device.Health                       { return device.Online }
func (f *fake) Changes(ctx context.Context) <-chan struct{} { return f.watch.Channel(ctx) }
func (f *fake) Lights() []device.Light                      { return []device.Light{device.LightCardReader} }

func (f *fake) Set(l device.Light, s device.Flash) error            { return f.tell(string(l) + " " + string(s)) }
func (f *fake) Kind() device.SensorKind                             { return device.SensorDoor }
func (f *fake) Contact() (device.Contact, time.Time)                { return f.contact, time.Time{} }
func (f *fake) Tripped() bool                                       { return false }
func (f *fake) Clear()                                              {}
func (f *fake) Brightness(int) error                                { return f.tell("brightness") }
func (f *fake) Blank(bool) error                                    { return f.tell("blank") }
func (f *fake) Power(context.Context) (device.Power, error)         { return f.power, f.err }
func (f *fake) Celsius(context.Context) (float64, error)            { return f.celsius, f.err }
func (f *fake) Signal(context.Context) (device.Signal, error)       { return f.signal, f.err }
func (f *fake) Received(context.Context) (device.SMS, error)        { return device.SMS{}, f.err }
func (f *fake) Return(context.Context) error                        { f.returned = true; return nil }
func (f *fake) Stack(context.Context) error                         { return f.tell("stack") }
func (f *fake) End(context.Context) error                           { return f.tell("end") }
func (f *fake) Send(context.Context, string, string) error          { return f.tell("send") }
func (f *fake) Start(context.Context, string, []device.Denom) error { return f.err }

func (f *fake) Scan(context.Context) (device.Code, error) {
	return device.Code{Symbology: device.QRCode, Data: []byte("someone's secret")}, f.err
}

func (f *fake) Capture(context.Context, int) (image.Image, error) {
	img := image.NewGray(image.Rect(0, 0, 200, 200))
	for i := range img.Pix {
		img.Pix[i] = 255
		if i%200 < 100 {
			img.Pix[i] = f.shade
		}
	}
	img.SetGray(0, 0, color.Gray{Y: f.shade})
	return img, f.err
}

// Events yields a bill that is held, and given back when it was asked for.
func (f *fake) Events(ctx context.Context) <-chan device.CashEvent {
	out := make(chan device.CashEvent)
	go func() {
		defer close(out)
		for _, k := range []device.CashKind{device.CashEscrow, device.CashReturned} {
			select {
			case out <- device.CashEvent{Kind: k, Denom: device.Denom{Currency: "TMT", Value: 1000}}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

func (f *fake) Takes(context.Context, device.Document) error                  { return f.err }
func (f *fake) Submit(context.Context, device.Document) (device.JobID, error) { return 7, f.err }
func (f *fake) Job(context.Context, device.JobID) (device.Job, error) {
	return device.Job{ID: 7, State: f.job, Reasons: []string{"none"}}, nil
}
func (f *fake) Cancel(context.Context, device.JobID) error { return nil }
func (f *fake) Supplies(context.Context) ([]device.Supply, error) {
	return []device.Supply{{Name: "toner", Percent: 40}}, nil
}

func (f *fake) Media(context.Context) (device.Media, error) {
	return device.Media{Paper: device.PaperFull, Cover: device.CoverClosed}, nil
}

// rtc is a clock: its Set is not a light's.
type rtc struct{ *fake }

func (r rtc) Now() (time.Time, error) { return time.Now().Add(r.clock), r.err }
func (r rtc) Set(time.Time) error     { return r.tell("set") }

// TestTries: the test of each class says well only of what was confirmed, and gives
// no word of a person.
func TestTries(t *testing.T) {
	broken := errors.New("it is broken")
	unknown := &device.Error{Dev: "fake", Op: "submit", SideEffect: device.SideEffectUnknown, Err: device.ErrTimeout}
	for name, v := range map[string]struct {
		class board.Class
		dev   device.Device
		types string // every answer
		want  int
		says  string
	}{
		"lights":             {board.Indicator, &fake{}, "y", good, "cardReader flashes"},
		"lights not seen":    {board.Indicator, &fake{}, "n", bad, "FAILED         cardReader flashes"},
		"lights broken":      {board.Indicator, &fake{err: broken}, "y", bad, "it is broken"},
		"sensor unknown":     {board.Sensor, &fake{contact: device.ContactUnknown}, "", blind, "does not say what it senses"},
		"sensor stuck":       {board.Sensor, &fake{contact: device.ContactIdle}, "", blind, "did not say so: the sensor is active"},
		"backlight":          {board.Backlight, &fake{}, "y", good, "Is it dark?"},
		"clock":              {board.RealTimeClock, rtc{&fake{}}, "", good, "from this machine's"},
		"clock off":          {board.RealTimeClock, rtc{&fake{clock: time.Hour}}, "", blind, "which one is right"},
		"clock stopped":      {board.RealTimeClock, rtc{&fake{err: device.ErrClockStopped}}, "", bad, "battery"},
		"power":              {board.PowerMonitor, &fake{power: device.Power{Source: device.PowerMains, Percent: -1, Volts: 5.1}}, "", good, "5.10 V"},
		"power unknown":      {board.PowerMonitor, &fake{power: device.Power{Source: device.PowerUnknown}}, "", blind, "source unknown"},
		"temperature":        {board.Thermometer, &fake{celsius: 41.5}, "", good, "41.5 °C"},
		"temperature absurd": {board.Thermometer, &fake{celsius: 850}, "", bad, "cannot be"},
		"code":               {board.CodeScanner, &fake{}, "", good, "qrCode, 16 characters"},
		"no code":            {board.CodeScanner, &fake{err: context.DeadlineExceeded}, "", blind, "nothing was scanned"},
		"picture":            {board.ImageScanner, &fake{shade: 20}, "y", good, "200 by 200 dots"},
		"picture white":      {board.ImageScanner, &fake{shade: 250}, "y", bad, "of one shade"},
		"no sheet":           {board.ImageScanner, &fake{}, "n", blind, "no sheet"},
		"bill":               {board.CashAcceptor, &fake{}, "", good, "a bill of 10.00 TMT is held"},
		"modem":              {board.Modem, &fake{signal: device.Signal{Registration: device.Home, DBm: -71}}, "", good, "-71 dBm"},
		"modem denied":       {board.Modem, &fake{signal: device.Signal{Registration: device.Denied}}, "", bad, "denied"},
		"page":               {board.DocumentPrinter, &fake{job: device.JobCompleted}, "y", good, "job is completed"},
		"page aborted":       {board.DocumentPrinter, &fake{job: device.JobAborted}, "y", bad, "job is aborted"},
		"page unknown":       {board.DocumentPrinter, &fake{err: unknown}, "y", blind, "side effect unknown"},
		"other class":        {board.CardReader, &fake{}, "", bad, "drives no device of this class"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			lines := make(chan string)
			ctx, done := context.WithCancel(t.Context())
			defer done()
			if v.types != "" {
				go func() {
					for ctx.Err() == nil {
						select {
						case lines <- v.types:
						case <-ctx.Done():
						}
					}
				}()
			} else {
				close(lines)
			}
			g := &guide{lines: lines, out: &out, wait: 300 * time.Millisecond, count: map[verdict]int{}}
			if !tries[v.class](ctx, g, v.dev) {
				g.step(failed, "driver fake drives no device of this class")
			}
			if got := g.end(); got != v.want || !strings.Contains(out.String(), v.says) || strings.Contains(out.String(), "secret") {
				t.Errorf("status %d, want %d and %q; said\n%s", got, v.want, v.says, out.String())
			}
		})
	}
}

// TestEveryClassHasATest: a class that is added needs one, or a reason.
func TestEveryClassHasATest(t *testing.T) {
	for _, c := range board.Classes() {
		if _, ok := tries[board.Class(c)]; !ok && board.Class(c) != board.Watchdog {
			t.Errorf("class %s has no guided test", c)
		}
	}
}
