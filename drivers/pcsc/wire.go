package pcsc

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/penjire/penjire/drivers/device"
)

// Command is what a message to pcscd asks for.
type Command uint32

// The commands that are used here (winscard_msg.h).
const (
	EstablishContext Command = 0x01
	ReleaseContext   Command = 0x02
	Connect          Command = 0x04
	Reconnect        Command = 0x05
	Disconnect       Command = 0x06
	BeginTransaction Command = 0x07
	EndTransaction   Command = 0x08
	Transmit         Command = 0x09
	Version          Command = 0x11
	ReadersState     Command = 0x12
	WaitStateChange  Command = 0x13
	StopWaiting      Command = 0x14
)

// The version of the protocol: 4:4 is of pcsc-lite 1.8.24 to 2.2 and accepted
// from 2.4.1 on; 2.3 and 2.4.0 want 4:5, which adds a command we do not use.
const (
	Major    = 4
	minMinor = 4
	maxMinor = 5
)

// Sizes of messages and of what is in them.
const (
	HeaderSize = 8
	NameSize   = 128
	StateSize  = 184
	Readers    = 16 // states in a list of readers
	atrSize    = 33

	ConnectSize  = 4 + NameSize + 5*4
	TransmitSize = 8 * 4
	EventSize    = 2 * 4

	// MaxAPDU bounds commands and responses (MAX_BUFFER_SIZE_EXTENDED).
	MaxAPDU = 4 + 3 + 1<<16 + 3 + 2
)

// Ways to share a card, protocols, and what becomes of a card (pcsclite.h).
const (
	ShareExclusive = 1
	ShareShared    = 2
	ProtocolT0     = 1
	ProtocolT1     = 2
	scopeSystem    = 2
	LeaveCard      = 0
	ResetCardPower = 1 // warm reset
)

// Bits of ReaderState.State, as they are on the wire.
const (
	StateUnknown = 0x01
	StateAbsent  = 0x02
	StatePresent = 0x04
	StateMute    = 0x08 // the card did not answer to reset
	StatePowered = 0x10
)

// Words returns ws as they are on the wire: in the machine's own order, as both
// ends are on one machine.
func Words(ws ...uint32) []byte {
	b := make([]byte, 0, 4*len(ws))
	for _, w := range ws {
		b = binary.NativeEndian.AppendUint32(b, w)
	}
	return b
}

// Word returns word number i of b.
func Word(b []byte, i int) uint32 { return binary.NativeEndian.Uint32(b[4*i:]) }

// Header returns the header of a message with size bytes after it.
func Header(c Command, size int) []byte { return Words(uint32(size), uint32(c)) }

// Name returns a reader's name as it is on the wire.
func Name(s string) []byte {
	b := make([]byte, NameSize)
	copy(b[:NameSize-1], s)
	return b
}

// ReaderState is what pcscd says of one reader.
type ReaderState struct {
	Name     string
	Events   uint32 // counts what has happened to the card
	State    uint32
	ATR      []byte
	Protocol uint32
}

// Marshal returns r as it is on the wire.
func (r ReaderState) Marshal() []byte {
	b := append(Name(r.Name), Words(r.Events, r.State, 0)...)
	atr := make([]byte, atrSize+3)
	copy(atr, r.ATR)
	b = append(b, atr...)
	return append(b, Words(uint32(len(r.ATR)), r.Protocol)...)
}

// ParseStates reads a list of readers. Empty places are left out.
func ParseStates(b []byte) ([]ReaderState, error) {
	if len(b) != Readers*StateSize {
		return nil, fmt.Errorf("pcsc: parse states of readers: got %d bytes, want %d: %w", len(b), Readers*StateSize, device.ErrProtocol)
	}
	var out []ReaderState
	for ; len(b) > 0; b = b[StateSize:] {
		name, _, ended := bytes.Cut(b[:NameSize], []byte{0})
		if len(name) == 0 {
			continue
		}
		if !ended {
			return nil, fmt.Errorf("pcsc: parse states of readers: a name has no end: %w", device.ErrProtocol)
		}
		s := b[NameSize:]
		r := ReaderState{Name: string(name), Events: Word(s, 0), State: Word(s, 1)}
		tail := s[12+atrSize+3:]
		r.Protocol = Word(tail, 1)
		// A length over the largest says that the card has not been powered yet.
		if n := Word(tail, 0); n <= atrSize {
			r.ATR = bytes.Clone(s[12 : 12+n])
		} else {
			r.State &^= StatePresent
		}
		out = append(out, r)
	}
	return out, nil
}
