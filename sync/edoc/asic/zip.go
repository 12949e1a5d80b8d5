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
// The package knows nothing of signatures' content and of trust.
package asic

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

// MimeType is what a container says it is, in its first entry.
const MimeType = "application/vnd.etsi.asic-e+zip"

// Limits of a container.
const (
	MaxEntries = 64
	MaxSize    = 48 << 20 // of the file, and of everything in it unpacked
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
	files = append([]File{{"mimetype", []byte(MimeType)}}, files...)
	if err := checkFiles(files); err != nil {
		return nil, fmt.Errorf("asic: write: %w", err)
	}
	var out, dir []byte
	le := binary.LittleEndian
	for _, f := range files {
		// From «version needed» to «extra length»: the same in both places.
		var h []byte
		h = le.AppendUint16(h, 10)
		h = le.AppendUint16(h, 0)
		h = le.AppendUint16(h, methodStore)
		h = le.AppendUint16(h, 0)
		h = le.AppendUint16(h, dosDate)
		h = le.AppendUint32(h, crc32.ChecksumIEEE(f.Data))
		h = le.AppendUint32(h, uint32(len(f.Data)))
		h = le.AppendUint32(h, uint32(len(f.Data)))
		h = le.AppendUint16(h, uint16(len(f.Name)))
		h = le.AppendUint16(h, 0)

		dir = le.AppendUint32(dir, centralSig)
		dir = le.AppendUint16(dir, 10)
		dir = append(dir, h...)
		dir = append(dir, make([]byte, 2+2+2+4)...) // comment, disk, attributes
		dir = le.AppendUint32(dir, uint32(len(out)))
		dir = append(dir, f.Name...)

		out = le.AppendUint32(out, localSig)
		out = append(out, h...)
		out = append(out, f.Name...)
		out = append(out, f.Data...)
	}
	start := len(out)
	out = append(out, dir...)
	out = le.AppendUint32(out, endSig)
	out = le.AppendUint32(out, 0) // disks
	out = le.AppendUint16(out, uint16(len(files)))
	out = le.AppendUint16(out, uint16(len(files)))
	out = le.AppendUint32(out, uint32(len(dir)))
	out = le.AppendUint32(out, uint32(start))
	return le.AppendUint16(out, 0), nil
}

func checkFiles(files []File) error {
	seen := map[string]bool{}
	total := 0
	for _, f := range files {
		if err := CheckName(f.Name); err != nil {
			return err
		}
		// Names that differ in case only are one file on some disks.
		if low := strings.ToLower(f.Name); seen[low] {
			return errors.New("two entries have one name")
		} else {
			seen[low] = true
		}
		total += len(f.Data)
	}
	if len(files) > MaxEntries {
		return fmt.Errorf("got %d entries, want at most %d", len(files), MaxEntries)
	}
	if total > MaxSize {
		return fmt.Errorf("got %d bytes, want at most %d", total, MaxSize)
	}
	return nil
}

// Read returns the entries of a container after mimetype, in their order.
func Read(b []byte) ([]File, error) {
	files, err := read(b)
	if err != nil {
		return nil, fmt.Errorf("asic: read: %w", err)
	}
	return files, nil
}

func read(b []byte) ([]File, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("got %d bytes, want at most %d", len(b), MaxSize)
	}
	le := binary.LittleEndian
	var files []File
	var headers [][]byte // what the directory must repeat
	var offsets []int
	at, left := 0, MaxSize
	for len(b)-at >= localLen && le.Uint32(b[at:]) == localSig {
		if len(files) == MaxEntries {
			return nil, fmt.Errorf("more than %d entries", MaxEntries)
		}
		h := b[at+4 : at+localLen]
		f, n, err := readEntry(h, b[at+localLen:], left)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", len(files), err)
		}
		left -= len(f.Data)
		files, headers, offsets = append(files, f), append(headers, h), append(offsets, at)
		at += localLen + n
	}
	start := at
	for i, f := range files {
		e := b[at:]
		if len(e) < centralLen+len(f.Name) || le.Uint32(e) != centralSig || !bytes.Equal(e[6:32], headers[i]) ||
			string(e[centralLen:centralLen+len(f.Name)]) != f.Name || int(le.Uint32(e[42:])) != offsets[i] {
			return nil, fmt.Errorf("the directory does not repeat entry %d", i)
		}
		if le.Uint32(e[32:]) != 0 { // comment, disk
			return nil, fmt.Errorf("the directory has a comment or another disk at entry %d", i)
		}
		// Made on a Unix system the attributes hold a file mode.
		if kind := le.Uint32(e[38:]) >> 28; e[5] == 3 && kind != 0 && kind != 8 || le.Uint32(e[38:])&0x18 != 0 {
			return nil, fmt.Errorf("entry %d is not a plain file", i)
		}
		at += centralLen + len(f.Name)
	}
	var end []byte
	end = le.AppendUint32(end, endSig)
	end = le.AppendUint32(end, 0)
	end = le.AppendUint16(end, uint16(len(files)))
	end = le.AppendUint16(end, uint16(len(files)))
	end = le.AppendUint32(end, uint32(at-start))
	end = le.AppendUint32(end, uint32(start))
	end = le.AppendUint16(end, 0)
	if !bytes.Equal(b[at:], end) {
		return nil, errors.New("after the directory comes something other than the end")
	}
	if err := checkFiles(files); err != nil {
		return nil, err
	}
	if len(files) == 0 || files[0].Name != "mimetype" || string(files[0].Data) != MimeType || le.Uint16(headers[0][4:]) != methodStore {
		return nil, errors.New("the first entry is not the mimetype, stored, of ASiC-E")
	}
	return files[1:], nil
}

// readEntry reads what follows the local header h (without its signature). It
// returns how many bytes of b the name and the data take.
func readEntry(h, b []byte, left int) (File, int, error) {
	le := binary.LittleEndian
	flags, method := le.Uint16(h[2:]), le.Uint16(h[4:])
	sum, packed, size := le.Uint32(h[10:]), le.Uint32(h[14:]), le.Uint32(h[18:])
	name, extra := int(le.Uint16(h[22:])), int(le.Uint16(h[24:]))
	switch {
	case flags&^flagUTF8 != 0:
		return File{}, 0, errors.New("it is encrypted, or its sizes come later")
	case extra != 0:
		return File{}, 0, errors.New("it has an extra field")
	case uint64(size) > uint64(left):
		return File{}, 0, errors.New("everything together is too large")
	case uint64(len(b)) < uint64(name)+uint64(packed):
		return File{}, 0, errors.New("it is cut off")
	}
	f := File{Name: string(b[:name])}
	data := b[name : name+int(packed)]
	switch method {
	case methodStore:
		if packed != size {
			return File{}, 0, errors.New("it is stored, but its two sizes differ")
		}
		f.Data = bytes.Clone(data)
	case methodDeflate:
		in := bytes.NewReader(data)
		// One byte more than it says is enough to see that it lies.
		got, err := io.ReadAll(io.LimitReader(flate.NewReader(in), int64(size)+1))
		if err != nil {
			return File{}, 0, fmt.Errorf("unpack: %w", err)
		}
		if len(got) != int(size) || in.Len() != 0 {
			return File{}, 0, errors.New("its size is not what it says")
		}
		f.Data = got
	default:
		return File{}, 0, fmt.Errorf("compression method %d", method)
	}
	if f.Data == nil {
		f.Data = []byte{}
	}
	if crc32.ChecksumIEEE(f.Data) != sum {
		return File{}, 0, errors.New("its checksum is wrong")
	}
	return f, name + int(packed), nil
}
