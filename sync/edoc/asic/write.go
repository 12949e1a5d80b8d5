package asic

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
)

// Entry is one entry to write.
type Entry struct {
	Name    string
	Content Content
	// Sum is the measure of Content (Measure): it is written only while it is
	// that. Content in memory (Bytes) may do without.
	Sum Sum
}

// maxPack is the largest content that is worth deflating: letters and
// signatures. What is larger is a picture or another archive.
const maxPack = 64 << 10

// WriteTo writes a container of entries, in that order, after the entry
// mimetype, in constant memory. Packed, entries of up to 64 KiB are deflated
// where that makes them smaller; else everything is stored, and the same entries
// always give the same bytes.
//
// After an error what was written is no container: the directory is missing.
// ErrChanged says that a content was not what its Sum says.
func WriteTo(w io.Writer, entries []Entry, packed bool) (int64, error) {
	out := &writer{w: w}
	defer func() {
		if out.flate != nil {
			deflaters.Put(out.flate)
		}
	}()
	if err := out.all(entries, packed); err != nil {
		return out.n, fmt.Errorf("asic: write: %w", err)
	}
	return out.n, nil
}

type writer struct {
	w   io.Writer
	n   int64
	dir []byte

	packed bytes.Buffer // what flate writes to: one entry at a time
	flate  *flate.Writer
}

func (w *writer) Write(b []byte) (int, error) {
	n, err := w.w.Write(b)
	w.n += int64(n)
	return n, err
}

func (w *writer) all(entries []Entry, packed bool) error {
	if len(entries) >= MaxEntries {
		return fmt.Errorf("got %d entries, want at most %d", len(entries)+1, MaxEntries)
	}
	if err := CheckEntries(entries); err != nil {
		return err
	}
	if err := w.entry(Entry{Name: mimeName, Content: Bytes(MimeType)}, false); err != nil {
		return err
	}
	for i, e := range entries {
		if err := w.entry(e, packed); err != nil {
			return fmt.Errorf("entry %d: %w", i+1, err)
		}
	}
	start := w.n
	_, err := w.Write(appendEnd(w.dir, len(entries)+1, int64(len(w.dir)), start))
	return err
}

// CheckEntries says whether WriteTo would take entries with these names and
// sizes.
func CheckEntries(entries []Entry) error {
	names := []string{mimeName}
	total := int64(endLen + localLen + centralLen + 2*len(mimeName) + len(MimeType))
	for _, e := range entries {
		names = append(names, e.Name)
		total += localLen + centralLen + 2*int64(len(e.Name)) + e.Content.Size()
		if e.Content.Size() > MaxStream || total > MaxStream {
			return fmt.Errorf("everything together has more than %d bytes", int64(MaxStream))
		}
	}
	if len(names) > MaxEntries {
		return fmt.Errorf("got %d entries, want at most %d", len(names), MaxEntries)
	}
	return checkNames(names)
}

func (w *writer) entry(e Entry, packed bool) error {
	h := header{name: e.Name, size: e.Content.Size()}
	data, inMemory := e.Content.(Bytes)
	inMemory = inMemory && e.Sum == (Sum{})
	if packed && !inMemory && h.size <= maxPack && h.size == e.Sum.Size {
		var err error
		if data, err = io.ReadAll(Checked(e.Content, e.Sum)); err != nil {
			return err
		}
		inMemory = true
	}
	switch {
	case !inMemory && h.size != e.Sum.Size:
		return ErrChanged
	case !inMemory:
		h.crc, h.packed = e.Sum.CRC, h.size
	default:
		h.crc, h.packed = crc32.ChecksumIEEE(data), h.size
		if packed && len(data) <= maxPack {
			small, err := w.deflate(data)
			if err != nil {
				return err
			}
			if len(small) < len(data) {
				data, h.deflated, h.packed = small, true, int64(len(small))
			}
		}
	}
	common := h.append(nil)

	le := binary.LittleEndian
	w.dir = le.AppendUint32(w.dir, centralSig)
	w.dir = append(w.dir, common[0], 0) // made by: as needed to read it
	w.dir = append(w.dir, common...)
	w.dir = append(w.dir, make([]byte, 2+2+2+4)...) // comment, disk, attributes
	w.dir = le.AppendUint32(w.dir, uint32(w.n))
	w.dir = append(w.dir, e.Name...)

	local := le.AppendUint32(nil, localSig)
	local = append(local, common...)
	local = append(local, e.Name...)
	if _, err := w.Write(local); err != nil {
		return err
	}
	if inMemory {
		_, err := w.Write(data)
		return err
	}
	_, err := copyTo(w, Checked(e.Content, e.Sum))
	return err
}

// header is what the local header and the directory both say of an entry.
type header struct {
	name         string
	deflated     bool
	crc          uint32
	packed, size int64
}

// append appends from «version needed» to «extra length».
func (h header) append(b []byte) []byte {
	le := binary.LittleEndian
	version, method := uint16(10), uint16(methodStore)
	if h.deflated {
		version, method = 20, methodDeflate
	}
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint16(b, method)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint16(b, dosDate)
	b = le.AppendUint32(b, h.crc)
	b = le.AppendUint32(b, uint32(h.packed))
	b = le.AppendUint32(b, uint32(h.size))
	b = le.AppendUint16(b, uint16(len(h.name)))
	return le.AppendUint16(b, 0)
}

// appendEnd appends the end of the directory.
func appendEnd(b []byte, entries int, dirSize, dirStart int64) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, endSig)
	b = le.AppendUint32(b, 0) // disks
	b = le.AppendUint16(b, uint16(entries))
	b = le.AppendUint16(b, uint16(entries))
	b = le.AppendUint32(b, uint32(dirSize))
	b = le.AppendUint32(b, uint32(dirStart))
	return le.AppendUint16(b, 0)
}

// deflaters are writers to take and give back: each holds more than a megabyte.
var deflaters = sync.Pool{New: func() any {
	f, err := flate.NewWriter(nil, flate.BestCompression)
	if err != nil {
		panic(err) // there is such a level
	}
	return f
}}

// deflate returns data deflated.
func (w *writer) deflate(data []byte) ([]byte, error) {
	w.packed.Reset()
	if w.flate == nil {
		w.flate = deflaters.Get().(*flate.Writer)
	}
	w.flate.Reset(&w.packed)
	if _, err := w.flate.Write(data); err != nil {
		return nil, err
	}
	if err := w.flate.Close(); err != nil {
		return nil, err
	}
	return w.packed.Bytes(), nil
}
