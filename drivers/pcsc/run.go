package pcsc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// checkEvery is how often pcscd is asked about a card that is there: after a reset
// that failed it knows that the card is gone, and tells nobody.
const checkEvery = 1500 * time.Millisecond

// sight is which card of which reader was seen: the same card put back has
// another count of events.
type sight struct {
	reader string
	events uint32
}

// session is the time from reaching pcscd to losing it.
func (d *Dev) session(ctx context.Context) (err error) {
	c, err := dial(ctx, d.port)
	if err != nil {
		return err
	}
	select {
	case <-d.again: // said of the session before
	default:
	}
	ctx, cancel := context.WithCancel(ctx)
	states, over := make(chan []ReaderState), make(chan error, 1)
	go func() { over <- watchAll(ctx, c, states) }()
	defer func() {
		cancel()
		werr := <-over
		d.slot.Claim()
		d.drop()
		d.slot.Release()
		if err == nil {
			err = werr
		}
		err = errors.Join(err, c.close())
	}()
	var last []ReaderState
	var retry, check <-chan time.Time
	for {
		fresh := false
		select {
		case last = <-states:
		case g := <-d.again:
			if g.over != nil {
				return g.over
			}
		case <-retry:
		case <-check:
			fresh = true
		case err := <-over:
			over <- err
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
		retry, check = nil, nil
		again, err := d.look(ctx, last, fresh)
		if err != nil {
			return err
		}
		if again {
			retry = time.After(d.o.Retry)
		}
		if d.Card() != nil {
			check = time.After(checkEvery)
		}
	}
}

// watchAll sends the states of all readers to out, now and after every change.
func watchAll(ctx context.Context, c *conn, out chan<- []ReaderState) error {
	for {
		s, err := c.watch(ctx)
		if err != nil {
			return err
		}
		select {
		case out <- s:
		case <-ctx.Done():
		}
		if err := c.changed(ctx); err != nil {
			return err
		}
	}
}

// look makes the slot agree with what pcscd says of the reader. again means that
// there is a card, and that it could not be had yet; fresh, that states are old.
func (d *Dev) look(ctx context.Context, states []ReaderState, fresh bool) (again bool, err error) {
	d.slot.Claim()
	defer d.slot.Release()
	r, there := d.pick(states)
	if there && d.card != nil && (fresh || d.seen != (sight{r.Name, r.Events})) {
		// The news may be older than what we know: a card that came and went is
		// told in as many messages as happenings.
		if now, err := d.card.reader(ctx, r.Name); err == nil {
			r = now
		}
	}
	if !there {
		d.drop()
		d.slot.SetHealth(device.NoDevice)
		return false, nil
	}
	if r.State&StatePresent == 0 {
		d.drop()
		d.slot.SetHealth(device.Online)
		return false, nil
	}
	if d.seen == (sight{r.Name, r.Events}) && d.Card() != nil {
		return false, nil
	}
	d.drop()
	return d.meet(ctx, r.Name)
}

// pick returns the reader that is ours.
func (d *Dev) pick(states []ReaderState) (ReaderState, bool) {
	for _, s := range states {
		if strings.HasPrefix(s.Name, d.o.Reader) {
			return s, true
		}
	}
	return ReaderState{}, false
}

// meet connects with the card in the reader called name; again is as in look.
func (d *Dev) meet(ctx context.Context, name string) (again bool, err error) {
	h, r, err := d.connect(ctx, name)
	code, refused := errors.AsType[Code](err)
	switch {
	case err == nil && h == nil:
		return true, nil
	case err == nil:
	case refused && code == SharingViolation:
		d.slot.SetHealth(device.Busy)
		return true, nil
	case refused && (code == UnresponsiveCard || code == UnpoweredCard || code == UnsupportedCard || code == ProtocolMismatch):
		// There is something in the reader, and it is no chip card we can use.
		d.seen = sight{r.Name, r.Events}
		d.slot.SetCard(&device.Card{})
		d.slot.SetHealth(device.Online)
		return false, nil
	case refused && (code == NoSmartcard || code == RemovedCard || code == UnknownReader || code == ReaderUnavailable):
		// It has just left, and pcscd is about to say so; or pcscd has lost it at a
		// reset, and says nothing until it is put in anew.
		return true, nil
	default:
		return false, err
	}
	card := &device.Card{ATS: r.ATR, Protocol: device.T1, Longest: MaxAPDU}
	if h.protocol == ProtocolT0 {
		card.Protocol = device.T0
	}
	if card.UID, err = h.uid(ctx, r.ATR); err != nil {
		h.release()
		return true, nil
	}
	d.card, d.seen = h, sight{r.Name, r.Events}
	d.slot.SetCard(card)
	d.slot.SetHealth(device.Online)
	return false, nil
}

// connect connects with the card and says what the reader was like meanwhile. A
// nil handle means that the card was exchanged at that very moment.
func (d *Dev) connect(ctx context.Context, name string) (*handle, ReaderState, error) {
	c, err := dial(ctx, d.port)
	if err != nil {
		return nil, ReaderState{}, err
	}
	h := &handle{conn: c, shared: d.o.Shared}
	before, err := c.reader(ctx, name)
	if err == nil {
		err = h.connect(ctx, name)
	}
	if err != nil {
		h.release()
		return nil, before, err
	}
	after, err := c.reader(ctx, name)
	if err != nil || after.Events != before.Events {
		h.release()
		return nil, after, err
	}
	return h, after, nil
}

// uid asks for the UID of a contactless card, whose ATR is made up by the reader
// (PC/SC part 3, 3.1.3.2.3). It is the reader that answers (3.2.2.1.3), and what
// it refuses is no UID.
func (h *handle) uid(ctx context.Context, atr []byte) ([]byte, error) {
	if len(atr) < 5 || atr[0] != 0x3B || atr[1]&0xF0 != 0x80 || atr[2] != 0x80 || atr[3] != 0x01 {
		return nil, nil
	}
	r, err := h.exchange(ctx, askTimeout, []byte{0xFF, 0xCA, 0x00, 0x00, 0x00})
	h.used = false
	if err != nil {
		return nil, fmt.Errorf("ask for the UID: %w", err)
	}
	n := len(r) - 2
	if n < 1 || r[n] != 0x90 || r[n+1] != 0x00 {
		return nil, nil
	}
	return r[:n], nil
}

// drop lets go of the card. The slot's turn is held.
func (d *Dev) drop() {
	if d.card != nil {
		d.card.release()
		d.card = nil
	}
	d.seen = sight{}
	if d.Card() != nil {
		d.slot.SetCard(nil)
	}
}
