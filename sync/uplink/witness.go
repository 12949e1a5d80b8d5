package uplink

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/wire"
)

// headDue says whether the journal has a head that the portal has not seen, or
// not confirmed, and how long until it may go.
func (s *session) headDue() (wait time.Duration, due bool) {
	s.mu.Lock()
	none := s.refused || s.unsure // where that is not read, what follows from it is not, either
	if s.resend {
		s.resend, s.looked, s.head = false, false, s.kept
	}
	s.mu.Unlock()
	size, _ := s.u.c.Outbox.Head()
	if none || size == 0 || size == s.head && (s.looked || !s.unwitnessed(size)) {
		return 0, false
	}
	if !s.looked {
		return 0, true
	}
	return s.u.c.Checkpoint - time.Since(s.last), true
}

// unwitnessed says whether the portal's signature for the head that it knows
// never arrived here.
func (s *session) unwitnessed(size int64) bool {
	return s.u.c.Witnessed != nil && s.u.c.Witnessed() < size
}

// checkpoint sends the journal's head. Where the journal is smaller than what
// the portal knows there is no proof; the portal must see it all the same.
func (s *session) checkpoint(ctx context.Context) error {
	s.looked, s.last = true, time.Now()
	h, err := s.u.signHead(ctx)
	if err != nil {
		return err
	}
	if h == nil {
		s.head, _ = s.u.c.Outbox.Head()
		return nil
	}
	if s.u.c.Outbox.Stats(ctx).Epoch != s.epoch { // the file was made anew: so is the session
		return errors.New("uplink: the outbox has a new epoch")
	}
	f, err := s.u.headFrom(ctx, h, s.epoch, s.head)
	if err != nil {
		return err
	}
	s.mu.Lock()
	// Until the portal has answered nobody knows what it keeps.
	base := s.base
	s.flying, s.base, s.unsure = append(s.flying, flying{h, base}), nil, base != nil
	s.mu.Unlock()
	if f.Head, err = h.Pack(base, nil); err != nil {
		return &coded{CodeStorage, fmt.Errorf("uplink: %w", err)}
	}
	if err := s.conn.Send(ctx, f); err != nil {
		return err
	}
	s.head = h.Size
	return nil
}

// signHead signs the journal's head as it is now; nil where the counter does not
// count.
func (u *Uplink) signHead(ctx context.Context) (*journal.Head, error) {
	c := u.c.Outbox.Checkpoint()
	if n := u.c.Counter; n != nil {
		var err error
		if c.Counter, err = n.Increment(ctx); err != nil {
			// Without its number the head would look like a clone's. The records
			// need none.
			u.st.refused("journal.counter")
			u.c.Log.Error("uplink: the counter does not count: no journal head goes up", "err", err)
			return nil, nil
		}
	}
	// A bundle that does not have our certificate may not be the portal's newest,
	// and ours may be younger than the portal's.
	carry, own := true, u.c.Signer()
	if b := u.c.Trust(); b != nil {
		carry = !trust.Listed(b.SealSigners, own.Cert)
	}
	h, err := c.Sign(u.kiosk, own, u.c.Now(), carry)
	if err != nil {
		return nil, &coded{CodeStorage, fmt.Errorf("uplink: %w", err)}
	}
	return h, nil
}

// headFrom puts a head into a frame, with the proof that it follows from the one of
// size from.
func (u *Uplink) headFrom(ctx context.Context, h *journal.Head, epoch [16]byte, from int64) (*wire.Checkpoint, error) {
	f := &wire.Checkpoint{Epoch: epoch, Head: h.Marshal(), From: from}
	if h.Size > from {
		var err error
		if f.Proof, err = u.c.Outbox.Consistency(ctx, from, h.Size); err != nil {
			return nil, &coded{CodeStorage, fmt.Errorf("uplink: %w", err)}
		}
	}
	return f, nil
}

