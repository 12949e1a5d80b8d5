package edoc

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/penjire/penjire/sync/citizen"
)

// schema names the form of document.json.
const schema = "e-document/1"

// ParseDocument reads document.json, which must be byte for byte what Marshal
// writes.
func ParseDocument(b []byte) (*Document, error) {
	d, err := parseDocument(b)
	if err != nil {
		return nil, fmt.Errorf("edoc: read document: %w", err)
	}
	return d, nil
}

func parseDocument(b []byte) (*Document, error) {
	r := jsonReader{s: string(b)}
	d := r.document()
	if r.err == nil && len(r.s) > 0 {
		r.err = errors.New("something follows the document")
	}
	if r.err != nil {
		return nil, r.err
	}
	// The reader is lenient in what it steps over; what is written is not.
	if !bytes.Equal(d.write(), b) {
		return nil, errors.New("it is not in the one form a document has")
	}
	return d, d.check()
}

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

func (r *jsonReader) document() *Document {
	d := &Document{}
	var form string
	r.members(func(name string) bool {
		switch name {
		case "schema":
			form = r.text()
		case "kind":
			d.Kind = r.text()
		case "name":
			d.Name = r.text()
		case "heading":
			d.Heading = r.text()
		case "lang":
			d.Lang = r.text()
		case "made":
			d.Made = r.time(name)
		case "kiosk":
			d.Kiosk = r.text()
		case "pages":
			d.Pages = int(r.number())
		case "service":
			d.Service = r.text()
		case "service_version":
			d.ServiceVersion = int(r.number())
		case "regulation":
			d.Regulation = r.text()
		case "sender":
			d.Sender = r.party(name)
		case "addressee":
			d.Addressee = r.party(name)
		default:
			return r.rest(d, name)
		}
		return true
	})
	if r.err == nil && form != schema {
		r.fail(fmt.Errorf("its schema is not %s", schema))
	}
	return d
}

// rest reads the fields that not every document has.
func (r *jsonReader) rest(d *Document, name string) bool {
	switch name {
	case "registered":
		d.Registered = r.time(name)
	case "request_registered":
		d.RequestRegistered = r.time(name)
	case "answers":
		m := map[string]string{}
		r.members(func(k string) bool { m[k] = r.text(); return true })
		d.Answers = citizen.NewAnswers(m)
	case "consents":
		r.elements(func() { d.Consents = append(d.Consents, r.consent()) })
	case "answer_to":
		r.elements(func() { d.AnswerTo = append(d.AnswerTo, r.text()) })
	case "answer_secret":
		var err error
		if d.AnswerSecret, err = readSecret(r.text()); err != nil {
			r.malformed(name)
		}
	case "corrects":
		d.Corrects = r.id(name)
	case "request":
		d.Request = r.id(name)
	case "decision":
		d.Decision = r.text()
	case "text":
		d.Text = citizen.NewText(r.text())
	case "facts":
		r.elements(func() { d.Facts = append(d.Facts, r.fact()) })
	case "attachments":
		r.elements(func() { d.Attachments = append(d.Attachments, r.attachment()) })
	default:
		return false
	}
	return true
}

func (r *jsonReader) malformed(field string) { r.fail(fmt.Errorf("%s is malformed", field)) }

func (r *jsonReader) time(field string) time.Time {
	s := r.text()
	t, err := time.Parse("2006-01-02T15:04:05Z", s)
	if err != nil || formatTime(t) != s {
		r.malformed(field) // not a time in whole seconds, UTC
	}
	return t
}

func (r *jsonReader) id(field string) *ID {
	id, err := ParseID(r.text())
	if err != nil {
		r.malformed(field)
	}
	return &id
}

func (r *jsonReader) party(field string) (p Party) {
	r.members(func(name string) bool {
		s := r.text()
		switch name {
		case "id":
			var err error
			if p.ID, err = citizen.ParseID(s); err != nil {
				r.malformed(field)
			}
		case "surname":
			p.Surname = citizen.NewText(s)
		case "name":
			p.Name = citizen.NewText(s)
		case "patronymic":
			p.Patronymic = citizen.NewText(s)
		case "organisation":
			p.Organisation = s
		case "position":
			p.Position = s
		case "postal":
			p.Postal = citizen.NewText(s)
		case "email":
			p.Email = citizen.NewText(s)
		default:
			return false
		}
		return true
	})
	return p
}

func (r *jsonReader) consent() (c Consent) {
	r.members(func(name string) bool {
		switch name {
		case "rule":
			c.Rule = r.text()
		case "version":
			c.Version = int(r.number())
		case "at":
			c.At = r.time("consents")
		default:
			return false
		}
		return true
	})
	return c
}

func (r *jsonReader) fact() (f FactValue) {
	r.members(func(name string) bool {
		switch name {
		case "name":
			f.Name = r.text()
		case "value":
			f.Value = citizen.NewText(r.text())
		default:
			return false
		}
		return true
	})
	return f
}

func (r *jsonReader) attachment() (a AttachmentRef) {
	r.members(func(name string) bool {
		switch name {
		case "name":
			a.Name = r.text()
		case "media_type":
			a.MediaType = r.text()
		case "size":
			a.Size = r.number()
		case "sha256":
			if id := r.id("attachments"); id != nil {
				a.SHA256 = *id
			}
		default:
			return false
		}
		return true
	})
	return a
}
