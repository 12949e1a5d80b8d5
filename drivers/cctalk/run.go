package cctalk

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/till"
)

// coinTypes is how many coins an acceptor knows.
const coinTypes = 16

// run keeps the acceptor open until Halt.
func (d *Dev) run() {
	d.own.Keep(d.port, d.o.Reopen, d.session, d.gone)
	till.SetHealth(&d.Desk, device.Offline)
}

// gone notes that the acceptor cannot be used, and why.
func (d *Dev) gone(err error) {
	d.now, d.lost = nil, err
	till.Lost(&d.Desk, err)
}

// session is the time from opening the port to losing it.
func (d *Dev) session() (err error) {
	l, err := d.port.Open(d.own.Ctx)
	if err != nil {
		return err
	}
	s := &session{Dev: d, bus: &bus{line: l, check: d.o.Check, address: d.o.Address}}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := s.setUp(d.own.Ctx); err != nil {
		return err
	}
	d.now = s
	for {
		// A question that had no answer was asked three times.
		if err := s.poll(d.own.Ctx); err != nil && d.own.Ctx.Err() == nil {
			return err
		}
		d.own.Calls.ServeFor(d.own.Ctx, d.o.Poll)
		if d.own.Ctx.Err() != nil {
			// Best effort: the next session begins with the same.
			ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
			defer cancel()
			_, _ = s.bus.ask(ctx, 0, hdrMaster, 0)
			return d.own.Ctx.Err()
		}
	}
}

// session is what is known of the acceptor since the line was opened.
type session struct {
	*Dev
	bus    *bus
	coins  [coinTypes]device.Denom
	count  uint8 // of events that were dealt with
	known  bool  // count is
	shut   bool  // it has begun anew, and lets nothing in
	anew   bool  // it has had no power during a payment
	odd    int   // readings in a row of a counter that went back
	oddAt  uint8
	booked error
	fault  byte // of the self-check
}

// setUp inhibits the acceptor before anything else, and asks what it is.
func (s *session) setUp(ctx context.Context) error {
	if _, err := s.bus.ask(ctx, 0, hdrPoll); err != nil {
		return err
	}
	if s.pay != nil {
		// It was let in coins. One that has forgotten that had no power meanwhile,
		// also where its count does not show it: it may have been 0 before.
		a, err := s.bus.ask(ctx, 1, hdrMasterState)
		if err != nil {
			return err
		}
		s.anew = a[0]&1 == 0
	}
	if _, err := s.bus.ask(ctx, 0, hdrMaster, 0); err != nil {
		return err
	}
	var words [3]string
	for i, h := range []byte{hdrCategory, hdrMaker, hdrProduct} {
		a, err := s.bus.ask(ctx, -1, h)
		if err != nil {
			return err
		}
		words[i] = strings.ToValidUTF8(strings.TrimSpace(string(a)), "?")
	}
	if words[0] != "Coin Acceptor" {
		return fmt.Errorf("device is a %q, not a coin acceptor: %w", words[0], device.ErrProtocol)
	}
	till.SetIdentity(&s.Desk, words[1]+" "+words[2])
	a, err := s.bus.ask(ctx, -1, hdrSelfCheck)
	if err != nil {
		return err
	}
	if len(a) > 0 {
		s.fault = a[0]
	}
	for i := range s.coins {
		a, err := s.bus.ask(ctx, 6, hdrCoinID, byte(i+1))
		if err != nil {
			return err
		}
		s.coins[i] = parseCoin(string(a), s.o.Countries)
	}
	if s.pay != nil {
		return s.letIn(ctx)
	}
	return nil
}

// parseCoin reads a coin's name: country, three digits of worth in the smallest unit,
// issue (part 3, appendix 3). A name that is none is no coin.
func parseCoin(name string, countries map[string]string) device.Denom {
	if len(name) != 6 || strings.Trim(name[2:5], "0123456789") != "" {
		return device.Denom{}
	}
	v, err := strconv.ParseInt(name[2:5], 10, 64)
	currency, ok := countries[name[:2]]
	if err != nil || v == 0 || !ok {
		return device.Denom{}
	}
	return device.Denom{Currency: currency, Value: v}
}

// letIn takes the inhibition from the coins that the payment wants.
func (s *session) letIn(ctx context.Context) error {
	if _, err := s.bus.ask(ctx, 0, hdrInhibits, byte(s.pay.mask), byte(s.pay.mask>>8)); err != nil {
		return err
	}
	_, err := s.bus.ask(ctx, 0, hdrMaster, 1)
	return err
}

// judge sets the health.
func (s *session) judge() {
	if s.booked != nil || s.fault != 0 {
		till.SetHealth(&s.Desk, device.HardwareError)
		return
	}
	till.SetHealth(&s.Desk, device.Online)
}

// pause waits for t, or less when ctx ends.
func pause(ctx context.Context, t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
