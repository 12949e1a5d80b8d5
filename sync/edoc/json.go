package edoc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/penjire/penjire/sync/citizen"
)

// schema names the form of document.json.
const schema = "e-document/1"

// jsonDocument is document.json: every field by name, in this order, and left
// out when empty. The field names and the order are the format (spec 3).
type jsonDocument struct {
	Schema         string            `json:"schema"`
	Kind           string            `json:"kind"`
	Name           string            `json:"name"`
	Heading        string            `json:"heading"`
	Lang           string            `json:"lang"`
	Made           string            `json:"made"`
	Kiosk          string            `json:"kiosk,omitempty"`
	Pages          int               `json:"pages"`
	Service        string            `json:"service"`
	ServiceVersion int               `json:"service_version"`
	Regulation     string            `json:"regulation,omitempty"`
	Sender         jsonParty         `json:"sender"`
	Addressee      jsonParty         `json:"addressee"`
	Answers        map[string]string `json:"answers,omitempty"`
	Consents       []jsonConsent     `json:"consents,omitempty"`
	AnswerTo       []string          `json:"answer_to,omitempty"`
	AnswerSecret   string            `json:"answer_secret,omitempty"`
	Corrects       string            `json:"corrects,omitempty"`
	Request        string            `json:"request,omitempty"`
	Decision       string            `json:"decision,omitempty"`
	Text           string            `json:"text,omitempty"`
	Facts          []jsonFact        `json:"facts,omitempty"`
	Attachments    []jsonAttachment  `json:"attachments,omitempty"`
}

type jsonParty struct {
	ID           string `json:"id,omitempty"`
	Surname      string `json:"surname,omitempty"`
	Name         string `json:"name,omitempty"`
	Patronymic   string `json:"patronymic,omitempty"`
	Organisation string `json:"organisation,omitempty"`
	Position     string `json:"position,omitempty"`
	Postal       string `json:"postal,omitempty"`
	Email        string `json:"email,omitempty"`
}

type jsonConsent struct {
	Rule    string `json:"rule"`
	Version int    `json:"version"`
	At      string `json:"at"`
}

type jsonFact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type jsonAttachment struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
}

// Marshal returns the document as document.json: the same document always gives
// the same bytes. It refuses one that lacks a requisite of ED-7, or that would
// not read back the same. The error names fields, never what is in them.
func (d *Document) Marshal() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("edoc: write document: %w", err)
	}
	j := jsonDocument{
		Schema: schema, Kind: d.Kind, Name: d.Name, Heading: d.Heading, Lang: d.Lang, Made: formatTime(d.Made),
		Kiosk: d.Kiosk, Pages: d.Pages, Service: d.Service, ServiceVersion: d.ServiceVersion, Regulation: d.Regulation,
		Sender: d.Sender.json(), Addressee: d.Addressee.json(), Answers: d.Answers.Reveal(), AnswerTo: d.AnswerTo,
		AnswerSecret: d.AnswerSecret.json(), Corrects: formatID(d.Corrects), Request: formatID(d.Request), Decision: d.Decision, Text: d.Text.Reveal(),
	}
	for _, c := range d.Consents {
		j.Consents = append(j.Consents, jsonConsent{c.Rule, c.Version, formatTime(c.At)})
	}
	for _, f := range d.Facts {
		j.Facts = append(j.Facts, jsonFact{f.Name, f.Value.Reveal()})
	}
	for _, a := range d.Attachments {
		j.Attachments = append(j.Attachments, jsonAttachment{a.Name, a.MediaType, a.Size, hex.EncodeToString(a.SHA256[:])})
	}
	b, err := j.encode()
	if err != nil {
		return nil, fmt.Errorf("edoc: write document: %w", err)
	}
	return b, nil
}

func (j jsonDocument) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(j); err != nil {
		return nil, errors.New("it cannot be written as JSON") // the cause could quote it
	}
	return b.Bytes(), nil
}

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
	var j jsonDocument
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	// The decoder's errors can quote what they stumbled over.
	if err := dec.Decode(&j); err != nil {
		return nil, errors.New("it is not the JSON of a document")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the document")
	}
	if j.Schema != schema {
		return nil, fmt.Errorf("its schema is not %s", schema)
	}
	again, err := j.encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, b) {
		return nil, errors.New("it is not in the one form a document has")
	}
	d := &Document{
		Kind: j.Kind, Name: j.Name, Heading: j.Heading, Lang: j.Lang, Kiosk: j.Kiosk, Pages: j.Pages,
		Service: j.Service, ServiceVersion: j.ServiceVersion, Regulation: j.Regulation,
		Answers: citizen.NewAnswers(j.Answers), AnswerTo: j.AnswerTo, Decision: j.Decision, Text: citizen.NewText(j.Text),
	}
	fail := func(field string, e error) {
		if e != nil && err == nil {
			err = fmt.Errorf("%s is malformed", field)
		}
	}
	var e error
	d.Made, e = readTime(j.Made)
	fail("made", e)
	d.Sender, e = j.Sender.party()
	fail("sender", e)
	d.Addressee, e = j.Addressee.party()
	fail("addressee", e)
	d.AnswerSecret, e = readSecret(j.AnswerSecret)
	fail("answer_secret", e)
	d.Corrects, e = readID(j.Corrects)
	fail("corrects", e)
	d.Request, e = readID(j.Request)
	fail("request", e)
	for _, c := range j.Consents {
		at, e := readTime(c.At)
		fail("consents", e)
		d.Consents = append(d.Consents, Consent{c.Rule, c.Version, at})
	}
	for _, f := range j.Facts {
		d.Facts = append(d.Facts, FactValue{f.Name, citizen.NewText(f.Value)})
	}
	for _, a := range j.Attachments {
		id, e := ParseID(a.SHA256)
		fail("attachments", e)
		d.Attachments = append(d.Attachments, AttachmentRef{a.Name, a.MediaType, a.Size, id})
	}
	if err != nil {
		return nil, err
	}
	return d, d.check()
}

