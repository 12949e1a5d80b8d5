package emrtdcard_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/penjire/penjire/drivers/emrtd"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/emulator/emrtdcard"
	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/drivers/mrz"
)

// TestOurReaderOpensOpenPACE has OpenPACE be the chip.
func TestOurReaderOpensOpenPACE(t *testing.T) {
	program := buildOpenPACE(t)
	d, err := mrz.Parse([]byte(card90), mrz.Opts{})
	if err != nil {
		t.Fatal(err)
	}
	can, err := emrtd.CAN(emrtdcard.CAN)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range ways {
		for secret, password := range map[string]emrtd.Password{"can " + emrtdcard.CAN: can, "mrz " + card90: emrtd.Zone(d)} {
			t.Run(fmt.Sprintf("%v on %d, %s", w.Suite, w.Params, secret[:3]), func(t *testing.T) {
				o := startOpenPACE(t, program)
				o.start(w, secret)
				access := emrtdcard.New(cardProfile(t, w)).File(lds.CardAccess)
				chip, err := emrtd.Open(t.Context(), &openPACEChip{o, access, w.Suite, nil, nil, false}, password, emrtd.Opts{})
				if err != nil {
					t.Fatalf("Open = %v, want nil", err)
				}
				if got, err := chip.File(t.Context(), lds.COM); err != nil || !bytes.Equal(got, access) {
					t.Errorf("File = %X, %v, want %X", got, err, access)
				}
			})
		}
	}
}

// openPACEChip is a chip whose every file is the same one.
type openPACEChip struct {
	o      *openPACE
	file   []byte
	suite  sm.Suite
	peer   []byte // the reader's key
	own    []byte
	secure bool
}

func (c *openPACEChip) Transmit(_ context.Context, apdu []byte) ([]byte, error) {
	done := []byte{0x90, 0x00}
	if c.secure {
		return append(c.protected(apdu), done...), nil
	}
	switch apdu[1] {
	case 0xB0:
		at := int(apdu[3])
		return append(bytes.Clone(c.file[at:min(at+int(apdu[4]), len(c.file))]), done...), nil
	case 0x86:
		return append(c.step(apdu[5:5+apdu[4]]), done...), nil
	}
	return done, nil
}

func (c *openPACEChip) step(body []byte) []byte {
	inner, err := lds.Only(body, 0x7C)
	if err != nil {
		c.o.t.Fatal(err)
	}
	out, tag := []byte(nil), uint32(0x80)
	if len(inner) == 0 {
		out = c.o.ask("nonce", nil)
	} else {
		v, _, err := iso7816.NextTLV(inner)
		if err != nil {
			c.o.t.Fatal(err)
		}
		tag = v.Tag + 1
		switch v.Tag {
		case 0x81:
			out = c.o.ask("map", nil)
			c.o.must("mapped", v.Value)
		case 0x83:
			c.peer = bytes.Clone(v.Value) // the command is wiped when it has been answered
			out = c.o.ask("key", nil)
			c.o.must("shared", v.Value)
		case 0x85:
			// The token to give is computed before the one given is checked.
			out = c.o.ask("token", c.peer)
			c.o.must("check", v.Value)
			c.o.must("secure", nil)
			c.secure = true
		}
	}
	return iso7816.AppendTLV(nil, 0x7C, iso7816.AppendTLV(nil, tag, out))
}

// protected checks and answers a protected command.
func (c *openPACEChip) protected(apdu []byte) []byte {
	o, n := c.o, c.suite.BlockSize()
	o.must("count", nil)
	body := apdu[5 : 5+apdu[4]]
	before := body[:len(body)-10]
	if got, want := body[len(body)-8:], o.ask("mac", append(blocks(apdu[:4], n), blocks(before, n)...)); !bytes.Equal(got, want) {
		o.t.Fatalf("our code %X, OpenPACE's %X", got, want)
	}
	o.must("count", nil)
	var out []byte
	if apdu[1] == 0xB0 {
		le, err := iso7816.FindTLV(before, 0x97)
		if err != nil {
			o.t.Fatal(err)
		}
		at := int(apdu[3])
		plain := c.file[at:min(at+int(le[0]), len(c.file))]
		out = iso7816.AppendTLV(nil, 0x87, append([]byte{1}, o.ask("encrypt", blocks(plain, n))...))
	}
	out = append(out, 0x99, 2, 0x90, 0)
	return iso7816.AppendTLV(out, 0x8E, o.ask("mac", blocks(out, n)))
}
