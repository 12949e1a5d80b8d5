package edoc

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// jsonWriter writes the one form of document.json: what encoding/json writes
// with an indent of one space and without escapes for HTML. It is written by
// hand because a document is signed and checked in little more time than its
// signature takes.
type jsonWriter struct {
	b     []byte
	depth int
	first bool
}

func (w *jsonWriter) newline() {
	w.b = append(w.b, '\n')
	for range w.depth {
		w.b = append(w.b, ' ')
	}
}

// next begins an element of an array or object.
func (w *jsonWriter) next() {
	if !w.first {
		w.b = append(w.b, ',')
	}
	w.first = false
	w.newline()
}

func (w *jsonWriter) key(k string) {
	w.next()
	w.quote(k)
	w.b = append(w.b, ':', ' ')
}

func (w *jsonWriter) object(f func()) { w.nest('{', '}', f) }
func (w *jsonWriter) array(f func())  { w.nest('[', ']', f) }

func (w *jsonWriter) nest(open, end byte, f func()) {
	w.b = append(w.b, open)
	w.depth, w.first = w.depth+1, true
	f()
	w.depth--
	if !w.first {
		w.newline()
	}
	w.b, w.first = append(w.b, end), false
}

func (w *jsonWriter) text(k, s string) {
	w.key(k)
	w.quote(s)
}

// some is text, left out when empty.
func (w *jsonWriter) some(k, s string) {
	if s != "" {
		w.text(k, s)
	}
}

// time writes a time, left out when zero.
func (w *jsonWriter) time(k string, t time.Time) {
	if !t.IsZero() {
		w.text(k, formatTime(t))
	}
}

func (w *jsonWriter) number(k string, n int64) {
	w.key(k)
	w.b = strconv.AppendInt(w.b, n, 10)
}

// quote writes s as a string. What is not UTF-8 becomes U+FFFD.
func (w *jsonWriter) quote(s string) {
	const hex = "0123456789abcdef"
	w.b = append(w.b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == '\u2028' || r == '\u2029' || r == utf8.RuneError && size == 1 {
				w.b = append(w.b, s[start:i]...)
				w.b = append(w.b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
				start = i + size
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		w.b = append(w.b, s[start:i]...)
		switch c {
		case '"', '\\':
			w.b = append(w.b, '\\', c)
		case '\b':
			w.b = append(w.b, '\\', 'b')
		case '\f':
			w.b = append(w.b, '\\', 'f')
		case '\n':
			w.b = append(w.b, '\\', 'n')
		case '\r':
			w.b = append(w.b, '\\', 'r')
		case '\t':
			w.b = append(w.b, '\\', 't')
		default:
			w.b = append(w.b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	w.b = append(append(w.b, s[start:]...), '"')
}

// document writes d as document.json: every field by name, in this order, and
// those that may be empty left out when they are. The names and the order are
// the format (spec 3); read in jsonread.go knows the same names.
func (w *jsonWriter) document(d *Document) {
	w.object(func() {
		w.text("schema", schema)
		w.text("kind", d.Kind)
		w.text("name", d.Name)
		w.text("heading", d.Heading)
		w.text("lang", d.Lang)
		w.text("made", formatTime(d.Made))
		w.time("registered", d.Registered)
		w.some("kiosk", d.Kiosk)
		w.number("pages", int64(d.Pages))
		w.text("service", d.Service)
		w.number("service_version", int64(d.ServiceVersion))
		w.some("regulation", d.Regulation)
		w.party("sender", d.Sender)
		w.party("addressee", d.Addressee)
		w.answers(d.Answers.Reveal())
		w.list("consents", len(d.Consents), func(i int) {
			c := d.Consents[i]
			w.object(func() {
				w.text("rule", c.Rule)
				w.number("version", int64(c.Version))
				w.text("at", formatTime(c.At))
			})
		})
		w.list("answer_to", len(d.AnswerTo), func(i int) { w.quote(d.AnswerTo[i]) })
		w.some("answer_secret", d.AnswerSecret.json())
		w.some("corrects", formatID(d.Corrects))
		w.some("request", formatID(d.Request))
		w.time("request_registered", d.RequestRegistered)
		w.some("decision", d.Decision)
		w.some("text", d.Text.Reveal())
		w.list("facts", len(d.Facts), func(i int) {
			w.object(func() {
				w.text("name", d.Facts[i].Name)
				w.text("value", d.Facts[i].Value.Reveal())
			})
		})
		w.list("attachments", len(d.Attachments), func(i int) {
			a := d.Attachments[i]
			w.object(func() {
				w.text("name", a.Name)
				w.text("media_type", a.MediaType)
				w.number("size", a.Size)
				w.text("sha256", hex.EncodeToString(a.SHA256[:]))
			})
		})
	})
	w.b = append(w.b, '\n')
}

func (w *jsonWriter) party(k string, p Party) {
	w.key(k)
	w.object(func() {
		w.some("id", p.ID.Reveal())
		w.some("surname", p.Surname.Reveal())
		w.some("name", p.Name.Reveal())
		w.some("patronymic", p.Patronymic.Reveal())
		w.some("organisation", p.Organisation)
		w.some("position", p.Position)
		w.some("postal", p.Postal.Reveal())
		w.some("email", p.Email.Reveal())
	})
}

func (w *jsonWriter) answers(m map[string]string) {
	if len(m) == 0 {
		return
	}
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	w.key("answers")
	w.object(func() {
		for _, k := range names {
			w.text(k, m[k])
		}
	})
}

// list writes n elements, or nothing if there are none.
func (w *jsonWriter) list(k string, n int, f func(i int)) {
	if n == 0 {
		return
	}
	w.key(k)
	w.array(func() {
		for i := range n {
			w.next()
			f(i)
		}
	})
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func formatID(id *ID) string {
	if id == nil {
		return ""
	}
	return id.String()
}

// Marshal returns the document as document.json: the same document always gives
// the same bytes. It refuses one that lacks a requisite of ED-7, or that would
// not read back the same. The error names fields, never what is in them.
func (d *Document) Marshal() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("edoc: write document: %w", err)
	}
	return d.write(), nil
}

func (d *Document) write() []byte {
	w := jsonWriter{b: make([]byte, 0, 2048)}
	w.document(d)
	return w.b
}
