// Package wire is what kiosk and portal say to each other: frames in
// deterministic CBOR, and the signed objects inside them (receipts,
// beacons). The format and its rules are sync/spec/wire.md.
//
// It is not a transport: a Carrier brings the frames from package uplink to package
// portal and back. It keeps nothing and opens no connection.
package wire

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// Limits of one frame (wire.md, section 3).
const (
	MaxMessage = 9 << 20 // bytes of one message: an item of 8 MiB and its frame
	MaxSealed  = 4 << 20 // sealed bytes of one record in a Records frame
	MaxRecords = 64      // records in one Records frame; receipts in one Receipts frame, and in one batch
	MaxItems   = 64      // items in one Items frame
	MaxProof   = 64      // hashes in a consistency proof
	MaxName    = 64      // bytes of a name or code
)

// Errors that Parse wraps: the classes of failure of the vectors.
var (
	ErrFormat = errors.New("format failure")    // not a frame, or not its one encoding
	ErrType   = errors.New("type failure")      // a frame of a type this version does not know
	ErrLimit  = errors.New("limit failure")     // a frame larger than the limits
	ErrValue  = errors.New("value failure")     // a field with a value that it cannot have
	ErrSigned = errors.New("signature failure") // a signed object that does not verify

	// ErrStranger is an ErrSigned: none of the certificates at hand has signed it.
	ErrStranger = fmt.Errorf("%w: signed by a key that is not known", ErrSigned)
)

// Type is the type of a frame. The numbers are on the wire.
type Type uint8

// The types of frames.
const (
	TypeHello      Type = 1
	TypeWelcome    Type = 2
	TypeRecords    Type = 3
	TypeReceipts   Type = 4
	TypeNack       Type = 5
	TypeItems      Type = 6
	TypeItemAck    Type = 7
	TypeCheckpoint Type = 8
	TypeBye        Type = 9
	TypeBeacon     Type = 10
	TypeChunk      Type = 11
	TypeWitness    Type = 12
	TypeLarge      Type = 13
	TypeHave       Type = 14
)

var typeNames = map[Type]string{
	TypeHello: "hello", TypeWelcome: "welcome", TypeRecords: "records", TypeReceipts: "receipts",
	TypeNack: "nack", TypeItems: "items", TypeItemAck: "item-ack", TypeCheckpoint: "checkpoint",
	TypeBye: "bye", TypeBeacon: "beacon", TypeWitness: "witness",
	TypeChunk: "chunk", TypeLarge: "large", TypeHave: "have",
}

// String returns the type's name, as in wire.md.
func (t Type) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// Frame is one message. Its dynamic type is a pointer to one of the frame
// structs of this package.
type Frame interface {
	Type() Type
	// check returns what is wrong with the values, or nil.
	check() error
}

// newFrame returns an empty frame of type t, or nil.
func newFrame(t Type) Frame {
	switch t {
	case TypeHello:
		return new(Hello)
	case TypeWelcome:
		return new(Welcome)
	case TypeRecords:
		return new(Records)
	case TypeReceipts:
		return new(Receipts)
	case TypeNack:
		return new(Nack)
	case TypeItems:
		return new(Items)
	case TypeItemAck:
		return new(ItemAck)
	case TypeCheckpoint:
		return new(Checkpoint)
	case TypeBye:
		return new(Bye)
	case TypeBeacon:
		return new(Beacon)
	case TypeWitness:
		return new(Witness)
	case TypeLarge:
		return new(Large)
	case TypeChunk:
		return new(Chunk)
	case TypeHave:
		return new(Have)
	}
	return nil
}

var (
	encMode = must(cbor.EncOptions{
		Sort:          cbor.SortCoreDeterministic,
		IndefLength:   cbor.IndefLengthForbidden,
		TagsMd:        cbor.TagsForbidden,
		NilContainers: cbor.NilContainerAsEmpty,
	}.EncMode())
	decMode = must(cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		MaxArrayElements:  256,
		MaxMapPairs:       32,
		MaxNestedLevels:   6,
	}.DecMode())
)

// must is for the two modes above: their options are constants, so a failure is
// a mistake in this file and shows in every test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// envelope is the one encoding of a frame: [type, body].
type envelope struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Body cbor.RawMessage
}

// Marshal returns the one encoding of f. It refuses a frame that Parse would
// refuse.
func Marshal(f Frame) ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("wire: marshal %s: %w", f.Type(), err)
	}
	body, err := encMode.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("wire: marshal %s: %w", f.Type(), err)
	}
	b, err := encMode.Marshal(envelope{Type: f.Type(), Body: body})
	if err != nil {
		return nil, fmt.Errorf("wire: marshal %s: %w", f.Type(), err)
	}
	if len(b) > MaxMessage {
		return nil, fmt.Errorf("wire: marshal %s of %d bytes: %w", f.Type(), len(b), ErrLimit)
	}
	return b, nil
}

// Parse reads one frame. It accepts only the bytes that Marshal gives for the
// frame: parse and marshal are each other's inverse. Errors wrap ErrFormat,
// ErrType, ErrLimit or ErrValue.
func Parse(b []byte) (Frame, error) {
	if len(b) > MaxMessage {
		return nil, fmt.Errorf("wire: parse %d bytes: %w", len(b), ErrLimit)
	}
	var e envelope
	if err := decMode.Unmarshal(b, &e); err != nil {
		return nil, fmt.Errorf("wire: parse frame: %w: %v", ErrFormat, err)
	}
	f := newFrame(e.Type)
	if f == nil {
		return nil, fmt.Errorf("wire: parse frame of type %d: %w", uint8(e.Type), ErrType)
	}
	if err := decMode.Unmarshal(e.Body, f); err != nil {
		return nil, fmt.Errorf("wire: parse %s: %w: %v", e.Type, ErrFormat, err)
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("wire: parse %s: %w", e.Type, err)
	}
	again, err := Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("wire: parse %s: %w: %v", e.Type, ErrFormat, err)
	}
	if !bytes.Equal(again, b) {
		return nil, fmt.Errorf("wire: parse %s: %w: not the one encoding", e.Type, ErrFormat)
	}
	return f, nil
}
