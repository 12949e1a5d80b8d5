package stick

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/wire"
)

// File is a file that is being read.
type File struct {
	Header
	signed []byte // what the signature is over
	sig    *cms.SignedData
	r      io.Reader
	next   int
	end    error
}

// Read reads the header of a file and its signature, which Verify checks. Errors
// wrap ErrOther, ErrVersion, ErrCut or ErrDamaged, or are those of r.
func Read(r io.Reader) (*File, error) {
	start := make([]byte, len(magic)+1+4)
	if _, err := io.ReadFull(r, start); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("stick: read: it ends before its beginning does: %w", ErrOther)
		}
		return nil, fmt.Errorf("stick: read: %w", err)
	}
	switch {
	case string(start[:len(magic)]) != magic || start[len(magic)] == 0:
		return nil, fmt.Errorf("stick: read: it does not begin as such a file: %w", ErrOther)
	case start[len(magic)] > Version:
		return nil, fmt.Errorf("stick: read: a file of version %d: %w", start[len(magic)], ErrVersion)
	}
	b, err := readPart(r, binary.BigEndian.Uint32(start[len(magic)+1:]), maxHeader)
	if err != nil {
		return nil, fmt.Errorf("stick: read the header: %w", err)
	}
	f := &File{signed: append(start, b...), r: r}
	var n [4]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, fmt.Errorf("stick: read the signature: %w", cut(err))
	}
	sig, err := readPart(r, binary.BigEndian.Uint32(n[:]), maxSignature)
	if err != nil {
		return nil, fmt.Errorf("stick: read the signature: %w", err)
	}
	if f.sig, err = cms.Parse(sig); err != nil {
		return nil, fmt.Errorf("stick: read the signature: %w: %w", ErrDamaged, err)
	}
	if err := decMode.Unmarshal(b, &f.Header); err != nil {
		return nil, fmt.Errorf("stick: read the header: %w: %w", ErrDamaged, err)
	}
	if again, err := encMode.Marshal(f.Header); err != nil || !bytes.Equal(again, b) {
		return nil, fmt.Errorf("stick: read the header: %w: not its one encoding", ErrDamaged)
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("stick: read the header: %w: %w", ErrDamaged, err)
	}
	return f, nil
}

func readPart(r io.Reader, n uint32, most int) ([]byte, error) {
	if n == 0 || n > uint32(most) { //nolint:gosec // constants
		return nil, fmt.Errorf("%d bytes, at most %d: %w", n, most, ErrDamaged)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, cut(err)
}

// cut turns the end of a file into ErrCut.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrCut
	}
	return err
}

// Certificates returns what the signature carries: the signer's certificate, not
// to be believed for that.
func (f *File) Certificates() []*x509.Certificate { return f.sig.Certificates() }

// Verify checks the signature under the header with the certificate that it carries
// or one of known, and returns which it was. Whether to believe that one is the
// caller's question. Errors wrap ErrSigned.
func (f *File) Verify(known ...*x509.Certificate) (*x509.Certificate, error) {
	cert, err := f.sig.Verify(f.signed, known...)
	if err != nil {
		return nil, fmt.Errorf("stick: verify the header: %w: %w", ErrSigned, err)
	}
	return cert, nil
}

// Next returns the next frame, and io.EOF after the last. An error that wraps
// ErrDamaged is about one frame, and the next one can be read; any other ends the
// file: ErrCut, or one of the reader.
func (f *File) Next() (wire.Frame, error) {
	if f.end != nil {
		return nil, f.end
	}
	if f.next == len(f.Frames) {
		f.end = io.EOF
		return nil, f.tail()
	}
	e := f.Frames[f.next]
	f.next++
	b := make([]byte, e.Length)
	if _, err := io.ReadFull(f.r, b); err != nil {
		f.end = fmt.Errorf("stick: read frame %d of %d: %w", f.next, len(f.Frames), cut(err))
		return nil, f.end
	}
	if sha256.Sum256(b) != e.Digest {
		return nil, fmt.Errorf("stick: read frame %d of %d: not the bytes that were signed: %w", f.next, len(f.Frames), ErrDamaged)
	}
	fr, err := wire.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("stick: read frame %d of %d: %w: %w", f.next, len(f.Frames), ErrDamaged, err)
	}
	return fr, nil
}

// tail wants nothing after the last frame.
func (f *File) tail() error {
	var b [1]byte
	_, err := io.ReadFull(f.r, b[:])
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	if err != nil {
		return fmt.Errorf("stick: read the end: %w", err)
	}
	return fmt.Errorf("stick: read the end: more follows than was signed: %w", ErrDamaged)
}
