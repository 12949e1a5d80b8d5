package iso7816

import (
	"context"
	"fmt"

	"github.com/penjire/penjire/drivers/device"
)

// Tags in EF.ATR/INFO.
const (
	tagExtendedInfo = 0x7F66 // two numbers: longest command and response APDU
	tagNumber       = 0x02
	tagCapabilities = 0x47
)

// ReadLimits reads EF.ATR/INFO, which is in the master file, and adds what it
// says to c. It selects files: an application that was selected is selected no
// more. A card without the file leaves c as it is.
func ReadLimits(ctx context.Context, t Transmitter, c Capabilities) (Capabilities, error) {
	ch := NewChannel(With(t, Capabilities{Protocol: c.Protocol}))
	for _, file := range [][]byte{{0x3F, 0x00}, {0x2F, 0x01}} {
		p1 := byte(0x00)
		if file[0] == 0x2F {
			p1 = 0x02 // a file below the current one
		}
		if _, err := ch.Do(ctx, Command{Ins: 0xA4, P1: p1, P2: 0x0C, Data: file}); err != nil {
			if StatusOf(err) != 0 {
				return c, nil
			}
			return c, fmt.Errorf("iso7816: select EF.ATR/INFO: %w", err)
		}
	}
	b, err := ch.Do(ctx, Command{Ins: 0xB0, Le: MaxLe})
	if sw := StatusOf(err); err != nil && sw.Kind() != Warning {
		if sw != 0 {
			return c, nil
		}
		return c, fmt.Errorf("iso7816: read EF.ATR/INFO: %w", err)
	}
	if err := c.readLimits(b); err != nil {
		return c, fmt.Errorf("iso7816: read EF.ATR/INFO: %w", err)
	}
	return c, nil
}

// readLimits adds to c what the data objects of EF.ATR/INFO say. What they do not
// say stays as it is.
func (c *Capabilities) readLimits(b []byte) error {
	for len(b) > 0 && b[0] != 0x00 { // zeros fill the file up
		t, rest, err := NextTLV(b)
		if err != nil {
			return err
		}
		b = rest
		switch {
		case t.Tag == tagCapabilities && len(t.Value) >= 3:
			f := functions(t.Value[2])
			c.Chaining, c.Extended = c.Chaining || f.Chaining, c.Extended || f.Extended
		case t.Tag == tagExtendedInfo:
			if c.MaxCommand, c.MaxResponse, err = twoNumbers(t.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

func twoNumbers(b []byte) (first, second int, err error) {
	var out [2]int
	for i := range out {
		t, rest, err := NextTLV(b)
		if err != nil {
			return 0, 0, err
		}
		if t.Tag != tagNumber || len(t.Value) < 1 || len(t.Value) > 4 {
			return 0, 0, fmt.Errorf("length of an APDU: got tag %X with %d bytes: %w", t.Tag, len(t.Value), device.ErrProtocol)
		}
		for _, x := range t.Value {
			out[i] = out[i]<<8 | int(x)
		}
		b = rest
	}
	return out[0], out[1], nil
}
