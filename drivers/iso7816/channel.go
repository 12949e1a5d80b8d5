package iso7816

import (
	"context"
	"fmt"

	"github.com/penjire/penjire/drivers/device"
)

// maxResponse bounds what GET RESPONSE may add up to. Certificates and data
// objects of real cards stay below 16 KiB; a card that says «more» for ever is
// broken.
const maxResponse = 64 << 10

// Channel carries commands of any length to one card.
//
// It adds to a plain Transmitter what the standard asks of the interface device:
//   - Data too long for a short APDU goes with extended lengths where card and
//     reader have both said that they take them, else in chained commands (CLA
//     bit 5).
//   - What 61xx announces is fetched with GET RESPONSE. With T=0 that is how any
//     answer comes; on other transports cards do it that have more to say than an
//     APDU takes. GET RESPONSE has no effect on the card.
//   - With T=0, and with T=0 alone, a command without data that is answered 6Cxx
//     («not executed, ask for xx») is sent again with that Le. There it is part
//     of the protocol; elsewhere 6Cxx is an error like others.
//
// Nothing else is ever repeated, and no command with data is sent twice: it may
// hold a PIN.
type Channel struct {
	t Transmitter
	c Capabilities
}

// NewChannel returns a Channel over t. If t is [Capable], it uses what its card
// can.
func NewChannel(t Transmitter) *Channel {
	ch := &Channel{t: t}
	if c, ok := t.(Capable); ok {
		ch.c = c.Capabilities()
	}
	return ch
}

// Do sends c and returns the response data. A status other than 9000 is a
// *[StatusError], together with the data that came with it.
func (ch *Channel) Do(ctx context.Context, c Command) ([]byte, error) {
	out, sw, err := ch.first(ctx, c)
	if err != nil {
		return nil, err
	}
	for n, ok := sw.More(); ok; n, ok = sw.More() {
		var more []byte
		more, sw, err = ch.ask(ctx, Command{Cla: c.Cla &^ claChain, Ins: insGetResponse, Le: n})
		if err != nil {
			return nil, err
		}
		if _, again := sw.More(); again && len(more) == 0 {
			return nil, fmt.Errorf("iso7816: command %02X: card announces more and gives nothing: %w", c.Ins, device.ErrProtocol)
		}
		if out = append(out, more...); len(out) > maxResponse {
			return nil, fmt.Errorf("iso7816: command %02X: response is over %d bytes: %w", c.Ins, maxResponse, device.ErrProtocol)
		}
	}
	if sw != OK {
		return out, &StatusError{c.Ins, sw}
	}
	return out, nil
}

// first sends c, in as many APDUs as it takes, and returns the first answer.
func (ch *Channel) first(ctx context.Context, c Command) ([]byte, SW, error) {
	if len(c.Data) > maxShort || c.Le > MaxLe {
		const around = 4 + 3 + 2 // header, Lc, Le
		if ch.c.extended(around+len(c.Data), c.Le) {
			b, err := c.MarshalExtended()
			if err != nil {
				return nil, 0, err
			}
			return ch.send(ctx, c.Ins, b)
		}
		if c.Le > MaxLe {
			return nil, 0, fmt.Errorf("iso7816: command %02X: Le %d: extended lengths: %w", c.Ins, c.Le, device.ErrUnsupported)
		}
	}
	for len(c.Data) > maxShort {
		part := c
		part.Cla, part.Data, part.Le = c.Cla|claChain, c.Data[:maxShort], 0
		if _, sw, err := ch.ask(ctx, part); err != nil {
			return nil, 0, err
		} else if sw != OK {
			return nil, 0, &StatusError{c.Ins, sw}
		}
		c.Data = c.Data[maxShort:]
	}
	return ch.ask(ctx, c)
}

// ask is one short command and its answer.
func (ch *Channel) ask(ctx context.Context, c Command) ([]byte, SW, error) {
	out, sw, err := ch.once(ctx, c)
	if err != nil || ch.c.Protocol != device.T0 || len(c.Data) > 0 || c.Le == 0 {
		return out, sw, err
	}
	if le, ok := sw.RightLe(); ok {
		c.Le = le
		return ch.once(ctx, c)
	}
	return out, sw, nil
}

// once is one APDU there and back.
func (ch *Channel) once(ctx context.Context, c Command) ([]byte, SW, error) {
	marshal := c.Marshal
	if ch.c.Protocol == device.T0 {
		marshal = c.marshalT0
	}
	b, err := marshal()
	if err != nil {
		return nil, 0, err
	}
	return ch.send(ctx, c.Ins, b)
}

// send is once for an APDU that has its bytes. It clears them.
func (ch *Channel) send(ctx context.Context, ins byte, b []byte) ([]byte, SW, error) {
	defer clear(b) // it may carry a PIN
	r, err := ch.t.Transmit(ctx, b)
	if err != nil {
		return nil, 0, fmt.Errorf("iso7816: command %02X: %w", ins, err)
	}
	return ParseResponse(r)
}

// ParseResponse splits a response APDU into data and status.
func ParseResponse(r []byte) ([]byte, SW, error) {
	n := len(r) - 2
	if n < 0 {
		return nil, 0, fmt.Errorf("iso7816: parse response: got %d bytes, want at least 2: %w", len(r), device.ErrProtocol)
	}
	sw := SW(r[n])<<8 | SW(r[n+1])
	if hi := r[n] & 0xF0; hi != 0x60 && hi != 0x90 {
		return nil, 0, fmt.Errorf("iso7816: parse response: %04X is no status: %w", uint16(sw), device.ErrProtocol)
	}
	return r[:n:n], sw, nil
}
