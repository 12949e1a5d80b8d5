package edoc_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

// other is a container that citizen-1 signed too, and the files in it.
func (m *maker) other() (*edoc.Container, []asic.File) {
	m.t.Helper()
	c1 := card(m.t, m.w, "citizen-1")
	d := request(c1)
	d.Heading = "Ikinji sargytnama"
	c := sign(m.t, d, c1.Slots[specimen.SlotSign].Signer(), now)
	return c, m.files(c)
}

func (m *maker) hostileZips() {
	c, files := m.good()
	o, otherFiles := m.other()
	le := binary.LittleEndian
	doc, otherDoc := files[0].Data, otherFiles[0].Data
	add := func(name, rule, why, story string, body []byte) {
		m.hostile("zip", "zip-"+name, "container", rule, "zip failure", why, story, body)
	}
	spoil := func(name, rule, why, story string, f func(z *rawZip)) {
		z := rawOf(files)
		f(z)
		add(name, rule, why, story, z.bytes())
	}
	m.add("zip-raw", "container", "ED-ZIP-2", accepted, "made by the writer that makes the hostile ones, with nothing spoilt", rawOf(files).bytes(), "id: "+c.ID().String())
	packed := rawOf(files)
	*packed.entry("document.json") = rawDeflated("document.json", doc)
	m.add("zip-deflated", "container", "ED-ZIP-3", accepted, "the document deflated: the same document", packed.bytes(), "id: "+c.ID().String())

	const dirWhy = "the directory does not repeat"
	const endWhy = "the end"
	const afterWhy = "its end and nothing more"
	add("concatenated", "ED-ZIP-2", afterWhy, "two containers in one file: a reader from the front sees one, a reader from the end the other", append(c.Bytes(), o.Bytes()...))
	spoil("two-ends", "ED-ZIP-2", afterWhy, "two ends of the directory: the first says there is nothing in the archive", func(z *rawZip) {
		z.before = append([]byte("PK\x05\x06"), make([]byte, 18)...)
	})
	spoil("comment-zip", "ED-ZIP-2", afterWhy, "the comment of the archive is another container", func(z *rawZip) { z.comment = o.Bytes() })
	spoil("zip64", "ED-ZIP-2", afterWhy, "a second end, of zip64, leads to a directory of its own", func(z *rawZip) {
		// Record and locator; the numbers in the plain end stay in force for who ignores them.
		rec := append([]byte("PK\x06\x06"), make([]byte, 52)...)
		le.PutUint64(rec[4:], 44)
		loc := append([]byte("PK\x06\x07"), make([]byte, 16)...)
		le.PutUint32(loc[16:], 1)
		z.before = append(rec, loc...)
	})
	spoil("hidden-count", "ED-ZIP-2", endWhy, "the end counts an entry less than there are", func(z *rawZip) {
		z.end = func(b []byte) { b[8]--; b[10]-- }
	})
	spoil("disk", "ED-ZIP-2", endWhy, "the end says the directory is on another disk", func(z *rawZip) { z.end = func(b []byte) { b[4] = 1 } })
	spoil("directory-offset", "ED-ZIP-2", endWhy, "the end leads to another place than the directory's", func(z *rawZip) {
		z.end = func(b []byte) { le.PutUint32(b[16:], le.Uint32(b[16:])+4) }
	})
	spoil("gap", "ED-ZIP-2", "", "bytes that no entry owns between two entries: room for a hidden document", func(z *rawZip) {
		z.entry("document.json").gap = otherDoc
	})
	spoil("ghost", "ED-ZIP-2", "", "a second document.json before the real one, which the directory does not name: who reads from the front shows it", func(z *rawZip) {
		g := rawStored("document.json", otherDoc)
		g.noDir = true
		z.entries = append(z.entries[:1:1], append([]rawEntry{g}, z.entries[1:]...)...)
	})
	spoil("directory-only", "ED-ZIP-2", "", "an entry in the directory that no entry stands behind", func(z *rawZip) {
		at := uint32(0)
		z.entries = append(z.entries, rawEntry{name: "attachments/more.txt", noLocal: true, at: &at})
	})
	spoil("shared-entry", "ED-ZIP-2", dirWhy, "two names in the directory lead to the same entry, as in bombs that overlap", func(z *rawZip) {
		z.bytes()
		at := z.offsets["document.json"]
		z.entries[len(z.entries)-1].at = &at
	})
	spoil("order", "ED-ZIP-2", dirWhy, "the directory has the entries in another order", func(z *rawZip) {
		z.bytes()
		a, b := &z.entries[2], &z.entries[3]
		x, y := z.offsets[a.name], z.offsets[b.name]
		a.dirName, b.dirName, a.at, b.at = b.name, a.name, &y, &x
	})
	spoil("directory-checksum", "ED-ZIP-2", dirWhy, "the directory has another checksum than the header", func(z *rawZip) {
		z.entry("document.json").dir = func(b []byte) { b[16] ^= 1 }
	})
	spoil("directory-size", "ED-ZIP-2", dirWhy, "the directory says the document is shorter: who believes it shows its beginning alone", func(z *rawZip) {
		z.entry("document.json").dir = func(b []byte) { le.PutUint32(b[20:], 40); le.PutUint32(b[24:], 40) }
	})
	spoil("directory-method", "ED-ZIP-2", dirWhy, "stored by the header, deflated by the directory", func(z *rawZip) {
		z.entry("document.json").dir = func(b []byte) { b[10] = 8 }
	})
	spoil("unicode-path", "ED-ZIP-3", "", "an extra field in the directory gives the document another name", func(z *rawZip) {
		name := []byte("another.json")
		x := le.AppendUint16(nil, 0x7075)
		x = le.AppendUint16(x, uint16(5+len(name)))
		x = append(x, 1)
		x = le.AppendUint32(x, crc32.ChecksumIEEE([]byte("document.json")))
		z.entry("document.json").dirExtra = append(x, name...)
	})
	spoil("strong-encryption", "ED-ZIP-3", "encrypted", "flags of strong encryption and of headers that hide", func(z *rawZip) { z.entry("document.json").flags = 1<<6 | 1<<13 | 1 })
	spoil("patched", "ED-ZIP-3", "", "the flag of a patch to another file", func(z *rawZip) { z.entry("document.json").flags = 1 << 5 })
	spoil("device", "ED-ZIP-3", "not a plain file", "an entry is a device", func(z *rawZip) {
		z.entry("document.json").dir = func(b []byte) { b[5] = 3; le.PutUint32(b[38:], 0o020666<<16) }
	})
	spoil("directory-bit", "ED-ZIP-3", "not a plain file", "the document says it is a folder", func(z *rawZip) {
		z.entry("document.json").dir = func(b []byte) { le.PutUint32(b[38:], 0x10) }
	})
	spoil("deflate64", "ED-ZIP-3", "compression method", "deflate64, which not every reader knows", func(z *rawZip) { z.entry("document.json").method = 9 })

	spoil("mimetype-deflated", "ED-ZIP-1", "the mimetype", "the mimetype is deflated", func(z *rawZip) {
		z.entries[0] = rawDeflated("mimetype", []byte(asic.MimeType))
	})
	spoil("mimetype-newline", "ED-ZIP-1", "the mimetype", "the mimetype ends with a line end", func(z *rawZip) {
		z.entries[0] = rawStored("mimetype", []byte(asic.MimeType+"\n"))
	})
	spoil("mimetype-twice", "ED-ZIP-4", "", "a second mimetype, of an ordinary zip, after the first", func(z *rawZip) {
		z.entries = append(z.entries[:1:1], append([]rawEntry{rawStored("mimetype", []byte("application/zip"))}, z.entries[1:]...)...)
	})
	spoil("deflate-trailing", "ED-ZIP-5", "", "bytes after the end of a deflated document: room for what nobody signed", func(z *rawZip) {
		e := rawDeflated("document.json", doc)
		e.packed = append(e.packed, "what nobody signed"...)
		*z.entry("document.json") = e
	})
	spoil("deflate-cut", "ED-ZIP-5", "", "a deflated document without its last bytes", func(z *rawZip) {
		e := rawDeflated("document.json", doc)
		e.packed = e.packed[:len(e.packed)-4]
		*z.entry("document.json") = e
	})
	spoil("stored-sizes", "ED-ZIP-5", "two sizes differ", "stored, but shorter unpacked than packed", func(z *rawZip) { z.entry("document.json").size -= 10 })
	spoil("bomb-together", "ED-ZIP-5", "at most", "33 entries of 1.5 MiB of zeros: each is allowed, all together are not", func(z *rawZip) {
		e := rawDeflated("", make([]byte, 3<<19))
		for i := range 33 {
			e.name = fmt.Sprintf("attachments/a%02d", i)
			z.entries = append(z.entries, e)
		}
	})
}

