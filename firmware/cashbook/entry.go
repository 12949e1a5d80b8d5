package cashbook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/penjire/penjire/drivers/device"
)

// Act is what an entry is about.
type Act string

// The acts.
const (
	Stacking Act = "stacking" // a bill is to be stacked
	Settled  Act = "settled"  // it is known what became of it, or that it is not
	Decided  Act = "decided"  // a person decided about an ambiguous one
	Coin     Act = "coin"     // a coin fell
	Counted  Act = "counted"  // the acceptor's count alone
)

// Entry is one line.
type Entry struct {
	Act      Act             `json:"act"`
	Bill     uint64          `json:"bill,omitempty"`
	Tx       string          `json:"tx,omitempty"`
	Currency string          `json:"currency,omitempty"`
	Value    int64           `json:"value,omitempty"`
	Kind     device.CashKind `json:"kind,omitempty"`
	Count    *uint8          `json:"count,omitempty"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (e Entry) line() ([]byte, error) {
	j, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(j, castagnoli), j), nil
}

// parseLine reads a line without its newline.
func parseLine(b []byte) (Entry, error) {
	var e Entry
	if len(b) < 10 || b[8] != ' ' {
		return e, errors.New("line has no checksum")
	}
	if want := fmt.Sprintf("%08x", crc32.Checksum(b[9:], castagnoli)); string(b[:8]) != want {
		return e, fmt.Errorf("checksum is %q, want %s", b[:8], want)
	}
	d := json.NewDecoder(bytes.NewReader(b[9:]))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, err
	}
	return e, nil
}

// state is what a book says. Kind of a bill is "" while it stands open.
type state struct {
	next  uint64
	bills map[uint64]device.CashEvent
	count *uint8
}

func newState() state { return state{next: 1, bills: map[uint64]device.CashEvent{}} }

// read takes in all lines, and returns how many bytes of b they are. The last one
// may lack its newline, or have another byte there.
func (s *state) read(b []byte) (whole int, err error) {
	for n := 1; whole < len(b); n++ {
		line, rest, ended := bytes.Cut(b[whole:], []byte{'\n'})
		e, err := parseLine(line)
		if err != nil && !ended && len(line) > 0 {
			line = line[:len(line)-1]
			e, err = parseLine(line)
		}
		if err == nil {
			err = s.check(e)
		}
		switch {
		case err == nil:
			s.take(e)
			if whole += len(line); ended {
				whole++
			} else {
				return whole, nil
			}
		case len(rest) == 0 && !holdsLine(line):
			return whole, nil // torn: nobody was told that it is there
		default:
			return whole, fmt.Errorf("%w: line %d: %w", ErrDamaged, n, err)
		}
	}
	return whole, nil
}

// holdsLine says whether a whole line stands at the end of b: then what is before it
// is not torn but damaged.
func holdsLine(b []byte) bool {
	for i := 1; i < len(b); i++ {
		if _, err := parseLine(b[i:]); err == nil {
			return true
		}
	}
	return false
}

// check says whether e may follow.
func (s *state) check(e Entry) error {
	b, known := s.bills[e.Bill]
	ends := e.Kind == device.CashStacked || e.Kind == device.CashReturned
	switch e.Act {
	case Stacking:
		if e.Bill == s.next && e.Kind == "" {
			return nil
		}
	case Settled:
		if known && b.Kind == "" && (ends || e.Kind == device.CashAmbiguous) {
			return nil
		}
	case Decided:
		if known && b.Kind == device.CashAmbiguous && ends {
			return nil
		}
	case Coin:
		if e.Bill == s.next && e.Count != nil && (e.Kind == device.CashStacked || e.Kind == device.CashAmbiguous) {
			return nil
		}
	case Counted:
		if e.Bill == 0 && e.Count != nil {
			return nil
		}
	}
	return fmt.Errorf("bill %d: %s %s does not follow what stands there (%q)", e.Bill, e.Act, e.Kind, b.Kind)
}

// take takes e in.
func (s *state) take(e Entry) {
	if e.Count != nil {
		s.count = e.Count
	}
	switch e.Act {
	case Stacking, Coin:
		d := device.Denom{Currency: e.Currency, Value: e.Value}
		s.bills[e.Bill] = device.CashEvent{Seq: e.Bill, Bill: e.Bill, Tx: e.Tx, Denom: d, Kind: e.Kind}
		s.next++
	case Settled, Decided:
		b := s.bills[e.Bill]
		b.Kind = e.Kind
		s.bills[e.Bill] = b
	}
}
