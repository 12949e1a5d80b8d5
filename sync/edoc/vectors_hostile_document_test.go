package edoc_test

import "strings"

func (m *maker) hostileDocuments() {
	_, files := m.good()
	doc := string(files[0].Data)
	text := func(name, rule, story, old, new string) {
		b := strings.Replace(doc, old, new, 1)
		if b == doc {
			m.t.Fatalf("document-%s changes nothing", name)
		}
		m.hostile("document", "document-"+name, "document", rule, "document failure", "", story, []byte(b))
	}
	text("bom", "ED-DOC-1", "a byte order mark before it", "{", "\ufeff{")
	text("utf16", "ED-DOC-1", "the byte order mark of UTF-16", "{", "\xff\xfe{")
	text("surrogate", "ED-DOC-1", "half of a surrogate pair: every reader makes something else of it", `"Sargytnama"`, `"\ud800"`)
	text("surrogate-swapped", "ED-DOC-1", "the halves of a surrogate pair changed places", `"Sargytnama"`, `"\udc00\ud800"`)
	text("overlong", "ED-DOC-1", "a letter in more bytes than UTF-8 wants", `"Sargytnama"`, "\"\xc1\x81\"")
	text("exponent", "ED-DOC-1", "one page, as a power of ten", `"pages": 1`, `"pages": 1e0`)
	text("exponent-huge", "ED-DOC-1", "more pages than a number holds", `"pages": 1`, `"pages": 1e400`)
	text("exponent-tiny", "ED-DOC-1", "an exponent of a million digits would keep a reader busy", `"pages": 1`, `"pages": 1e-`+strings.Repeat("9", 4000))
	text("fraction", "ED-DOC-1", "one page and nothing", `"pages": 1`, `"pages": 1.0`)
	text("number-zero", "ED-DOC-1", "one page, with a zero before it", `"pages": 1`, `"pages": 01`)
	text("number-overflow", "ED-DOC-1", "2⁶⁴ + 1 pages: one for readers that wrap around", `"pages": 1`, `"pages": 18446744073709551617`)
	text("number-text", "ED-DOC-1", "the number of pages as text", `"pages": 1`, `"pages": "1"`)
	text("null", "ED-DOC-1", "null where a text belongs", `"heading": "Sargytnama"`, `"heading": null`)
	text("escaped-key", "ED-DOC-1", "an escape in a field's name: some readers compare before, some after decoding", `"lang"`, `"l\u0061ng"`)
	text("twice-escaped", "ED-DOC-2", "the sender twice, once with an escape in the name", ` "sender"`, " \"sende\\u0072\": {},\n \"sender\"")
	text("twice-answer", "ED-DOC-2", "an answer of the applicant's twice", `  "purpose"`, "  \"purpose\": \"work\",\n  \"purpose\"")
	text("comment", "ED-DOC-1", "a comment, which some readers take", "{\n", "{ // shown to no one\n")
	text("trailing-comma", "ED-DOC-1", "a comma before the end", "\n ]\n}", "\n ],\n}")
	text("deep", "ED-DOC-2", "a thousand lists in each other, to exhaust the reader", ` "answers": {`, ` "x": `+strings.Repeat("[", 1000)+strings.Repeat("]", 1000)+",\n \"answers\": {")
	text("prototype", "ED-DOC-2", "a field that changes objects of JavaScript", ` "pages"`, " \"__proto__\": {\"pages\": 9},\n \"pages\"")
	text("infinity", "ED-DOC-1", "no number at all", `"pages": 1`, `"pages": Infinity`)
	text("pages-negative", "ED-DOC-3", "fewer pages than none", `"pages": 1`, `"pages": -1`)
	text("control", "ED-DOC-1", "a control character as it is", `"Sargytnama"`, "\"Sargyt\x1bnama\"")
	text("leap-second", "ED-DOC-5", "the 61st second of a minute", `"made": "2026-06-15T09:30:00Z"`, `"made": "2026-06-15T09:29:60Z"`)
	text("time-24", "ED-DOC-5", "24 o'clock: of this day or the next?", `"made": "2026-06-15T09:30:00Z"`, `"made": "2026-06-14T24:00:00Z"`)
	text("time-lower", "ED-DOC-5", "a time in lower case", `"made": "2026-06-15T09:30:00Z"`, `"made": "2026-06-15t09:30:00z"`)
}
