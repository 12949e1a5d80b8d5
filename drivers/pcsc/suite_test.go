package pcsc_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/pcscd"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/pcsc"
)

// hands are an emulated reader's, and its daemon's.
type hands struct {
	d           *pcscd.Daemon
	card        *devicetest.Card
	stop, start func()
}

func (h hands) Insert()    { h.d.Insert(h.card) }
func (h hands) Remove()    { h.d.Remove() }
func (h hands) Unplug()    { h.stop() }
func (h hands) Replug()    { h.start() }
func (h hands) Count() int { return h.d.Count() }

func (h hands) Next(m devicetest.Mishap) {
	if m == devicetest.CablePulled {
		h.card.Do(h.stop)
		return
	}
	h.d.Inject(map[devicetest.Mishap]pcscd.Fault{
		devicetest.PulledBefore: pcscd.PullBefore,
		devicetest.PulledAfter:  pcscd.PullAfter,
		devicetest.Silence:      pcscd.Mute,
		devicetest.Deafness:     pcscd.Deaf,
		devicetest.Garbled:      pcscd.Garble,
		devicetest.TooLate:      pcscd.Late,
	}[m])
}

// never is what the kernel keeps from happening on a socket.
var never = map[devicetest.Mishap]string{
	devicetest.GarbledOnce: "a socket does not change bytes, and pcscd repeats no answer",
	devicetest.StaleFirst:  "a socket keeps the order, and a connection on which an answer is late is given up",
}

func drive(t *testing.T, port link.Port, o pcsc.Opts) *pcsc.Dev {
	o.Timeout = 600 * time.Millisecond
	d, err := pcsc.New(port, o)
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

// kinds are the ways a reader may be; the rig of each.
var kinds = map[string]struct {
	d pcscd.Opts
	o pcsc.Opts
}{
	"contacts":          {},
	"contacts, T=0":     {d: pcscd.Opts{T0: true}},
	"contactless":       {d: pcscd.Opts{Contactless: true}},
	"shared, 4:5":       {d: pcscd.Opts{Minor: 5}, o: pcsc.Opts{Shared: true}},
	"by its name, 4:6":  {d: pcscd.Opts{Minor: 6}, o: pcsc.Opts{Reader: "Penjire Emulated"}},
	"contactless, 4:5 ": {d: pcscd.Opts{Minor: 5, Contactless: true}},
}

func TestSuite(t *testing.T) {
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			devicetest.CardReader(t, devicetest.Faked, func(t *testing.T) devicetest.ReaderRig {
				d := pcscd.New(k.d)
				m := pcscd.InMemory(d)
				t.Cleanup(m.Close)
				return devicetest.ReaderRig{
					Dev: drive(t, m, k.o), Hands: hands{d, new(devicetest.Card), m.Stop, m.Start},
					Contacts: !k.d.Contactless, Never: never,
				}
			})
		})
	}
}

func TestSuiteOnSocket(t *testing.T) {
	devicetest.CardReader(t, devicetest.Real, func(t *testing.T) devicetest.ReaderRig {
		t.Cleanup(devicetest.Leaks(t))
		d := pcscd.New(pcscd.Opts{})
		s, err := pcscd.Listen(filepath.Join(t.TempDir(), "pcscd.comm"), d)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Errorf("Close = %v, want nil", err)
			}
		})
		must := func(f func() error) func() {
			return func() {
				if err := f(); err != nil {
					t.Error(err)
				}
			}
		}
		return devicetest.ReaderRig{
			Dev: drive(t, link.Unix{Path: s.Path()}, pcsc.Opts{}), Hands: hands{d, new(devicetest.Card), must(s.Stop), must(s.Start)},
			Contacts: true, Never: never,
		}
	})
}