func (p Party) json() jsonParty {
	return jsonParty{
		p.ID.Reveal(), p.Surname.Reveal(), p.Name.Reveal(), p.Patronymic.Reveal(),
		p.Organisation, p.Position, p.Postal.Reveal(), p.Email.Reveal(),
	}
}

func (j jsonParty) party() (Party, error) {
	p := Party{
		Surname: citizen.NewText(j.Surname), Name: citizen.NewText(j.Name), Patronymic: citizen.NewText(j.Patronymic),
		Organisation: j.Organisation, Position: j.Position, Postal: citizen.NewText(j.Postal), Email: citizen.NewText(j.Email),
	}
	if j.ID == "" {
		return p, nil
	}
	var err error
	if p.ID, err = citizen.ParseID(j.ID); err == nil && p.ID.Reveal() != j.ID {
		err = errors.New("the identifier is not in its one form")
	}
	return p, err
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func readTime(s string) (time.Time, error) {
	t, err := time.Parse("2006-01-02T15:04:05Z", s)
	if err != nil || formatTime(t) != s {
		return time.Time{}, errors.New("it is not a time in whole seconds, UTC")
	}
	return t, nil
}

func formatID(id *ID) string {
	if id == nil {
		return ""
	}
	return id.String()
}

func readID(s string) (*ID, error) {
	if s == "" {
		return nil, nil
	}
	id, err := ParseID(s)
	return &id, err
}

// texts calls f with every text of the document that JSON could change.
func (d *Document) texts(f func(string)) {
	for _, s := range []string{d.Name, d.Heading, d.Lang, d.Kiosk, d.Service, d.Regulation, d.Text.Reveal()} {
		f(s)
	}
	for _, p := range []Party{d.Sender, d.Addressee} {
		j := p.json()
		for _, s := range []string{j.Surname, j.Name, j.Patronymic, j.Organisation, j.Position, j.Postal, j.Email} {
			f(s)
		}
	}
	for k, v := range d.Answers.Reveal() {
		f(k)
		f(v)
	}
	for _, c := range d.Consents {
		f(c.Rule)
	}
	for _, x := range d.Facts {
		f(x.Name)
		f(x.Value.Reveal())
	}
	for _, s := range d.AnswerTo {
		f(s)
	}
}

// check says what a document lacks to be one (ED-7).
func (d *Document) check() error {
	valid := true
	d.texts(func(s string) { valid = valid && utf8.ValidString(s) })
	switch {
	case !valid:
		return errors.New("a text is not UTF-8")
	case d.Kind != KindRequest && d.Kind != KindAnswer:
		return errors.New("kind: want request or answer")
	case d.Name == "":
		return errors.New("name: it is empty")
	case d.Heading == "":
		return errors.New("heading: it is empty")
	case d.Lang != "tk" && d.Lang != "ru" && d.Lang != "en":
		return errors.New("lang: want tk, ru or en")
	case d.Made.IsZero() || d.Made.Nanosecond() != 0 || d.Made.UTC().Year() > 9999:
		return errors.New("made: want a time in whole seconds")
	case d.Pages < 1:
		return fmt.Errorf("pages: got %d, want 1 or more", d.Pages)
	case d.Service == "":
		return errors.New("service: it is empty")
	}
	for _, c := range d.Consents {
		if c.Rule == "" || c.At.Nanosecond() != 0 || c.At.IsZero() {
			return errors.New("consents: want a rule and a time in whole seconds")
		}
	}
	for _, f := range d.Facts {
		if f.Name == "" {
			return errors.New("facts: one has no name")
		}
	}
	return d.checkKind()
}

func (d *Document) checkKind() error {
	if d.Kind == KindRequest {
		switch {
		case d.Request != nil || d.Decision != "" || len(d.Facts) > 0 || !d.Text.IsZero():
			return errors.New("a request holds what only an answer has")
		case d.Addressee.Organisation == "":
			return errors.New("addressee.organisation: it is empty")
		case len(d.AnswerTo) == 0 && d.AnswerSecret == (Secret{}):
			return errors.New("answer_secret: a request that names no recipients has one")
		case len(d.AnswerTo) > 0 && d.AnswerSecret != (Secret{}):
			return errors.New("answer_secret: a request that names recipients has none")
		}
		return nil
	}
	switch {
	case d.AnswerSecret != (Secret{}):
		return errors.New("answer_secret: only a request has one")
	case d.Request == nil:
		return errors.New("request: an answer names the request")
	case d.Decision != Answered && d.Decision != Refused && d.Decision != Returned:
		return errors.New("decision: want answered, refused or returned")
	case d.Sender.Organisation == "":
		return errors.New("sender.organisation: it is empty")
	case d.Corrects != nil:
		return errors.New("corrects: only a request corrects one")
	}
	return nil
}
