package pivcard

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"

	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/drivers/piv"
)

// Instructions the card knows.
const (
	claChain        = 0x10
	insVerify       = 0x20
	insChange       = 0x24
	insReset        = 0x2C
	insAuthenticate = 0x87
	insSelect       = 0xA4
	insGetResponse  = 0xC0
	insGetData      = 0xCB
)

// pinRef is the application PIN, the only one.
const pinRef = 0x80

// aid is the application identifier with its version; a prefix of at least
// nine bytes selects it.
var aid = append(bytes.Clone(piv.AID), 0x01, 0x00)

// minAID is the shortest prefix of aid that selects: the registered provider.
const minAID = 5

func (c *Card) selectAID(cmd iso7816.Command) ([]byte, iso7816.SW) {
	if cmd.P1 != 0x04 || len(cmd.Data) < minAID || !bytes.HasPrefix(aid, cmd.Data) {
		return nil, iso7816.NotFound
	}
	c.selected, c.verified = true, false
	authority := iso7816.AppendTLV(nil, 0x4F, piv.AID[:5])
	t := iso7816.AppendTLV(nil, 0x4F, aid[5:])
	t = iso7816.AppendTLV(t, 0x79, authority)
	return iso7816.AppendTLV(nil, 0x61, t), iso7816.OK
}

func (c *Card) getData(cmd iso7816.Command) ([]byte, iso7816.SW) {
	if cmd.P1 != 0x3F || cmd.P2 != 0xFF {
		return nil, iso7816.WrongP1P2
	}
	tag, err := iso7816.FindTLV(cmd.Data, 0x5C)
	if err != nil || len(tag) == 0 || len(tag) > 3 {
		return nil, iso7816.WrongData
	}
	var want uint32
	for _, x := range tag {
		want = want<<8 | uint32(x)
	}
	switch want {
	case 0x7E: // discovery: which application, and that the PIN is its own
		t := iso7816.AppendTLV(nil, 0x4F, aid)
		t = iso7816.AppendTLV(t, 0x5F2F, []byte{0x40, 0x00})
		return iso7816.AppendTLV(nil, 0x7E, t), iso7816.OK
	case 0x5FC102:
		return iso7816.AppendTLV(nil, 0x53, c.chuid()), iso7816.OK
	}
	for slot, s := range c.p.Slots {
		if piv.CertObject(slot) == want && len(s.Cert) > 0 {
			t := iso7816.AppendTLV(nil, 0x70, s.Cert)
			t = iso7816.AppendTLV(t, 0x71, []byte{0x00})
			t = iso7816.AppendTLV(t, 0xFE, nil)
			return iso7816.AppendTLV(nil, 0x53, t), iso7816.OK
		}
	}
	return nil, iso7816.NotFound
}

// chuid is the card holder unique identifier: a FASC-N that means nothing, a
// GUID from the certificate, an expiry date far off.
func (c *Card) chuid() []byte {
	guid := sha256.Sum256(c.p.Slots[piv.CardAuth].Cert)
	fascn := []byte{
		0xD4, 0xE7, 0x39, 0xDA, 0x73, 0x9C, 0xED, 0x39, 0xCE, 0x73, 0x9D, 0x83, 0x68,
		0x58, 0x21, 0x08, 0x42, 0x10, 0x84, 0x21, 0xC8, 0x42, 0x10, 0xC3, 0xEB,
	}
	b := iso7816.AppendTLV(nil, 0x30, fascn)
	b = iso7816.AppendTLV(b, 0x34, guid[:16])
	b = iso7816.AppendTLV(b, 0x35, []byte("20401231"))
	b = iso7816.AppendTLV(b, 0x3E, nil)
	return iso7816.AppendTLV(b, 0xFE, nil)
}

// tries is 63Cn, or 6983 when none are left.
func tries(n int) iso7816.SW {
	if n == 0 {
		return iso7816.AuthBlocked
	}
	return 0x63C0 | iso7816.SW(n)
}

// verify is VERIFY. Without data it asks how many tries are left.
func (c *Card) verify(cmd iso7816.Command) iso7816.SW {
	switch {
	case cmd.P2 != pinRef:
		return iso7816.NoReference
	case len(cmd.Data) == 0 && c.verified:
		return iso7816.OK
	case len(cmd.Data) == 0:
		return tries(c.pinLeft)
	}
	sw := c.check(cmd.Data)
	c.verified, c.fresh = sw == iso7816.OK, sw == iso7816.OK
	return sw
}

// check compares a padded PIN and counts. The last try that fails says 63C0:
// the blocked card says 6983 from the next command on.
func (c *Card) check(padded []byte) iso7816.SW {
	if c.pinLeft == 0 {
		return iso7816.AuthBlocked
	}
	if len(padded) != 8 {
		return iso7816.WrongData
	}
	if !same(padded, c.p.PIN) {
		c.pinLeft--
		return 0x63C0 | iso7816.SW(c.pinLeft)
	}
	c.pinLeft = c.p.Tries
	return iso7816.OK
}

// changePIN is CHANGE REFERENCE DATA: the old PIN and the new one.
func (c *Card) changePIN(cmd iso7816.Command) iso7816.SW {
	if cmd.P2 != pinRef {
		return iso7816.NoReference
	}
	if len(cmd.Data) != 16 {
		return iso7816.WrongData
	}
	pin, ok := unpad(cmd.Data[8:])
	if !ok {
		return iso7816.WrongData
	}
	sw := c.check(cmd.Data[:8])
	if sw == iso7816.OK {
		c.p.PIN = pin
	}
	return sw
}

// resetPIN is RESET RETRY COUNTER: the PUK and a new PIN.
func (c *Card) resetPIN(cmd iso7816.Command) iso7816.SW {
	if cmd.P2 != pinRef || c.p.PUK == "" {
		return iso7816.NoReference
	}
	if c.pukLeft == 0 {
		return iso7816.AuthBlocked
	}
	if len(cmd.Data) != 16 {
		return iso7816.WrongData
	}
	pin, ok := unpad(cmd.Data[8:])
	if !ok {
		return iso7816.WrongData
	}
	if !same(cmd.Data[:8], c.p.PUK) {
		c.pukLeft--
		return 0x63C0 | iso7816.SW(c.pukLeft)
	}
	c.p.PIN, c.pinLeft, c.pukLeft = pin, c.p.Tries, c.p.Tries
	return iso7816.OK
}

// same reports whether padded is secret filled up with FF.
func same(padded []byte, secret string) bool {
	want := bytes.Repeat([]byte{0xFF}, 8)
	copy(want, secret)
	return subtle.ConstantTimeCompare(padded, want) == 1
}

// unpad returns the PIN in a padded block.
func unpad(b []byte) (string, bool) {
	pin := bytes.TrimRight(b, "\xFF")
	if len(pin) < 6 {
		return "", false
	}
	for _, d := range pin {
		if d < '0' || d > '9' {
			return "", false
		}
	}
	return string(pin), true
}
