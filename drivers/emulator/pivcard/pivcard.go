// Package pivcard is a PIV card in software, to be held to an emulated reader.
// Its keys do not leave it: the only way to them is GENERAL AUTHENTICATE. Unlike
// a card that follows SP 800-73 to the letter it answers for all slots over the
// air, as national identity cards do.
//
// # Reference
//
// NIST SP 800-73-4 part 2; OpenSC 0.23 was seen to begin with SELECT of the
// full AID and GET DATA of the discovery object.
package pivcard

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/drivers/piv"
)

// Profile is what a card is made with.
type Profile struct {
	PIN, PUK string // 6 to 8 digits; PUK 8 characters
	Tries    int    // of the PIN and of the PUK; 0: 3
	UID      []byte // 4, 7 or 10 bytes; empty: made from the certificates
	Slots    map[piv.Slot]Slot
}

// Slot is one key with its certificate.
type Slot struct {
	Key  crypto.Signer // *ecdsa.PrivateKey on P-256 or P-384, or *rsa.PrivateKey of 2048 bits
	Cert []byte        // DER; empty: the slot has a key and no certificate
}

// Fault is something that goes wrong with the card's next answer, once.
type Fault int

// The faults.
const (
	BadSignature Fault = 1 // the signature is for something else
	BadStatus    Fault = 2 // 6F00 instead of an answer, after the command was carried out
	Truncated    Fault = 3 // the answer is half as long
	Endless      Fault = 4 // 61xx, again and again
)

// Card is a card. PIN tries last as long as the value does, as they do on a
// real card; everything else is reset by Activate.
type Card struct {
	mu  sync.Mutex
	p   Profile
	uid []byte

	pinLeft, pukLeft int
	faults           []Fault
	endless          bool

	selected bool
	verified bool // the PIN was given since Activate
	fresh    bool // and nothing came after it: slot 9C wants that
	chain    []byte
	rest     []byte
}

// New makes a card.
func New(p Profile) (*Card, error) {
	if n := len(p.PIN); n < 6 || n > 8 {
		return nil, fmt.Errorf("pivcard: make card: PIN has %d digits, want 6 to 8", n)
	}
	if p.PUK != "" && len(p.PUK) != 8 {
		return nil, fmt.Errorf("pivcard: make card: PUK has %d characters, want 8", len(p.PUK))
	}
	if p.Tries == 0 {
		p.Tries = 3
	}
	if p.Tries < 1 || p.Tries > 15 {
		return nil, fmt.Errorf("pivcard: make card: got %d tries, want 1 to 15", p.Tries)
	}
	for s, k := range p.Slots {
		if _, err := algorithm(k.Key); err != nil {
			return nil, fmt.Errorf("pivcard: make card: slot %v: %w", s, err)
		}
	}
	c := &Card{p: p, uid: p.UID, pinLeft: p.Tries, pukLeft: p.Tries}
	if len(c.uid) == 0 {
		sum := sha256.Sum256(p.Slots[piv.CardAuth].Cert)
		c.uid = append([]byte{0x08}, sum[:3]...) // 08: a UID that says nothing
	}
	return c, nil
}

// Certificate returns the DER certificate in slot, nil if there is none.
func (c *Card) Certificate(slot piv.Slot) []byte { return bytes.Clone(c.p.Slots[slot].Cert) }

// TriesLeft returns how many tries of the PIN are left.
func (c *Card) TriesLeft() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pinLeft
}

// Restore gives the PIN back all its tries, as a new card would have them.
func (c *Card) Restore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pinLeft, c.pukLeft = c.p.Tries, c.p.Tries
}

// Inject makes f happen to the next signature (BadSignature) or the next answer
// of any kind.
func (c *Card) Inject(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, f)
}

// Activate resets the card. It implements pn532emu.Card.
func (c *Card) Activate() (uid, ats []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.selected, c.verified, c.fresh, c.endless = false, false, false, false
	c.chain, c.rest = nil, nil
	// T0 78: FSC 256, TA TB TC follow; TA 80: 106 kbit/s only; TB 70; TC 02: CID.
	return bytes.Clone(c.uid), []byte{0x78, 0x80, 0x70, 0x02}
}

// maxChain bounds what chained commands add up to.
const maxChain = 4 << 10

// Transmit answers one command APDU. It implements pn532emu.Card.
func (c *Card) Transmit(apdu []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	cmd, err := iso7816.ParseCommand(apdu)
	if err != nil {
		return status(iso7816.WrongLength)
	}
	if c.endless {
		return status(0x6110)
	}
	f := c.takeFault(cmd.Ins)
	r := c.answer(cmd, f)
	switch f {
	case BadStatus:
		return status(iso7816.Failure)
	case Truncated:
		return r[:len(r)/2]
	case Endless:
		c.endless = true
		return status(0x6110)
	}
	return r
}

func (c *Card) takeFault(ins byte) Fault {
	if len(c.faults) == 0 || c.faults[0] == BadSignature && ins != insAuthenticate {
		return 0
	}
	f := c.faults[0]
	c.faults = c.faults[1:]
	return f
}

// answer carries cmd out.
func (c *Card) answer(cmd iso7816.Command, f Fault) []byte {
	if cmd.Ins == insGetResponse {
		return c.give(c.rest, cmd.Le)
	}
	c.rest = nil
	if cmd.Cla&^claChain != 0 {
		return status(iso7816.NoClass)
	}
	if cmd.Cla&claChain != 0 {
		if c.chain = append(c.chain, cmd.Data...); len(c.chain) > maxChain {
			c.chain = nil
			return status(iso7816.WrongLength)
		}
		return status(iso7816.OK)
	}
	cmd.Data = append(c.chain, cmd.Data...)
	c.chain = nil
	if cmd.Ins != insSelect && !c.selected {
		return status(iso7816.NoInstruction)
	}
	fresh := c.fresh
	c.fresh = false
	var out []byte
	var sw iso7816.SW
	switch cmd.Ins {
	case insSelect:
		out, sw = c.selectAID(cmd)
	case insGetData:
		out, sw = c.getData(cmd)
	case insVerify:
		sw = c.verify(cmd)
	case insChange:
		sw = c.changePIN(cmd)
	case insReset:
		sw = c.resetPIN(cmd)
	case insAuthenticate:
		out, sw = c.authenticate(cmd, fresh, f)
	default:
		sw = iso7816.NoInstruction
	}
	if sw != iso7816.OK {
		return status(sw)
	}
	return c.give(out, cmd.Le)
}

// give returns as much of b as le wants, and 61xx if something is left.
func (c *Card) give(b []byte, le int) []byte {
	n := min(le, len(b))
	c.rest = b[n:]
	out := bytes.Clone(b[:n])
	sw := iso7816.OK
	if left := len(c.rest); left > 0 {
		sw = 0x6100
		if left < 256 {
			sw |= iso7816.SW(left)
		}
	}
	return append(out, byte(sw>>8), byte(sw))
}

func status(sw iso7816.SW) []byte { return []byte{byte(sw >> 8), byte(sw)} }
