package edoc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/citizen"
)

// The format once more, as encoding/json sees it: the reader and the writer by
// hand must agree with these on every byte.
type jsonDocument struct {
	Schema         string            `json:"schema"`
	Kind           string            `json:"kind"`
	Name           string            `json:"name"`
	Heading        string            `json:"heading"`
	Lang           string            `json:"lang"`
	Made           string            `json:"made"`
	Registered     string            `json:"registered,omitempty"`
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
	Since          string            `json:"request_registered,omitempty"`
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

func (j jsonDocument) encode(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(j); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// oneForm reports whether b is in the one form, by encoding/json alone.
func oneForm(t *testing.T, b []byte) bool {
	t.Helper()
	var j jsonDocument
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if dec.Decode(&j) != nil {
		return false
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return false
	}
	return j.Schema == schema && bytes.Equal(j.encode(t), b)
}

// hard is a text with everything that JSON treats in its own way.
const hard = "\x00\x01\b\t\n\v\f\r\x1f \"\\/<>&'\x7f\u0080ýňäžşçöü Ж\u2027\u2028\u2029\u202a\ufffd\uffff😀"

// full has every field filled.
func full(kind string) *Document {
	text, at := citizen.NewText(hard), time.Date(2026, 6, 15, 9, 30, 0, 0, time.FixedZone("", 5*3600))
	id, err := citizen.ParseID("nusga-00001")
	if err != nil {
		panic(err)
	}
	party := Party{id, text, text, text, hard, hard, text, text}
	d := &Document{
		Kind: kind, Name: hard, Heading: hard, Lang: "tk", Made: at, Kiosk: hard, Pages: 1 << 30,
		Service: hard, ServiceVersion: -7, Regulation: hard, Sender: party, Addressee: party,
		Answers:  citizen.NewAnswers(map[string]string{hard: hard, "b": "", "a": "1", "": "x"}),
		Consents: []Consent{{hard, 2, at}, {"b", -1, at}},
		AnswerTo: []string{hard, ""},
	}
	if kind == KindAnswer {
		d.Request, d.Decision, d.Text = &ID{1, 255}, Refused, text
		d.Registered, d.RequestRegistered = at.Add(time.Second), at
		d.Facts = []FactValue{{hard, text}, {"b", citizen.Text{}}}
		return d
	}
	d.Corrects = &ID{9}
	d.Attachments = []AttachmentRef{{"a.png", "image/png", 1 << 60, [32]byte{7}}, {Name: "b"}}
	return d
}

func minimal() *Document {
	return &Document{
		Kind: KindRequest, Name: "a", Heading: "b", Lang: "ru", Made: time.Unix(1, 0), Pages: 1, Service: "c",
		Addressee: Party{Organisation: "d"}, AnswerSecret: Secret{1},
		Consents: []Consent{}, AnswerTo: []string{}, Facts: []FactValue{}, Attachments: []AttachmentRef{},
		Answers: citizen.NewAnswers(nil),
	}
}

func TestOneFormIsThatOfEncodingJSON(t *testing.T) {
	for name, d := range map[string]*Document{"request": full(KindRequest), "answer": full(KindAnswer), "minimal": minimal()} {
		b, err := d.Marshal()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !oneForm(t, b) {
			t.Errorf("%s: encoding/json writes it in another way:\n%s", name, b)
		}
		read, err := ParseDocument(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		// Texts stand behind pointers and answers behind functions: what is
		// compared is what they hold.
		same := func(what string, got *Document) {
			t.Helper()
			if !reflect.DeepEqual(got.Answers.Reveal(), d.Answers.Reveal()) {
				t.Errorf("%s: %s: the answers are others", name, what)
			}
			a, b := *got, *read
			a.Answers, b.Answers = citizen.Answers{}, citizen.Answers{}
			if !reflect.DeepEqual(&a, &b) {
				t.Errorf("%s: %s is another document", name, what)
			}
		}
		same("what was read", read)
		same("the copy", d.clone())
	}
	// The copy is a copy.
	d := full(KindAnswer)
	c := d.clone()
	d.Consents[0].Rule, d.AnswerTo[0], d.Facts[0].Name, d.Request[0] = "x", "x", "x", 77
	if c.Consents[0].Rule != hard || c.AnswerTo[0] != hard || c.Facts[0].Name != hard || c.Request[0] != 1 {
		t.Error("the copy changes with what it was made of")
	}
}

// FuzzOneForm looks for bytes that the reader by hand takes and encoding/json
// does not, or the other way round.
func FuzzOneForm(f *testing.F) {
	for _, d := range []*Document{full(KindRequest), full(KindAnswer), minimal()} {
		f.Add(d.write())
	}
	files, err := filepath.Glob("../spec/vectors/edoc/document-*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d vectors, %v", len(files), err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		_, body, _ := strings.Cut(string(b), "\n\n")
		f.Add([]byte(strings.TrimSuffix(body, "\n")))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := jsonReader{s: string(b)}
		d := r.document()
		by := r.err == nil && r.s == "" && bytes.Equal(d.write(), b)
		if oneForm(t, b) == by {
			return
		}
		// Only fields of a form of their own are refused by hand and not there.
		var j jsonDocument
		if !by && json.Unmarshal(b, &j) == nil && !formed(j) {
			return
		}
		t.Errorf("by hand %v, by encoding/json %v (%v)", by, !by, r.err)
	})
}

// formed reports whether times, ids and secrets are in their own form.
func formed(j jsonDocument) bool {
	ok := true
	isTime := func(s string) {
		at, err := time.Parse("2006-01-02T15:04:05Z", s)
		ok = ok && err == nil && formatTime(at) == s
	}
	isHex := func(s string, n int) {
		b, err := hex.DecodeString(s)
		ok = ok && (s == "" || err == nil && len(b) == n && hex.EncodeToString(b) == s)
	}
	isID := func(s string) {
		id, err := citizen.ParseID(s)
		ok = ok && (s == "" || err == nil && id.Reveal() == s)
	}
	isTime(j.Made)
	for _, s := range []string{j.Registered, j.Since} {
		if s != "" {
			isTime(s)
			ok = ok && s != "0001-01-01T00:00:00Z" // the zero time is written as none
		}
	}
	for _, c := range j.Consents {
		isTime(c.At)
	}
	for _, s := range []string{j.Corrects, j.Request} {
		isHex(s, 32)
	}
	isHex(j.AnswerSecret, 16)
	ok = ok && (j.AnswerSecret == "" || strings.Trim(j.AnswerSecret, "0") != "")
	for _, a := range j.Attachments {
		isHex(a.SHA256, 32)
		ok = ok && a.SHA256 != ""
	}
	isID(j.Sender.ID)
	isID(j.Addressee.ID)
	return ok
}
