package ccnet_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/ccnet"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	emu "github.com/penjire/penjire/drivers/emulator/ccnet"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// What other drivers were seen to do wrong in the field.

// shop is a validator with a driver that is ready.
type shop struct {
	*emu.Validator
	dev    *ccnet.Dev
	book   *devicetest.CashBook
	events <-chan device.CashEvent
}

func open(t *testing.T, front func(linktest.Device) linktest.Device, before func(v *emu.Validator)) shop {
	v := emu.New(emu.Manats, 1)
	before(v)
	book := new(devicetest.CashBook)
	s := shop{v, drive(t, linktest.Plug(t, "validator", front(v)), ccnet.Opts{Journal: book}), book, nil}
	s.events = s.dev.Events(t.Context())
	s.health(t, device.Online)
	return s
}

func plain(d linktest.Device) linktest.Device { return d }

func (s shop) health(t *testing.T, want device.Health) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	for changes := s.dev.Changes(ctx); s.dev.Health() != want; {
		if _, ok := <-changes; !ok {
			t.Fatalf("health is %s, want %s", s.dev.Health(), want)
		}
	}
}

// TestDamagedIsNotRead: "escrow" and "stacked" differ by one bit. A driver that
// does not look at the checksum credits a bill that is in escrow.
func TestDamagedIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, plain, func(*emu.Validator) {})
		s.At(emu.StepEscrow, func() { s.Inject(emu.DamageLong) })
		if err := s.dev.Start(t.Context(), "tx-1", manats); err != nil {
			t.Fatal(err)
		}
		for !s.Insert(0) {
			<-time.After(50 * time.Millisecond)
		}
		if e := <-s.events; e.Kind != device.CashEscrow {
			t.Errorf("first event = %+v, want escrow", e)
		}
		if n := s.Heard(0xFF); n == 0 {
			t.Error("a damaged answer is not asked for again")
		}
		if err := s.dev.End(t.Context()); err != nil {
			t.Errorf("End = %v", err)
		}
		if es := s.book.Entries(); len(es) != 0 {
			t.Errorf("journal = %+v, want nothing", es)
		}
	})
}

// TestFailuresAreAcknowledged: 42 to 47 are states like others. A driver that
// answers them with NAK hears them for ever.
func TestFailuresAreAcknowledged(t *testing.T) {
	for state, want := range map[byte]device.Health{
		0x41: device.UserError, 0x42: device.UserError, 0x43: device.HardwareError,
		0x44: device.HardwareError, 0x46: device.Busy, 0x47: device.HardwareError,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, plain, func(*emu.Validator) {})
			s.Trouble(state)
			s.health(t, want)
			acks := s.Heard(0x00)
			<-time.After(time.Second)
			if n, more := s.Heard(0xFF), s.Heard(0x00)-acks; n != 0 || more < 5 {
				t.Errorf("state %02X: %d NAKs and %d ACKs in a second, want no NAK", state, n, more)
			}
			s.Trouble(0)
			s.health(t, device.Online)
		})
	}
}

// TestStaleAfterReset: the state before RESET may be said once more after it. A
// driver that judges by it resets for ever, or thinks that RESET failed.
func TestStaleAfterReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, plain, func(v *emu.Validator) { v.Inject(emu.StaleReset) })
		if n := s.Heard(0x30); n != 1 {
			t.Errorf("RESET was sent %d times, want 1", n)
		}
	})
}

// echo is a line on which the controller hears itself, as with RS-485 adapters.
type echo struct{ linktest.Device }

func (e echo) Serve(line io.ReadWriter) { e.Device.Serve(echoed{line}) }

type echoed struct{ io.ReadWriter }

func (e echoed) Read(p []byte) (int, error) {
	n, err := e.ReadWriter.Read(p)
	if err != nil {
		return n, err
	}
	_, err = e.Write(p[:n])
	return n, err
}

// TestOwnQuestionIsNoAnswer: the command for the bill table has the bytes of the
// state "cassette full".
func TestOwnQuestionIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, func(d linktest.Device) linktest.Device { return echo{d} }, func(*emu.Validator) {})
		if !purchase(t, s.dev, s.Validator, s.events, "tx-1", func() {}) {
			t.Error("bill is not credited on a line with echo")
		}
		if n := s.Heard(0x41); n == 0 {
			t.Error("bill table was never asked for")
		}
		select {
		case e := <-s.events:
			t.Errorf("event = %+v, want no more", e)
		default:
		}
	})
}

// TestWithoutJournal: an acceptor that the registry opened says how it is, and
// takes no money until there is a journal.
func TestWithoutJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := emu.New(emu.Manats, 1)
		s := shop{Validator: v, dev: drive(t, linktest.Plug(t, "validator", v), ccnet.Opts{})}
		<-time.After(2 * time.Second)
		if err := s.dev.Start(t.Context(), "tx-1", manats); err == nil || v.Heard(0x30) != 0 {
			t.Errorf("Start = %v after %d RESETs, want ErrNoJournal and nothing moved", err, v.Heard(0x30))
		}
		if err := s.dev.UseJournal(new(devicetest.CashBook)); err != nil {
			t.Fatal(err)
		}
		if err := s.dev.UseJournal(new(devicetest.CashBook)); err == nil {
			t.Error("a second journal is taken")
		}
		s.health(t, device.Online)
		if got := s.dev.Identity(); got != "SM-TMT1234 990000000001" {
			<-time.After(time.Second)
			if got = s.dev.Identity(); got != "SM-TMT1234 990000000001" {
				t.Errorf("Identity = %q", got)
			}
		}
	})
}
