package edoc

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonReader reads JSON from s; what it returns is parts of s. After an error it reads nothing more. No error
// quotes what was read: it is personal data.
type jsonReader struct {
	s   string
	err error
}

var errJSON = errors.New("it is not the JSON of a document")

func (r *jsonReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.s = ""
}

// is steps over c and the space before and after it, if c is next.
func (r *jsonReader) is(c byte) bool {
	r.space()
	if len(r.s) == 0 || r.s[0] != c {
		return false
	}
	r.s = r.s[1:]
	r.space()
	return true
}

func (r *jsonReader) space() {
	i := 0
	for i < len(r.s) && (r.s[i] == ' ' || r.s[i] == '\n') {
		i++
	}
	r.s = r.s[i:]
}

// plain returns how many bytes come before the next quote or backslash; -1 if
// there is none.
func (r *jsonReader) plain() int {
	for i := range len(r.s) {
		if r.s[i] == '"' || r.s[i] == '\\' {
			return i
		}
	}
	return -1
}

func (r *jsonReader) must(c byte) {
	if !r.is(c) {
		r.fail(errJSON)
	}
}

// members reads an object; f reads the value of a name it knows.
func (r *jsonReader) members(f func(name string) bool) {
	r.must('{')
	for !r.is('}') && r.err == nil {
		name := r.text()
		r.must(':')
		if r.err == nil && !f(name) {
			r.fail(errors.New("it has a field that documents do not have"))
		}
		if !r.is(',') {
			r.must('}')
			return
		}
	}
}

func (r *jsonReader) elements(f func()) {
	r.must('[')
	for !r.is(']') && r.err == nil {
		f()
		if !r.is(',') {
			r.must(']')
			return
		}
	}
}

func (r *jsonReader) number() int64 {
	i := 0
	for i < len(r.s) && (r.s[i] == '-' || r.s[i] >= '0' && r.s[i] <= '9') {
		i++
	}
	n, err := strconv.ParseInt(r.s[:i], 10, 64)
	if err != nil {
		r.fail(errJSON)
		return 0
	}
	r.s = r.s[i:]
	return n
}

func (r *jsonReader) text() string {
	if len(r.s) == 0 || r.s[0] != '"' {
		r.fail(errJSON)
		return ""
	}
	r.s = r.s[1:]
	end := r.plain()
	if end >= 0 && r.s[end] == '"' { // most have no escapes
		s := r.s[:end]
		r.s = r.s[end+1:]
		return s
	}
	var s strings.Builder
	for {
		end := r.plain()
		if end < 0 {
			r.fail(errJSON)
			return ""
		}
		_, _ = s.WriteString(r.s[:end])
		quote := r.s[end] == '"'
		r.s = r.s[end+1:]
		if quote {
			return s.String()
		}
		_, _ = s.WriteRune(r.escape())
	}
}

// escape reads what follows a backslash, of the escapes that are written.
func (r *jsonReader) escape() rune {
	if len(r.s) == 0 {
		r.fail(errJSON)
		return 0
	}
	c := r.s[0]
	r.s = r.s[1:]
	if i := strings.IndexByte(`"\bfnrt`, c); i >= 0 {
		return rune("\"\\\b\f\n\r\t"[i])
	}
	if c != 'u' || len(r.s) < 4 {
		r.fail(errJSON)
		return 0
	}
	n, err := strconv.ParseUint(r.s[:4], 16, 16)
	if err != nil || utf16.IsSurrogate(rune(n)) || rune(n) == utf8.RuneError {
		r.fail(errJSON)
		return 0
	}
	r.s = r.s[4:]
	return rune(n)
}
