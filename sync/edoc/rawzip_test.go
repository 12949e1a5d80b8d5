package edoc_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"

	"github.com/penjire/penjire/sync/edoc/asic"
)

// rawEntry is an entry of a zip whose two headers need not agree.
type rawEntry struct {
	name   string
	packed []byte // as it lies in the file
	size   uint32 // unpacked
	sum    uint32
	method uint16
	flags  uint16

	dirName  string // in the directory; "" for name
	dirExtra []byte
	dir      func(header []byte) // changes the 46 bytes in the directory
	noLocal  bool                // the directory alone has it
	noDir    bool                // the directory does not have it
	at       *uint32             // where the directory says it is, if elsewhere
	gap      []byte              // after it
}

// rawZip is a zip of anything.
type rawZip struct {
	entries []rawEntry
	before  []byte            // between directory and end
	end     func(end []byte)  // changes the 22 bytes of the end
	comment []byte            // of the archive
	offsets map[string]uint32 // where entries begin, for who needs it
}

// rawOf returns a container as a zip to be spoilt.
func rawOf(files []asic.File) *rawZip {
	z := &rawZip{}
	for _, f := range append([]asic.File{{Name: "mimetype", Data: []byte(asic.MimeType)}}, files...) {
		z.entries = append(z.entries, rawStored(f.Name, f.Data))
	}
	return z
}

func rawStored(name string, data []byte) rawEntry {
	return rawEntry{name: name, packed: data, size: uint32(len(data)), sum: crc32.ChecksumIEEE(data)}
}

func rawDeflated(name string, data []byte) rawEntry {
	e := rawStored(name, data)
	e.method = 8
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // writing to memory
	}
	e.packed = b.Bytes()
	return e
}

// entry returns the entry of that name, to be changed.
func (z *rawZip) entry(name string) *rawEntry {
	for i := range z.entries {
		if z.entries[i].name == name {
			return &z.entries[i]
		}
	}
	panic("no entry " + name)
}

func (z *rawZip) bytes() []byte {
	le := binary.LittleEndian
	z.offsets = map[string]uint32{}
	var out, dir []byte
	n := 0
	for _, e := range z.entries {
		h := func(name string, extra []byte) []byte {
			var b []byte
			b = le.AppendUint16(b, 10)
			b = le.AppendUint16(b, e.flags)
			b = le.AppendUint16(b, e.method)
			b = le.AppendUint16(b, 0)
			b = le.AppendUint16(b, 1<<5|1)
			b = le.AppendUint32(b, e.sum)
			b = le.AppendUint32(b, uint32(len(e.packed)))
			b = le.AppendUint32(b, e.size)
			b = le.AppendUint16(b, uint16(len(name)))
			return le.AppendUint16(b, uint16(len(extra)))
		}
		at := uint32(len(out))
		if _, there := z.offsets[e.name]; !there {
			z.offsets[e.name] = at
		}
		if !e.noLocal {
			out = append(le.AppendUint32(out, 0x04034b50), h(e.name, nil)...)
			out = append(append(out, e.name...), e.packed...)
		}
		out = append(out, e.gap...)
		if e.noDir {
			continue
		}
		n++
		name := cmpOr(e.dirName, e.name)
		if e.at != nil {
			at = *e.at
		}
		c := append([]byte("PK\x01\x02\x0a\x00"), h(name, e.dirExtra)...)
		c = append(c, make([]byte, 10)...)
		c = le.AppendUint32(c, at)
		if e.dir != nil {
			e.dir(c)
		}
		dir = append(append(append(dir, c...), name...), e.dirExtra...)
	}
	end := append([]byte("PK\x05\x06"), make([]byte, 4)...)
	end = le.AppendUint16(end, uint16(n))
	end = le.AppendUint16(end, uint16(n))
	end = le.AppendUint32(end, uint32(len(dir)))
	end = le.AppendUint32(end, uint32(len(out)))
	end = le.AppendUint16(end, uint16(len(z.comment)))
	if z.end != nil {
		z.end(end)
	}
	out = append(append(out, dir...), z.before...)
	return append(append(out, end...), z.comment...)
}
