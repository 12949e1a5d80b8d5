package trust

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"github.com/penjire/penjire/sync/edoc/dcbor"
)

// KindDelta is the kind of object that turns one bundle into the next.
const KindDelta = "trust-delta"

// ErrOtherBase is returned for a delta that begins at another bundle than the
// one at hand: the whole bundle is needed.
var ErrOtherBase = errors.New("trust: the delta begins at another bundle")

// What a delta may make, which can repeat what is there: more bytes than any
// carrier has in one message are no bundle, and no list has so many elements.
const (
	maxBundle   = 8 << 20
	maxElements = 1 << 16
)

// A delta is an object whose signature is that of the new bundle: it says how to
// make the payload that the register signed, and cannot say more than that.
type wireDelta struct {
	From   uint64                     `cbor:"1,keyasint"`           // version
	To     uint64                     `cbor:"2,keyasint"`           // version
	Digest []byte                     `cbor:"3,keyasint"`           // SHA-256 of the new payload
	Set    map[uint64]cbor.RawMessage `cbor:"4,keyasint,omitempty"` // fields that are new as a whole
	Edit   map[uint64][]wireEdit      `cbor:"5,keyasint,omitempty"` // lists, element by element
	Drop   []uint64                   `cbor:"6,keyasint,omitempty"` // fields that are gone
}

// wireEdit is either Count elements of the old list from the First on, or
// one new element.
type wireEdit struct {
	First uint64          `cbor:"1,keyasint,omitempty"`
	Count uint64          `cbor:"2,keyasint,omitempty"`
	New   cbor.RawMessage `cbor:"3,keyasint,omitempty"`
}

// Delta returns what turns the signed bundle old into the signed bundle next:
// lists that differ in an element are sent element by element, so that of ten
// centres' revocation lists one goes down. It checks neither signature.
func Delta(old, next []byte) ([]byte, error) {
	var a, b wireObject
	if err := errors.Join(dcbor.Unmarshal(old, &a), dcbor.Unmarshal(next, &b)); err != nil {
		return nil, fmt.Errorf("trust: make delta: %w", err)
	}
	if a.Kind != KindTrust || b.Kind != KindTrust {
		return nil, errors.New("trust: make delta: not from bundle to bundle")
	}
	x, err := fields(a.Payload)
	if err != nil {
		return nil, fmt.Errorf("trust: make delta: %w", err)
	}
	y, err := fields(b.Payload)
	if err != nil {
		return nil, fmt.Errorf("trust: make delta: %w", err)
	}
	sum := sha256.Sum256(b.Payload)
	d := wireDelta{Digest: sum[:], Set: map[uint64]cbor.RawMessage{}, Edit: map[uint64][]wireEdit{}}
	if err := errors.Join(dcbor.Unmarshal(x[1], &d.From), dcbor.Unmarshal(y[1], &d.To)); err != nil {
		return nil, fmt.Errorf("trust: make delta: %w", err)
	}
	for _, k := range slices.Sorted(maps.Keys(x)) {
		if y[k] == nil {
			d.Drop = append(d.Drop, k)
		}
	}
	for k, v := range y {
		switch was, list := elements(x[k]), elements(v); {
		case bytes.Equal(x[k], v):
		case was != nil && list != nil:
			d.Edit[k] = edits(was, list)
		default:
			d.Set[k] = v
		}
	}
	payload, err := dcbor.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("trust: make delta: %w", err)
	}
	return dcbor.Marshal(wireObject{Kind: KindDelta, Payload: payload, P7S: b.P7S})
}

