// Package pcsc reads chip cards in any reader that pcscd drives. It speaks to
// pcscd's socket itself and needs no library of pcsc-lite, and so no cgo.
//
// # Reference
//
// pcsc-lite, src/winscard_msg.h and src/winscard_svc.c: protocol 4:4 (versions
// 1.8.24 to 2.2, and 2.4.1 on) and 4:5 (2.3 and 2.4.0). Both ends are on one
// machine and use its byte order.
//
// Two things are easily got wrong: the bits of a reader's state on the wire are
// not those of the C interface, and an event is eight bytes without any header,
// so that nothing else may be asked on a connection that waits for one. Hence
// two connections: one waits for changes, and each card gets one of its own.
package pcsc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/slot"
)

// Socket is where Debian's pcscd listens.
const Socket = "/run/pcscd/pcscd.comm"

// Opts are a reader's settings. Zero values are the defaults.
type Opts struct {
	// Reader is how the reader's name begins; "": the first there is. The
	// numbers at the end of a name change with every replug: leave them out.
	Reader string
	// Shared lets other programs use the card between our APDUs. The default is
	// that nobody else does: who could would find a PIN that was given.
	Shared  bool
	Timeout time.Duration // for the card's answer to one APDU; 0: 10 s
	Reopen  time.Duration // between tries to reach pcscd; 0: 300 ms
	Retry   time.Duration // between tries to get a card that another program has; 0: 500 ms
}

// Dev is a reader. A pcscd that is started again, and a reader that is plugged
// in again, come back by themselves, with the card in it if there is one.
//
// Contract, beyond [device.CardReader]: changes are told by pcscd; only while a
// card is there is it asked now and then whether it still is. Health is noDevice without pcscd or without the reader, deviceBusy
// while another program has the card. A card is reset when it is let go of.
type Dev struct {
	slot.Face
	slot  *slot.Slot
	port  link.Port
	o     Opts
	again chan givenUp

	card *handle // guarded by the slot's turn
	seen sight   // what card is; the session's own
}

// givenUp tells the session of a card that was given up: it looks whether it is
// there, or, when pcscd has gone, starts over.
type givenUp struct{ over error }

var (
	_ device.CardReader = (*Dev)(nil)
	_ device.Watcher    = (*Dev)(nil)
)

// New returns the reader behind the pcscd on port and starts looking for it. It
// does not wait for it: Health says when it is there.
func New(port link.Port, o Opts) (*Dev, error) {
	if o.Timeout < 0 || o.Reopen < 0 || o.Retry < 0 {
		return nil, fmt.Errorf("pcsc: reader behind %v: got a negative time in %+v", port, o)
	}
	if len(o.Reader) >= NameSize || strings.ContainsRune(o.Reader, 0) {
		return nil, fmt.Errorf("pcsc: reader behind %v: got a name of %d bytes, want at most %d and no zeros", port, len(o.Reader), NameSize-1)
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Timeout, 10*time.Second)
	def(&o.Reopen, 300*time.Millisecond)
	def(&o.Retry, 500*time.Millisecond)
	name := "PC/SC reader"
	if o.Reader != "" {
		name += " " + o.Reader
	}
	s := slot.New(name + " on " + port.String())
	d := &Dev{Face: s.Face(), slot: s, port: port, o: o, again: make(chan givenUp, 1)}
	s.Run(port, o.Reopen, d.session)
	return d, nil
}

// Transmit implements device.CardReader.
func (d *Dev) Transmit(ctx context.Context, gen uint64, apdu []byte) ([]byte, error) {
	return d.slot.Transmit(ctx, gen, func(ctx context.Context) ([]byte, error) {
		r, err := d.card.exchange(ctx, d.o.Timeout, apdu)
		if slot.Lost(err) || d.card.broken {
			var over error
			if d.card.broken && errors.Is(err, device.ErrUnplugged) {
				over = err // not the card or the reader has gone, pcscd has
			}
			d.drop()
			select {
			case d.again <- givenUp{over}:
			default: // it has been told already
			}
		}
		return r, err
	})
}
