// Package iso7816 puts ISO 7816-4 commands together, sends them to a chip card
// and takes its responses apart. It knows no application on the card.
//
// # Reference
//
// ISO/IEC 7816-4:2020, clauses 5.2 (cases), 5.3.3 (command chaining), 5.6
// (status bytes) and 11.7 (GET RESPONSE).
package iso7816

import (
	"context"

	"github.com/penjire/penjire/drivers/device"
)

// Transmitter carries one command APDU to a card and brings back the response
// APDU with its two status bytes. It retries nothing.
type Transmitter interface {
	Transmit(ctx context.Context, apdu []byte) ([]byte, error)
}

// On returns the card of generation gen in r as a Transmitter.
func On(r device.CardReader, gen uint64) Transmitter { return onReader{r, gen} }

type onReader struct {
	r   device.CardReader
	gen uint64
}

// Transmit implements Transmitter.
func (o onReader) Transmit(ctx context.Context, apdu []byte) ([]byte, error) {
	return o.r.Transmit(ctx, o.gen, apdu)
}