func (m *maker) hostileNames() {
	_, files := m.good()
	for _, x := range []struct{ name, entry, story string }{
		{"trailing-dot", "document.json.", "Windows drops the dot, and there are two documents"},
		{"trailing-space", "document.json ", "Windows drops the space, and there are two documents"},
		{"stream", "document.json::$DATA", "NTFS takes it for document.json"},
		{"drive", "C:evil", "a drive of Windows"},
		{"unc", "//host/share", "a folder of another computer"},
		{"dot", "attachments/./a", "a part that says nothing: two names of one file"},
		{"double-slash", "attachments//a", "an empty part: two names of one file"},
		{"deep-parent", "attachments/../../evil", "leads out of the folder further down"},
		{"percent", "attachments/%2e%2e%2fevil", "leads out once decoded as an address"},
		{"confusable", "attachments/dосument.json", "two letters are Cyrillic: people read document.json"},
		{"fullwidth", "attachments/．．／evil", "full-width dots, which some systems fold to ASCII"},
		{"right-to-left", "attachments/photo\u202egnp.exe", "people read photoexe.png"},
		{"zero-width", "document\u200b.json", "a space of no width: people read document.json"},
		{"combining", "attachments/re\u0301sume\u0301", "letters that some disks store in another form"},
		{"newline", "attachments/a\nb", "a line end in a list of names begins another name"},
		{"option", "-rf", "a command takes it for an option"},
		{"latin1", "attachments/\xe9", "not UTF-8: every reader guesses another letter"},
		{"empty", "", "no name at all"},
		{"long", "attachments/" + string(bytes.Repeat([]byte("a"), 200)), "longer than some systems take"},
		{"second-root", "DOCUMENT.JSON", "disks that do not tell case keep one of the two documents"},
		{"second-manifest", "meta-inf/asicmanifest001.xml", "the same, of the manifest"},
	} {
		z := rawOf(files)
		z.entries = append(z.entries, rawStored(x.entry, []byte("x")))
		m.hostile("name", "zip-named-"+x.name, "container", "ED-ZIP-4", "zip failure", "name", x.story, z.bytes())
	}
}
