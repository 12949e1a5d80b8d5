package edoc

import (
	"bytes"
	"errors"
	"fmt"
	"time"

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
