// Package pcscd is pcsc-lite's daemon in software, with one reader: for the far
// end of a socket, and of lines in memory in faked time. It keeps what matters of
// the original: one context for each connection, handles that notice when the
// card was reset or removed, locks, events without a header, and the way it hangs
// when its reader does. It is checked by putting our driver to the original, too.
//
// # Reference
//
// pcsc-lite 1.9.9, src/winscard_svc.c, winscard.c and eventhandler.c.
package pcscd

import (
	"sync"

	"github.com/penjire/penjire/drivers/pcsc"
)

// Card is a card that can be put into the reader. Its methods are called one at
// a time.
type Card interface {
	// Activate resets the card. ats is without its length byte.
	Activate() (uid, ats []byte)
	// Transmit answers one command APDU.
	Transmit(apdu []byte) []byte
}

// Fault is something that goes wrong with the next APDU, once.
type Fault int

// The faults.
const (
	PullBefore Fault = 1 // the card leaves before it gets the command
	PullAfter  Fault = 2 // the card carries the command out and leaves with the answer
	Mute       Fault = 3 // the card gets the command, and the reader hangs
	Deaf       Fault = 4 // the reader hangs before the card gets the command
	Garble     Fault = 5 // the answer is for another card
	Late       Fault = 6 // the answer comes with the next message on the connection
	Slip       Fault = 7 // the reader fails, and the card is still there
	Empty      Fault = 8 // as PullAfter, and the reader says that all is well: vpcd does
)

// Name is the reader's name.
const Name = "Penjire Emulated Reader 00 00"

// Opts are how the daemon and its reader are. The zero value is a daemon of
// Debian 12 with a reader for contacts that speaks T=1.
type Opts struct {
	Minor       uint32 // of the protocol; 0: 4
	T0          bool   // cards speak T=0
	Contactless bool   // the reader makes up ATRs and gives UIDs
	NoReader    bool   // none is plugged in at first
}

// Daemon is the daemon. Cards and readers come and go by its methods, which may
// be called from any goroutine, a Card's Transmit included.
type Daemon struct {
	o Opts

	mu      sync.Mutex
	clients map[*client]bool
	reader  bool
	card    Card
	uid     []byte
	atr     []byte
	mute    bool   // the card does not answer to reset
	events  uint32 // counts what happened to the card
	lock    uint32 // handle that has the card alone; 0: none
	excl    bool   // lock is for as long as the handle lives
	next    uint32 // last handle or context given out
	foreign bool   // another program has the card
	faults  []Fault
	count   int
}

// New returns a daemon with a reader and no card.
func New(o Opts) *Daemon {
	if o.Minor == 0 {
		o.Minor = 4
	}
	return &Daemon{o: o, clients: map[*client]bool{}, reader: !o.NoReader}
}

// Insert puts c into the reader; a card that was there is taken out first.
func (d *Daemon) Insert(c Card) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.card != nil {
		d.gone()
	}
	d.card = c
	d.events++
	if c != nil {
		d.power()
	}
	d.tell()
}

// InsertMute puts something into the reader that does not answer to reset: a
// card upside down.
func (d *Daemon) InsertMute() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.card, d.mute, d.atr, d.uid = nil, true, nil, nil
	d.events++
	d.tell()
}

// Remove takes the card out, in the middle of whatever it does.
func (d *Daemon) Remove() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.card == nil && !d.mute {
		return
	}
	d.gone()
	d.tell()
}

// gone notes that the card has left. d.mu is held.
func (d *Daemon) gone() {
	d.card, d.mute, d.atr, d.uid = nil, false, nil, nil
	d.events++
	for c := range d.clients {
		for _, h := range c.handles {
			h.removed = true
		}
	}
}

// PlugReader plugs the reader in or pulls it, with the card in it.
func (d *Daemon) PlugReader(in bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reader = in
	d.tell()
}

// Foreign makes another program hold the card, or let go of it.
func (d *Daemon) Foreign(holds bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.foreign = holds
}

// ResetCard resets the card on behalf of another program.
func (d *Daemon) ResetCard() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reset(nil)
}

// reset resets the card for h; every other handle is told when it is used next.
// d.mu is held.
func (d *Daemon) reset(by *handle) {
	d.power()
	for c := range d.clients {
		for _, h := range c.handles {
			h.reset = h.reset || h != by
		}
	}
}

// power activates the card. d.mu is held.
func (d *Daemon) power() {
	uid, ats := d.card.Activate()
	d.uid, d.atr, d.mute = uid, contacts, false
	if d.o.T0 {
		d.atr = contactsT0
	}
	if d.o.Contactless {
		d.atr = madeUp(ats)
	}
}

// contacts is the ATR of a card with contacts that speaks T=1, contactsT0 of one
// that speaks T=0.
var (
	contacts   = []byte{0x3B, 0x95, 0x13, 0x81, 0x01, 0x80, 0x73, 0xFF, 0x01, 0x00, 0x0B}
	contactsT0 = []byte{0x3B, 0x05, 0x80, 0x73, 0xFF, 0x01, 0x00}
)

// madeUp is the ATR that a contactless reader makes of an ATS (PC/SC part 3,
// 3.1.3.2.3.1): 3B 8n 80 01, the historical bytes, and a check byte.
func madeUp(ats []byte) []byte {
	var historical []byte
	if len(ats) > 0 {
		n := 1
		for _, bit := range []byte{0x10, 0x20, 0x40} {
			if ats[0]&bit != 0 {
				n++
			}
		}
		historical = ats[min(n, len(ats)):]
	}
	b := append([]byte{0x3B, 0x80 | byte(len(historical)), 0x80, 0x01}, historical...)
	var check byte
	for _, x := range b[1:] {
		check ^= x
	}
	return append(b, check)
}

// Inject makes f happen to the next APDU that has no fault yet.
func (d *Daemon) Inject(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, f)
}

func (d *Daemon) takeFault() Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.faults) == 0 {
		return 0
	}
	f := d.faults[0]
	d.faults = d.faults[1:]
	return f
}

// Count returns how many APDUs cards have been given.
func (d *Daemon) Count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// Clients returns how many connections there are.
func (d *Daemon) Clients() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.clients)
}

// tell has the daemon say to everyone who waits that something happened. d.mu is
// held.
func (d *Daemon) tell() {
	for c := range d.clients {
		if c.waiting {
			c.waiting = false
			c.late.Go(func() { c.write(pcsc.Words(0, uint32(pcsc.OK))) })
		}
	}
}

// states is what the daemon says of its readers. d.mu is held.
func (d *Daemon) states() []byte {
	b := make([]byte, 0, pcsc.Readers*pcsc.StateSize)
	if d.reader {
		// In the second place: places are not moved up when a reader leaves.
		b = append(b, make([]byte, pcsc.StateSize)...)
		s := pcsc.ReaderState{Name: Name, Events: d.events, State: pcsc.StateAbsent}
		switch {
		case d.card != nil:
			s.State, s.ATR, s.Protocol = pcsc.StatePresent|pcsc.StatePowered, d.atr, d.protocol()
		case d.mute:
			s.State = pcsc.StatePresent | pcsc.StateMute
		}
		b = append(b, s.Marshal()...)
	}
	return append(b, make([]byte, cap(b)-len(b))...)
}

func (d *Daemon) protocol() uint32 {
	if d.o.T0 {
		return pcsc.ProtocolT0
	}
	return pcsc.ProtocolT1
}
