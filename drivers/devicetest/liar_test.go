package devicetest_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/crt591"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/crt591emu"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// lies are ways in which a reader's driver may be wrong.
var lies = map[string]func(*crt591.Dev) liar{
	"repeats what failed": func(d *crt591.Dev) liar {
		return liar{d, func(ctx context.Context, gen uint64, apdu []byte) ([]byte, error) {
			r, err := d.Transmit(ctx, gen, apdu)
			if err == nil {
				return r, nil
			}
			soon, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			c, werr := d.Wait(soon, 0)
			if werr != nil {
				return nil, err
			}
			return d.Transmit(ctx, c.Gen, apdu)
		}}
	},
	"denies what may have happened": func(d *crt591.Dev) liar {
		return liar{d, func(ctx context.Context, gen uint64, apdu []byte) ([]byte, error) {
			r, err := d.Transmit(ctx, gen, apdu)
			if e, ok := errors.AsType[*device.Error](err); ok {
				e.SideEffect = device.SideEffectNo
			}
			return r, err
		}}
	},
	"gives the new card for the old": func(d *crt591.Dev) liar {
		return liar{d, func(ctx context.Context, gen uint64, apdu []byte) ([]byte, error) {
			if c := d.Card(); c != nil {
				gen = c.Gen
			}
			return d.Transmit(ctx, gen, apdu)
		}}
	},
}

// liar is a driver with another Transmit.
type liar struct {
	*crt591.Dev
	transmit func(ctx context.Context, gen uint64, apdu []byte) ([]byte, error)
}

func (l liar) Transmit(ctx context.Context, gen uint64, apdu []byte) ([]byte, error) {
	return l.transmit(ctx, gen, apdu)
}

// hands are an emulated reader's.
type hands struct {
	*crt591emu.Unit
	*linktest.Socket
	card *devicetest.Card
}

func (h hands) Insert()        { h.Unit.Insert(h.card) }
func (h hands) String() string { return h.Socket.String() }

func (h hands) Next(m devicetest.Mishap) {
	if m == devicetest.CablePulled {
		h.card.Do(h.Unplug)
		return
	}
	h.Inject(map[devicetest.Mishap]crt591emu.Fault{
		devicetest.PulledBefore: crt591emu.PullBefore, devicetest.PulledAfter: crt591emu.PullAfter,
		devicetest.Silence: crt591emu.Mute, devicetest.Deafness: crt591emu.Deaf, devicetest.Garbled: crt591emu.DamageAll,
		devicetest.StaleFirst: crt591emu.Stale, devicetest.GarbledOnce: crt591emu.DamageOnce, devicetest.TooLate: crt591emu.Late,
	}[m])
}

// TestLie is the suite for a lie: it is to fail.
func TestLie(t *testing.T) {
	l, ok := lies[devicetest.Lie()]
	if !ok {
		return // there is nothing to lie about
	}
	devicetest.CardReader(t, devicetest.Faked, func(t *testing.T) devicetest.ReaderRig {
		u := crt591emu.New(crt591emu.Opts{})
		s := linktest.Plug(t, "reader", u)
		d, err := crt591.New(s, crt591.Opts{Timeout: 600 * time.Millisecond, Poll: 50 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Halt() }) // it may be halted
		return devicetest.ReaderRig{Dev: l(d), Hands: hands{u, s, new(devicetest.Card)}, Longest: 261, Answer: 258}
	})
}

// TestLiesAreCaught: the suite of card readers can fail.
func TestLiesAreCaught(t *testing.T) {
	devicetest.Caught(t, "TestLie", slices.Sorted(maps.Keys(lies))...)
}
