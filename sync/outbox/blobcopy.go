package outbox

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
)

// In copies the sealed bytes of a large request stand as parts in front of the
// value that names their file: a copy is whole by itself (outbox.md, section 9a).

// copyParts hands out the parts of the file that a value names. A file that is gone,
// or is another, has none: its request has its receipt by now, or is lost here too.
func (o *Outbox) copyParts(ctx context.Context, v value, emit func([]byte) error) error {
	_, digest, size, err := parseLarge(v.payload)
	if err != nil {
		return err
	}
	if err := o.proveBlob(ctx, digest, size); errors.Is(err, errBlob) {
		return nil // its parts would stand in the way of good ones
	} else if err != nil {
		return err
	}
	f, err := os.Open(blobPath(o.dir(), digest))
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	defer func() { _ = f.Close() }() // it was only read
	buf := make([]byte, partMost)
	for off := int64(0); off < size; {
		n, err := f.ReadAt(buf[:min(partMost, size-off)], off)
		if n == 0 || err != nil && !errors.Is(err, io.EOF) {
			return nil //nolint:nilerr // whoever assembles the parts finds that they are not all there
		}
		p := value{kind: kindPart, number: uint64(off), revision: v.revision, payload: marshalPart(digest, buf[:n])} //nolint:gosec // not below 0
		if err := emit(p.marshal()); err != nil {
			return err
		}
		off += int64(n)
	}
	return nil
}

// emitAll hands out values, each that names a file behind its parts.
func (o *Outbox) emitAll(ctx context.Context, vals [][]byte, emit func([]byte) error) error {
	for _, raw := range vals {
		if kind(raw[5]) == kindLarge {
			v, _, err := parseValue(raw)
			if err == nil {
				err = o.copyParts(ctx, v, emit)
			}
			if err != nil {
				return err
			}
		}
		if err := emit(raw); err != nil {
			return err
		}
	}
	return nil
}

// blob makes sure that a salvaged request's file is there, whole: it is, or it is
// put together from the parts in copies.
func (g *salvage) blob(digest [32]byte, size int64) (bool, error) {
	dir := g.o.dir()
	err := checkBlob(context.Background(), dir, digest, size)
	if err == nil || !errors.Is(err, errBlob) {
		return err == nil, err
	}
	f, err := newBlob(dir)
	if err != nil {
		return false, err
	}
	sum := sha256.New()
	for f.size < size {
		w, ok := g.found[id{kind: kindPart, number: uint64(f.size), fork: short(digest[:])}] //nolint:gosec // not below 0
		if !ok {
			return false, f.discard()
		}
		v, err := g.src.value(w)
		if err != nil {
			return false, errors.Join(err, f.discard())
		}
		of, part, err := parsePart(v.payload)
		if err != nil || of != digest {
			return false, f.discard()
		}
		_, _ = sum.Write(part) // a digest takes everything
		if _, err := f.Write(part); err != nil {
			return false, errors.Join(full(fmt.Errorf("outbox: salvage a large request: %w", err)), f.discard())
		}
	}
	if f.size != size || [32]byte(sum.Sum(nil)) != digest {
		return false, f.discard()
	}
	return true, f.install(digest)
}
