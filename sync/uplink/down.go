package uplink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/wire"
)

// down takes frames until the connection ends and returns why it ended.
func (s *session) down(ctx context.Context) error {
	for {
		f, err := s.conn.Receive(ctx)
		if err != nil {
			return err
		}
		if err := s.take(ctx, f); err != nil {
			return err
		}
	}
}

// take takes one frame.
func (s *session) take(ctx context.Context, f wire.Frame) error {
	switch f := f.(type) {
	case *wire.Receipts:
		return s.receipts(ctx, f)
	case *wire.Nack:
		s.nack(f)
		return nil
	case *wire.Have:
		return s.have(ctx, f)
	case *wire.Items:
		return s.items(ctx, f)
	case *wire.Beacon:
		return s.beacon(f)
	case *wire.Witness:
		return s.witness(ctx, f)
	case *wire.Bye:
		return s.bye(f)
	default:
		return &coded{CodeProtocol, fmt.Errorf("uplink: got %s, which goes up only", f.Type())}
	}
}

// receipts stores the receipts that verify and name what we hold. One that does
// not is not believed, and its record goes again.
func (s *session) receipts(ctx context.Context, f *wire.Receipts) error {
	var good []outbox.Receipt
	var done []key
	for _, b := range f.Receipts {
		r, in, err := s.receipt(ctx, b)
		if errors.Is(err, errStorage) {
			return &coded{CodeStorage, err}
		}
		if s.late != nil && err != nil {
			s.late.pass(err, "receipt.invalid")
			continue
		}
		if err != nil || r.Level != wire.Durable {
			// End the session: silence about a record would hold up the rest, and
			// a portal whose receipts fail is not one to go on sending to.
			s.u.st.refused("receipt.invalid")
			return &coded{CodeProtocol, fmt.Errorf("uplink: receipt: %w", errors.Join(err, errNotDurable))}
		}
		if len(r.Fork) != 0 {
			s.u.st.refused("kiosk.fork")
			s.u.c.Log.Error("uplink: the portal has another record of this number: this kiosk has a clone", "seq", r.Seq)
		}
		good = append(good, in)
		done = append(done, key{r.Epoch, r.Seq})
	}
	if err := s.u.c.Outbox.Receipted(ctx, good); err != nil {
		return &coded{CodeStorage, fmt.Errorf("uplink: store receipts: %w", err)}
	}
	if s.late != nil {
		s.late.Receipts += len(good)
	}
	for _, k := range done {
		s.settle(k)
	}
	return nil
}

var (
	errNotDurable = errors.New("no DURABLE receipt of ours")
	errOther      = errors.New("it is not about a record that is here")
	errStorage    = errors.New("outbox failed")
)

// receipt verifies a receipt and compares it with the record it names
// (WIRE-SIG-5). errOther: it is about something that is not here; errStorage:
// nobody can tell.
func (s *session) receipt(ctx context.Context, b []byte) (wire.Receipt, outbox.Receipt, error) {
	r, err := wire.ParseReceipt(b, s.u.c.Trust().Portals)
	if err != nil {
		return r, outbox.Receipt{}, err
	}
	have, err := s.u.c.Outbox.Get(ctx, r.Doc)
	switch {
	case errors.Is(err, outbox.ErrNotFound):
		return r, outbox.Receipt{}, errOther
	case err != nil:
		return r, outbox.Receipt{}, fmt.Errorf("uplink: read a request: %w: %w", errStorage, err)
	case r.Kiosk != s.u.kiosk || r.Epoch != have.Epoch || r.Seq != have.Seq || r.Digest != have.SealedDigest:
		return r, outbox.Receipt{}, errOther
	}
	return r, outbox.Receipt{Seq: r.Seq, Doc: r.Doc, Stage: outbox.State(r.Stage), At: r.When(), Bytes: b}, nil
}

// nack puts a record aside for a while and lets the others go on.
func (s *session) nack(f *wire.Nack) {
	s.u.st.refused(f.Code)
	s.u.c.Log.Warn("uplink: the portal did not take it", "what", f.Of.String(), "seq", f.Seq, "code", f.Code)
	if f.Of == wire.TypeCheckpoint {
		// Further heads would be refused for the same reason. The records go on.
		s.mu.Lock()
		s.refused = true
		s.mu.Unlock()
		s.u.st.headRefused(f.Code)
	}
	if f.Of == wire.TypeLarge {
		s.nackLarge(f)
		if why := pauses(f.Code); why != "" {
			s.u.st.pause(why, min(max(hold, time.Duration(f.Retry)*time.Second), mostRetry))
		}
	}
	if f.Of != wire.TypeRecords {
		return
	}
	k, wait := key{f.Epoch, f.Seq}, min(max(hold, time.Duration(f.Retry)*time.Second), mostRetry)
	if why := pauses(f.Code); why != "" {
		s.u.st.pause(why, wait) // the next one would get the same word
		s.settle(k)
		return
	}
	s.mu.Lock()
	if r, ok := s.waiting[k]; ok {
		s.held[r.Doc] = held{until: time.Now().Add(wait), size: r.Size}
	}
	s.mu.Unlock()
	s.settle(k)
}

