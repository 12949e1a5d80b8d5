package edoc_test

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"strings"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

const changed = "whole no content.changed, signer unknown not.asked, revocation unknown not.asked, stamp unknown stamp.none"

// signedManifest packs files with their first manifest changed and signed anew
// by citizen-1: what a hostile signer could make, not only a hostile carrier.
func (m *maker) signedManifest(files []asic.File, change func([]byte) []byte) []byte {
	m.t.Helper()
	var manifest []byte
	files = with(files, asic.ManifestName(1), func(b []byte) []byte {
		manifest = change(b)
		return manifest
	})
	p7s, err := cms.Sign(manifest, card(m.t, m.w, "citizen-1").Slots[specimen.SlotSign].Signer(), now)
	if err != nil {
		m.t.Fatal(err)
	}
	return zipOf(nil, with(files, asic.SignatureName(1), func([]byte) []byte { return p7s })...)
}

func (m *maker) hostileManifests() {
	c, files := m.good()
	man := string(c.Manifest())
	text := func(name, story, old, new string) {
		b := strings.Replace(man, old, new, 1)
		if b == man {
			m.t.Fatalf("manifest-%s changes nothing", name)
		}
		m.hostile("manifest", "manifest-"+name, "manifest", "ED-MAN-1", "manifest failure", "", story, []byte(b))
	}
	text("xml-base", "xml:base makes every name one of another place", `xmlns:ds=`, `xml:base="http://evil.example/" xmlns:ds=`)
	text("percent", "the name is percent-encoded: some readers decode it", "document.json", "document%2ejson")
	text("dot", "./document.json: the same file by another name", `"document.json`, `"./document.json`)
	text("absolute", "the name is an address: some readers would fetch it", `"document.json`, `"https://evil.example/document.json`)
	text("query", "what follows ? is dropped by some readers", "document.json", "document.json?x")
	text("fragment", "what follows # is dropped by some readers", "document.json", "document.json#x")
	text("sha512-label", "the method says SHA-512, the digest is of SHA-256", "xmlenc#sha256", "xmlenc#sha512")
	sum := sha512.Sum512(files[0].Data)
	from := strings.Index(man, "<ds:DigestValue>") + len("<ds:DigestValue>")
	to := strings.Index(man, "</ds:DigestValue>")
	text("sha512-value", "a digest of SHA-512 labelled SHA-256", man[from:to], base64.StdEncoding.EncodeToString(sum[:]))
	text("digest-spaces", "a space in the digest, which XML readers drop", man[from:to], " "+man[from:to])
	text("digest-bits", "bits at the digest's end that decode to nothing", man[from:to], spare(man[from:to]))
	text("digest-url", "the digest in the other alphabet of Base64", man[from:to], "-"+man[from+1:to])
	text("two-digests", "two digests of the document: which one counts?", "</ds:DigestValue>", "</ds:DigestValue>\n  <ds:DigestValue>"+strings.Repeat("A", 43)+"=</ds:DigestValue>")
	text("cdata", "the digest as CDATA", "<ds:DigestValue>"+man[from:to], "<ds:DigestValue><![CDATA["+man[from:to]+"]]>")
	text("xinclude", "an inclusion of another file", " <asic:DataObjectReference", ` <xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>`+"\n <asic:DataObjectReference")
	text("bomb", "entities that expand to gigabytes", "<asic:ASiCManifest", `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><asic:ASiCManifest`)
	text("stylesheet", "a style sheet that shows another text", "?>\n", "?>\n<?xml-stylesheet href=\"evil.xsl\"?>\n")
	text("utf16-label", "says it is UTF-16: who believes it reads other letters", `encoding="UTF-8"`, `encoding="UTF-16"`)
	text("namespace", "the elements of another namespace", "http://uri.etsi.org/02918/v1.2.1#", "http://evil.example/02918#")
	text("transform", "a transformation between the file and its digest", "  <ds:DigestMethod", `  <ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/></ds:Transforms>`+"\n  <ds:DigestMethod")
	text("attribute-twice", "the name twice in one element", `URI="document.json"`, `URI="other.json" URI="document.json"`)
	text("windows", "line ends of Windows, which XML readers make one", "?>\n", "?>\r\n")
	text("bom", "a byte order mark before it", "<?xml", "\ufeff<?xml")
	text("media-type", "a type that a browser would run", "application/json", `text/html;x="<script>`)
	text("nul", "a NUL ends the name for some readers", "document.json", "document.json\x00.txt")

	// By the signer himself.
	c1 := card(m.t, m.w, "citizen-1")
	s := c1.Slots[specimen.SlotSign].Signer()
	two := []edoc.Attachment{
		{Name: "a.txt", MediaType: "text/plain", Content: edoc.Bytes("shown to everyone")},
		{Name: "b.txt", MediaType: "text/plain", Content: edoc.Bytes("covered by no one")},
	}
	att, err := edoc.SignWith(request(c1), two, s, now)
	if err != nil {
		m.t.Fatal(err)
	}
	af := m.files(att)
	objects := func(change func(o []string) []string) func([]byte) []byte {
		return func(b []byte) []byte {
			const head, tail = " <asic:DataObjectReference", "</asic:ASiCManifest>"
			parts := strings.Split(strings.TrimSuffix(string(b), tail+"\n"), head)
			return []byte(parts[0] + strings.Join(change(append([]string{}, prefixed(head, parts[1:])...)), "") + tail + "\n")
		}
	}
	cover := func(name, expect, why, story string, change func(o []string) []string) {
		m.hostile("manifest", "manifest-"+name, "container", "ED-MAN-2", expect, why, story, m.signedManifest(af, objects(change)))
	}
	const covers = "does not cover every file"
	cover("covers-less", "structure failure", covers, "the signer leaves an attachment out, to exchange it later", func(o []string) []string { return o[:2] })
	cover("covers-document-alone", "structure failure", covers, "neither attachment is covered", func(o []string) []string { return o[:1] })
	cover("covers-attachments-alone", "structure failure", covers, "the document is not covered", func(o []string) []string { return o[1:] })
	cover("covers-nothing", "manifest failure", "", "nothing is covered", func([]string) []string { return nil })
	cover("covers-twice", "structure failure", covers, "the document twice, with one digest that fits", func(o []string) []string { return append(o, o[0]) })
	cover("covers-order", "structure failure", covers, "the attachments in another order than the document names them", func(o []string) []string { return []string{o[0], o[2], o[1]} })
	cover("covers-more", "structure failure", covers, "a file that is not there: «it was lost on the way»", func(o []string) []string {
		return append(o, strings.Replace(o[2], "b.txt", "c.txt", 1))
	})
	cover("covers-itself", "structure failure", covers, "the signature instead of an attachment", func(o []string) []string {
		return []string{o[0], o[1], strings.Replace(o[2], "attachments/b.txt", "META-INF/signature001.p7s", 1)}
	})
	cover("two-roots", "structure failure", covers, "two files to open first: which one was signed for?", func(o []string) []string {
		o[1] = strings.Replace(o[1], `">`, `" Rootfile="true">`, 1)
		return o
	})
	cover("other-root", "structure failure", covers, "an attachment is the file to open first", func(o []string) []string {
		o[0] = strings.Replace(o[0], ` Rootfile="true"`, "", 1)
		o[1] = strings.Replace(o[1], `">`, `" Rootfile="true">`, 1)
		return o
	})
	cover("no-root", "structure failure", covers, "no file to open first", func(o []string) []string {
		o[0] = strings.Replace(o[0], ` Rootfile="true"`, "", 1)
		return o
	})
	cover("type", "structure failure", covers, "an attachment of another type than the document says", func(o []string) []string {
		o[1] = strings.Replace(o[1], "text/plain", "text/html", 1)
		return o
	})
	wrong := m.signedManifest(af, func(b []byte) []byte {
		return bytes.Replace(b, []byte("<ds:DigestValue>"), []byte("<ds:DigestValue>"+base64.StdEncoding.EncodeToString(sum[:32])+"</ds:DigestValue>\n  <!--"), 1)
	})
	m.hostile("manifest", "manifest-truncated-sha512", "container", "ED-MAN-1", "manifest failure", "", "half of a SHA-512 where SHA-256 belongs, the rest in a comment", wrong)

	// Parts of several documents put together.
	o, otherFiles := m.other()
	m.hostile("manifest", "manifest-of-other", "container", "ED-MAN-3", changed, "", "document of one, manifest and signature of another of the same signer", zipOf(nil, files[0], otherFiles[1], otherFiles[2]))
	m.hostile("manifest", "manifest-signature-of-other-document", "container", "ED-SIG-9", "whole no signature.broken, signer unknown not.asked, revocation unknown not.asked, stamp unknown stamp.none",
		"not what was signed", "document and manifest of one, the same signer's signature of another", m.replaced(c, o.Signatures()[0].Bytes()))
	m.hostile("manifest", "manifest-attachments-swapped", "container", "ED-MAN-3", changed, "", "two attachments changed places",
		zipOf(nil, with(with(af, "attachments/a.txt", func([]byte) []byte { return []byte("covered by no one") }), "attachments/b.txt", func([]byte) []byte { return []byte("shown to everyone") })...))

	second, err := c.Cosign(m.w.Device.Signing.Signer(), now)
	if err != nil {
		m.t.Fatal(err)
	}
	sf := m.files(second)
	otherSecond, err := o.Cosign(m.w.Device.Signing.Signer(), now)
	if err != nil {
		m.t.Fatal(err)
	}
	of := m.files(otherSecond)
	m.hostile("manifest", "manifest-witness-of-other", "container", "ED-MAN-3", changed, "", "the witness's signature of another document", zipOf(nil, sf[0], sf[1], sf[2], of[3], of[4]))
	m.hostile("manifest", "manifest-witness-alone", "container", "ED-ZIP-6", "structure failure", "", "the citizen's signature taken out, the witness's left", zipOf(nil, sf[0], sf[3], sf[4]))
	m.hostile("manifest", "manifest-witness-first", "container", "ED-ZIP-6", "structure failure", "", "the witness's signature before the citizen's", zipOf(nil, sf[0], sf[3], sf[4], sf[1], sf[2]))
	m.hostile("manifest", "manifest-same-signature", "container", "ED-MAN-2", "structure failure", "", "one signature twice, to look like two signers'",
		zipOf(nil, sf[0], sf[1], sf[2], asic.File{Name: asic.ManifestName(2), Data: sf[1].Data}, asic.File{Name: asic.SignatureName(2), Data: sf[2].Data}))
	loose := with(sf, asic.ManifestName(2), func(b []byte) []byte {
		return objects(func(o []string) []string { return o[:1] })(b)
	})
	m.hostile("manifest", "manifest-witness-covers-less", "container", "ED-MAN-2", "structure failure", covers, "the witness does not cover the first manifest", zipOf(nil, loose...))
}

// spare sets the spare bits of the last symbol of unpadded content in Base64.
func spare(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	i := len(s) - 2 // before the padding
	return s[:i] + string(alphabet[strings.IndexByte(alphabet, s[i])|1]) + "="
}

func prefixed(head string, list []string) []string {
	for i := range list {
		list[i] = head + list[i]
	}
	return list
}
