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

// Channel carries commands of any length to one card, in short APDUs.
//
// It adds to a plain Transmitter what the standard asks of the interface
// device: chaining of long data (CLA bit 5), GET RESPONSE after 61xx, and one
// repetition with the right Le after 6Cxx, which the standard defines as «not
// executed». Nothing else is repeated.
type Channel struct{ t Transmitter }

// NewChannel returns a Channel over t.
func NewChannel(t Transmitter) *Channel { return &Channel{t} }

// Do sends c and returns the response data. A status other than 9000 is a
// *[StatusError], together with the data that came with it.
func (ch *Channel) Do(ctx context.Context, c Command) ([]byte, error) {
	data := c.Data
	for len(data) > maxShort {
		part := c
		part.Cla, part.Data, part.Le = c.Cla|claChain, data[:maxShort], 0
		if _, sw, err := ch.once(ctx, part); err != nil {
			return nil, err
		} else if sw != OK {
			return nil, &StatusError{c.Ins, sw}
		}
		data = data[maxShort:]
	}
	last := c
	last.Data = data
	out, sw, err := ch.once(ctx, last)
	if err != nil {
		return nil, err
	}
	if le, ok := sw.RightLe(); ok && c.Le > 0 { // without an Le none is wrong: a PIN is not given twice
		last.Le = le
		if out, sw, err = ch.once(ctx, last); err != nil {
			return nil, err
		}
	}
	for n, ok := sw.More(); ok; n, ok = sw.More() {
		var more []byte
		more, sw, err = ch.once(ctx, Command{Cla: c.Cla &^ claChain, Ins: insGetResponse, Le: n})
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

// once is one APDU there and back.
func (ch *Channel) once(ctx context.Context, c Command) ([]byte, SW, error) {
	b, err := c.Marshal()
	if err != nil {
		return nil, 0, err
	}
	defer clear(b) // it may carry a PIN
	r, err := ch.t.Transmit(ctx, b)
	if err != nil {
		return nil, 0, fmt.Errorf("iso7816: command %02X: %w", c.Ins, err)
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
