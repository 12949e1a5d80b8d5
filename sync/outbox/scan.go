package outbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// at is where a value stands in the raw file.
type at struct {
	offset   int64
	length   int
	revision uint64
}

type id struct {
	kind   kind
	epoch  Epoch
	number uint64
}

// scan reads the raw file for values that verify, wherever they stand, and
// keeps of each the one with the highest revision. Pages that bbolt had freed
// hold older copies: they are worth having where the newer one is broken.
func scan(path string) (map[id]at, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("outbox: salvage: %w", err)
	}
	found, err := scanFile(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("outbox: salvage %s: %w", path, err)
	}
	return found, nil
}

func scanFile(f *os.File) (map[id]at, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	const window, block = 1 << 20, 4096
	found := map[id]at{}
	buf := make([]byte, window)
	for base := int64(0); base < st.Size(); {
		n, err := f.ReadAt(buf, base)
		if err != nil && !errors.Is(err, io.EOF) && n < headLen {
			base += block // a part of the medium that cannot be read
			continue
		}
		base += max(scanWindow(f, buf[:n], base, found), int64(n-headLen+1), 1)
	}
	return found, nil
}

// scanWindow looks for values that begin in b and returns where, from the
// beginning of b, the last one ends.
func scanWindow(f io.ReaderAt, b []byte, base int64, found map[id]at) int64 {
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
		k := id{v.kind, v.epoch, v.number}
		if old, ok := found[k]; !ok || v.revision >= old.revision {
			found[k] = at{base + int64(i), n, v.revision}
		}
		i += n
		end = int64(i)
	}
	return end
}
