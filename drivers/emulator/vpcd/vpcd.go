// Package vpcd puts an emulated card into a virtual reader of pcscd: the reader
// is the driver vpcd of the project vsmartcard, and the card is what connects to
// its TCP port. So the programs of the whole PC/SC world can use the card.
//
// # Reference
//
// Virtual Smart Card Architecture, vpcd's protocol: a 16-bit big-endian length
// and a body. A body of one byte is a command of the reader: 0 power off, 1 power
// on, 2 reset, 4 give the ATR; anything longer is an APDU.
package vpcd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Addr is where Debian's pcscd waits for the card of its first virtual reader.
const Addr = "127.0.0.1:35963"

// ATR is of a card with contacts that speaks T=1, known to no list of cards
// (ISO/IEC 7816-3): whoever wants to know what it is has to ask it.
var ATR = []byte{0x3b, 0x95, 0x13, 0x81, 0x01, 0x80, 0x73, 0xff, 0x01, 0x00, 0x0b}

// Card is what is in the reader.
type Card interface {
	// Activate resets the card. What it returns is not used.
	Activate() (uid, ats []byte)
	// Transmit answers one command APDU.
	Transmit(apdu []byte) []byte
}

// Slot is a reader with a card in it.
type Slot struct {
	c    net.Conn
	done chan struct{}
	once sync.Once
	err  error // why it ended; set before done is closed
}

// Insert puts card into the virtual reader that waits at addr.
func Insert(addr string, card Card) (*Slot, error) {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, fmt.Errorf("vpcd: insert a card: %w", err)
	}
	s := &Slot{c: c, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.err = serve(c, card)
		_ = c.Close() // it ended
	}()
	return s, nil
}

// Pull takes the card out in the middle of whatever it does; Remove may follow.
func (s *Slot) Pull() { _ = s.c.Close() } // the reader may have let go of it

// Remove takes the card out. It returns why the reader let go of it before, if
// it did.
func (s *Slot) Remove() error {
	removed := false
	s.once.Do(func() { removed = true; _ = s.c.Close() })
	<-s.done
	if removed && (errors.Is(s.err, net.ErrClosed) || errors.Is(s.err, io.EOF)) {
		return nil
	}
	return s.err
}

func serve(c io.ReadWriter, card Card) error {
	for {
		m, err := receive(c)
		if err != nil {
			return fmt.Errorf("vpcd: receive: %w", err)
		}
		if len(m) == 1 {
			switch m[0] {
			case 0, 1, 2:
				card.Activate()
				continue
			case 4:
				m = ATR
			default:
				continue // a command of a newer reader; it waits for no answer
			}
		} else {
			m = card.Transmit(m)
		}
		if err := send(c, m); err != nil {
			return fmt.Errorf("vpcd: send: %w", err)
		}
	}
}

// send writes length and body at once: in two writes they would wait for an
// acknowledgement in between.
func send(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return err
}

func receive(r io.Reader) ([]byte, error) {
	var h [2]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(h[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}
