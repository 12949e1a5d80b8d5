// Package asic reads and writes the container of an e-document: ASiC-E with
// CAdES (ETSI EN 319 162-1), a zip of data, manifests and signatures.
//
// The zip is read by a reader of its own, since two readers that see different
// files in the same zip are a way to have one thing signed and another shown.
// It goes through the file from its first byte to its last, and takes nothing
// but one entry after another, then the directory that says the same, then the
// end: no gaps, no comments, no extra fields, no sizes that come later, no
// links. What Write makes, plain unzip opens.
//
// Entries of any size are read from an io.ReaderAt and written to an io.Writer
// in constant memory: Open and Archive, Writer. Read and Write do the same for
// what is in memory.
//
// The package knows nothing of signatures' content and of trust.
package asic

import (
	"bytes"
	"fmt"
	"math"
)

// MimeType is what a container says it is, in its first entry.
const MimeType = "application/vnd.etsi.asic-e+zip"

// Limits of a container.
const (
	MaxEntries = 64
	// MaxSize is the most that Read and Write take, as a file and unpacked: what
	// goes over the wire and is held in memory.
	MaxSize = 48 << 20
	// MaxStream is the most that Open and WriteTo take, as a file and unpacked:
	// the sizes of a zip have 32 bits, and there is no zip64 here.
	MaxStream = math.MaxUint32
)

// File is one entry of a container, unpacked.
type File struct {
	Name string
	Data []byte
}

const (
	localSig   = 0x04034b50
	centralSig = 0x02014b50
	endSig     = 0x06054b50

	localLen   = 30
	centralLen = 46
	endLen     = 22

	methodStore   = 0
	methodDeflate = 8
	flagUTF8      = 1 << 11
	dosDate       = 1<<5 | 1 // 1 January 1980: the zip keeps no time of its own
)

// Write returns a container of files, in that order, after the entry mimetype.
// Everything is stored: the same files always give the same bytes, and the
// envelope around compresses better than entries one by one.
func Write(files []File) ([]byte, error) {
	entries := make([]Entry, len(files))
	size := 0
	for i, f := range files {
		entries[i] = Entry{Name: f.Name, Content: Bytes(f.Data)}
		size += localLen + centralLen + 2*len(f.Name) + len(f.Data)
	}
	if size > MaxSize {
		return nil, fmt.Errorf("asic: write: got %d bytes, want at most %d", size, MaxSize)
	}
	var b bytes.Buffer
	b.Grow(size + localLen + centralLen + endLen + 2*len(mimeName) + len(MimeType))
	if _, err := WriteTo(&b, entries, false); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Read returns the entries of a container after mimetype, in their order.
func Read(b []byte) ([]File, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("asic: read: got %d bytes, want at most %d", len(b), MaxSize)
	}
	a, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	if a.Unpacked() > MaxSize {
		return nil, fmt.Errorf("asic: read: it unpacks to %d bytes, want at most %d", a.Unpacked(), MaxSize)
	}
	files := make([]File, a.Len())
	for i := range files {
		data, err := a.ReadAll(i, MaxSize)
		if err != nil {
			return nil, err
		}
		files[i] = File{a.Name(i), data}
	}
	return files, nil
}
