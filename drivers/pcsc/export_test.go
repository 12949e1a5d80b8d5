package pcsc

import (
	"context"
	"errors"

	"github.com/penjire/penjire/drivers/link"
)

// Events asks the pcscd on port how often a card came or went in the reader
// called name.
func Events(ctx context.Context, port link.Port, name string) (uint32, error) {
	c, err := dial(ctx, port)
	if err != nil {
		return 0, err
	}
	r, err := c.reader(ctx, name)
	return r.Events, errors.Join(err, c.close())
}
