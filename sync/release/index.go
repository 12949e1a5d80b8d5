package release

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"

	"github.com/penjire/penjire/sync/edoc/dcbor"
)

// Index names the pieces of a bundle, so that a kiosk fetches only those that it does
// not have. It is not signed: one that lies gives bytes that are not those described,
// which [Content] finds.
type Index struct {
	SHA256 [32]byte // of the bundle
	Size   int64
	Pieces []Piece // in order
}

// Piece is a part of a bundle.
type Piece struct {
	Length uint32
	Digest PieceDigest
}

const (
	// indexDomain says what it is, and how the pieces were cut.
	indexDomain = "penjire-release-pieces/1"
	// pieceBytes is what a piece takes in an index: three of length, the highest first,
	// and its digest.
	pieceBytes = 3 + len(PieceDigest{})
	// indexHead is more than everything but the pieces takes.
	indexHead = 128
)

// MaxIndex is how long the index of a bundle of so many bytes can be.
func MaxIndex(size int64) int64 { return indexHead + int64(pieceBytes)*(size/MinPiece+1) }

type wireIndex struct {
	_      struct{} `cbor:",toarray"`
	Domain string
	SHA256 []byte
	Size   int64
	Pieces []byte
}

// MakeIndex reads the bundle that is described: ErrCorrupt if it is another.
func (c *Content) MakeIndex(r io.Reader) (*Index, error) {
	x := &Index{SHA256: c.SHA256, Size: c.Size, Pieces: make([]Piece, 0, c.Size>>pieceBits)}
	all := sha256.New()
	var n int64
	err := CutPieces(io.TeeReader(io.LimitReader(r, c.Size+1), all), func(_ int64, b []byte) error {
		n += int64(len(b))
		x.Pieces = append(x.Pieces, Piece{uint32(len(b)), DigestPiece(b)}) //nolint:gosec // MaxPiece at most
		return nil
	})
	if err == nil {
		err = c.is(all, n)
	}
	if err != nil {
		return nil, fmt.Errorf("release: make the index of a bundle: %w", err)
	}
	return x, nil
}

// Marshal returns the index as it is kept and sent.
func (x *Index) Marshal() ([]byte, error) {
	w := wireIndex{Domain: indexDomain, SHA256: x.SHA256[:], Size: x.Size, Pieces: make([]byte, 0, len(x.Pieces)*pieceBytes)}
	for _, p := range x.Pieces {
		w.Pieces = append(w.Pieces, byte(p.Length>>16), byte(p.Length>>8), byte(p.Length)) //nolint:gosec // the bytes of it
		w.Pieces = append(w.Pieces, p.Digest[:]...)
	}
	return dcbor.Marshal(w)
}

// ParseIndex reads the index of the bundle that is described: ErrForm for anything
// else. That its digests are true is not known.
func (c *Content) ParseIndex(b []byte) (*Index, error) {
	if int64(len(b)) > MaxIndex(c.Size) {
		return nil, fmt.Errorf("%w: an index of %d bytes", ErrForm, len(b))
	}
	var w wireIndex
	if err := dcbor.Unmarshal(b, &w); err != nil {
		return nil, fmt.Errorf("%w: an index: %w", ErrForm, err)
	}
	switch {
	case w.Domain != indexDomain:
		return nil, fmt.Errorf("%w: an index of %q", ErrForm, w.Domain)
	case !bytes.Equal(w.SHA256, c.SHA256[:]) || w.Size != c.Size:
		return nil, fmt.Errorf("%w: the index of another bundle", ErrForm)
	case len(w.Pieces)%pieceBytes != 0:
		return nil, fmt.Errorf("%w: an index whose last piece is cut off", ErrForm)
	}
	x := &Index{SHA256: c.SHA256, Size: c.Size, Pieces: make([]Piece, 0, len(w.Pieces)/pieceBytes)}
	left := c.Size
	for p := range slices.Chunk(w.Pieces, pieceBytes) {
		n := uint32(p[0])<<16 | uint32(p[1])<<8 | uint32(p[2])
		left -= int64(n)
		if n == 0 || n > MaxPiece || n < MinPiece && left != 0 || left < 0 {
			return nil, fmt.Errorf("%w: an index with a piece of %d bytes and %d behind it", ErrForm, n, left)
		}
		x.Pieces = append(x.Pieces, Piece{n, PieceDigest(p[3:])})
	}
	if left != 0 {
		return nil, fmt.Errorf("%w: an index that lacks %d bytes at its end", ErrForm, left)
	}
	return x, nil
}

// Beyond returns how many bytes of the bundle are in no piece of another.
func (x *Index) Beyond(other *Index) int64 {
	have := make(map[PieceDigest]bool, len(other.Pieces))
	for _, p := range other.Pieces {
		have[p.Digest] = true
	}
	var n int64
	for _, p := range x.Pieces {
		if !have[p.Digest] {
			n += int64(p.Length)
		}
	}
	return n
}