// items stores what came down, in order, and acks what is stored.
func (s *session) items(ctx context.Context, f *wire.Items) error {
	for _, it := range f.Items {
		if err := s.item(ctx, it); errors.Is(err, errDelta) {
			return &coded{CodeProtocol, err}
		} else if err != nil {
			return &coded{CodeStorage, fmt.Errorf("uplink: store item %d: %w", it.ID, err)}
		}
	}
	return s.conn.Send(ctx, &wire.ItemAck{ID: f.Items[len(f.Items)-1].ID})
}

func (s *session) item(ctx context.Context, it wire.Item) error {
	switch it.Kind {
	case wire.ItemCatalogue, wire.ItemTrust, wire.ItemDelta:
		return s.knowledge(it) // by its version: what was lost comes again
	}
	if it.ID <= s.u.c.Outbox.Cursor() {
		return nil // stored before; the ack was lost
	}
	if s.late != nil && !s.late.follows() {
		return nil
	}
	// A decision only moves the cursor here: what it carries has its own place,
	// and is made durable there first.
	store := outbox.Item{ID: it.ID, Kind: it.Kind, At: time.Unix(it.At, 0)}
	var err error
	switch it.Kind {
	case wire.ItemDecided:
		err = s.decided(ctx, it)
	case wire.ItemAnswer:
		store.Doc, store.Stage, store.Bytes = it.Doc, outbox.State(it.Stage), it.Bytes
	case wire.ItemRevoked:
		if err := s.leftOut(it, "revoked-seals.invalid", s.u.c.Sink.RevokedSeals(it.Bytes)); err != nil {
			return err
		}
	}
	if err := s.leftOut(it, "receipt.invalid", err); err != nil {
		return err
	}
	if err := s.u.c.Outbox.PutItem(ctx, store); err != nil {
		return err
	}
	if s.late != nil {
		s.late.Items++
	}
	return nil
}

// leftOut passes over an item that will never be taken, and says so.
func (s *session) leftOut(it wire.Item, code string, err error) error {
	if !errors.Is(err, ErrUnacceptable) {
		return err
	}
	s.u.st.refused(code)
	if s.late != nil {
		s.late.refuse(code)
	}
	s.u.c.Log.Warn("uplink: an item is left out", "kind", it.Kind, "err", err)
	return nil
}

// errDelta ends a session in which a delta did not fit: in the next one the
// kiosk says that it has no bundle, and gets a whole one (WIRE-SES-16).
var errDelta = errors.New("uplink: the trust delta does not fit")

// knowledge takes a catalogue or a bundle. It moves no cursor: the portal goes by
// the versions in hello.
func (s *session) knowledge(it wire.Item) error {
	switch it.Kind {
	case wire.ItemCatalogue:
		return s.leftOut(it, "catalogue.invalid", s.u.c.Sink.Catalogue(it.Bytes))
	case wire.ItemTrust:
		s.u.whole.Store(false)
		return s.leftOut(it, "trust.invalid", s.u.c.Sink.Trust(it.Bytes))
	}
	var have []byte
	if b := s.u.c.Trust(); b != nil {
		have = b.Signed()
	}
	signed, err := trust.Apply(have, it.Bytes)
	if err == nil {
		err = s.u.c.Sink.Trust(signed)
		if err != nil && !errors.Is(err, ErrUnacceptable) {
			return err // it could not be kept
		}
	}
	if err != nil {
		s.u.whole.Store(true)
		s.u.st.refused("trust.delta")
		return fmt.Errorf("%w: %w", errDelta, err)
	}
	return nil
}

// decided stores a DECIDED receipt.
func (s *session) decided(ctx context.Context, it wire.Item) error {
	r, in, err := s.receipt(ctx, it.Bytes)
	switch {
	case errors.Is(err, errStorage):
		return err
	case errors.Is(err, errOther):
		return nil // of a life of this kiosk that it has lost; its journal was told by DURABLE
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnacceptable, err)
	case r.Level != wire.Decided || r.Doc != it.Doc || r.Stage != it.Stage:
		return fmt.Errorf("%w: the receipt is not what the item says", ErrUnacceptable)
	}
	return s.u.c.Outbox.Receipted(ctx, []outbox.Receipt{in})
}

// beacon hands on the portal's time.
func (s *session) beacon(f *wire.Beacon) error {
	t, err := wire.ParseTime(f.Signed, s.u.c.Trust().Portals)
	if err == nil && (t.Kiosk != s.u.kiosk || t.Epoch != s.epoch) {
		err = errOther
	}
	switch {
	case s.late == nil:
	case errors.Is(err, errOther):
		s.late.Known = true
		return nil
	case err == nil:
		return s.late.beacon(s.u.c.Sink, f.Signed, t.When())
	default:
		s.late.refuse("beacon.invalid")
		return nil
	}
	if err != nil {
		s.u.st.refused("beacon.invalid")
		s.u.c.Log.Warn("uplink: a beacon is not believed", "err", err)
		return nil
	}
	if err := s.u.c.Sink.Beacon(f.Signed, t.When()); err != nil {
		s.u.c.Log.Warn("uplink: a beacon was not taken", "err", err)
	}
	return nil
}
