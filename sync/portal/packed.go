package portal

import (
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/wire"
)

// shownHead is a head that came packed: the answer to it may be packed against the
// same.
type shownHead struct {
	head *journal.Head
	base *journal.Head // nil: it came without
}

// headName names the head kept to the kiosk, which may have it too.
func (s *session) headName() [8]byte {
	if h := s.keptHead(); h != nil {
		return h.Digest()
	}
	return [8]byte{}
}

// keptHead returns the head kept; nil if there is none that can be read.
func (s *session) keptHead() *journal.Head {
	if s.head.Size == 0 {
		return nil
	}
	h, err := journal.ParseHead(s.head.Note)
	if err != nil {
		return nil
	}
	return h
}

// readHead reads a head as it came, packed or whole.
func (s *session) readHead(b []byte, origin string) (*journal.Head, error) {
	s.last = nil
	packed, based := journal.Packed(b)
	if !packed {
		return journal.ParseHead(b)
	}
	var base *journal.Head
	if based {
		base = s.keptHead()
	}
	h, err := journal.Unpack(b, origin, base, nil)
	if err == nil {
		s.last = &shownHead{h, base}
	}
	return h, err
}

// otherBase says whether a head that is not good may be so because the kiosk packed
// it against another base than the one kept. That is nobody's fault and is asked for
// again, once: what comes then is judged. One in a file has no base.
func (s *session) otherBase(f *wire.Checkpoint) bool {
	_, based := journal.Packed(f.Head)
	ask := based && s.late == nil && !s.asked
	s.asked = s.asked || ask
	return ask
}

// answer returns a witnessed head as it goes down: packed if the one that it
// answers was.
func (c *shownHead) answer(h *journal.Head) []byte {
	if c != nil && c.head.Checkpoint == h.Checkpoint {
		if b, err := h.Pack(c.base, c.head); err == nil {
			return b
		}
	}
	return h.Marshal()
}
