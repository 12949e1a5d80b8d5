// Package emrtdcard is a passport's chip in software: PACE with generic mapping,
// BAC, secure messaging, Chip Authentication, and files that a specimen state
// signed. It is put into an emulated reader as a card, and can be given faults.
//
// # Reference
//
// ICAO Doc 9303, parts 10 to 12.
package emrtdcard

import (
	"bytes"
	"crypto/rand"
	"encoding/asn1"
	"io"
	"maps"
	"math/big"
	"sync"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emrtd/curve"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/iso7816"
)

// Profile is what a card is made with.
type Profile struct {
	Key  string // MRZ information: number, birth, expiry with their digits
	CAN  string // card access number; empty: none
	BAC  bool
	PACE []PACE // in the order of EF.CardAccess; empty: no PACE

	// Chip Authentication; without a curve there is none.
	ChipCurve *curve.Curve
	ChipKey   *big.Int
	ChipSuite sm.Suite
	ChipKeyID int // -1: the key has none

	active func(challenge []byte) ([]byte, error) // Active Authentication; nil: none

	// Extended is how long APDUs may be; 0: only short ones. The card says so in
	// its historical bytes and in EF.ATR/INFO.
	Extended int

	Files map[lds.File][]byte
	UID   []byte // empty: 08 and three bytes that mean nothing
}

// PACE is one way of PACE that the card offers. It can do those of [Way] and
// [WayIntegrated]; others are only listed.
type PACE struct {
	OID        asn1.ObjectIdentifier
	Suite      sm.Suite
	Params     int
	Integrated bool
}

// Fault is something that goes wrong with the card's next protected answer, once.
type Fault int

// The faults.
const (
	BadMAC    Fault = 1 // the code is not over this answer
	Replay    Fault = 2 // the answer before this one, once more
	InClear   Fault = 3 // data without secure messaging
	Refusal   Fault = 4 // 6F00 in the clear, after the command was carried out
	Truncated Fault = 5 // the answer is half as long
	Echo      Fault = 6 // PACE: the reader's own key comes back
	OffCurve  Fault = 7 // PACE: a point that is not on the curve
)

// Card is a passport's chip. Activate resets it, as a reader's field does.
type Card struct {
	mu     sync.Mutex
	p      Profile
	random io.Reader

	faults []Fault
	last   []byte // the last protected answer
	count  int

	selected  bool // the travel document application
	file      []byte
	session   *sm.Session
	challenge []byte
	pace      *exchange
	chipAuth  bool
}

// New makes a card.
func New(p Profile) *Card {
	p.Files = maps.Clone(p.Files)
	if len(p.UID) == 0 {
		p.UID = []byte{0x08, 0x10, 0x20, 0x30}
	}
	if len(p.PACE) > 0 && p.Files[lds.CardAccess] == nil {
		p.Files[lds.CardAccess] = cardAccess(p.PACE)
	}
	if p.Extended > 0 {
		n := iso7816.AppendTLV(nil, 0x02, []byte{byte(p.Extended >> 8), byte(p.Extended)})
		p.Files[info] = iso7816.AppendTLV(nil, 0x7F66, append(bytes.Clone(n), n...))
	}
	return &Card{p: p, random: rand.Reader}
}

// info is EF.ATR/INFO, in the master file.
const info lds.File = 0x2F01

// Inject makes f happen to the next protected answer; Echo and OffCurve, to the
// next key in PACE.
func (c *Card) Inject(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, f)
}

// Replace gives the card other bytes for a file; nil takes it out.
func (c *Card) Replace(f lds.File, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b == nil {
		delete(c.p.Files, f)
		return
	}
	c.p.Files[f] = bytes.Clone(b)
}

// File returns a file's bytes, nil if there is none.
func (c *Card) File(f lds.File) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.p.Files[f])
}

// Count is how many commands the card has been given.
func (c *Card) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

// Activate resets the card. It implements pn532emu.Card and vpcd.Card.
func (c *Card) Activate() (uid, ats []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reset()
	// T0 78: FSC 256, TA TB TC follow; TA 80: 106 kbit/s only; TB 70; TC 02: CID.
	ats = []byte{0x78, 0x80, 0x70, 0x02}
	if c.p.Extended > 0 { // card capabilities: extended lengths, more in EF.ATR/INFO
		ats = append(ats, 0x80, 0x73, 0x00, 0x00, 0x60)
	}
	return bytes.Clone(c.p.UID), ats
}

func (c *Card) reset() {
	c.selected, c.file, c.session = false, nil, nil
	c.challenge, c.pace, c.chipAuth, c.last = nil, nil, false, nil
}

// smIncorrect is «secure messaging data objects incorrect».
const smIncorrect iso7816.SW = 0x6988

const claSecure = 0x0C

// Transmit answers one command APDU.
func (c *Card) Transmit(apdu []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	cmd, err := c.parse(apdu)
	if err != nil {
		return status(iso7816.WrongLength)
	}
	if cmd.Cla&claSecure == 0 {
		if c.session != nil { // a command in the clear ends the session
			c.session = nil
			c.selected, c.file = false, nil
		}
		data, sw := c.answer(cmd)
		return append(data, status(sw)...)
	}
	if c.session == nil {
		return status(smIncorrect)
	}
	s := c.session
	plain, err := s.Open(cmd)
	if err != nil {
		c.reset()
		return status(smIncorrect)
	}
	plain.Cla &^= claSecure
	data, sw := c.answer(plain)
	out := append(s.Seal(cmd.Ins, data, sw), status(sw)...)
	return c.hurt(out, data)
}

// parse takes a command apart, one of extended length if the card takes those.
func (c *Card) parse(b []byte) (iso7816.Command, error) {
	if len(b) < 7 || b[4] != 0 || len(b) > c.p.Extended {
		return iso7816.ParseCommand(b)
	}
	cmd := iso7816.Command{Cla: b[0], Ins: b[1], P1: b[2], P2: b[3]}
	n := int(b[5])<<8 | int(b[6])
	switch len(b) - 7 {
	case 0: // no data, Le
		cmd.Le = n
	case n: // data, no Le
		cmd.Data = b[7:]
	case n + 2:
		cmd.Data, cmd.Le = b[7:7+n], int(b[7+n])<<8|int(b[8+n])
	default:
		return cmd, device.ErrProtocol
	}
	return cmd, nil
}

// hurt makes the next fault of out, if there is one for answers.
func (c *Card) hurt(out, data []byte) []byte {
	last := c.last
	c.last = out
	if len(c.faults) == 0 || c.faults[0] >= Echo {
		return out
	}
	f := c.faults[0]
	c.faults = c.faults[1:]
	switch f {
	case BadMAC:
		out = bytes.Clone(out)
		out[len(out)-3] ^= 1 // the last byte before the status
	case Replay:
		if last != nil {
			return last
		}
	case InClear:
		return append(bytes.Clone(data), status(iso7816.OK)...)
	case Refusal:
		return status(iso7816.Failure)
	case Truncated:
		return append(bytes.Clone(out[:len(out)/2]), status(iso7816.OK)...)
	}
	return out
}

// takeKeyFault returns the fault for a key in PACE, or 0.
func (c *Card) takeKeyFault() Fault {
	if len(c.faults) == 0 || c.faults[0] < Echo {
		return 0
	}
	f := c.faults[0]
	c.faults = c.faults[1:]
	return f
}

func status(sw iso7816.SW) []byte { return []byte{byte(sw >> 8), byte(sw)} }
