package modem_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/atmodem"
	"github.com/penjire/penjire/drivers/emulator/pty/ptytest"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/linktest"
	"github.com/penjire/penjire/drivers/modem"
)

// hands are an emulated modem's, and its cable's.
type hands struct {
	*atmodem.Modem
	t              *testing.T
	unplug, replug func()
}

func (h hands) Unplug() { h.unplug() }
func (h hands) Replug() { h.replug() }

func (h hands) Network(r device.Registration, dBm int) {
	rssi := 99
	if dBm != 0 {
		rssi = (dBm + 113) / 2
	}
	h.Modem.Network(map[device.Registration]int{
		device.NotRegistered: 0, device.Home: 1, device.Searching: 2, device.Denied: 3, device.Roaming: 5,
	}[r], rssi)
}

func (h hands) Sent() (out [][2]string) {
	for _, m := range h.Modem.Sent() {
		out = append(out, [2]string{m.To, m.Text})
	}
	return out
}

func (h hands) Deliver(from, text string, at time.Time, missing bool) {
	if err := h.Modem.Deliver(from, text, at, missing); err != nil {
		h.t.Error(err)
	}
}

func (h hands) Next(m devicetest.ModemMishap) {
	if m == devicetest.ModemPulled {
		h.BeforeSend(h.unplug)
		return
	}
	h.Inject(map[devicetest.ModemMishap]atmodem.Fault{
		devicetest.ModemNoPrompt:     atmodem.NoPrompt,
		devicetest.ModemSentMute:     atmodem.SentMute,
		devicetest.ModemSentReboot:   atmodem.SentReboot,
		devicetest.ModemUnsentReboot: atmodem.UnsentReboot,
		devicetest.ModemRefused:      atmodem.Refused,
		devicetest.ModemDumb:         atmodem.Mute,
		devicetest.ModemTalkative:    atmodem.Talkative,
		devicetest.ModemUnsentMute:   atmodem.UnsentNoReply,
	}[m])
}

func drive(t *testing.T, port link.Port, o modem.Opts) *modem.Dev {
	d, err := modem.New(port, o)
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	t.Cleanup(func() {
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	})
	return d
}

// liar is a driver that lies.
type liar struct {
	device.Modem
	lie string
}

var lies = map[string]bool{"sends again": true, "says that it was sent": true, "tells the number": true, "forgets what came": true}

func (l liar) Send(ctx context.Context, to, text string) error {
	err := l.Modem.Send(ctx, to, text)
	e, ok := err.(*device.Error)
	switch {
	case l.lie == "sends again" && ok && e.SideEffect == device.SideEffectUnknown:
		_ = l.Modem.Send(ctx, to, text)
	case l.lie == "says that it was sent":
		return nil
	case l.lie == "tells the number" && ok:
		e.Op += " to " + to
	}
	return err
}

func (l liar) Received(ctx context.Context) (device.SMS, error) {
	if l.lie == "forgets what came" {
		if _, err := l.Modem.Received(ctx); err != nil {
			return device.SMS{}, err
		}
	}
	return l.Modem.Received(ctx)
}

func inMemory(t *testing.T) devicetest.ModemRig {
	m := atmodem.New()
	s := linktest.Plug(t, "modem", m)
	var d device.Modem = drive(t, s, modem.Opts{Network: 10 * time.Second})
	if lie := devicetest.Lie(); lies[lie] {
		d = liar{d, lie}
	}
	return devicetest.ModemRig{Dev: d, Hands: hands{m, t, s.Unplug, s.Replug}}
}

// onPTY is one at a port of the kernel's.
func onPTY(t *testing.T) devicetest.ModemRig {
	m := atmodem.New()
	path, unplug, replug := ptytest.Attach(t, m)
	o := modem.Opts{Network: time.Second, Poll: 500 * time.Millisecond}
	return devicetest.ModemRig{
		Dev:   drive(t, link.Serial{Path: path}, o),
		Hands: hands{m, t, unplug, replug},
	}
}

func TestSuite(t *testing.T) { devicetest.Modem(t, devicetest.Faked, inMemory) }

func TestSuiteOnPTY(t *testing.T) { devicetest.Modem(t, devicetest.Real, onPTY) }

func TestLiarsAreCaught(t *testing.T) {
	devicetest.Caught(t, "TestSuite", slices.Collect(maps.Keys(lies))...)
}