// witness takes a head with the portal's signature: of ours, or of one that ours
// contradicts.
func (s *session) witness(ctx context.Context, f *wire.Witness) error {
	defer s.answered()
	h, sent, err := s.witnessed(f)
	if err != nil {
		s.u.st.refused("witness.invalid")
		s.u.c.Log.Warn("uplink: a witnessed head is not believed", "err", err)
		return nil
	}
	size, _ := s.u.c.Outbox.Head()
	ours := h.Size <= size
	if ours {
		root, err := s.u.c.Outbox.RootAt(ctx, h.Size)
		if err != nil {
			return &coded{CodeStorage, fmt.Errorf("uplink: %w", err)}
		}
		ours = root == h.Root
	}
	if ours {
		s.mu.Lock()
		s.kept = h.Size
		s.mu.Unlock()
		if s.late != nil {
			s.u.st.headTaken() // it has our signature from the file that it answers
		}
		if sent != nil {
			if both, err := s.join(sent, h); err == nil {
				h = both
				s.mu.Lock()
				if len(s.flying) == 0 && !s.whole { // the portal keeps none that came after it
					s.base = both
				}
				s.mu.Unlock()
				s.u.st.headTaken()
			}
		}
		if h.Signed(s.u.kiosk) == nil {
			// A head without our own signature proves nothing to others, and may be in
			// the place of one that does.
			err = errors.New("uplink: the head is not signed here")
		} else {
			err = s.u.c.Sink.Witness(h)
		}
	} else if err = s.signedHere(h); err == nil {
		s.u.c.Log.Error("uplink: the portal has a head of this journal that the journal here does not lead to", "portal", h.Size, "here", size)
		err = s.u.c.Sink.Contradicted(h)
	}
	if err != nil {
		s.u.c.Log.Error("uplink: a witnessed head was not taken", "err", err)
	}
	return nil
}

// answered notes that the portal said something about a head.
func (s *session) answered() {
	s.mu.Lock()
	s.unsure = false
	s.mu.Unlock()
	s.progressed() // the next one may be due
}

// otherBase has a head go again that the portal could not read for it keeps another
// base than we do.
func (s *session) otherBase() {
	s.mu.Lock()
	s.whole, s.resend, s.flying, s.base = true, true, nil, nil
	s.mu.Unlock()
}

// flying is a head that went up, and what it was packed against.
type flying struct {
	head, base *journal.Head
}

// witnessed reads a head and checks that it is of this journal and that a portal
// of the bundle signed it. It returns the head that went up and is answered by it
// too; nil where it answers none.
func (s *session) witnessed(f *wire.Witness) (h, sent *journal.Head, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if packed, _ := journal.Packed(f.Head); !packed {
		if h, err = journal.ParseHead(f.Head); err == nil {
			err = s.ofPortal(f, h)
		}
		for i, up := range s.flying {
			if err == nil && up.head.Size == h.Size && up.head.Root == h.Root {
				sent, s.flying = up.head, s.flying[i+1:]
				break
			}
		}
		return h, sent, err
	}
	err = errors.New("uplink: it answers no head that went up")
	for i, up := range s.flying {
		h, err = journal.Unpack(f.Head, s.u.c.Outbox.Checkpoint().Origin, up.base, up.head)
		if err == nil {
			err = s.ofPortal(f, h)
		}
		if err == nil { // those before it were refused, or overtaken
			s.flying = s.flying[i+1:]
			return h, up.head, nil
		}
	}
	return nil, nil, err
}

// ofPortal checks whose journal's a head is and that a portal of the bundle signed
// it.
func (s *session) ofPortal(f *wire.Witness, h *journal.Head) error {
	if f.Epoch != s.epoch || h.Origin != s.u.c.Outbox.Checkpoint().Origin {
		return errOther
	}
	cert, err := h.Verify(s.welcome.Portal, s.u.c.Trust().Portals...)
	if err != nil {
		return err
	}
	if !trust.Listed(s.u.c.Trust().Portals, cert) {
		return errors.New("uplink: signed by no portal of the bundle")
	}
	return nil
}

// join returns the head that went up with the portal's signature under it, as the
// portal keeps it: where the answer holds a signature of this kiosk too, it is with
// that one, which was made earlier.
func (s *session) join(sent, h *journal.Head) (*journal.Head, error) {
	if h.Signed(s.u.kiosk) != nil && s.signedHere(h) == nil {
		return h.Join(sent)
	}
	return sent.Join(h)
}

// signedHere checks that this kiosk signed a head: nobody else's word may stop
// it. An earlier certificate of the same key is its own too.
func (s *session) signedHere(h *journal.Head) error {
	own := s.u.c.Signer().Cert
	cert, err := h.Verify(s.u.kiosk, slices.Concat(s.u.c.Trust().SealSigners, []*x509.Certificate{own})...)
	if err != nil {
		return err
	}
	if !bytes.Equal(cert.RawSubjectPublicKeyInfo, own.RawSubjectPublicKeyInfo) && (trust.DeviceID(cert) != s.u.kiosk || !trust.Listed(s.u.c.Trust().SealSigners, cert)) {
		return errors.New("uplink: a head signed by another kiosk")
	}
	return nil
}
