// Package dcbor reads and writes deterministic CBOR (RFC 8949, 4.2.1): one value
// has one encoding, so that what was signed can be compared and rebuilt.
package dcbor

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

var (
	enc = func() cbor.EncMode {
		m, err := cbor.CoreDetEncOptions().EncMode()
		if err != nil {
			panic(err) // the options are constant
		}
		return m
	}()
	dec = func() cbor.DecMode {
		m, err := cbor.DecOptions{
			DupMapKey:         cbor.DupMapKeyEnforcedAPF,
			IndefLength:       cbor.IndefLengthForbidden,
			TagsMd:            cbor.TagsForbidden,
			ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
			MaxNestedLevels:   8,
			MaxArrayElements:  1 << 16,
			MaxMapPairs:       1 << 16,
		}.DecMode()
		if err != nil {
			panic(err) // the options are constant
		}
		return m
	}()
)

// ErrNotDeterministic is returned for CBOR that is not the one encoding of what
// it says.
var ErrNotDeterministic = errors.New("it is not in deterministic CBOR")

// Marshal returns v in its one encoding.
func Marshal(v any) ([]byte, error) { return enc.Marshal(v) }

// Unmarshal reads b into v: unknown keys, duplicates, tags, indefinite lengths,
// trailing bytes and any but the one encoding are errors.
func Unmarshal(b []byte, v any) error {
	if err := dec.Unmarshal(b, v); err != nil {
		// The library's errors name Go types and positions, no values.
		return fmt.Errorf("read CBOR: %w", err)
	}
	again, err := enc.Marshal(v)
	if err != nil {
		return fmt.Errorf("write CBOR again: %w", err)
	}
	if !bytes.Equal(again, b) {
		return ErrNotDeterministic
	}
	return nil
}
