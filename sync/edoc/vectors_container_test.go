package edoc_test

import (
	"archive/zip"
	"bytes"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

const accepted = "whole yes ok, signer yes ok, revocation yes ok, stamp unknown stamp.none"

// zipOf packs files as they are, by the standard library: names and headers that
// asic.Write would refuse.
func zipOf(change func(*zip.FileHeader), files ...asic.File) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range append([]asic.File{{Name: "mimetype", Data: []byte(asic.MimeType)}}, files...) {
		h := &zip.FileHeader{
			Name: f.Name, CRC32: crc32.ChecksumIEEE(f.Data),
			CompressedSize64: uint64(len(f.Data)), UncompressedSize64: uint64(len(f.Data)),
		}
		if strings.HasSuffix(f.Name, "/") {
			f.Data, h.CRC32, h.CompressedSize64, h.UncompressedSize64 = nil, 0, 0, 0
		}
		if change != nil {
			change(h)
		}
		w, err := z.CreateRaw(h)
		if err == nil {
			_, err = w.Write(f.Data)
		}
		if err != nil {
			panic(err) // writing to memory
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// good is a container of citizen-1, and the files in it.
func (m *maker) good() (*edoc.Container, []asic.File) {
	m.t.Helper()
	c1 := card(m.t, m.w, "citizen-1")
	c := sign(m.t, request(c1), c1.Slots[specimen.SlotSign].Signer(), now)
	return c, m.files(c)
}

func (m *maker) files(c *edoc.Container) []asic.File {
	m.t.Helper()
	files, err := asic.Read(c.Bytes())
	if err != nil {
		m.t.Fatal(err)
	}
	return files
}

// with returns files with the named one's data changed.
func with(files []asic.File, name string, change func([]byte) []byte) []asic.File {
	var out []asic.File
	for _, f := range files {
		if f.Name == name {
			f.Data = change(bytes.Clone(f.Data))
		}
		out = append(out, f)
	}
	return out
}

func swap(old, new string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(new), 1) }
}

func (m *maker) zips() {
	c, files := m.good()
	b := c.Bytes()
	m.add("container-good", "container", "ED-ZIP-1 ED-ZIP-2 ED-MAN-4 ED-VER-9", accepted, "a request signed by a citizen's card", b, "id: "+c.ID().String())

	m.add("zip-mimetype-missing", "container", "ED-ZIP-1", "zip failure", "the first entry is document.json", mustZip(files))
	late := append(append([]asic.File{}, files...), asic.File{Name: "mimetype", Data: []byte(asic.MimeType)})
	m.add("zip-mimetype-late", "container", "ED-ZIP-1", "zip failure", "mimetype is the last entry", mustZip(late))
	m.add("zip-mimetype-other", "container", "ED-ZIP-1", "zip failure", "the mimetype of ASiC-S",
		bytes.Replace(b, []byte("etsi.asic-e+zip"), []byte("etsi.asic-s+zip"), 1))

	m.add("zip-prefix", "container", "ED-ZIP-2", "zip failure", "bytes before the first entry, which zip allows", append([]byte("#!/bin/sh\n"), b...))
	m.add("zip-suffix", "container", "ED-ZIP-2", "zip failure", "bytes after the end", append(bytes.Clone(b), 0))
	m.add("zip-cut", "container", "ED-ZIP-2", "zip failure", "the last 30 bytes are missing", b[:len(b)-30])
	other := bytes.Clone(b)
	i := bytes.LastIndex(other, []byte("document.json"))
	copy(other[i:], "document.jsox")
	m.add("zip-directory-differs", "container", "ED-ZIP-2", "zip failure", "the directory gives an entry another name than its header", other)

	stream := &bytes.Buffer{}
	zw := zip.NewWriter(stream)
	for _, f := range append([]asic.File{{Name: "mimetype", Data: []byte(asic.MimeType)}}, files...) {
		w, err := zw.CreateHeader(&zip.FileHeader{Name: f.Name})
		if err == nil {
			_, err = w.Write(f.Data)
		}
		if err != nil {
			m.t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		m.t.Fatal(err)
	}
	m.add("zip-streamed", "container", "ED-ZIP-3", "zip failure", "sizes come after the data", stream.Bytes())
	m.add("zip-extra", "container", "ED-ZIP-3", "zip failure", "extra fields", zipOf(func(h *zip.FileHeader) {
		h.Extra = []byte{0x55, 0x54, 1, 0, 0}
	}, files...))
	m.add("zip-comment", "container", "ED-ZIP-3", "zip failure", "comments in the directory", zipOf(func(h *zip.FileHeader) { h.Comment = "x" }, files...))
	m.add("zip-encrypted", "container", "ED-ZIP-3", "zip failure", "entries say they are encrypted", zipOf(func(h *zip.FileHeader) { h.Flags |= 1 }, files...))
	m.add("zip-link", "container", "ED-ZIP-3", "zip failure", "an entry is a symbolic link", zipOf(func(h *zip.FileHeader) {
		if h.Name == "document.json" {
			h.CreatorVersion, h.ExternalAttrs = 3<<8, 0o120777<<16
		}
	}, files...))
	m.add("zip-unix", "container", "ED-ZIP-3", accepted, "plain files with a Unix mode, as zip -X makes them", zipOf(func(h *zip.FileHeader) {
		h.CreatorVersion, h.ExternalAttrs = 3<<8, 0o100644<<16
	}, files...))
	m.add("zip-method", "container", "ED-ZIP-3", "zip failure", "compressed with bzip2, as it says", zipOf(func(h *zip.FileHeader) {
		if h.Name == "document.json" {
			h.Method = 12
		}
	}, files...))

	for name, entry := range map[string]string{
		"parent": "../evil", "absolute": "/etc/evil", "backslash": `a\b`, "nul": "a\x00b", "hidden": ".evil", "folder": "attachments/",
		"case": "DOCUMENT.json", "twice": "document.json",
	} {
		m.add("zip-name-"+name, "container", "ED-ZIP-4", "zip failure", "an entry has a name that is not allowed here: "+name,
			zipOf(nil, append(append([]asic.File{}, files...), asic.File{Name: entry, Data: []byte("x")})...))
	}

	many := append([]asic.File{}, files...)
	for i := range asic.MaxEntries {
		many = append(many, asic.File{Name: "attachments/" + strings.Repeat("a", i+1), Data: nil})
	}
	m.add("zip-many", "container", "ED-ZIP-5", "zip failure", "more than 64 entries", zipOf(nil, many...))
	m.add("zip-bomb", "container", "ED-ZIP-5", "zip failure", "a megabyte of zeros that says it is 10 bytes", bomb(files, 10))
	m.add("zip-bomb-large", "container", "ED-ZIP-5", "zip failure", "an entry that says it is 4 GiB", bomb(files, 1<<32-2))
	sum := bytes.Clone(b)
	sum[bytes.Index(sum, []byte("e-document/1"))] = 'E'
	m.add("zip-checksum", "container", "ED-ZIP-5", "zip failure", "one bit of the document is another, the checksum is not", sum)

	foreign := append(append([]asic.File{}, files...), asic.File{Name: "META-INF/container.xml", Data: []byte("<a/>")}, asic.File{Name: "META-INF/x.xml", Data: []byte("<a/>")})
	m.add("structure-unknown", "container", "ED-ZIP-6", "structure failure", "files under META-INF that no rule knows", zipOf(nil, foreign...))
	m.add("structure-unsigned", "container", "ED-ZIP-6", "structure failure", "no manifest and no signature", zipOf(nil, files[:1]...))
	m.add("structure-order", "container", "ED-ZIP-6", "structure failure", "the signature comes before its manifest",
		zipOf(nil, files[0], files[2], files[1]))
	m.add("structure-smuggled", "container", "ED-ZIP-6 ED-DOC-6", "structure failure", "an attachment that the document does not name",
		zipOf(nil, files[0], asic.File{Name: "attachments/a.txt", Data: []byte("x")}, files[1], files[2]))
}

// mustZip packs files without a mimetype before them.
func mustZip(files []asic.File) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.CreateRaw(&zip.FileHeader{
			Name: f.Name, CRC32: crc32.ChecksumIEEE(f.Data),
			CompressedSize64: uint64(len(f.Data)), UncompressedSize64: uint64(len(f.Data)),
		})
		if err == nil {
			_, err = w.Write(f.Data)
		}
		if err != nil {
			panic(err) // writing to memory
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// bomb adds a deflated megabyte of zeros that claims to be size bytes.
func bomb(files []asic.File, size uint32) []byte {
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	w, err := z.Create("x")
	if err == nil {
		_, err = w.Write(make([]byte, 1<<20))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err)
	}
	r, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil {
		panic(err)
	}
	off, err := r.File[0].DataOffset()
	if err != nil {
		panic(err)
	}
	data := packed.Bytes()[off : off+int64(r.File[0].CompressedSize64)]
	return zipOf(func(h *zip.FileHeader) {
		if h.Name == "attachments/zeros" {
			h.Method, h.UncompressedSize64 = zip.Deflate, uint64(size)
		}
	}, slices.Insert(slices.Clone(files), 1, asic.File{Name: "attachments/zeros", Data: data})...)
}

func (m *maker) documents() {
	_, files := m.good()
	doc := string(files[0].Data)
	m.add("document-good", "document", "ED-DOC-1", "ok", "as the kiosk writes it", []byte(strings.TrimSuffix(doc, "\n")+"\n"))
	for _, x := range []struct{ name, spec, comment, old, new string }{
		{"indent", "ED-DOC-1", "two spaces of indent", "\n \"kind\"", "\n  \"kind\""},
		{"escape", "ED-DOC-1", "an escape that is not needed", "<a>", `\u003ca>`},
		{"order", "ED-DOC-1", "kind after name", " \"kind\": \"request\",\n \"name\": \"Ýaşaýan ýeri barada güwänama\",", " \"name\": \"Ýaşaýan ýeri barada güwänama\",\n \"kind\": \"request\","},
		{"empty", "ED-DOC-1", "an empty field that is to be left out", " \"pages\"", " \"corrects\": \"\",\n \"pages\""},
		{"case", "ED-DOC-1", "a field in upper case, which some readers take", `"lang"`, `"LANG"`},
		{"unknown", "ED-DOC-2", "a field that is not known", " \"pages\"", " \"valid\": true,\n \"pages\""},
		{"twice", "ED-DOC-2", "the sender twice: which one signed?", " \"sender\"", " \"sender\": {},\n \"sender\""},
		{"schema", "ED-DOC-2", "another schema", "e-document/1", "e-document/2"},
		{"no-heading", "ED-DOC-3", "the heading is empty", `"heading": "Sargytnama"`, `"heading": ""`},
		{"no-pages", "ED-DOC-3", "no pages", `"pages": 1`, `"pages": 0`},
		{"lang", "ED-DOC-3", "a language that is not one of the three", `"lang": "tk"`, `"lang": "de"`},
		{"addressee", "ED-DOC-3", "a request to no one", "\"addressee\": {\n  \"organisation\": \"NUSGA Raýat ýagdaýynyň ýazgysy\",\n  \"position\": \"Başlyk\"\n }", `"addressee": {}`},
		{"decision", "ED-DOC-4", "a request that decides", " \"answer_to\"", " \"decision\": \"answered\",\n \"answer_to\""},
		{"time-zone", "ED-DOC-5", "a time not in UTC", `"made": "2026-06-15T09:30:00Z"`, `"made": "2026-06-15T14:30:00+05:00"`},
		{"time-fraction", "ED-DOC-5", "a fraction of a second", `"made": "2026-06-15T09:30:00Z"`, `"made": "2026-06-15T09:30:00.5Z"`},
		{"identifier", "ED-DOC-1", "the identifier in lower case", "NUSGA00001", "nusga00001"},
	} {
		changed := strings.Replace(doc, x.old, x.new, 1)
		if x.name == "decision" {
			changed = strings.Replace(doc, "\n ]\n}", "\n ],\n \"decision\": \"answered\"\n}", 1)
		}
		if changed == doc {
			m.t.Fatalf("document-%s changes nothing", x.name)
		}
		m.add("document-"+x.name, "document", x.spec, "document failure", x.comment, []byte(changed))
	}
	m.add("document-follows", "document", "ED-DOC-2", "document failure", "something follows the document", []byte(doc+"{}\n"))
	m.add("document-utf8", "document", "ED-DOC-1", "document failure", "a byte that is not UTF-8", []byte(strings.Replace(doc, "school", "scho\xffl", 1)))
	d := answer(mustGood(m))
	b, err := d.Marshal()
	if err != nil {
		m.t.Fatal(err)
	}
	m.secrets(doc, b)
	m.registered(doc, d)
	m.add("document-answer", "document", "ED-DOC-4", "ok", "an answer", b)
	m.add("document-answer-corrects", "document", "ED-DOC-4", "document failure", "an answer that does not decide",
		bytes.Replace(b, []byte(" \"decision\": \"answered\",\n"), nil, 1))
}

// secrets are the requests that are answered to their code.
func (m *maker) secrets(doc string, answer []byte) {
	const secret = "00112233445566778899aabbccddeeff"
	from := strings.Index(doc, " \"answer_to\": [")
	to := from + strings.Index(doc[from:], "\n ]") + len("\n ]")
	cardless := func(s string) string { return doc[:from] + ` "answer_secret": "` + s + `"` + doc[to:] }
	add := func(name, expect, comment, body string) {
		m.add("document-"+name, "document", "ED-DOC-7", expect, comment, []byte(body))
	}
	add("secret", "ok", "no recipients, so there is a secret", cardless(secret))
	add("secret-missing", "document failure", "neither recipients nor a secret", doc[:from-2]+doc[to:])
	add("secret-too", "document failure", "recipients and a secret", doc[:to]+",\n \"answer_secret\": \""+secret+`"`+doc[to:])
	add("secret-short", "document failure", "15 bytes", cardless(secret[2:]))
	add("secret-zero", "document failure", "16 bytes of zeros", cardless(strings.Repeat("0", 32)))
	add("secret-case", "document failure", "upper case", cardless(strings.ToUpper(secret)))
	add("secret-answer", "document failure", "an answer with a secret",
		strings.Replace(string(answer), " \"request\"", " \"answer_secret\": \""+secret+"\",\n \"request\"", 1))
}

func mustGood(m *maker) *edoc.Container {
	c, _ := m.good()
	return c
}

func (m *maker) manifests() {
	c, files := m.good()
	man := c.Manifest()
	m.add("manifest-good", "manifest", "ED-MAN-1", "ok", "as signed", man)
	for _, x := range []struct{ name, comment, old, new string }{
		{"space", "a space more", "<ds:DigestMethod ", "<ds:DigestMethod  "},
		{"comment", "an XML comment", "</asic:ASiCManifest>", "<!-- --></asic:ASiCManifest>"},
		{"entity", "an entity for a letter", "document.json", "d&#111;cument.json"},
		{"doctype", "a document type", "<asic:ASiCManifest", "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><asic:ASiCManifest"},
		{"sha1", "another digest", "xmlenc#sha256", "xmldsig#sha1"},
		{"name", "an object outside the container", "document.json", "../doc.json"},
	} {
		m.add("manifest-"+x.name, "manifest", "ED-MAN-1", "manifest failure", x.comment, swap(x.old, x.new)(bytes.Clone(man)))
	}
	m.add("manifest-signature", "container", "ED-MAN-2", "structure failure", "the manifest names another signature",
		zipOf(nil, with(files, asic.ManifestName(1), swap("signature001", "signature002"))...))
	m.add("manifest-root", "container", "ED-MAN-2", "structure failure", "the document is not the root file",
		zipOf(nil, with(files, asic.ManifestName(1), swap(` Rootfile="true"`, ""))...))

	c1 := card(m.t, m.w, "citizen-1")
	s := c1.Slots[specimen.SlotSign].Signer()
	att, err := edoc.SignWith(request(c1), []edoc.Attachment{{Name: "photo.png", MediaType: "image/png", Content: edoc.Bytes("PNG, perhaps")}}, s, now)
	if err != nil {
		m.t.Fatal(err)
	}
	m.add("container-attachment", "container", "ED-DOC-6 ED-MAN-2", accepted, "with an attachment", att.Bytes())
	af := m.files(att)
	m.add("container-attachment-changed", "container", "ED-MAN-3 ED-VER-9", "whole no content.changed, signer unknown not.asked, revocation unknown not.asked, stamp unknown stamp.none",
		"the attachment was changed after signing", zipOf(nil, with(af, "attachments/photo.png", swap("perhaps", "Perhaps"))...))
	m.add("container-attachment-missing", "container", "ED-DOC-6", "structure failure", "the attachment is gone", zipOf(nil, af[0], af[2], af[3]))
	m.add("container-changed", "container", "ED-MAN-3", "whole no content.changed, signer unknown not.asked, revocation unknown not.asked, stamp unknown stamp.none",
		"the document was changed after signing", zipOf(nil, with(files, "document.json", swap("school", "SCHOOL"))...))

	twice, err := c.Cosign(m.w.Device.Signing.Signer(), now.Add(time.Second))
	if err != nil {
		m.t.Fatal(err)
	}
	m.add("container-cosigned", "container", "ED-MAN-4 ED-MAN-2", accepted, "the kiosk as witness: the document keeps its id", twice.Bytes(), "id: "+c.ID().String())
}
