package wire

import "fmt"

// A large request goes up in pieces: Large announces it, Have says from which byte
// on the portal wants it, Chunks bring it, each answered by a Have, and the last by
// a receipt (wire.md, section 5a).

// Limits of large requests.
const (
	MaxLarge = 64 << 20 // sealed bytes of one
	MaxChunk = 64 << 10 // of them in a chunk
	MinChunk = 1 << 10  // below this a sender does not go, but for the last
)

// CodeDigest is the code of the nack for a large request all of whose bytes came, and
// are others than its digest says.
const CodeDigest = "large.digest"

// Large announces a request whose sealed bytes go in chunks.
type Large struct {
	Epoch   [16]byte `cbor:"1,keyasint"`
	Seq     uint64   `cbor:"2,keyasint"`
	Doc     [32]byte `cbor:"3,keyasint"`
	Service string   `cbor:"4,keyasint"`
	Lang    string   `cbor:"5,keyasint"`
	Claimed int64    `cbor:"6,keyasint"`
	Size    uint64   `cbor:"7,keyasint"` // of the sealed bytes
	Digest  [32]byte `cbor:"8,keyasint"` // SHA-256 of them
}

// Chunk carries sealed bytes of a large request that was announced.
type Chunk struct {
	Digest [32]byte `cbor:"1,keyasint"` // of all of them
	Offset uint64   `cbor:"2,keyasint"`
	Bytes  []byte   `cbor:"3,keyasint"`
}

// Have says how many bytes of a large request are durable at the portal. It answers
// one Large or one Chunk.
type Have struct {
	Digest [32]byte `cbor:"1,keyasint"`
	Offset uint64   `cbor:"2,keyasint"`
}

// Type returns TypeLarge.
func (*Large) Type() Type { return TypeLarge }

// Type returns TypeChunk.
func (*Chunk) Type() Type { return TypeChunk }

// Type returns TypeHave.
func (*Have) Type() Type { return TypeHave }

func (f *Large) check() error {
	if f.Epoch == ([16]byte{}) || f.Seq == 0 || f.Size == 0 || f.Size > maxOffset {
		return fmt.Errorf("sequence %d of %d bytes: %w", f.Seq, f.Size, ErrValue)
	}
	if err := checkName("service", f.Service, 1); err != nil {
		return err
	}
	return checkName("language", f.Lang, 1)
}

func (f *Chunk) check() error {
	switch {
	case len(f.Bytes) == 0 || f.Offset > maxOffset:
		return fmt.Errorf("%d bytes at %d: %w", len(f.Bytes), f.Offset, ErrValue)
	case len(f.Bytes) > MaxChunk:
		return fmt.Errorf("%d bytes: %w", len(f.Bytes), ErrLimit)
	}
	return nil
}

func (f *Have) check() error {
	if f.Offset > maxOffset {
		return fmt.Errorf("offset %d: %w", f.Offset, ErrValue)
	}
	return nil
}

// maxOffset keeps numbers of bytes from going over when they are added to.
const maxOffset = 1 << 40
