package edoc_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

// streams are the cases of large and packed containers.
func (m *maker) streams() {
	c, files := m.good()
	stored := c.Bytes()
	var packed bytes.Buffer
	if _, err := c.WriteTo(&packed); err != nil {
		m.t.Fatal(err)
	}
	m.add("zip-packed", "container", "ED-ZIP-8", accepted, "deflated, as a file for people", packed.Bytes(), "id: "+c.ID().String())

	large, err := deflatedZip(files, bytes.Repeat([]byte{' '}, 8<<20+1))
	if err != nil {
		m.t.Fatal(err)
	}
	m.add("zip-document-large", "container", "ED-ZIP-7", "zip failure", "a document.json that unpacks to one byte more than 8 MiB", large)

	le := binary.LittleEndian
	dir := bytes.Index(stored, []byte("PK\x01\x02"))
	second := dir + 1 + bytes.Index(stored[dir+1:], []byte("PK\x01\x02"))
	third := second + 1 + bytes.Index(stored[second+1:], []byte("PK\x01\x02"))
	offset := bytes.Clone(stored)
	le.PutUint32(offset[third+42:], le.Uint32(offset[third+42:])+1)
	m.add("zip-offset", "container", "ED-ZIP-2", "zip failure", "the directory says that an entry begins a byte later", offset)
	overlap := bytes.Clone(stored)
	copy(overlap[third+42:third+46], overlap[second+42:second+46])
	m.add("zip-overlap", "container", "ED-ZIP-2", "zip failure", "the directory says that two entries begin at one place", overlap)
	lies := bytes.Clone(stored)
	local := bytes.Index(lies[4:], []byte("PK\x03\x04")) + 4
	for _, at := range []int{local + 18, local + 22} {
		le.PutUint32(lies[at:], 1<<32-1)
	}
	m.add("zip-size-4g", "container", "ED-ZIP-5", "zip failure", "a stored entry that says it has 4 GiB", lies)
	entries := bytes.Clone(stored)
	le.PutUint16(entries[len(entries)-12:], le.Uint16(entries[len(entries)-12:])+1)
	m.add("zip-end-count", "container", "ED-ZIP-2", "zip failure", "the end of the directory says that there is one entry more", entries)
	m.add("zip-end-missing", "container", "ED-ZIP-2", "zip failure", "the end of the directory is missing", stored[:len(stored)-22])

	holder := card(m.t, m.w, "citizen-1")
	att, err := edoc.SignWith(request(holder), []edoc.Attachment{{
		Name: "photo.png", MediaType: "image/png", Content: edoc.Bytes(bytes.Repeat([]byte("PNG, perhaps; "), 100)),
	}}, holder.Slots[specimen.SlotSign].Signer(), now)
	if err != nil {
		m.t.Fatal(err)
	}
	b := att.Bytes()
	one := bytes.Clone(b)
	one[bytes.LastIndex(one, []byte("perhaps;"))] = 'P'
	m.add("zip-attachment-checksum", "container", "ED-ZIP-5", "zip failure", "one byte of an attachment is another, its checksum is not", one)
}

// deflatedZip returns files as a container with another, deflated document.
func deflatedZip(files []asic.File, document []byte) ([]byte, error) {
	var data, out bytes.Buffer
	f, err := flate.NewWriter(&data, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(document); err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	z := zip.NewWriter(&out)
	raw := func(h *zip.FileHeader, b []byte) error {
		w, err := z.CreateRaw(h)
		if err == nil {
			_, err = io.Copy(w, bytes.NewReader(b))
		}
		return err
	}
	all := append([]asic.File{{Name: "mimetype", Data: []byte(asic.MimeType)}}, files...)
	for _, e := range all {
		h := &zip.FileHeader{Name: e.Name, CRC32: crc32.ChecksumIEEE(e.Data), CompressedSize64: uint64(len(e.Data)), UncompressedSize64: uint64(len(e.Data))}
		if e.Name == "document.json" {
			h.Method, h.CRC32, h.UncompressedSize64, h.CompressedSize64 = zip.Deflate, crc32.ChecksumIEEE(document), uint64(len(document)), uint64(data.Len())
			e.Data = data.Bytes()
		}
		if err := raw(h, e.Data); err != nil {
			return nil, err
		}
	}
	err = z.Close()
	return out.Bytes(), err
}