// Apply returns the signed bundle that delta makes of the signed bundle old. It
// is no more believed than any: [Open] does that. ErrOtherBase if delta begins
// elsewhere or does not come out at what it promises.
func Apply(old, delta []byte) ([]byte, error) {
	var a, o wireObject
	if err := errors.Join(dcbor.Unmarshal(old, &a), dcbor.Unmarshal(delta, &o)); err != nil {
		return nil, fmt.Errorf("trust: apply delta: %w", err)
	}
	var d wireDelta
	if a.Kind != KindTrust || o.Kind != KindDelta {
		return nil, errors.New("trust: apply delta: not a bundle and a delta")
	}
	if err := dcbor.Unmarshal(o.Payload, &d); err != nil {
		return nil, fmt.Errorf("trust: apply delta: %w", err)
	}
	f, err := fields(a.Payload)
	if err != nil {
		return nil, fmt.Errorf("trust: apply delta: %w", err)
	}
	var version uint64
	if err := dcbor.Unmarshal(f[1], &version); err != nil || version != d.From {
		return nil, fmt.Errorf("%w: at version %d, this is %d", ErrOtherBase, d.From, version)
	}
	for _, k := range d.Drop {
		delete(f, k)
	}
	maps.Copy(f, d.Set)
	size := 0
	for k, list := range d.Edit {
		// What is edited is of the old bundle, whose elements the register made:
		// a list of nothings, sent along, would multiply.
		if _, new := d.Set[k]; new {
			return nil, fmt.Errorf("trust: apply delta: field %d is both new and edited", k)
		}
		if f[k], err = edited(elements(f[k]), list, &size); err != nil {
			return nil, fmt.Errorf("trust: apply delta: field %d: %w", k, err)
		}
	}
	if err := dcbor.Unmarshal(f[1], &version); err != nil || version != d.To {
		return nil, errors.New("trust: apply delta: it comes out at another version than it says")
	}
	payload, err := dcbor.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("trust: apply delta: %w", err)
	}
	if sum := sha256.Sum256(payload); !bytes.Equal(sum[:], d.Digest) {
		return nil, fmt.Errorf("%w: the same version, but something else comes of it", ErrOtherBase)
	}
	return dcbor.Marshal(wireObject{Kind: KindTrust, Payload: payload, P7S: o.P7S})
}

// fields takes a payload apart, and no deeper.
func fields(payload []byte) (map[uint64]cbor.RawMessage, error) {
	f := map[uint64]cbor.RawMessage{}
	if err := dcbor.Unmarshal(payload, &f); err != nil {
		return nil, err
	}
	return f, nil
}

// elements returns the elements of a field that is a list; nil of any other.
func elements(field cbor.RawMessage) []cbor.RawMessage {
	const majorArray = 4
	var list []cbor.RawMessage
	if len(field) == 0 || field[0]>>5 != majorArray || dcbor.Unmarshal(field, &list) != nil {
		return nil
	}
	return list
}

// edits says how list comes of was.
func edits(was, list []cbor.RawMessage) []wireEdit {
	at := map[string]uint64{}
	for i, e := range was {
		at[string(e)] = uint64(i)
	}
	var out []wireEdit
	for _, e := range list {
		i, ok := at[string(e)]
		switch {
		case !ok:
			out = append(out, wireEdit{New: e})
		case len(out) > 0 && out[len(out)-1].New == nil && out[len(out)-1].First+out[len(out)-1].Count == i:
			out[len(out)-1].Count++
		default:
			out = append(out, wireEdit{First: i, Count: 1})
		}
	}
	return out
}

func edited(was []cbor.RawMessage, list []wireEdit, size *int) (cbor.RawMessage, error) {
	out := []cbor.RawMessage{}
	add := func(e cbor.RawMessage) error {
		if *size += len(e); *size > maxBundle || len(out) == maxElements {
			return fmt.Errorf("more than %d bytes or %d elements come of it", maxBundle, maxElements)
		}
		out = append(out, e)
		return nil
	}
	for _, e := range list {
		n := uint64(len(was))
		if e.New != nil && (e.First != 0 || e.Count != 0) || e.New == nil && e.Count == 0 || e.First > n || e.Count > n-e.First {
			return nil, errors.New("an edit is outside the list")
		}
		if e.New != nil {
			if err := add(e.New); err != nil {
				return nil, err
			}
			continue
		}
		for _, old := range was[e.First : e.First+e.Count] {
			if err := add(old); err != nil {
				return nil, err
			}
		}
	}
	return dcbor.Marshal(out)
}
