package asic

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

const mimeName = "mimetype"

// Archive is a container whose structure has been read, and whose entries are
// still where they were. It numbers them from 0, after mimetype.
type Archive struct {
	r       io.ReaderAt
	entries []entry
	total   int64 // of all entries, unpacked
}

// entry is where an entry lies and what its header says.
type entry struct {
	name         string
	start        int64 // of the data
	packed, size int64
	deflated     bool
	crc          uint32

	header [localLen - 4]byte // what the directory must repeat
	offset int64              // of the local header
}

// Open reads the structure of the container that is the first size bytes of r:
// every header from the first byte on, the directory that must repeat them, and
// the end. The data between are read by ReadAll, Measure and Content, which find
// out whether they are what the headers say. Nothing is decided by something
// read twice: r may change meanwhile, and then the data do not fit.
func Open(r io.ReaderAt, size int64) (*Archive, error) {
	a, err := open(r, size)
	if err != nil {
		return nil, fmt.Errorf("asic: read: %w", err)
	}
	return a, nil
}

func open(r io.ReaderAt, size int64) (*Archive, error) {
	if size > MaxStream {
		return nil, fmt.Errorf("got %d bytes, want at most %d", size, int64(MaxStream))
	}
	a := &Archive{r: r}
	at := int64(0)
	var head [localLen + maxName]byte
	for at+localLen <= size {
		b := head[:min(size-at, int64(len(head)))]
		if err := readAt(r, b, at); err != nil {
			return nil, err
		}
		if binary.LittleEndian.Uint32(b) != localSig {
			break
		}
		if len(a.entries) == MaxEntries {
			return nil, fmt.Errorf("more than %d entries", MaxEntries)
		}
		e, err := parseLocal(b)
		if err == nil {
			e.offset, e.start = at, at+localLen+int64(len(e.name))
			if at = e.start + e.packed; at > size {
				err = errors.New("it is cut off")
			} else if a.total += e.size; a.total > MaxStream {
				err = errors.New("everything together is too large")
			}
		}
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", len(a.entries), err)
		}
		a.entries = append(a.entries, e)
	}
	if err := a.checkNames(); err != nil {
		return nil, err
	}
	if err := a.checkDirectory(at, size); err != nil {
		return nil, err
	}
	if len(a.entries) == 0 {
		return nil, errMime
	}
	first := a.entries[0]
	if first.name != mimeName || first.deflated || first.size != int64(len(MimeType)) {
		return nil, errMime
	}
	a.entries = a.entries[1:]
	b, err := a.readAll(first, first.size)
	if err != nil {
		return nil, fmt.Errorf("entry 0: %w", err)
	}
	if string(b) != MimeType {
		return nil, errMime
	}
	return a, nil
}

var errMime = errors.New("the first entry is not the mimetype, stored, of ASiC-E")

// readAt fills b from r, or fails.
func readAt(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// parseLocal reads a local header and the name after it. b may end with either,
// or go on.
func parseLocal(b []byte) (entry, error) {
	le := binary.LittleEndian
	var e entry
	copy(e.header[:], b[4:])
	h := e.header[:]
	method, name := le.Uint16(h[4:]), int(le.Uint16(h[22:]))
	e.crc, e.packed, e.size = le.Uint32(h[10:]), int64(le.Uint32(h[14:])), int64(le.Uint32(h[18:]))
	e.deflated = method == methodDeflate
	switch {
	case le.Uint16(h[2:])&^flagUTF8 != 0:
		return e, errors.New("it is encrypted, or its sizes come later")
	case le.Uint16(h[24:]) != 0:
		return e, errors.New("it has an extra field")
	case method != methodStore && method != methodDeflate:
		return e, fmt.Errorf("compression method %d", method)
	case method == methodStore && e.packed != e.size:
		return e, errors.New("it is stored, but its two sizes differ")
	case name > maxName:
		return e, fmt.Errorf("its name has %d bytes, want at most %d", name, maxName)
	case len(b) < localLen+name:
		return e, errors.New("it is cut off")
	}
	e.name = string(b[localLen : localLen+name])
	return e, nil
}

func (a *Archive) checkNames() error {
	names := make([]string, len(a.entries))
	for i, e := range a.entries {
		names[i] = e.name
	}
	return checkNames(names)
}

// checkNames checks the names of all entries, mimetype too.
func checkNames(names []string) error {
	for i, name := range names {
		if err := CheckName(name); err != nil {
			return err
		}
		for _, other := range names[:i] {
			// Names that differ in case only are one file on some disks.
			if strings.EqualFold(name, other) {
				return errors.New("two entries have one name")
			}
		}
	}
	return nil
}

// checkDirectory checks that from start to size there is the directory that
// repeats the headers, its end, and nothing more.
func (a *Archive) checkDirectory(start, size int64) error {
	le := binary.LittleEndian
	want := 0
	for _, e := range a.entries {
		want += centralLen + len(e.name)
	}
	if size-start != int64(want+endLen) {
		return errors.New("after the entries come not the directory, its end and nothing more")
	}
	tail := make([]byte, want+endLen)
	if err := readAt(a.r, tail, start); err != nil {
		return err
	}
	b := tail
	for i, e := range a.entries {
		n := centralLen + len(e.name)
		if le.Uint32(b) != centralSig || !bytes.Equal(b[6:32], e.header[:]) || string(b[centralLen:n]) != e.name ||
			int64(le.Uint32(b[42:])) != e.offset {
			return fmt.Errorf("the directory does not repeat entry %d", i)
		}
		if le.Uint32(b[32:]) != 0 { // comment, disk
			return fmt.Errorf("the directory has a comment or another disk at entry %d", i)
		}
		// Made on a Unix system the attributes hold a file mode.
		if kind := le.Uint32(b[38:]) >> 28; b[5] == 3 && kind != 0 && kind != 8 || le.Uint32(b[38:])&0x18 != 0 {
			return fmt.Errorf("entry %d is not a plain file", i)
		}
		b = b[n:]
	}
	if !bytes.Equal(b, appendEnd(nil, len(a.entries), int64(want), start)) {
		return errors.New("after the directory comes something other than the end")
	}
	return nil
}
