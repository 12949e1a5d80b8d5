package emrtdcard

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"io"

	"github.com/penjire/penjire/drivers/emrtd"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/iso7816"
)

// Instructions the card knows.
const (
	insManage       = 0x22
	insMutual       = 0x82
	insChallenge    = 0x84
	insAuthenticate = 0x86
	insInternal     = 0x88
	insSelect       = 0xA4
	insRead         = 0xB0
	insReadOdd      = 0xB1
)

// failed is «authentication failed», with no word on tries.
const failed iso7816.SW = 0x6300

// endOfFile is a warning: less data than asked for.
const endOfFile iso7816.SW = 0x6282

// answer carries out a command that was in the clear, or has been opened.
func (c *Card) answer(cmd iso7816.Command) ([]byte, iso7816.SW) {
	switch cmd.Ins {
	case insSelect:
		return nil, c.selects(cmd)
	case insRead, insReadOdd:
		return c.read(cmd)
	case insChallenge:
		return c.giveChallenge(cmd)
	case insMutual:
		return c.mutual(cmd)
	case insManage:
		return nil, c.manage(cmd)
	case insAuthenticate:
		return c.authenticate(cmd)
	case insInternal:
		return c.internal(cmd)
	}
	return nil, iso7816.NoInstruction
}

func (c *Card) selects(cmd iso7816.Command) iso7816.SW {
	switch cmd.P1 {
	case 0x04:
		if !bytes.Equal(cmd.Data, emrtd.AID) {
			return iso7816.NotFound
		}
		c.selected, c.file = true, nil
		return iso7816.OK
	case 0x00: // the master file
		if len(cmd.Data) > 0 && !bytes.Equal(cmd.Data, []byte{0x3F, 0x00}) {
			return iso7816.NotFound
		}
		c.selected, c.file = false, nil
		return iso7816.OK
	case 0x02:
		if len(cmd.Data) != 2 {
			return iso7816.WrongData
		}
		f := lds.File(cmd.Data[0])<<8 | lds.File(cmd.Data[1])
		return c.selectFile(f)
	}
	return iso7816.WrongP1P2
}

func (c *Card) selectFile(f lds.File) iso7816.SW {
	c.file = nil
	b := c.p.Files[f]
	master := f == lds.CardAccess || f == info
	switch {
	case master == c.selected, b == nil && (master || c.session != nil):
		return iso7816.NotFound
	case !master && c.session == nil:
		return iso7816.SecurityStatus
	}
	c.file = b
	return iso7816.OK
}

// shortFileIDs are those of Doc 9303-10, 3.11: they select a file and read it.
func shortFile(id byte) lds.File {
	switch {
	case id == 0x1C || id == 0x1D || id == 0x1E || id >= 1 && id <= 16:
		return lds.File(0x0100) | lds.File(id)
	}
	return 0
}

func (c *Card) read(cmd iso7816.Command) ([]byte, iso7816.SW) {
	offset := int(cmd.P1)<<8 | int(cmd.P2)
	if cmd.Ins == insReadOdd {
		at, err := lds.Only(cmd.Data, 0x54)
		if err != nil || len(at) == 0 || len(at) > 3 || offset != 0 {
			return nil, iso7816.WrongData
		}
		for _, x := range at {
			offset = offset<<8 | int(x)
		}
	} else if cmd.P1&0x80 != 0 {
		if sw := c.selectFile(shortFile(cmd.P1 & 0x1F)); sw != iso7816.OK {
			return nil, sw
		}
		offset = int(cmd.P2)
	}
	switch {
	case c.file == nil:
		return nil, 0x6986
	case offset > len(c.file):
		return nil, 0x6B00
	}
	n := cmd.Le
	if cmd.Ins == insReadOdd {
		n = max(0, n-4) // for tag and length
	}
	data, sw := c.file[offset:], iso7816.OK
	if n > len(data) {
		sw = endOfFile
	}
	data = bytes.Clone(data[:min(n, len(data))])
	if cmd.Ins == insReadOdd {
		data = iso7816.AppendTLV(nil, 0x53, data)
	}
	return data, sw
}

// giveChallenge begins BAC.
func (c *Card) giveChallenge(cmd iso7816.Command) ([]byte, iso7816.SW) {
	if !c.p.BAC || !c.selected {
		return nil, iso7816.ConditionsUnmet
	}
	if cmd.Le != 8 {
		return nil, iso7816.WrongLength
	}
	c.challenge = make([]byte, 8)
	if _, err := io.ReadFull(c.random, c.challenge); err != nil {
		return nil, iso7816.Failure
	}
	return bytes.Clone(c.challenge), iso7816.OK
}

// mutual is EXTERNAL AUTHENTICATE of BAC (9303-11, 4.3.3).
func (c *Card) mutual(cmd iso7816.Command) ([]byte, iso7816.SW) {
	challenge := c.challenge
	c.challenge = nil
	if challenge == nil {
		return nil, iso7816.ConditionsUnmet
	}
	if len(cmd.Data) != 40 {
		return nil, iso7816.WrongLength
	}
	seed := sha1.Sum([]byte(c.p.Key))
	enc, mac := sm.TDES.Derive(seed[:16], sm.ForEncryption), sm.TDES.Derive(seed[:16], sm.ForMAC)
	if subtle.ConstantTimeCompare(sm.TDES.MAC(mac, cmd.Data[:32]), cmd.Data[32:]) != 1 {
		return nil, failed
	}
	plain := sm.TDES.Decrypt(enc, nil, cmd.Data[:32])
	if !bytes.Equal(plain[8:16], challenge) {
		return nil, failed
	}
	own := make([]byte, 16)
	if _, err := io.ReadFull(c.random, own); err != nil {
		return nil, iso7816.Failure
	}
	out := sm.TDES.Encrypt(enc, nil, bytes.Join([][]byte{challenge, plain[:8], own}, nil))
	out = append(out, sm.TDES.MAC(mac, out)...)
	shared := make([]byte, 16)
	subtle.XORBytes(shared, own, plain[16:])
	c.session = sm.NewSession(sm.TDES, sm.TDES.Derive(shared, sm.ForEncryption), sm.TDES.Derive(shared, sm.ForMAC),
		append(bytes.Clone(challenge[4:]), plain[4:8]...))
	return out, iso7816.OK
}

// internal is INTERNAL AUTHENTICATE: the chip signs a challenge.
func (c *Card) internal(cmd iso7816.Command) ([]byte, iso7816.SW) {
	switch {
	case c.p.active == nil || c.session == nil || !c.selected:
		return nil, iso7816.ConditionsUnmet
	case len(cmd.Data) != 8:
		return nil, iso7816.WrongLength
	}
	out, err := c.p.active(cmd.Data)
	if err != nil {
		return nil, iso7816.Failure
	}
	if cmd.Le <= iso7816.MaxLe && len(out)+sm.Overhead > iso7816.MaxLe {
		return nil, iso7816.WrongLength
	}
	return out, iso7816.OK
}
