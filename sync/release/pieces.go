package release

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/restic/chunker"
)

// A bundle is cut into pieces where its content says so (release.md, section 4.1): what
// stands before or behind a change is cut as it was before it, wherever it moved to.
const (
	// polynomial is the one that the Rabin fingerprints are taken modulo.
	polynomial = chunker.Pol(0x3DA3358B4DC173)
	// pieceBits of a fingerprint that are zero end a piece: 64 KiB on average.
	pieceBits = 16

	MinPiece = 16 << 10  // bytes of a piece at least; the last may be shorter
	MaxPiece = 256 << 10 // at most
)

// PieceDigest names a piece: the first half of its SHA-256. Nothing rests on it but
// where bytes are looked for: what is put together is checked by the signed digests.
type PieceDigest [16]byte

// DigestPiece returns the digest of a piece's bytes.
func DigestPiece(b []byte) PieceDigest {
	sum := sha256.Sum256(b)
	return PieceDigest(sum[:16])
}

// CutPieces reads r to its end and hands over each piece and where it begins; b is
// used again after each returned. An error of each ends it. It holds less than 1 MiB
// of memory.
func CutPieces(r io.Reader, each func(at int64, b []byte) error) error {
	c := chunker.NewWithBoundaries(r, polynomial, MinPiece, MaxPiece)
	c.SetAverageBits(pieceBits)
	buf := make([]byte, MaxPiece)
	for at := int64(0); ; {
		p, err := c.Next(buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("release: cut a bundle into pieces behind byte %d: %w", at, err)
		}
		if err := each(at, p.Data); err != nil {
			return err
		}
		at += int64(len(p.Data))
	}
}
