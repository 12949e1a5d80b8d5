package portal

import (
	"context"
	"errors"
	"fmt"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/ledger"
)

// keepDictionary keeps what requests under the catalogue are compressed with,
// for ever: one may come long after the catalogue was replaced.
func (p *Portal) keepDictionary(ctx context.Context, c *catalog.Catalogue) error {
	d := envelope.NewDictionary(c.Dictionary())
	if err := p.ledger.KeepDictionary(ctx, d.ID(), d.Bytes()); err != nil {
		return fmt.Errorf("keep the dictionary of catalogue version %d: %w", c.Version, err)
	}
	return nil
}

// missing says that an envelope needs a dictionary that is not there.
type missing uint32

func (m missing) Error() string {
	return fmt.Sprintf("no catalogue that this portal had has the dictionary %08x", uint32(m))
}

// open opens an envelope. It returns nil, and no error, where nobody ever could;
// missing, where a dictionary is needed; any other error is the portal's own
// trouble.
func (p *Portal) open(ctx context.Context, sealed []byte) ([]byte, error) {
	var asked uint32
	var trouble error
	find := envelope.Dictionaries(func(id uint32) (*envelope.Dictionary, error) {
		asked = id
		if d, ok := p.words.Load(id); ok {
			return d.(*envelope.Dictionary), nil
		}
		b, err := p.ledger.Dictionary(ctx, id)
		if errors.Is(err, ledger.ErrNotFound) {
			return nil, nil
		}
		var d *envelope.Dictionary
		if err == nil {
			d, err = envelope.ParseDictionary(b)
		}
		if err == nil && d.ID() != id {
			err = fmt.Errorf("what is kept as dictionary %08x is another", id)
		}
		if trouble = err; err == nil {
			p.words.Store(id, d) // there is one for each catalogue that was in force
		}
		return d, err
	})
	plain, err := find.Open(sealed, p.c.Identities...)
	switch {
	case trouble != nil:
		return nil, trouble
	case errors.Is(err, envelope.ErrDictionary):
		return nil, missing(asked)
	case err != nil:
		return nil, nil
	}
	return plain, nil
}

// await sets a record aside until its dictionary is there.
func (p *Portal) await(ctx context.Context, r ledger.Record, m missing) error {
	if err := p.ledger.Raise(ctx, ledger.Alarm{
		At: p.c.Now(), Kiosk: r.Kiosk, Code: ledger.AlarmDictionary, Note: fmt.Sprintf("dictionary %08x", uint32(m)),
	}); err != nil {
		return err
	}
	if err := p.ledger.AwaitDictionary(ctx, r.Key, uint32(m)); err != nil {
		return err
	}
	p.c.Log.Warn("portal: a record waits for a dictionary", "kiosk", r.Kiosk, "seq", r.Seq, "dictionary", uint32(m))
	return nil
}
