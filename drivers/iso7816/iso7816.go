// Package iso7816 puts ISO 7816-4 commands together, sends them to a chip card
// and takes its responses apart. It knows no application on the card.
//
// # Reference
//
// ISO/IEC 7816-4:2020, clauses 5.2 (cases), 5.3.3 (command chaining), 5.3.4
// (response chaining), 5.6 (status bytes), 11.7 (GET RESPONSE) and 12.1
// (historical bytes, EF.ATR/INFO); ISO/IEC 7816-3:2006, 8 (ATR) and 12.2 (APDUs
// by T=0); ISO/IEC 14443-4, 5.2 (ATS).
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

// On returns the card of generation gen in r as a Transmitter. When r says which
// card it has, by a method Card, the Transmitter is [Capable].
func On(r device.CardReader, gen uint64) Transmitter {
	if k, ok := r.(knows); ok {
		return onKnown{onReader{r, gen}, k}
	}
	return onReader{r, gen}
}

type onReader struct {
	r   device.CardReader
	gen uint64
}

// Transmit implements Transmitter.
func (o onReader) Transmit(ctx context.Context, apdu []byte) ([]byte, error) {
	return o.r.Transmit(ctx, o.gen, apdu)
}

// knows is a reader that says which card is in it now.
type knows interface{ Card() *device.Card }

type onKnown struct {
	onReader
	k knows
}

// Capabilities implements Capable.
func (o onKnown) Capabilities() Capabilities {
	if c := o.k.Card(); c != nil && c.Gen == o.gen {
		return Of(c)
	}
	return Capabilities{}
}
