package outbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// at is where a value stands in the raw files.
type at struct {
	file     int
	offset   int64
	length   int
	revision uint64
}

type id struct {
	kind   kind
	epoch  Epoch
	number uint64
	fork   uint64 // of requests and sealed bytes, the document's first eight bytes; of parts, the file's
}

// idOf tells values apart that count side by side. Two branches of one file may
// have given one sequence to two documents; neither may be lost.
func idOf(v value) id {
	k := id{kind: v.kind, epoch: v.epoch, number: v.number}
	switch v.kind {
	case kindSealed, kindLarge, kindPart: // a part: of the file's digest
		if len(v.payload) >= 8 {
			k.fork = short(v.payload)
		}
	case kindRequest: // a map whose first key is 1, the document
		if _, p, ok := bytes.Cut(v.payload[:min(len(v.payload), 13)], []byte{0x01, 0x58, 0x20}); ok && len(p) >= 8 {
			k.fork = short(p)
		}
	}
	return k
}

// readFrom is raw bytes to find values in.
type readFrom interface {
	io.ReaderAt
	Size() int64
}

// scan reads the raw file for values that verify, wherever they stand, and
// keeps of each the one with the highest revision. Pages that bbolt had freed
// hold older copies: they are worth having where the newer one is broken.
func scan(path string) (map[id]at, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("outbox: salvage: %w", err)
	}
	found := map[id]at{}
	r, err := sizeOf(f)
	if err == nil {
		scanInto(r, 0, found)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("outbox: salvage %s: %w", path, err)
	}
	return found, nil
}

func sizeOf(f interface {
	io.ReaderAt
	Stat() (os.FileInfo, error)
},
) (*io.SectionReader, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("outbox: size of a file: %w", err)
	}
	return io.NewSectionReader(f, 0, st.Size()), nil
}

// scanInto adds what stands in file number n to found.
func scanInto(f readFrom, n int, found map[id]at) {
	const window, block = 1 << 20, 4096
	buf := make([]byte, window)
	for base := int64(0); base < f.Size(); {
		got, err := f.ReadAt(buf, base)
		if err != nil && !errors.Is(err, io.EOF) && got < headLen {
			base += block // a part of the medium that cannot be read
			continue
		}
		base += max(scanWindow(f, n, buf[:got], base, found), int64(got-headLen+1), 1)
	}
}

// scanWindow looks for values that begin in b and returns where, from the
// beginning of b, the last one ends.
func scanWindow(f io.ReaderAt, file int, b []byte, base int64, found map[id]at) int64 {
	var end int64
	for i := 0; i+headLen <= len(b); {
		j := bytes.Index(b[i:], []byte(valueMagic))
		if j < 0 || i+j+headLen > len(b) {
			break
		}
		i += j
		n, err := valueLen(b[i:])
		if err != nil {
			i++
			continue
		}
		raw := make([]byte, n)
		if _, err := f.ReadAt(raw, base+int64(i)); err != nil {
			i++
			continue
		}
		v, _, err := parseValue(raw)
		if err != nil {
			i++
			continue
		}
		k := idOf(v)
		if old, ok := found[k]; !ok || v.revision >= old.revision {
			found[k] = at{file, base + int64(i), n, v.revision}
		}
		i += n
		end = int64(i)
	}
	return end
}
