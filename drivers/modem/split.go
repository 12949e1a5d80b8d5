package modem

import (
	"bytes"
	"strings"
)

// maxLine is more than any line has: a message in hexadecimal digits is 350.
const maxLine = 1024

// Splitter cuts what a modem says into lines, and the prompt for a message, which
// ends with no newline. Empty lines are dropped, and what is longer than any line.
type Splitter struct {
	buf  []byte
	long bool // in a line that is too long
}

// Push adds what came.
func (s *Splitter) Push(b []byte) { s.buf = append(s.buf, b...) }

// Next returns the next line, or false until more has come. The prompt is ">".
func (s *Splitter) Next() (string, bool) {
	for {
		at := bytes.IndexAny(s.buf, "\r\n")
		if at < 0 {
			if !s.long && len(s.buf) >= 2 && s.buf[0] == '>' && s.buf[1] == ' ' {
				s.buf = s.buf[2:]
				return ">", true
			}
			if len(s.buf) > maxLine {
				s.buf, s.long = nil, true
			}
			return "", false
		}
		line := string(s.buf[:at])
		s.buf = s.buf[at+1:]
		if long := s.long; long || len(line) > maxLine {
			s.long = false
			continue
		}
		if line = strings.TrimSpace(line); line != "" {
			return line, true
		}
	}
}

// fields splits what follows the name of an answer: "+CREG: 0,1" has "0" and "1".
// Quotes go; a comma within them does not split.
func fields(line string) []string {
	_, rest, ok := strings.Cut(line, ":")
	if !ok {
		return nil
	}
	var out []string
	var b strings.Builder
	quoted := false
	for _, r := range strings.TrimSpace(rest) {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ',' && !quoted:
			out = append(out, b.String())
			b.Reset()
		default:
			b.WriteRune(r)
		}
	}
	return append(out, b.String())
}

// unasked are the beginnings of lines that come whenever they like. Those that are
// also answers are not among them.
var unasked = []string{
	"+CMTI:", "+CMT:", "+CDS:", "+CDSI:", "+CBM:", "RING", "+CRING:", "+CLIP:", "NO CARRIER", "+CUSD:", "+CTZV:", "+CTZE:",
	"*PSUTTZ:", "DST:", "+CIEV:", "^", "+QIND:", "+NITZ", "BUSY", "+CGEV:", "+CFUN:", "+QUSIM:",
}

// rebooted are lines that a modem says when it has begun anew, or is about to.
var rebooted = []string{
	"RDY", "START", "Call Ready", "SMS Ready", "SMS DONE", "PB DONE", "NORMAL POWER DOWN", "UNDER-VOLTAGE", "OVER-VOLTAGE",
	"POWERED DOWN", "+QIND: SMS DONE", "APP RDY", "^SYSSTART",
}

func begins(line string, with []string) bool {
	for _, w := range with {
		if strings.HasPrefix(line, w) {
			return true
		}
	}
	return false
}
