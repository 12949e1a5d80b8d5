package outbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/penjire/penjire/sync/journal"
)

// A copy, on a mirror or in a backup, is values one behind the other, each as it
// stands in the file, with marks between them (outbox.md, section 9a). A mark is
// a value of its own kind. Its revision says what the copy is complete up to:
// every value of its epoch that counts at that revision stands before it.

// mark is the payload of a mark.
type mark struct {
	Kiosk string `cbor:"1,keyasint"`
	At    int64  `cbor:"2,keyasint"`           // Unix milliseconds, by the kiosk's clock
	Size  int64  `cbor:"3,keyasint,omitempty"` // of the journal then
	Root  []byte `cbor:"4,keyasint,omitempty"`
}

func parseMark(b []byte, strict bool) (mark, error) {
	var m mark
	return m, decode(b, &m, strict, func() error {
		switch {
		case !goodKiosk(m.Kiosk):
			return errors.New("kiosk id is empty or not printable")
		case m.Size < 0 || m.Size == 0 && len(m.Root) != 0 || m.Size > 0 && len(m.Root) != 32:
			return errors.New("size and root of the journal do not go together")
		}
		return nil
	})
}

// marshalMark encodes mark number n of a copy: 0 is its head, which promises
// nothing.
func marshalMark(kiosk string, e Epoch, n, rev uint64, head *journal.Edge, now time.Time) ([]byte, error) {
	m := mark{Kiosk: kiosk, At: toMilli(now)}
	if head != nil && head.Size() > 0 {
		root := head.Root()
		m.Size, m.Root = head.Size(), root[:]
	}
	p, err := encode(m)
	if err != nil {
		return nil, err
	}
	return value{kind: kindMark, epoch: e, number: n, revision: rev, payload: p}.marshal(), nil
}

// copyState is what reading a copy from its beginning shows.
type copyState struct {
	kiosk string // of the head; empty: there is none
	epoch Epoch
	rev   uint64 // of the last mark: complete up to there; 0: nothing is promised
	marks uint64 // number of the last mark
	end   int64  // where the last whole value ends
	whole bool   // it ends there, with a mark
	size  int64  // of the journal, as the last mark says
	root  [32]byte
}

// readCopy reads a copy from its beginning to the first thing that is no value.
// What stands behind that is for scan. A copy never makes it fail; who gives its
// bytes may.
func readCopy(r io.Reader) (copyState, error) {
	var s copyState
	in := bufio.NewReaderSize(r, 256<<10)
	for {
		head, err := in.Peek(headLen)
		if errors.Is(err, io.EOF) {
			s.whole = s.whole && len(head) == 0
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("outbox: read a copy: %w", err)
		}
		n, err := valueLen(head)
		if err != nil {
			s.whole = false
			return s, nil
		}
		raw := make([]byte, n)
		if _, err := io.ReadFull(in, raw); err != nil {
			s.whole = false
			if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
				return s, nil
			}
			return s, fmt.Errorf("outbox: read a copy: %w", err)
		}
		v, _, err := parseValue(raw)
		if err != nil || !s.take(v) {
			s.whole = false
			return s, nil
		}
		s.end += int64(n)
	}
}

// take reports whether v may stand where it does.
func (s *copyState) take(v value) bool {
	s.whole = false
	if v.kind != kindMark {
		return s.kiosk != ""
	}
	m, err := parseMark(v.payload, true)
	switch {
	case err != nil:
		return false
	case s.kiosk == "":
		if v.number != 0 || v.revision != 0 {
			return false
		}
		s.kiosk, s.epoch = m.Kiosk, v.epoch
		return true
	case m.Kiosk != s.kiosk || v.epoch != s.epoch || v.number != s.marks+1 || v.revision < s.rev || v.revision == 0:
		return false
	}
	s.marks, s.rev, s.size, s.whole = v.number, v.revision, m.Size, true
	copy(s.root[:], m.Root)
	return true
}
