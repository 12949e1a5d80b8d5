// Package support makes what a kiosk tells those who mend it: a bundle that a
// technician can open, read whole and then send. It is made of what names nobody,
// and what could hold a name by mistake, logs, goes through [Redact] besides.
package support

import (
	"bytes"
	"regexp"
)

// What is taken out of logs. They hold none of it by the rules of this software;
// this is the net below them, for what the kernel or another program might say.
var (
	mail = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+`)
	// tracking codes, with and without their separators
	code = regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{5}[·. -]?[0-9A-HJKMNP-TV-Z]{5}\b`)
	// identifiers, card and phone numbers: nine digits and more, as people write them
	digits = regexp.MustCompile(`\+?\d(?:[ -]?\d){8,}`)
	// names: our own words are ASCII
	foreign = regexp.MustCompile(`[^\x00-\x7f]+`)
	// whoever a URL is for
	query = regexp.MustCompile(`(https?://[^\s?"]+)\?[^\s"]*`)
	// the name of a network is often its owner's
	network = regexp.MustCompile(`(?i)(ssid)([=: ]+)("[^"]*"|'[^']*'|\S+)`)
)

// stamp is a time as journalctl and our log write it: its digits are no one's.
var stamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?`)

// Redact takes out of a log what could be somebody's: mail addresses, codes,
// long numbers, words in letters that this software does not write, what follows
// the ? of an address, names of networks. It takes too much rather than too little.
func Redact(log []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(log) {
		at := 0
		for _, m := range stamp.FindAllIndex(line, -1) {
			out.Write(clean(line[at:m[0]]))
			out.Write(line[m[0]:m[1]])
			at = m[1]
		}
		out.Write(clean(line[at:]))
	}
	return out.Bytes()
}

func clean(b []byte) []byte {
	b = query.ReplaceAll(b, []byte("$1?[query]"))
	b = mail.ReplaceAll(b, []byte("[mail]"))
	b = network.ReplaceAll(b, []byte("$1$2[network]"))
	b = code.ReplaceAll(b, []byte("[code]"))
	b = digits.ReplaceAll(b, []byte("[number]"))
	return foreign.ReplaceAll(b, []byte("[letters]"))
}
